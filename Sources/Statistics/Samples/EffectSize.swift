import Glibc

/// A difference of means in units of a deviation: how large it is, not how sure.
public struct EffectSize: Hashable, Sendable {
  /// Cohen's d (1988): of pairs d_z = d̄ / s, with s the deviation of the differences; of independent
  /// samples d = (x̄₂ − x̄₁) / s, with s² = ((n₁ − 1) s₁² + (n₂ − 1) s₂²) / (n₁ + n₂ − 2).
  public let d: Double
  /// s, in the unit of the values.
  public let deviation: Double
  /// Hedges' g (1981), d·J(ν): without the bias that d has in small samples.
  public let g: Double
  /// Of d with confidence 1 − α: the values whose noncentral t distribution has the observed t at its
  /// quantiles 1 − α/2 and α/2 (Steiger and Fouladi 1997).
  public let interval: Interval

  /// Nil for fewer than two pairs, or where they don't vary.
  public init?(ofDifferences differences: [Double], alpha: Double = 0.05) {
    guard differences.count >= 2 else { return nil }
    let sample = Sample(differences)
    self.init(
      difference: sample.mean, deviation: sample.deviation!, degrees: Double(sample.count - 1),
      scale: Double(sample.count).squareRoot(), alpha: alpha)
  }

  /// Of independent samples; nil when there are fewer than three values, or they don't vary.
  public init?(_ first: Sample, _ second: Sample, alpha: Double = 0.05) {
    let (n1, n2) = (Double(first.count), Double(second.count))
    guard n1 + n2 > 2 else { return nil }
    let (s1, s2) = (first.deviation ?? 0, second.deviation ?? 0)
    let pooled = ((n1 - 1) * s1 * s1 + (n2 - 1) * s2 * s2) / (n1 + n2 - 2)
    self.init(
      difference: second.mean - first.mean, deviation: pooled.squareRoot(), degrees: n1 + n2 - 2,
      scale: (n1 * n2 / (n1 + n2)).squareRoot(), alpha: alpha)
  }

  /// `scale` turns d into t.
  private init?(
    difference: Double, deviation: Double, degrees: Double, scale: Double, alpha: Double
  ) {
    guard deviation > 0 else { return nil }
    self.deviation = deviation
    d = difference / deviation
    g = d * Self.correction(degrees: degrees)
    let t = d * scale
    guard t.isFinite, abs(t) < 1e6 else {
      interval = Interval(-.infinity, .infinity)
      return
    }
    let low = NoncentralT.noncentrality(degrees: degrees, at: t, upperTail: alpha / 2)
    let high = NoncentralT.noncentrality(degrees: degrees, at: t, upperTail: 1 - alpha / 2)
    interval = Interval(low / scale, high / scale)
  }

  /// J(ν) = Γ(ν/2) / (√(ν/2) Γ((ν − 1)/2)); 0 for ν = 1, where d has no mean.
  static func correction(degrees: Double) -> Double {
    guard degrees > 1 else { return 0 }
    let logarithm =
      GammaFunctions.logGamma(degrees / 2) - GammaFunctions.logGamma((degrees - 1) / 2)
    return exp(logarithm) * (2 / degrees).squareRoot()
  }
}
