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

  init(multiplier: Int32, shift: Int) { (self.multiplier, self.shift) = (multiplier, shift) }

  /// Bits that a number is shifted to the left before it is multiplied, and to the right afterwards.
  public var left: Int32 { Int32(max(shift, 0)) }
  public var right: Int32 { Int32(max(-shift, 0)) }
}

extension QuantizedKernel {
  /// What sums of each filter are multiplied by to have the output's scale.
  public func multipliers(
    from input: QuantizedModel.Value, to output: QuantizedModel.Value
  ) -> [FixedPointMultiplier] {
    scales.map {
      FixedPointMultiplier(Double(input.scale) * Double($0) / Double(output.scale))
    }
  }
}

/// The sum of two values: each comes to at most half of what both have for a scale, and 20 bits more.
public struct SumMultipliers: Hashable, Sendable {
  public let inputs: [FixedPointMultiplier]
  public let output: FixedPointMultiplier

  public init(
    of a: QuantizedModel.Value, _ b: QuantizedModel.Value, to output: QuantizedModel.Value
  ) {
    let scale = 2 * Double(max(a.scale, b.scale))
    inputs = [a, b].map { FixedPointMultiplier(Double($0.scale) / scale) }
    self.output = FixedPointMultiplier(scale / (0x1p20 * Double(output.scale)))
  }
}

extension QuantizedModel.Value {
  /// What the sum of a whole map is multiplied by to be the mean that another value is: 1/n is a part of it.
  public func meanMultiplier(to output: QuantizedModel.Value) -> FixedPointMultiplier {
    let multiplier = FixedPointMultiplier(Double(scale) / Double(output.scale))
    let count = Int64(shape.extent.height * shape.extent.width)
    let bits = min(63 - count.leadingZeroBitCount, 31 + multiplier.shift)
    return FixedPointMultiplier(
      multiplier: Int32((Int64(multiplier.multiplier) << Int64(bits)) / count),
      shift: multiplier.shift - bits)
  }

  /// What a softmax multiplies differences by, so that they have five bits before the point, and how far below
  /// the largest a number counts nothing.
  public var softmaxMultiplier: (multiplier: FixedPointMultiplier, lowest: Int32) {
    let multiplier = FixedPointMultiplier(min(Double(scale) * 0x1p26, 0x1p31 - 1))
    return (
      multiplier, multiplier.shift > 31 ? 0 : -Int32((31 << 26) >> max(multiplier.shift, 0))
    )
  }
}
