/// A JSON number by its text, so that no digit is lost: a seed of 2⁶⁴ − 1 stays itself.
public struct JSONNumber: Hashable, Sendable {
  public let text: String

  /// `text` must follow JSON's grammar for numbers.
  package init(grammatical text: String) { self.text = text }

  public init(_ value: some BinaryInteger) { text = String(value) }

  /// The shortest text that reads back as this value; nil for NaN and the infinities.
  public init?(_ value: Double) {
    guard value.isFinite else { return nil }
    text = value.description
  }

  /// The shortest text that reads back as this value; nil for NaN and the infinities.
  public init?(_ value: Float) {
    guard value.isFinite else { return nil }
    text = value.description
  }

  /// The nearest double; infinite beyond its range.
  public var double: Double { Double(text) ?? .nan }

  /// The nearest float, rounded once from the text; infinite beyond its range.
  public var float: Float { Float(text) ?? .nan }

  /// The value when it is whole and fits, however it is written: 20, 2e1 and 20.0 are one number.
  public var int: Int? {
    guard let (negative, magnitude) = whole else { return nil }
    if negative {
      return magnitude <= Int.min.magnitude ? Int(truncatingIfNeeded: 0 &- magnitude) : nil
    }
    return Int(exactly: magnitude)
  }

  public var uint64: UInt64? {
    guard let (negative, magnitude) = whole, !negative || magnitude == 0 else { return nil }
    return magnitude
  }

  /// Sign and magnitude, exactly; nil when there is a fraction or more than 64 bits.
  private var whole: (negative: Bool, magnitude: UInt64)? {
    var digits: [UInt8] = []
    var scale = 0  // The value is digits · 10^scale.
    var exponent = 0
    var exponentSign = 1
    enum Part { case integer, fraction, exponent }
    var part = Part.integer
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "."): part = .fraction
      case UInt8(ascii: "e"), UInt8(ascii: "E"): part = .exponent
      case UInt8(ascii: "-"): if part == .exponent { exponentSign = -1 }
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        let digit = byte - UInt8(ascii: "0")
        switch part {
        case .integer: digits.append(digit)
        case .fraction:
          digits.append(digit)
          scale -= 1
        case .exponent: exponent = min(exponent * 10 + Int(digit), 1 << 32)
        }
      default: break
      }
    }
    while digits.last == 0 {
      digits.removeLast()
      scale += 1
    }
    let negative = text.utf8.first == UInt8(ascii: "-")
    if digits.isEmpty { return (negative, 0) }
    scale += exponentSign * exponent
    guard scale >= 0, scale <= 20 else { return nil }
    var magnitude: UInt64 = 0
    for digit in digits + Array(repeating: 0, count: scale) {
      let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
      if overflow || carry { return nil }
      magnitude = sum
    }
    return (negative, magnitude)
  }
}
