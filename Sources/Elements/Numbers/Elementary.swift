/// Elementary functions with a fixed implementation.
///
/// The C library's `expf` and its like differ between versions by a bit or two; these do not,
/// because they use only correctly rounded operations (+, −, ×, ÷, fused multiply-add, √). Each is
/// written for `SIMD16<Float>` or as branch-free scalar code that the compiler vectorises.
public enum Elementary {
  /// eˣ, within 2 units in the last place on [−87.3, 88.7]; 0 below and +∞ above; NaN for NaN.
  ///
  /// x = n·ln 2 + r, |r| ≤ ½ ln 2; eʳ by the minimax polynomial of Cephes' `expf`.
  @inlinable @inline(__always)
  public static func exp(_ x: Float) -> Float {
    let bounded = x > 88.72284 ? 88.72284 : (x < -87.33654 ? -87.33654 : x)
    // NaN fails both comparisons and goes through the polynomial.
    let n = (bounded * 1.442_695_04).rounded(.toNearestOrEven)
    var r = (-n).fused(0.693_359_375, bounded)
    r = (-n).fused(-2.121_944_40e-4, r)
    var p: Float = 1.987_569_15e-4
    p = p.fused(r, 1.398_199_95e-3)
    p = p.fused(r, 8.333_451_9e-3)
    p = p.fused(r, 4.166_579_6e-2)
    p = p.fused(r, 1.666_666_55e-1)
    p = p.fused(r, 5.000_000_1e-1)
    let result = p.fused(r * r, r) + 1
    let exponent = whole(n)
    // 2ⁿ in two steps: n reaches 128, where a single factor would overflow.
    let half = exponent >> 1
    let scaled = result * power(of: half) * power(of: exponent &- half)
    return x < -87.33654 ? 0 : (x > 88.72284 ? .infinity : scaled)
  }

  /// A whole number of less than 2²² as an integer, any for NaN. `Int32(n)` would trap where there is
  /// none, and what may trap is not vectorised.
  @inlinable @inline(__always)
  static func whole(_ n: Float) -> Int32 {
    let shift: Float = 0x1.8p23
    return Int32(bitPattern: (n + shift).bitPattern &- shift.bitPattern)
  }

  @inlinable @inline(__always)
  static func power(of n: Int32) -> Float {
    Float(bitPattern: UInt32(bitPattern: (n &+ 127) &<< 23))
  }

  /// ln x, within 2 units in the last place for normal x > 0; −∞ at 0, NaN below.
  ///
  /// x = 2ᵉ·m, m in [√½, √2); ln m by the polynomial of Cephes' `logf`.
  @inlinable @inline(__always)
  public static func log(_ x: Float) -> Float {
    if !(x > 0) { return x == 0 ? -.infinity : .nan }
    if x == .infinity { return x }
    let bits = x.bitPattern
    var e = Float(Int32(bitPattern: bits &>> 23) &- 126)
    var m = Float(bitPattern: (bits & 0x007F_FFFF) | 0x3F00_0000)
    if m < 0.707_106_77 {
      e -= 1
      m = m + m - 1
    } else {
      m -= 1
    }
    let z = m * m
    var p: Float = 7.037_683_6e-2
    p = p.fused(m, -1.151_461_03e-1)
    p = p.fused(m, 1.167_699_87e-1)
    p = p.fused(m, -1.242_014_08e-1)
    p = p.fused(m, 1.424_932_28e-1)
    p = p.fused(m, -1.666_805_77e-1)
    p = p.fused(m, 2.000_071_48e-1)
    p = p.fused(m, -2.499_999_4e-1)
    p = p.fused(m, 3.333_333_1e-1)
    var y = p * m * z
    y = e.fused(-2.121_944_4e-4, y)
    y = z.fused(-0.5, y)
    return e.fused(0.693_359_375, m + y)
  }

  /// sin x and cos x for |x| ≤ 8192 (absolute error below 1e-6), by Cephes' `sinf` and `cosf`.
  @inlinable @inline(__always)
  public static func sincos(_ x: Float) -> (sin: Float, cos: Float) {
    let magnitude = abs(x)
    var octant = whole((magnitude * 1.273_239_5).rounded(.towardZero))
    octant = (octant &+ 1) & ~1
    let j = Float(octant)
    var r = j.fused(-0.785_156_25, magnitude)
    r = j.fused(-2.418_756_5e-4, r)
    r = j.fused(-3.774_895e-8, r)
    let z = r * r
    var s: Float = -1.951_529_6e-4
    s = s.fused(z, 8.332_161e-3)
    s = s.fused(z, -1.666_665_5e-1)
    s = (s * z).fused(r, r)
    var c: Float = 2.443_315_7e-5
    c = c.fused(z, -1.388_731_6e-3)
    c = c.fused(z, 4.166_664_6e-2)
    c = (c * z).fused(z, z.fused(-0.5, 1))
    let swapped = octant & 2 != 0
    let sine = swapped ? c : s
    let cosine = swapped ? s : c
    let sineNegative = (octant & 4 != 0) != (x < 0)
    let cosineNegative = ((octant &+ 2) & 4) != 0
    return (sineNegative ? -sine : sine, cosineNegative ? -cosine : cosine)
  }

