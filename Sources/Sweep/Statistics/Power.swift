/// How surely a t test shows a difference that is there.
///
/// With an effect d, a difference in units of the deviation, the statistic is noncentral t; the power
/// is the probability that its magnitude exceeds the critical value of level α (Cohen 1988).
public enum Power {
  /// Of the paired test over n pairs: ν = n − 1, δ = d √n.
  public static func paired(pairs n: Int, effect d: Double, alpha: Double = 0.05) -> Double {
    precondition(n >= 2)
    return of(degrees: Double(n - 1), noncentrality: d * Double(n).squareRoot(), alpha: alpha)
  }

  /// Of the test of two independent samples of n values each with one deviation: ν = 2n − 2,
  /// δ = d √(n/2).
  public static func independent(each n: Int, effect d: Double, alpha: Double = 0.05) -> Double {
    precondition(n >= 2)
    return of(
      degrees: Double(2 * n - 2), noncentrality: d * (Double(n) / 2).squareRoot(), alpha: alpha)
  }

  /// The least number of pairs (seeds that two configurations share) with which the paired test shows
  /// an effect d with at least the given power; nil when `limit` pairs aren't enough.
  public static func pairsNeeded(
    effect d: Double, alpha: Double = 0.05, power: Double = 0.8, limit: Int = 1_000_000
  ) -> Int? {
    least(limit) { paired(pairs: $0, effect: d, alpha: alpha) >= power }
  }

  /// As `pairsNeeded`, the number of values in each of two independent samples.
  public static func eachNeeded(
    effect d: Double, alpha: Double = 0.05, power: Double = 0.8, limit: Int = 1_000_000
  ) -> Int? {
    least(limit) { independent(each: $0, effect: d, alpha: alpha) >= power }
  }

  private static func of(degrees: Double, noncentrality: Double, alpha: Double) -> Double {
    let critical = -StudentT(degrees: degrees).quantile(alpha / 2)
    // Beyond this the test can't miss, and the integral would take ever smaller steps.
    if abs(noncentrality) > 20 * (critical + 2) { return 1 }
    let t = NoncentralT(degrees: degrees, noncentrality: noncentrality)
    return t.upperTail(critical) + t.cumulative(-critical)
  }

  /// The least n from 2 on that is enough, of which all greater ones are.
  private static func least(_ limit: Int, _ isEnough: (Int) -> Bool) -> Int? {
    var high = 2
    while !isEnough(high) {
      if high >= limit { return nil }
      high = min(limit, 2 * high)
    }
    var low = max(1, high / 2)  // Not enough, or 1.
    if high == 2 { return 2 }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
