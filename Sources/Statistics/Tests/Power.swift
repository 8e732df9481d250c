import Glibc

/// How surely a t test shows a difference that is there, two-sided with level α: the probability that
/// the magnitude of its statistic exceeds the critical value.
public enum Power {
  /// Of the paired test over n pairs, with an effect d, the mean difference in units of the
  /// differences' deviation: the statistic is noncentral t with ν = n − 1 and δ = d √n (Cohen 1988).
  public static func paired(pairs n: Int, effect d: Double, alpha: Double = 0.05) -> Double {
    precondition(n >= 2)
    let degrees = Double(n - 1)
    return exceeding(
      -StudentT(degrees: degrees).quantile(alpha / 2), degrees: degrees,
      noncentrality: d * Double(n).squareRoot())
  }

  /// What Welch's test is over: samples of n values with deviation σ.
  public struct Group: Hashable, Sendable {
    public var count: Int
    public var deviation: Double
    public init(count: Int, deviation: Double) {
      self.count = count
      self.deviation = deviation
    }
  }

  /// Of Welch's test of two groups whose means are `difference` apart, exactly (Moser, Stevens and
  /// Watts 1989).
  ///
  /// With νᵢ = nᵢ − 1 and aᵢ = σᵢ²/nᵢ, the estimated variance of the difference is
  /// (χ²₁ a₁/ν₁ + χ²₂ a₂/ν₂). The share B = χ²₁/(χ²₁ + χ²₂) is beta(ν₁/2, ν₂/2) and independent of
  /// the sum, χ² with ν = ν₁ + ν₂. Given B, the test's degrees of freedom are known, and with
  /// c = ν (a₁B/ν₁ + a₂(1 − B)/ν₂)/(a₁ + a₂) the statistic times √c is noncentral t with ν and
  /// δ = difference/√(a₁ + a₂). The tails are integrated over w = ½ ln(B/(1 − B)), whose density is
  /// 2 Bᵃ (1 − B)ᵇ / B(a, b), by the trapezoidal rule, as in `NoncentralT`.
  public static func welch(
    _ first: Group, _ second: Group, difference: Double, alpha: Double = 0.05
  ) -> Double {
    precondition(first.count >= 2 && second.count >= 2)
    let (n1, n2) = (Double(first.count - 1), Double(second.count - 1))
    let a1 = first.deviation * first.deviation / Double(first.count)
    let a2 = second.deviation * second.deviation / Double(second.count)
    precondition(a1 + a2 > 0)
    let delta = difference / (a1 + a2).squareRoot()
    // Of w in its middle; beyond `low` and `high` the density is below e⁻⁴⁰.
    let (centre, spread) = (0.5 * log(n1 / n2), (1 / n1 + 1 / n2).squareRoot())
    let low = centre - (40 / n1 + 40.squareRoot() * spread)
    let high = centre + (40 / n2 + 40.squareRoot() * spread)
    // The tails change over 1/δ of the statistic, but never faster than χ² with ν lets it vary.
    let sharpness = min(abs(delta), (2 * (n1 + n2)).squareRoot())
    let width = min(spread, 1, 1 / max(1, sharpness)) / 5
    let count = Int(((high - low) / width).rounded(.up))
    let step = (high - low) / Double(count)
    var (power, total) = (0.0, 0.0)
    for i in 0...count {
      let odds = exp(2 * (low + Double(i) * step))
      let (share, rest) = (odds / (1 + odds), 1 / (1 + odds))
      let density = BetaFunctions.prefix(share, rest, n1 / 2, n2 / 2)
      // What counts for less than the rounding of the sum.
      if density < 1e-16 { continue }
      let (v1, v2) = (a1 * share / n1, a2 * rest / n2)
      let degrees = (v1 + v2) * (v1 + v2) / (v1 * v1 / n1 + v2 * v2 / n2)
      let scale = ((n1 + n2) * (v1 + v2) / (a1 + a2)).squareRoot()
      total += density
      power +=
        density
        * exceeding(
          -StudentT(degrees: degrees).quantile(alpha / 2) * scale, degrees: n1 + n2,
          noncentrality: delta)
    }
    return power / total
  }

  /// The least number of pairs (seeds that two configurations share) with which the paired test shows
  /// an effect d with at least the given power; nil when `limit` pairs aren't enough.
  public static func pairsNeeded(
    effect d: Double, alpha: Double = 0.05, power: Double = 0.8, limit: Int = 1_000_000
  ) -> Int? {
    least(from: 2, limit, near: valuesOfNormal(effect: d, alpha, power)) {
      paired(pairs: $0, effect: d, alpha: alpha) >= power
    }
  }

  /// The least number of values that each of two groups must get more for Welch's test to show the
  /// difference with at least the given power; nil when `limit` aren't enough.
  public static func moreNeeded(
    _ first: Group, _ second: Group, difference: Double, alpha: Double = 0.05, power: Double = 0.8,
    limit: Int = 1_000_000
  ) -> Int? {
    let deviation =
      (first.deviation * first.deviation + second.deviation * second.deviation).squareRoot()
    let near =
      valuesOfNormal(effect: difference / deviation, alpha, power)
      - Double(min(first.count, second.count))
    return least(from: 0, limit, near: near) { more in
      var (first, second) = (first, second)
      first.count += more
      second.count += more
      return welch(first, second, difference: difference, alpha: alpha) >= power
    }
  }

  /// P(|T| > critical) of a noncentral t.
  private static func exceeding(
    _ critical: Double, degrees: Double, noncentrality: Double
  ) -> Double {
    // Beyond this the test can't miss, and the integral would take ever smaller steps.
    if abs(noncentrality) > 20 * (critical + 2) { return 1 }
    let t = NoncentralT(degrees: degrees, noncentrality: noncentrality)
    return t.upperTail(critical) + t.cumulative(-critical)
  }

  /// How many values the test takes where their deviation is known: ((z₁₋α/₂ + z_power)/d)².
  private static func valuesOfNormal(effect d: Double, _ alpha: Double, _ power: Double) -> Double {
    let normal = StudentT(degrees: 1e9)
    let sum = normal.quantile(1 - alpha / 2) + normal.quantile(power)
    return sum * sum / (d * d)
  }

  /// The least n from a first one on that is enough, of which all greater ones are.
  /// - Parameter guess: where to begin to look, in steps that double.
  private static func least(
    from first: Int, _ limit: Int, near guess: Double, _ isEnough: (Int) -> Bool
  ) -> Int? {
    let guess = guess < Double(limit) ? max(first, Int(max(guess, 0))) : limit
    var (low, high, step) = (guess, guess, 1)
    if isEnough(guess) {
      repeat {
        if high == first { return first }
        low = max(first, high - step)
        if !isEnough(low) { break }
        high = low
        step *= 2
      } while true
    } else {
      repeat {
        if low >= limit { return nil }
        high = min(limit, low + step)
        if isEnough(high) { break }
        low = high
        step *= 2
      } while true
    }
    while high - low > 1 {
      let middle = (low + high) / 2
      if isEnough(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
