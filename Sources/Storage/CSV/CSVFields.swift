/// How the lines of a table are cut into fields.
package struct CSVDialect: Hashable, Sendable {
  /// A space stands for a run of them, as NumPy's `savetxt` writes.
  package let delimiter: UInt8
  /// Whether the spaces at the ends of a field, in quotation marks or not, are part of it.
  package let keepsSpaces: Bool

  private init(_ delimiter: UInt8, keepsSpaces: Bool = false) {
    self.delimiter = delimiter
    self.keepsSpaces = keepsSpaces
  }

  /// Commas, as RFC 4180 has them and `CSV` writes them.
  package static let standard = CSVDialect(UInt8(ascii: ","), keepsSpaces: true)

  /// Commas, for what people and other programs write.
  package static let commas = CSVDialect(UInt8(ascii: ","))

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
    self.init(Self.delimiters.first(where: present.contains) ?? UInt8(ascii: ","))
  }

  /// That which Excel's first line `sep=;` declares; nil for any other line.
  package init?(declaredBy line: UnsafeRawBufferPointer) {
    guard line.count == 5, line.text.lowercased().hasPrefix("sep="),
      Self.delimiters.contains(line[4])
    else { return nil }
    self.init(line[4])
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

  package func fields(of line: UnsafeRawBufferPointer) -> CSVFields { CSVFields(line, self) }

  /// The fields as texts, without quotation marks around them.
  package func texts(of line: UnsafeRawBufferPointer) -> [String] {
    var fields = fields(of: line)
    var texts: [String] = []
    while let field = fields.next() { texts.append(field.unquotedText) }
    return texts
  }

  package func texts(of line: some StringProtocol) -> [String] {
    var line = String(line)
    return line.withUTF8 { texts(of: UnsafeRawBufferPointer($0)) }
  }

  /// The records of a text, each with the line that it begins on, from 1: a line break within quotation
  /// marks ends none. Empty lines are passed over.
  package func records(of bytes: [UInt8]) -> [(line: Int, fields: [String])] {
    bytes.withUnsafeBytes { text in
      var records: [(line: Int, fields: [String])] = []
      var (start, first, line) = (0, 1, 1)
      var isQuoted = false
      func endRecord(at end: Int) {
        let last = end > start && text[end - 1] == 0x0D ? end - 1 : end
        if start < last {
          let record = UnsafeRawBufferPointer(rebasing: text[start..<last])
          records.append((first, texts(of: record)))
        }
        (start, first) = (end + 1, line)
      }
      for (place, byte) in text.enumerated() {
        if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
        guard byte == UInt8(ascii: "\n") else { continue }
        line += 1
        if !isQuoted { endRecord(at: place) }
      }
      endRecord(at: text.count)
      return records
    }
  }
}

/// The fields of one record, one after another, without quotation marks at their ends (RFC 4180; a
/// delimiter within quotation marks parts nothing).
package struct CSVFields {
  private let line: UnsafeRawBufferPointer
  private let delimiter: UInt8
  private let keepsSpaces: Bool
  private var place = 0
  private var isOver = false

  fileprivate init(_ line: UnsafeRawBufferPointer, _ dialect: CSVDialect) {
    self.line = line
    delimiter = dialect.delimiter
    keepsSpaces = dialect.keepsSpaces
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
    let field = UnsafeRawBufferPointer(rebasing: line[start..<end])
    return keepsSpaces
      ? field.withoutQuotes : field.withoutSpaces.withoutQuotes.withoutSpaces
  }
}

extension UnsafeRawBufferPointer {
  /// Without the quotation marks around it.
  @inline(__always)
  fileprivate var withoutQuotes: UnsafeRawBufferPointer {
    guard count >= 2, self[0] == 0x22, self[count - 1] == 0x22 else { return self }
    return UnsafeRawBufferPointer(rebasing: self[1..<(count - 1)])
  }

  @inline(__always)
  fileprivate var withoutSpaces: UnsafeRawBufferPointer {
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
    guard contains(0x22) else { return decodedText }
    var bytes: [UInt8] = []
    var isDoubled = false
    for byte in self {
      isDoubled = byte == 0x22 && bytes.last == 0x22 && !isDoubled
      if !isDoubled { bytes.append(byte) }
    }
    return bytes.withUnsafeBytes { $0.decodedText }
  }

  private var decodedText: String {
    // Nearly all there is, and many times as fast as what may have to look again.
    if allSatisfy({ $0 < 0x80 }) { return text }
    return String(validating: self, as: UTF8.self)
      ?? String(
        String.UnicodeScalarView(
          map {
            (0x80...0x9F).contains($0) ? windows1252[Int($0) - 0x80] : Unicode.Scalar($0)
          }))
  }
}

/// What Windows-1252 has from 0x80 to 0x9F; elsewhere it is Latin-1.
private let windows1252 =
  Array(
    "\u{20AC}\u{81}\u{201A}\u{192}\u{201E}\u{2026}\u{2020}\u{2021}\u{2C6}\u{2030}\u{160}\u{2039}\u{152}\u{8D}"
      .unicodeScalars)
  + Array(
    "\u{17D}\u{8F}\u{90}\u{2018}\u{2019}\u{201C}\u{201D}\u{2022}\u{2013}\u{2014}\u{2DC}\u{2122}\u{161}\u{203A}"
      .unicodeScalars) + Array("\u{153}\u{9D}\u{17E}\u{178}".unicodeScalars)
