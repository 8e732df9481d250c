extension RandomStream {
  /// A number from Beta(a, b) in [0, 1], as Gₐ/(Gₐ + G_b) of two gamma numbers. Worked out through
  /// their logarithms, so that small parameters, whose gamma numbers are too small to be written, give
  /// 0 or 1 as often as they should.
  public mutating func beta(_ a: Double, _ b: Double) -> Double {
    precondition(a > 0 && b > 0)
    let difference = logGamma(b) - logGamma(a)
    return 1 / (1 + Elementary.exp(difference))
  }

  /// ln of a number from Gamma(shape, 1), by Marsaglia and Tsang, "A simple method for generating gamma
  /// variables" (2000): d·v, v = (1 + z/√(9d))³ of a normal z, d = shape − ⅓, accepted where
  /// ln u < ½z² + d(1 − v + ln v). For a shape below 1, that of shape + 1 times u^(1/shape).
  private mutating func logGamma(_ shape: Double) -> Double {
    if shape < 1 { return logGamma(shape + 1) + Elementary.log(open()) / shape }
    let d = shape - 1 / 3.0
    let c = 1 / (9 * d).squareRoot()
    while true {
      let z = Double(normal())
      let root = 1 + c * z
      guard root > 0 else { continue }
      let v = root * root * root
      if Elementary.log(open()) < 0.5 * z * z + d * (1 - v + Elementary.log(v)) {
        return Elementary.log(d * v)
      }
    }
  }

  /// A uniform number in (0, 1), an odd multiple of 2⁻³³.
  private mutating func open() -> Double { Double(next()) * 0x1p-32 + 0x1p-33 }
}
