/// How the lines of a table are cut into fields.
package struct CSVDialect: Hashable {
  /// A space stands for a run of them, as NumPy's `savetxt` writes.
  package let delimiter: UInt8

  /// Whether decimals may follow a comma, as in German: only where a comma doesn't end a field.
  package var allowsDecimalComma: Bool { delimiter != UInt8(ascii: ",") }

  /// That of a line: the first of tab, semicolon, comma and space that is in it outside of quotation
  /// marks. A comma beside a semicolon is a decimal comma.
  package init(of line: UnsafeRawBufferPointer) {
    var present: Set<UInt8> = []
    var isQuoted = false
    var last: UInt8 = 0
    for byte in line {
      if byte == UInt8(ascii: "\"") {
        isQuoted.toggle()
      } else if !isQuoted, byte != 0x09 || last != UInt8(ascii: ",") && last != UInt8(ascii: ";") {
        // A tab after a comma only aligns.
        present.insert(byte)
        if byte != 0x20 { last = byte }
      }
    }
    delimiter = Self.delimiters.first(where: present.contains) ?? UInt8(ascii: ",")
  }

  /// That which Excel's first line `sep=;` declares; nil for any other line.
  package init?(declaredBy line: UnsafeRawBufferPointer) {
    guard line.count == 5, line.text.lowercased().hasPrefix("sep="),
      Self.delimiters.contains(line[4])
    else { return nil }
    delimiter = line[4]
  }

  private static let delimiters: [UInt8] = [0x09, UInt8(ascii: ";"), UInt8(ascii: ","), 0x20]

  package var name: String {
    switch delimiter {
    case 0x09: "tabs"
    case 0x20: "spaces"
    case UInt8(ascii: ";"): "semicolons"
    default: "commas"
    }
  }

  /// Whether nothing is in the line but what parts fields.
  package func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
    line.allSatisfy { $0 == delimiter || $0 == 0x20 || $0 == 0x09 || $0 == 0x22 }
  }

  package func fields(of line: UnsafeRawBufferPointer) -> CSVFields { CSVFields(line, delimiter) }

  /// The fields as texts, without quotation marks around them.
  package func texts(of line: UnsafeRawBufferPointer) -> [String] {
    var fields = fields(of: line)
    var texts: [String] = []
    while let field = fields.next() { texts.append(field.unquotedText) }
    return texts
  }
}

/// The fields of one line, one after another, without spaces and quotation marks at their ends (RFC 4180;
/// a delimiter within quotation marks parts nothing).
package struct CSVFields {
  private let line: UnsafeRawBufferPointer
  private let delimiter: UInt8
  private var place = 0
  private var isOver = false

  package init(_ line: UnsafeRawBufferPointer, _ delimiter: UInt8) {
    self.line = line
    self.delimiter = delimiter
    if delimiter == 0x20 {
      skipSpaces()
      isOver = place == line.count
    }
  }

  private mutating func skipSpaces() {
    while place < line.count, line[place] == 0x20 { place += 1 }
  }

  @inline(__always)
  package mutating func next() -> UnsafeRawBufferPointer? {
    if isOver { return nil }
    let start = place
    var end = start
    var isQuoted = false
    while end < line.count {
      let byte = line[end]
      if byte == 0x22 { isQuoted.toggle() } else if byte == delimiter, !isQuoted { break }
      end += 1
    }
    place = end + 1
    if delimiter == 0x20 { skipSpaces() }
    // A run of spaces at the end parts nothing from nothing.
    if delimiter == 0x20 ? place >= line.count : end >= line.count { isOver = true }
    return UnsafeRawBufferPointer(rebasing: line[start..<end]).withoutQuotes
  }
}

/// A number as a table writes it.
package struct CSVNumber: Hashable {
  package enum Mark: Hashable { case none, point, comma }
  package var value: Double
  /// What its decimals follow.
  package var mark: Mark

  /// The whole number that it is, however it was written.
  package var whole: Int? { Int(exactly: value) }
}

extension UnsafeRawBufferPointer {
  /// Without the spaces at its ends, the quotation marks around it and the spaces within those.
  @inline(__always)
  fileprivate var withoutQuotes: UnsafeRawBufferPointer {
    let field = withoutSpaces
    guard field.count >= 2, field[0] == 0x22, field[field.count - 1] == 0x22 else { return field }
    return UnsafeRawBufferPointer(rebasing: field[1..<(field.count - 1)]).withoutSpaces
  }

  @inline(__always)
  private var withoutSpaces: UnsafeRawBufferPointer {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    var (first, last) = (startIndex, endIndex)
    while first < last, isSpace(self[first]) { first += 1 }
    while last > first, isSpace(self[last - 1]) { last -= 1 }
    return UnsafeRawBufferPointer(rebasing: self[first..<last])
  }

  /// Whether these bytes can only be of one of the older encodings.
  package var isUTF8: Bool {
    allSatisfy { $0 < 0x80 } || String(validating: self, as: UTF8.self) != nil
  }

  /// A field's text, its doubled quotation marks single; what is no UTF-8 is of Windows-1252, in which
  /// spreadsheets save.
  package var unquotedText: String {
    let text =
      String(validating: self, as: UTF8.self)
      ?? String(
        String.UnicodeScalarView(
          map {
            (0x80...0x9F).contains($0) ? windows1252[Int($0) - 0x80] : Unicode.Scalar($0)
          }))
    return text.contains("\"\"") ? text.replacing("\"\"", with: "\"") : text
  }

  /// The decimal number that these bytes are, `-12.5e-3`, to within the last bit of a `Double`; nil where
  /// they are none.
  @inline(__always)
  package func number(allowsComma: Bool) -> CSVNumber? {
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

/// What Windows-1252 has from 0x80 to 0x9F; elsewhere it is Latin-1.
private let windows1252 =
  Array(
    "\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}"
      .unicodeScalars)
  + Array(
    "\u{17D}\u{8F}\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}"
      .unicodeScalars) + Array("\u{153}\u{9D}\u{17E}\u{178}".unicodeScalars)
