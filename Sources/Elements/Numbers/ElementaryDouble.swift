// The elementary functions in double precision, for what isn't hot: searches and statistics.

extension Elementary {
  /// eˣ, within 1 unit in the last place; 0 below −745, +∞ above 709.78; NaN for NaN.
  ///
  /// x = n·ln 2 + r, |r| ≤ ½ ln 2, and eʳ = 1 + r + r·c/(2 − c) with c = r − r²·P(r²), Remez's
  /// polynomial of fdlibm's `exp`.
  public static func exp(_ x: Double) -> Double {
    guard x == x else { return x }
    guard x < 709.782_712_893_383_97 else { return .infinity }
    guard x > -745.133_219_101_941_1 else { return 0 }
    let n = (x * 1.442_695_040_888_963_387).rounded(.toNearestOrEven)
    let high = x - n * 6.931_471_803_691_238_164_90e-01
    let low = n * 1.908_214_929_270_587_700_02e-10
    let r = high - low
    let t = r * r
    var p = 4.138_136_797_057_238_460_39e-08
    p = p * t - 1.653_390_220_546_525_153_90e-06
    p = p * t + 6.613_756_321_437_934_361_17e-05
    p = p * t - 2.777_777_777_701_559_338_42e-03
    p = p * t + 1.666_666_666_666_660_190_37e-01
    let c = r - t * p
    let y = 1 - ((low - r * c / (2 - c)) - high)
    return Double(sign: .plus, exponent: Int(n), significand: y)
  }

  /// ln x, within 1 unit in the last place for normal x > 0; −∞ at 0, NaN below.
  ///
  /// x = 2ᵏ·(1 + f), √½ ≤ 1 + f < √2; with s = f/(2 + f), ln(1 + f) = f − s·(f − R(s²)), Remez's
  /// polynomial of fdlibm's `log`.
  public static func log(_ x: Double) -> Double {
    guard x > 0 else { return x == 0 ? -.infinity : .nan }
    guard x < .infinity else { return x }
    var k = Int(x.exponent)
    var m = x.significand
    if m >= 1.414_213_562_373_095_1 {
      m /= 2
      k += 1
    }
    let f = m - 1
    let s = f / (2 + f)
    let z = s * s
    var p = 1.479_819_860_511_658_591e-01
    p = p * z + 1.531_383_769_920_937_332e-01
    p = p * z + 1.818_357_216_161_805_012e-01
    p = p * z + 2.222_219_843_214_978_396e-01
    p = p * z + 2.857_142_874_366_239_149e-01
    p = p * z + 3.999_999_999_940_941_908e-01
    p = p * z + 6.666_666_666_666_735_130e-01
    let half = 0.5 * f * f
    let n = Double(k)
    return n * 6.931_471_803_691_238_164_90e-01
      - ((half - (s * (half + z * p) + n * 1.908_214_929_270_587_700_02e-10)) - f)
  }

  /// The standard normal density φ(x) = e^(−x²/2) / √(2π).
  public static func normalDensity(_ x: Double) -> Double {
    exp(-0.5 * x * x) / rootOfTwoPi
  }

  /// The standard normal distribution Φ(x), its lower tail within 1e-12 of itself down to −37.
  public static func normalDistribution(_ x: Double) -> Double {
    let tail = abs(x) < 38 ? normalDensity(x) * millsRatio(abs(x)) : 0
    return x > 0 ? 1 - tail : tail
  }

  /// Mills' ratio (1 − Φ(t)) / φ(t) for t ≥ 0: the rational function of Hart et al. 1968 as West
  /// arranges it ("Better approximations to cumulative normal functions", 2005) below 3, Laplace's
  /// continued fraction above.
  public static func millsRatio(_ t: Double) -> Double {
    if t < 3 {
      var a = 3.526_249_659_989_11e-02
      a = a * t + 0.700_383_064_443_688
      a = a * t + 6.373_962_203_531_65
      a = a * t + 33.912_866_078_383
      a = a * t + 112.079_291_497_871
      a = a * t + 221.213_596_169_931
      a = a * t + 220.206_867_912_376
      var b = 8.838_834_764_831_84e-02
      b = b * t + 1.755_667_163_182_64
      b = b * t + 16.064_177_579_207
      b = b * t + 86.780_732_202_946_1
      b = b * t + 296.564_248_779_674
      b = b * t + 637.333_633_378_831
      b = b * t + 793.826_512_519_948
      b = b * t + 440.413_735_824_752
      return a / b * rootOfTwoPi
    }
    var fraction = t
    for k in stride(from: 32.0, through: 1, by: -1) { fraction = t + k / fraction }
    return 1 / fraction
  }

  /// √(2π)
  private static var rootOfTwoPi: Double { 2.506_628_274_631_000_5 }
}
