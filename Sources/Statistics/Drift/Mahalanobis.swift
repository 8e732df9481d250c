/// The distance of vectors from the centre of others, in the others' own deviations:
/// √((x − μ)ᵀ Σ⁻¹ (x − μ)) (Mahalanobis 1936).
///
/// Σ is the sample's covariance with a hundredth of its mean variance added to each variance, so that a
/// number which never varied doesn't divide by zero. Nothing but sums, products and roots, in order.
public struct Mahalanobis: Hashable, Sendable {
  public let mean: [Double]
  /// L of Σ = L·Lᵀ, row after row, (d, d); the reciprocal on the diagonal.
  private let factor: [Double]

  static let ridge = 0.01

  /// - Parameter covariance: (d, d), symmetric, without negative eigenvalues.
  public init(mean: [Double], covariance: [Double]) {
    let d = mean.count
    precondition(covariance.count == d * d)
    self.mean = mean
    let trace = (0..<d).reduce(0.0) { $0 + covariance[$1 * d + $1] }
    let added = trace > 0 ? Self.ridge * trace / Double(d) : 1
    var l = [Double](repeating: 0, count: d * d)
    for row in 0..<d {
      for column in 0...row {
        var sum = covariance[row * d + column] + (row == column ? added : 0)
        for k in 0..<column { sum -= l[row * d + k] * l[column * d + k] }
        // The diagonal holds reciprocals.
        l[row * d + column] =
          row == column ? 1 / max(sum, added * 1e-6).squareRoot() : sum * l[column * d + column]
      }
    }
    factor = l
  }

  /// |L⁻¹ (x − μ)|.
  public func distance(_ x: some Collection<Float>) -> Double {
    var sum = 0.0
    for y in whitened(x.lazy.map { Double($0) }) { sum += y * y }
    return sum.squareRoot()
  }

  /// L⁻¹ (x − μ): the numbers whose squares are the square of the distance.
  public func whitened(_ x: some Collection<Double>) -> [Double] {
    let d = mean.count
    precondition(x.count == d)
    var y = [Double](repeating: 0, count: d)
    for (row, value) in x.enumerated() {
      var rest = value - mean[row]
      for k in 0..<row { rest -= factor[row * d + k] * y[k] }
      y[row] = rest * factor[row * d + row]
    }
    return y
  }
}
