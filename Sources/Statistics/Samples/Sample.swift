/// Values of one quantity, such as a metric over the seeds of a configuration.
public struct Sample: Hashable, Sendable {
  public let count: Int
  public let mean: Double
  /// √(Σ (xᵢ − x̄)² / (n − 1)); nil for a single value.
  public let deviation: Double?

  /// - Precondition: there is a value.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty)
    let n = Double(values.count)
    let first = values.reduce(0, +) / n
    // The rounding of the sum is taken out again, so that equal values have their own mean.
    let mean = first + values.reduce(0) { $0 + ($1 - first) } / n
    count = values.count
    self.mean = mean
    deviation =
      values.count < 2
      ? nil
      : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (n - 1)).squareRoot()
  }

  /// x̄ ± t₍₁₋α/₂, ₙ₋₁₎ s / √n, which holds the mean with confidence 1 − α if the values are normal; nil
  /// for a single value.
  public func meanInterval(alpha: Double = 0.05) -> Interval? {
    guard let deviation else { return nil }
    let reach =
      -StudentT(degrees: Double(count - 1)).quantile(alpha / 2) * deviation
      / Double(count).squareRoot()
    return Interval(mean - reach, mean + reach)
  }

  /// s √((n − 1) / χ²), between the quantiles 1 − α/2 and α/2 of χ² with n − 1 degrees of freedom: holds
  /// the deviation with confidence 1 − α if the values are normal; nil for a single value.
  public func deviationInterval(alpha: Double = 0.05) -> Interval? {
    guard let deviation else { return nil }
    let degrees = Double(count - 1)
    let chi = ChiSquared(degrees: degrees)
    return Interval(
      deviation * (degrees / chi.quantile(1 - alpha / 2)).squareRoot(),
      deviation * (degrees / chi.quantile(alpha / 2)).squareRoot())
  }
}
