import Glibc

/// The chance of an event by some figures of it: p = 1/(1 + e^(−βᵀx)), β the greatest of
/// Σ w (y ln p + (1 − y) ln(1 − p)) − λ/2 |β|² without the first, by Newton's method. x begins with 1.
public struct LogisticFit: Hashable, Sendable {
  /// β.
  public let coefficients: [Double]

  public init(coefficients: [Double]) { self.coefficients = coefficients }

  /// - Parameters:
  ///   - rows: (N, d), row after row.
  ///   - happened: y of each row.
  ///   - weights: w of each row.
  ///   - penalty: λ.
  public init(
    rows: [Double], width d: Int, happened: [Bool], weights: [Double], penalty: Double = 1
  ) {
    let count = happened.count
    precondition(d > 0 && rows.count == count * d && weights.count == count)
    var beta = [Double](repeating: 0, count: d)
    func likelihood(_ beta: [Double]) -> Double {
      var sum = 0.0
      for row in 0..<count {
        var z = 0.0
        for i in 0..<d { z += beta[i] * rows[row * d + i] }
        // ln(1 + e^−|z|), which no z overflows.
        let away = happened[row] ? -z : z
        sum -= weights[row] * (max(away, 0) + log1p(exp(-abs(away))))
      }
      for i in 1..<max(d, 1) { sum -= penalty / 2 * beta[i] * beta[i] }
      return sum
    }
    var best = likelihood(beta)
    for _ in 0..<50 {
      var gradient = [Double](repeating: 0, count: d)
      var curvature = [Double](repeating: 0, count: d * d)
      for row in 0..<count {
        var z = 0.0
        for i in 0..<d { z += beta[i] * rows[row * d + i] }
        let p = 1 / (1 + exp(-z))
        let (residual, weight) = ((happened[row] ? 1 : 0) - p, weights[row] * p * (1 - p))
        for i in 0..<d {
          let x = rows[row * d + i]
          gradient[i] += weights[row] * residual * x
          for j in 0...i { curvature[i * d + j] += weight * x * rows[row * d + j] }
        }
      }
      for i in 0..<d {
        if i > 0 { gradient[i] -= penalty * beta[i] }
        curvature[i * d + i] += i > 0 ? penalty : 1e-9
      }
      let step = PositiveDefinite.solve(curvature, gradient)
      var (scale, next) = (1.0, beta)
      var value = -Double.infinity
      while scale > 1e-6 {
        next = zip(beta, step).map { $0 + scale * $1 }
        value = likelihood(next)
        if value > best { break }
        scale /= 2
      }
      guard value > best else { break }
      let gain = value - best
      (beta, best) = (next, value)
      if gain < 1e-10 * abs(best) { break }
    }
    coefficients = beta
  }

  /// p of one row.
  public func probability(_ row: [Double]) -> Double {
    1 / (1 + exp(-zip(coefficients, row).reduce(0) { $0 + $1.0 * $1.1 }))
  }
}
