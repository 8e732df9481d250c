import Storage

/// A number as a table writes it.
struct CSVNumber: Hashable {
  enum Mark: Hashable { case none, point, comma }
  var value: Double
  /// What its decimals follow.
  var mark: Mark

  /// The whole number that it is, however it was written.
  var whole: Int? { Int(exactly: value) }
}

extension UnsafeRawBufferPointer {
  /// The decimal number that these bytes are, `-12.5e-3`, to within the last bit of a `Double`; nil where
  /// they are none.
  @inline(__always)
  func number(allowsComma: Bool) -> CSVNumber? {
    var place = 0
    var isNegative = false
    if place < count, self[0] == UInt8(ascii: "-") || self[0] == UInt8(ascii: "+") {
      isNegative = self[0] == UInt8(ascii: "-")
      place = 1
    }
    var digits: UInt64 = 0
    var exponent = 0
    var found = false
    var mark = CSVNumber.Mark.none
    while place < count {
      let byte = self[place]
      if byte &- 48 <= 9 {
        found = true
        // Digits beyond the eighteenth change nothing that a Double keeps.
        if digits < 100_000_000_000_000_000 {
          digits = 10 &* digits &+ UInt64(byte &- 48)
          if mark != .none { exponent -= 1 }
        } else if mark == .none {
          exponent += 1
        }
      } else if mark == .none, byte == UInt8(ascii: ".") {
        mark = .point
      } else if mark == .none, allowsComma, byte == UInt8(ascii: ",") {
        mark = .comma
      } else {
        break
      }
      place += 1
    }
    guard found else { return nil }
    if place < count {
      guard self[place] | 0x20 == UInt8(ascii: "e"), place + 1 < count,
        let power = Int(UnsafeRawBufferPointer(rebasing: self[(place + 1)...]).text),
        (-999...999).contains(power)
      else { return nil }
      exponent += power
      if mark == .none { mark = .point }
    }
    var value = Double(digits)
    if exponent < 0 {
      // Below 10⁻²⁰⁰ nothing is told from zero.
      value = exponent < -200 ? 0 : value / power(-exponent)
    } else if exponent > 0, value > 0 {
      value = exponent > 300 ? .infinity : value * power(exponent)
    }
    return CSVNumber(value: isNegative ? -value : value, mark: mark)
  }

  private func power(_ exponent: Int) -> Double {
    exponent < 23
      ? powersOfTen[exponent] : (0..<exponent).reduce(1.0) { product, _ in product * 10 }
  }
}

/// 10⁰ to 10²², which a `Double` holds exactly.
private let powersOfTen: [Double] = (0..<23).map { (0..<$0).reduce(1.0) { p, _ in p * 10 } }
