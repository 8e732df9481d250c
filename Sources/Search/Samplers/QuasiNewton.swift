/// Finds a local minimum by the method of Broyden, Fletcher, Goldfarb and Shanno, with a line search
/// that halves the step until Armijo's condition holds (Nocedal and Wright, "Numerical
/// optimization", 2006, chapter 6).
enum QuasiNewton {
  struct Point {
    var x: [Double]
    var value: Double
    var gradient: [Double]
  }

  /// - Parameters:
  ///   - longest: the most that a coordinate may move in one step.
  ///   - function: its value and gradient; nil where it has none, which counts as too high.
  /// - Returns: nil when the function has no value at the start.
  static func minimum(
    from start: [Double], iterations: Int = 50, longest: Double = 1, tolerance: Double = 1e-4,
    of function: ([Double]) -> (value: Double, gradient: [Double])?
  ) -> Point? {
    guard let first = function(start) else { return nil }
    let size = start.count
    var here = Point(x: start, value: first.value, gradient: first.gradient)
    // The inverse of the Hessian, (size, size).
    var inverse = identity(size)
    for _ in 0..<iterations {
      guard here.gradient.contains(where: { abs($0) > tolerance }) else { break }
      var step = (0..<size).map { i in
        -(0..<size).reduce(0) { $0 + inverse[i * size + $1] * here.gradient[$1] }
      }
      var slope = dot(step, here.gradient)
      if slope >= 0 {
        inverse = identity(size)
        step = here.gradient.map { -$0 }
        slope = dot(step, here.gradient)
      }
      let length = step.lazy.map(abs).max()!
      var scale = min(1, longest / length)
      var next: Point?
      for _ in 0..<20 {
        let x = zip(here.x, step).map { $0 + scale * $1 }
        if let found = function(x), found.value <= here.value + 1e-4 * scale * slope {
          next = Point(x: x, value: found.value, gradient: found.gradient)
          break
        }
        scale /= 2
      }
      guard let next else { break }
      let gain = here.value - next.value
      let s = zip(next.x, here.x).map(-)
      let y = zip(next.gradient, here.gradient).map(-)
      here = next
      if gain < 1e-7 * max(1, abs(next.value)) { break }
      let sy = dot(s, y)
      if sy > 1e-10 { update(&inverse, s, y, sy) }
    }
    return here
  }

  /// H ← (I − s·yᵀ/sᵀy)·H·(I − y·sᵀ/sᵀy) + s·sᵀ/sᵀy
  private static func update(_ h: inout [Double], _ s: [Double], _ y: [Double], _ sy: Double) {
    let size = s.count
    let hy = (0..<size).map { i in (0..<size).reduce(0) { $0 + h[i * size + $1] * y[$1] } }
    let factor = (1 + dot(y, hy) / sy) / sy
    for i in 0..<size {
      for j in 0..<size {
        h[i * size + j] += factor * s[i] * s[j] - (hy[i] * s[j] + s[i] * hy[j]) / sy
      }
    }
  }

  private static func identity(_ size: Int) -> [Double] {
    (0..<size * size).map { $0 % (size + 1) == 0 ? 1 : 0 }
  }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }
}
