/// Fields of comma-separated values (RFC 4180): in quotes where they hold a comma, a quote or a line
/// break.
package enum CSV {
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

  package static func row(_ fields: [String]) -> String { fields.map(field).joined(separator: ",") }

  /// The fields of a record on one line.
  package static func fields(_ line: ArraySlice<UInt8>) -> [Substring]? {
    // Without quotes there is nothing but commas to look at, and one text serves all fields.
    guard line.contains(UInt8(ascii: "\"")) else {
      let text = String(decoding: line, as: UTF8.self)
      var fields: [Substring] = []
      var start = text.startIndex
      while let comma = text.utf8[start...].firstIndex(of: UInt8(ascii: ",")) {
        fields.append(text[start..<comma])
        start = text.utf8.index(after: comma)
      }
      fields.append(text[start...])
      return fields
    }
    return records(Array(line)).first?.fields.map { $0[...] }
  }

  /// The records of a text, each with the line that it begins on, from 1. Empty lines are passed
  /// over.
  package static func records(_ bytes: [UInt8]) -> [(line: Int, fields: [String])] {
    var records: [(line: Int, fields: [String])] = []
    var (fields, field): ([String], [UInt8]) = ([], [])
    var (line, first) = (1, 1)
    var isQuoted = false
    var hasContent = false
    var index = 0
    func endRecord() {
      if hasContent {
        fields.append(String(decoding: field, as: UTF8.self))
        records.append((first, fields))
      }
      fields = []
      field.removeAll(keepingCapacity: true)
      hasContent = false
      first = line
    }
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\n") { line += 1 }
      switch byte {
      case UInt8(ascii: "\"") where isQuoted:
        if index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
          field.append(byte)
          index += 1
        } else {
          isQuoted = false
        }
      case _ where isQuoted: field.append(byte)
      case UInt8(ascii: "\"") where field.isEmpty:
        isQuoted = true
        hasContent = true
      case UInt8(ascii: ","):
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll(keepingCapacity: true)
        hasContent = true
      case UInt8(ascii: "\r"): break
      case UInt8(ascii: "\n"): endRecord()
      default:
        field.append(byte)
        hasContent = true
      }
    }
    endRecord()
    return records
  }
}
