import Elements

/// The edges of the mean of an image's channels (J. Canny, "A computational approach to edge detection",
/// 1986), as scikit-image's `feature.canny` finds them: Sobel's gradient of the blurred image, thinned to
/// where it is greatest along itself, kept where it is at least 0.2, or at least 0.1 and joined to such.
/// The outermost pixels are never edges.
struct CannyEdges {
  private let height: Int, width: Int
  // (H, W): the gradient, down and across, and its length.
  private var rise: [Double]
  private var run: [Double]
  private var strength: [Double]

  init(of canvas: Canvas, sigma: Double) {
    (height, width) = (canvas.height, canvas.width)
    rise = [Double](repeating: 0, count: height * width)
    run = rise
    strength = rise
    var grey = Canvas(height: height, width: width, channels: 1)
    let channels = canvas.channels
    for pixel in grey.values.indices {
      let all = canvas.values[pixel * channels..<(pixel + 1) * channels].reduce(0, +)
      grey.values[pixel] = all / Double(channels)
    }
    // The mean of what lies inside: zeros outside, and their share made up for.
    var inside = grey
    inside.change { _ in 1 }
    inside.blur(sigma: sigma, outside: .zero)
    grey.blur(sigma: sigma, outside: .zero)
    for i in grey.values.indices { grey.values[i] /= inside.values[i] + Double.ulpOfOne }
    func at(_ y: Int, _ x: Int) -> Double {
      grey.values[min(max(y, 0), height - 1) * width + min(max(x, 0), width - 1)]
    }
    func down(_ y: Int, _ x: Int) -> Double { at(y + 1, x) - at(y - 1, x) }
    func across(_ y: Int, _ x: Int) -> Double { at(y, x + 1) - at(y, x - 1) }
    for y in 0..<height {
      for x in 0..<width {
        let i = y * width + x
        rise[i] = 2 * down(y, x) + (down(y, x - 1) + down(y, x + 1))
        run[i] = 2 * across(y, x) + (across(y - 1, x) + across(y + 1, x))
        strength[i] = (rise[i] * rise[i] + run[i] * run[i]).squareRoot()
      }
    }
  }

  /// Whether the gradient at a pixel is no shorter than on either side along itself, between the
  /// neighbour straight ahead and the one across the corner.
  private func isRidge(_ i: Int) -> Bool {
    let (steep, flat) = (abs(rise[i]), abs(run[i]))
    let side = (rise[i] < 0) == (run[i] < 0) ? 1 : -1
    let (straight, diagonal, share) =
      steep >= flat ? (width, width + side, flat / steep) : (1, side * width + 1, steep / flat)
    func ahead(_ sign: Int) -> Double {
      (1 - share) * strength[i + sign * straight] + share * strength[i + sign * diagonal]
    }
    return ahead(1) <= strength[i] && ahead(-1) <= strength[i]
  }

  /// (H, W)
  var traced: [Bool] {
    var isEdge = [Bool](repeating: false, count: height * width)
    guard height > 2, width > 2 else { return isEdge }
    var isWeak = isEdge
    var open: [Int] = []
    for y in 1..<height - 1 {
      for x in 1..<width - 1 {
        let i = y * width + x
        guard strength[i] >= 0.1, isRidge(i) else { continue }
        isWeak[i] = true
        if strength[i] >= 0.2 { open.append(i) }
      }
    }
    while let i = open.popLast() {
      guard isWeak[i] else { continue }
      isWeak[i] = false
      isEdge[i] = true
      for row in [i - width, i, i + width] { open += [row - 1, row, row + 1] }
    }
    return isEdge
  }
}
