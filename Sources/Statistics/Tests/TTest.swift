/// Whether the means of two samples differ, by Student's t.
///
/// The difference is always the second mean less the first.
public struct TTest: Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    /// Over differences of pairs, such as the runs of two configurations with one seed.
    case paired
    /// Of independent samples whose deviations may differ (Welch 1947).
    case welch
  }

  public let kind: Kind
  public let difference: Double
  /// t = difference / standard error; infinite where values don't vary but do differ.
  public let statistic: Double
  public let degrees: Double
  /// Two-sided.
  public let p: Double
  /// Of the difference, with confidence 1 − α.
  public let interval: Interval
  /// Pairs, or values of both samples.
  public let count: Int

  /// Of differences dᵢ with mean d̄ and deviation s over n pairs: t = d̄ √n / s with n − 1 degrees of
  /// freedom. Nil for fewer than two.
  public init?(ofDifferences differences: [Double], alpha: Double = 0.05) {
    guard differences.count >= 2 else { return nil }
    let sample = Sample(differences)
    self.init(
      .paired, difference: sample.mean,
      error: sample.deviation! / Double(sample.count).squareRoot(),
      degrees: Double(sample.count - 1), count: sample.count, alpha: alpha)
  }

  /// t = (x̄₂ − x̄₁) / √(s₁²/n₁ + s₂²/n₂) with the degrees of freedom of Welch and Satterthwaite,
  /// (s₁²/n₁ + s₂²/n₂)² / ((s₁²/n₁)² / (n₁ − 1) + (s₂²/n₂)² / (n₂ − 1)). Nil when either sample has
  /// fewer than two values.
  public init?(_ first: Sample, _ second: Sample, alpha: Double = 0.05) {
    guard let s1 = first.deviation, let s2 = second.deviation else { return nil }
    let (n1, n2) = (Double(first.count), Double(second.count))
    let (v1, v2) = (s1 * s1 / n1, s2 * s2 / n2)
    // Where nothing varies, any number of degrees gives the same answer.
    let degrees =
      v1 + v2 > 0
      ? (v1 + v2) * (v1 + v2) / (v1 * v1 / (n1 - 1) + v2 * v2 / (n2 - 1)) : n1 + n2 - 2
    self.init(
      .welch, difference: second.mean - first.mean, error: (v1 + v2).squareRoot(),
      degrees: degrees, count: first.count + second.count, alpha: alpha)
  }

  private init(
    _ kind: Kind, difference: Double, error: Double, degrees: Double, count: Int, alpha: Double
  ) {
    self.kind = kind
    self.difference = difference
    self.degrees = degrees
    self.count = count
    let student = StudentT(degrees: degrees)
    if error > 0 {
      statistic = difference / error
      p = student.twoSided(statistic)
    } else {
      statistic = difference == 0 ? 0 : difference > 0 ? .infinity : -.infinity
      p = difference == 0 ? 1 : 0
    }
    let reach = -student.quantile(alpha / 2) * error
    interval = Interval(difference - reach, difference + reach)
  }
}
