import Glibc

/// The normal distribution of mean 0 and deviation 1.
public enum StandardNormal {
  /// Φ(z) = ½ erfc(−z / √2), to full relative precision in the lower tail.
  public static func cumulative(_ z: Double) -> Double { 0.5 * erfc(-z * 0.5.squareRoot()) }

  /// φ(z) = e^(−z²/2) / √2π.
  static func density(_ z: Double) -> Double { exp(-0.5 * z * z) / (2 * .pi).squareRoot() }

  /// The z with Φ(z) = p, by Newton's method on ln Φ, which is concave: it converges from one side.
  /// - Precondition: 0 < p < 1.
  public static func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1)
    if p > 0.5 { return -quantile(1 - p) }
    if p > 0.25 {
      // ½ erf(z / √2) = ½ − p keeps the digits of a small z.
      let mass = 0.5 - p
      var z = 0.0
      for _ in 0..<100 {
        let step = (mass - 0.5 * erf(z * 0.5.squareRoot())) / density(z)
        z += step
        if abs(step) <= 0x1p-52 * abs(z) { break }
      }
      return -z
    }
    var z = (-2 * log(2 * p)).squareRoot()  // Φ(−z) ≤ ½ e^(−z²/2)
    for _ in 0..<100 {
      let tail = cumulative(-z)
      let step = log(tail / p) * tail / density(z)
      z += step
      if abs(step) <= 0x1p-51 * z { break }
    }
    return -z
  }
}

/// Student's t distribution with ν degrees of freedom, a positive number.
public struct StudentT: Sendable {
  public let degrees: Double

  public init(degrees: Double) {
    precondition(degrees > 0)
    self.degrees = degrees
  }

  /// P(T ≤ t).
  public func cumulative(_ t: Double) -> Double { upperTail(-t) }

  /// P(T > t) = ½ I_x(ν/2, ½), x = ν / (ν + t²), for t ≥ 0; to full relative precision.
  public func upperTail(_ t: Double) -> Double {
    if t.isNaN { return t }
    if t < 0 { return 1 - upperTail(-t) }
    let (x, y) = parts(t)
    return 0.5 * BetaFunctions.regularized(x, y, degrees / 2, 0.5).lower
  }

  /// P(|T| > |t|), the p-value of a two-sided test.
  public func twoSided(_ t: Double) -> Double { 2 * upperTail(abs(t)) }

  /// The t with P(T ≤ t) = p.
  ///
  /// Newton's method in u = ln |t| on the logarithm of the tail, or of ½ − p near the middle: both
  /// are concave in u, and their derivatives are ∓ xᵃ yᵇ / B(a, b) over the probability.
  /// - Precondition: 0 < p < 1.
  public func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1)
    if p > 0.5 { return -quantile(1 - p) }
    if p == 0.5 { return 0 }
    let a = degrees / 2
    let isCentral = p > 0.25
    let target = isCentral ? 0.5 - p : p
    var u = log(-StandardNormal.quantile(p))
    for _ in 0..<200 {
      let (x, y) = parts(exp(u))
      let slope = BetaFunctions.prefix(x, y, a, 0.5)
      let value =
        0.5
        * (isCentral
          ? BetaFunctions.regularized(y, x, 0.5, a).lower
          : BetaFunctions.regularized(x, y, a, 0.5).lower)
      let step = log(value / target) * value / slope
      u += isCentral ? -step : step
      if abs(step) <= 0x1p-52 * max(1, abs(u)) { break }
    }
    return -exp(u)
  }

  /// ν / (ν + t²) and t² / (ν + t²), neither of which overflows.
  private func parts(_ t: Double) -> (x: Double, y: Double) {
    let ratio = t / degrees * t
    if ratio > 1 {
      let inverse = degrees / t / t
      return (inverse / (1 + inverse), 1 / (1 + inverse))
    }
    return (1 / (1 + ratio), ratio / (1 + ratio))
  }
}

/// The chi-squared distribution with k degrees of freedom, a positive number.
public struct ChiSquared: Sendable {
  public let degrees: Double

  public init(degrees: Double) {
    precondition(degrees > 0)
    self.degrees = degrees
  }

  /// P(X ≤ x), to full relative precision in the lower tail.
  public func cumulative(_ x: Double) -> Double {
    GammaFunctions.regularized(degrees / 2, x / 2).lower
  }

  /// P(X > x), to full relative precision in the upper tail.
  public func upperTail(_ x: Double) -> Double {
    GammaFunctions.regularized(degrees / 2, x / 2).upper
  }

  /// The x with P(X ≤ x) = p, by Newton's method in ln x on the logarithm of the lesser tail.
  /// - Precondition: 0 < p < 1.
  public func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1)
    let a = degrees / 2
    let isLower = p <= 0.5
    let target = isLower ? p : 1 - p
    var u: Double
    if isLower {
      u = (log(p) + GammaFunctions.logGamma(a + 1)) / a  // P(a, x) ≤ xᵃ / Γ(a + 1)
    } else {
      // Wilson and Hilferty 1931.
      let spread = 2 / (9 * degrees)
      let root = 1 - spread + StandardNormal.quantile(p) * spread.squareRoot()
      u = log(a * root * root * root)
    }
    for _ in 0..<200 {
      let x = exp(u)
      let (lower, upper) = GammaFunctions.regularized(a, x)
      let value = isLower ? lower : upper
      let step = log(value / target) * value / GammaFunctions.prefix(a, x)
      u += isLower ? -step : step
      if abs(step) <= 0x1p-52 * max(1, abs(u)) { break }
    }
    return 2 * exp(u)
  }
}

/// How many of n independent trials succeed when each does with probability ½.
public struct FairBinomial: Sendable {
  public let trials: Int

  public init(trials: Int) {
    precondition(trials >= 0)
    self.trials = trials
  }

  /// P(X = k) = C(n, k) 2⁻ⁿ.
  public func probability(of k: Int) -> Double {
    guard (0...trials).contains(k) else { return 0 }
    if k == 0 || k == trials { return exp2(-Double(trials)) }
    let (n, a, b) = (Double(trials), Double(k), Double(trials - k))
    return BetaFunctions.prefix(0.5, 0.5, a, b) * n / (a * b)
  }

  /// P(X ≤ k) = I_½(n − k, k + 1).
  public func cumulative(_ k: Int) -> Double {
    if k < 0 { return 0 }
    if k >= trials { return 1 }
    return BetaFunctions.regularized(0.5, 0.5, Double(trials - k), Double(k + 1)).lower
  }
}