  /// tanh x = 1 − 2 / (e²ˣ + 1), and an odd polynomial near 0 where that cancels (Cephes).
  @inlinable @inline(__always)
  public static func tanh(_ x: Float) -> Float {
    let magnitude = abs(x)
    let e = exp(magnitude + magnitude)
    let far = 1 - 2 / (e + 1)
    let z = x * x
    var p: Float = -5.704_988_7e-3
    p = p.fused(z, 2.063_908_9e-2)
    p = p.fused(z, -5.373_971_6e-2)
    p = p.fused(z, 1.333_144_2e-1)
    p = p.fused(z, -3.333_328_2e-1)
    let near = (p * z).fused(x, x)
    return magnitude < 0.625 ? near : (x < 0 ? -far : far)
  }

  /// eˣ − 1 for x ≤ 0, by its series near 0, where the difference cancels.
  @inlinable @inline(__always)
  public static func expMinusOne(_ x: Float) -> Float {
    var p: Float = 1.984_127e-4  // 1/5040, 1/720, 1/120, 1/24, 1/6, 1/2, 1
    p = p.fused(x, 1.388_888_9e-3)
    p = p.fused(x, 8.333_333e-3)
    p = p.fused(x, 4.166_666_8e-2)
    p = p.fused(x, 0.166_666_67)
    p = p.fused(x, 0.5)
    p = p.fused(x, 1)
    return x > -0.5 ? p * x : exp(x) - 1
  }

  /// ln(1 + x) for 0 ≤ x ≤ 1, within a few units in the last place: 2·artanh s with s = x/(2 + x), by
  /// its series; s² ≤ 1/9.
  @inlinable @inline(__always)
  public static func logOnePlus(_ x: Float) -> Float {
    let s = x / (2 + x)
    let z = s * s
    var p: Float = 0.066_666_67  // 1/15, 1/13, 1/11, 1/9, 1/7, 1/5, 1/3
    p = p.fused(z, 0.076_923_08)
    p = p.fused(z, 0.090_909_09)
    p = p.fused(z, 0.111_111_11)
    p = p.fused(z, 0.142_857_15)
    p = p.fused(z, 0.2)
    p = p.fused(z, 0.333_333_34)
    return 2 * (p * z).fused(s, s)
  }

  /// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|).
  @inlinable @inline(__always)
  public static func softplus(_ x: Float) -> Float {
    (x > 0 ? x : 0) + logOnePlus(exp(-abs(x)))
  }

  /// The logistic function 1 / (1 + e⁻ˣ).
  @inlinable @inline(__always)
  public static func sigmoid(_ x: Float) -> Float { 1 / (1 + exp(-x)) }

  /// erf x, absolute error below 2e-7, by Abramowitz and Stegun 7.1.26's successor: Cody's rational
  /// form would branch; this is the 1 − t·exp(−x² + P(t)) fit of Press et al., "Numerical Recipes"
  /// (`erfc`, fractional error 1.2e-7), with the series at 0 for small arguments.
  @inlinable @inline(__always)
  public static func erf(_ x: Float) -> Float {
    let z = abs(x)
    let t = 1 / (0.5 as Float).fused(z, 1)
    var p: Float = 0.170_872_77
    p = p.fused(t, -0.822_152_23)
    p = p.fused(t, 1.488_515_87)
    p = p.fused(t, -1.135_203_98)
    p = p.fused(t, 0.278_868_07)
    p = p.fused(t, -0.186_288_06)
    p = p.fused(t, 0.096_784_18)
    p = p.fused(t, 0.374_091_96)
    p = p.fused(t, 1.000_023_68)
    p = p.fused(t, -1.265_512_23)
    let tail = t * exp((-z).fused(z, p))
    let far = 1 - tail
    let y = x * x
    var q: Float = -7.575_757_6e-4  // −1/1320, 1/216, −1/42, 1/10, −1/3, 1: the Taylor series
    q = q.fused(y, 4.629_629_6e-3)
    q = q.fused(y, -2.380_952_4e-2)
    q = q.fused(y, 0.1)
    q = q.fused(y, -0.333_333_34)
    q = q.fused(y, 1)
    let near = q * x * 1.128_379_2
    return z < 0.5 ? near : (x < 0 ? -far : far)
  }
}

extension Float {
  /// self·a + b, rounded once.
  @inlinable @inline(__always)
  package func fused(_ a: Float, _ b: Float) -> Float { b.addingProduct(self, a) }
}
