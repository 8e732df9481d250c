/// Rows of comma-separated values (RFC 4180), as `CSVDialect.standard` reads them back.
package enum CSV {
  /// In quotation marks where it holds a comma, a quotation mark or a line break.
  package static func field(_ text: String) -> String {
    let needsQuotes = text.utf8.contains {
      $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n")
        || $0 == UInt8(ascii: "\r")
    }
    guard needsQuotes else { return text }
    var quoted = "\""
    for character in text.unicodeScalars {
      if character == "\"" { quoted += "\"" }
      quoted.unicodeScalars.append(character)
    }
    return quoted + "\""
  }

  package static func row(_ fields: [String]) -> String {
    fields.map(field).joined(separator: ",")
  }

  /// Fields of values as Swift describes them: a number by the shortest text that reads back as the same
  /// bits, nil by an empty one.
  package static func fields(_ values: (any CustomStringConvertible)?...) -> [String] {
    values.map { $0?.description ?? "" }
  }

  /// A file of rows, each of which ends with a line feed.
  package static func text(_ rows: [[String]]) -> String {
    rows.map { row($0) + "\n" }.joined()
  }
}
