import ConvNet

/// A cloud over the image: v ← (v + c·n)·M / (M + c), M the greatest v of the image, n the cloud's
/// height at the pixel.
struct Fog {
  /// c
  let strength: Double
  /// By how much the cloud's roughness falls from each scale to the next.
  let decay: Double

  static let levels = [
    Fog(strength: 1.5, decay: 2), Fog(strength: 2, decay: 2), Fog(strength: 2.5, decay: 1.7),
    Fog(strength: 2.5, decay: 1.5), Fog(strength: 3, decay: 1.4),
  ]

  func apply(_ noise: [Float], to canvas: inout Canvas) {
    let cloud = Cloud(decay: decay, noise: noise)
    let greatest = canvas.values.max()!
    let share = greatest / (greatest + strength)
    let unit = canvas.unit
    var heights: [Double] = []
    for y in 0..<canvas.height {
      for x in 0..<canvas.width {
        heights.append(cloud.height(row: Double(y) / unit, column: Double(x) / unit))
      }
    }
    canvas.combine(with: heights) { ($0 + strength * $1) * share }
  }
}

/// A plasma fractal on a torus of 256 x 256, by the diamond-square algorithm (A. Fournier, D. Fussell and
/// L. Carpenter, "Computer rendering of stochastic models", 1982): from one point on, squares of side
/// s = 256, 128, ... 2 get their centre, then the midpoints of their sides, each the mean of its four
/// neighbours + w·U(−w, w), w = 100, 100/decay, ...; then the lowest point is made 0 and the highest 1.
struct Cloud {
  private static let size = 256
  /// (256, 256)
  private var heights = [Double](repeating: 0, count: size * size)

  /// From U(−1, 1), one for each point but the first.
  static func draw(_ random: inout RandomStream) -> [Float] {
    (1..<size * size).map { _ in random.uniform(-1, 1) }
  }

  init(decay: Double, noise: [Float]) {
    let size = Self.size
    precondition(noise.count == size * size - 1)
    heights.withUnsafeMutableBufferPointer { heights in
      var used = 0
      var wobble = 100.0
      var side = size
      while side >= 2 {
        let half = side / 2
        /// Every `side` rows and columns from here on; (a, b) and (−b, a) with their opposites are the
        /// ways to the neighbours.
        func set(fromRow row: Int, column: Int, a: Int, b: Int) {
          for y in stride(from: row, to: size, by: side) {
            for x in stride(from: column, to: size, by: side) {
              func at(_ dy: Int, _ dx: Int) -> Double {
                heights[(y + dy) & (size - 1) * size + (x + dx) & (size - 1)]
              }
              let mean = (at(a, b) + at(-a, -b) + at(-b, a) + at(b, -a)) / 4
              heights[y * size + x] = mean + wobble * wobble * Double(noise[used])
              used += 1
            }
          }
        }
        set(fromRow: half, column: half, a: half, b: half)
        set(fromRow: 0, column: half, a: half, b: 0)
        set(fromRow: half, column: 0, a: half, b: 0)
        side = half
        wobble /= decay
      }
      let (least, greatest) = (heights.min()!, heights.max()!)
      for i in heights.indices { heights[i] = (heights[i] - least) / (greatest - least) }
    }
  }

  /// In [0, 1]; between the points it is blended bilinearly.
  func height(row: Double, column: Double) -> Double {
    let (top, left) = (Int(row), Int(column))
    let (down, right) = (row - Double(top), column - Double(left))
    func at(_ y: Int, _ x: Int) -> Double {
      heights[y % Self.size * Self.size + x % Self.size]
    }
    let above = at(top, left) + right * (at(top, left + 1) - at(top, left))
    let below = at(top + 1, left) + right * (at(top + 1, left + 1) - at(top + 1, left))
    return above + down * (below - above)
  }
}
