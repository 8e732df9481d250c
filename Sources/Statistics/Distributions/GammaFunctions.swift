import Glibc

/// The regularised incomplete gamma function and what it is made of.
///
/// Powers over factorials are taken in Loader's saddle-point form ("Fast and accurate computation of
/// binomial probabilities", 2000), which loses no digits where a plain difference of logarithms of
/// factorials would.
enum GammaFunctions {
  /// ln Γ(z) for z > 0.
  static func logGamma(_ z: Double) -> Double {
    var sign: Int32 = 0
    return lgamma_r(z, &sign)
  }

  /// δ(z) = ln Γ(z + 1) − (z + ½) ln z + z − ½ ln 2π for z > 0: what Stirling's formula leaves out.
  static func stirlingError(_ z: Double) -> Double {
    if z <= 15 { return logGamma(z + 1) - (z + 0.5) * log(z) + z - 0.5 * log(2 * .pi) }
    let r = 1 / (z * z)
    let tail = 1.0 / 1260 - r * (1.0 / 1680 - r * (1.0 / 1188 - r * (691.0 / 360_360)))
    return (1.0 / 12 - r * (1.0 / 360 - r * tail)) / z
  }

  /// D(x, m) = x ln(x / m) + m − x, the deviance of x from m; a series where the two are near.
  static func deviance(_ x: Double, from m: Double) -> Double {
    if x == 0 { return m }
    if abs(x - m) < 0.1 * (x + m) {
      var v = (x - m) / (x + m)
      var sum = (x - m) * v
      var term = 2 * x * v
      v *= v
      for j in 1...1000 {
        term *= v
        let next = sum + term / Double(2 * j + 1)
        if next == sum { break }
        sum = next
      }
      return sum
    }
    return x * log(x / m) + m - x
  }

  /// xᵃ e⁻ˣ / Γ(a) for a > 0, x ≥ 0.
  static func prefix(_ a: Double, _ x: Double) -> Double {
    if x == 0 { return 0 }
    return (a / (2 * .pi)).squareRoot() * exp(-stirlingError(a) - deviance(a, from: x))
  }

  /// P(a, x) = ∫₀ˣ tᵃ⁻¹ e⁻ᵗ dt / Γ(a) and Q = 1 − P, the lesser of the two to full precision.
  ///
  /// The series Σ xⁿ / (a·(a + 1)⋯(a + n)) below x = a + 1, the continued fraction of Q above it, by
  /// the method of Lentz (1976).
  static func regularized(_ a: Double, _ x: Double) -> (lower: Double, upper: Double) {
    precondition(a > 0)
    if x <= 0 { return (0, 1) }
    if x == .infinity { return (1, 0) }
    let prefix = prefix(a, x)
    if x < a + 1 {
      var term = 1 / a
      var sum = term
      var n = a
      repeat {
        n += 1
        term *= x / n
        sum += term
      } while term > sum * 0x1p-54
      let lower = prefix * sum
      return (lower, 1 - lower)
    }
    let tiny = 1e-300
    var b = x + 1 - a
    var c = 1 / tiny
    var d = 1 / b
    var h = d
    for i in 1...100_000 {
      let numerator = -Double(i) * (Double(i) - a)
      b += 2
      d = numerator * d + b
      if abs(d) < tiny { d = tiny }
      c = b + numerator / c
      if abs(c) < tiny { c = tiny }
      d = 1 / d
      let factor = d * c
      h *= factor
      if abs(factor - 1) < 0x1p-52 { break }
    }
    let upper = prefix * h
    return (1 - upper, upper)
  }
}
