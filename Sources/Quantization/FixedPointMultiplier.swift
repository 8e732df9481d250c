import ConvNet

/// A positive number as integers have it: m·2^shift/2³¹, m in 2³⁰ ..< 2³¹.
public struct FixedPointMultiplier: Hashable, Sendable {
  public let multiplier: Int32
  public let shift: Int

  /// The nearest one, half away from zero; 0 of what is less than 2⁻³².
  /// - Precondition: a finite number of at least 0.
  public init(_ real: Double) {
    precondition(real.isFinite && real >= 0)
    guard real > 0 else {
      (multiplier, shift) = (0, 0)
      return
    }
    var (fraction, exponent) = (real.significand / 2, Int(real.exponent) + 1)
    var digits = (fraction * 0x1p31).rounded()
    if digits == 0x1p31 {
      digits /= 2
      exponent += 1
    }
    fraction = digits
    (multiplier, shift) = exponent < -31 ? (0, 0) : (Int32(fraction), exponent)
  }

  /// Bits that a number is shifted to the left before it is multiplied, and to the right afterwards.
  var left: Int32 { Int32(max(shift, 0)) }
  var right: Int32 { Int32(max(-shift, 0)) }
}
