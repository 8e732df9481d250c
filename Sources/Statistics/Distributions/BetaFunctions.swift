import Glibc

/// The regularised incomplete beta function I_x(a, b).
///
/// Arguments come as x with y = 1 − x, so that neither end loses digits.
enum BetaFunctions {
  /// xᵃ yᵇ / B(a, b), in Loader's saddle-point form.
  static func prefix(_ x: Double, _ y: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 || y <= 0 { return 0 }
    let n = a + b
    let exponent =
      GammaFunctions.stirlingError(n) - GammaFunctions.stirlingError(a)
      - GammaFunctions.stirlingError(b)
      - GammaFunctions.deviance(a, from: n * x) - GammaFunctions.deviance(b, from: n * y)
    return (a * b / n / (2 * .pi)).squareRoot() * exp(exponent)
  }

  /// I_x(a, b) = ∫₀ˣ tᵃ⁻¹ (1 − t)ᵇ⁻¹ dt / B(a, b) and 1 − I_x, the lesser to full precision; y = 1 − x.
  static func regularized(
    _ x: Double, _ y: Double, _ a: Double, _ b: Double
  ) -> (lower: Double, upper: Double) {
    precondition(a > 0 && b > 0)
    if x <= 0 { return (0, 1) }
    if y <= 0 { return (1, 0) }
    let prefix = prefix(x, y, a, b)
    if x < (a + 1) / (a + b + 2) {
      let lower = prefix * continuedFraction(x, a, b) / a
      return (lower, 1 - lower)
    }
    let upper = prefix * continuedFraction(y, b, a) / b
    return (1 - upper, upper)
  }

  /// The fraction of I_x(a, b) = xᵃ yᵇ / (a B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …))), which converges
  /// fast for x < (a + 1) / (a + b + 2) (Abramowitz and Stegun 26.5.8), by the method of Lentz (1976).
  private static func continuedFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    func kept(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
    var c = 1.0
    var d = 1 / kept(1 - (a + b) * x / (a + 1))
    var h = d
    for step in 1...200_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 / kept(1 + even * d)
      c = kept(1 + even / c)
      h *= d * c
      let odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 / kept(1 + odd * d)
      c = kept(1 + odd / c)
      let factor = d * c
      h *= factor
      if abs(factor - 1) < 0x1p-52 { break }
    }
    return h
  }
}
