import Elements

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
  /// (256, 256), from `least` to `greatest`.
  private var heights = [Double](repeating: 0, count: size * size)
  private var (least, greatest) = (0.0, 0.0)

  /// From U(−1, 1), one for each point but the first.
  static func draw(_ random: inout RandomStream) -> [Float] {
    random.uniforms(size * size - 1, -1, 1)
  }

  init(decay: Double, noise: [Float]) {
    let size = Self.size
    precondition(noise.count == size * size - 1)
    heights.withUnsafeMutableBufferPointer { heights in
      noise.withUnsafeBufferPointer { noise in
        var rest = noise.baseAddress!
        var wobble = 100.0
        var side = size
        while side >= 2 {
          let half = side / 2
          let grid = Grid(heights: heights.baseAddress!, side: side, part: wobble * wobble)
          rest = grid.set(fromRow: half, column: half, a: half, b: half, by: rest)
          rest = grid.set(fromRow: 0, column: half, a: half, b: 0, by: rest)
          rest = grid.set(fromRow: half, column: 0, a: half, b: 0, by: rest)
          side = half
          wobble /= decay
        }
      }
    }
    (least, greatest) = Self.extremes(heights)
  }

  /// The points of every `side` rows and columns.
  private struct Grid {
    let heights: UnsafeMutablePointer<Double>
    let side: Int
    let part: Double

    /// From here on; (a, b) and (−b, a) with their opposites are the ways to the neighbours.
    /// - Returns: the noise that is left.
    @inline(__always)
    func set(
      fromRow row: Int, column: Int, a: Int, b: Int, by noise: UnsafePointer<Float>
    ) -> UnsafePointer<Float> {
      let last = Cloud.size - 1
      var noise = noise
      for y in stride(from: row, to: Cloud.size, by: side) {
        let (up, down) = (((y + a) & last) * Cloud.size, ((y - a) & last) * Cloud.size)
        let (left, right) = (((y - b) & last) * Cloud.size, ((y + b) & last) * Cloud.size)
        for x in stride(from: column, to: Cloud.size, by: side) {
          let sum =
            heights[up + ((x + b) & last)] + heights[down + ((x - b) & last)]
            + heights[left + ((x + a) & last)] + heights[right + ((x - a) & last)]
          heights[y * Cloud.size + x] = sum / 4 + part * Double(noise.pointee)
          noise += 1
        }
      }
      return noise
    }
  }

  /// The lowest and the highest, eight at a time.
  private static func extremes(_ heights: [Double]) -> (Double, Double) {
    var (least, greatest) = (SIMD8(repeating: heights[0]), SIMD8(repeating: heights[0]))
    heights.withUnsafeBytes { bytes in
      for place in stride(from: 0, to: bytes.count, by: MemoryLayout<SIMD8<Double>>.size) {
        let values = bytes.loadUnaligned(fromByteOffset: place, as: SIMD8<Double>.self)
        least = least.replacing(with: values, where: values .< least)
        greatest = greatest.replacing(with: values, where: values .> greatest)
      }
    }
    return (least.min(), greatest.max())
  }

  /// In [0, 1]; between the points it is blended bilinearly.
  func height(row: Double, column: Double) -> Double {
    let (top, left) = (Int(row), Int(column))
    let (down, right) = (row - Double(top), column - Double(left))
    func at(_ y: Int, _ x: Int) -> Double {
      (heights[y % Self.size * Self.size + x % Self.size] - least) / (greatest - least)
    }
    let above = at(top, left) + right * (at(top, left + 1) - at(top, left))
    let below = at(top + 1, left) + right * (at(top + 1, left + 1) - at(top + 1, left))
    return above + down * (below - above)
  }
}
