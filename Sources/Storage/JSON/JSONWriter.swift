extension JSONValue {
  /// The document as text that ends in a newline: two spaces of indentation, objects a key per
  /// line, arrays of scalars on one line where it stays under 100 columns, keys in their order.
  public var pretty: String {
    var text = ""
    write(to: &text, indentation: 0)
    text += "\n"
    return text
  }

  /// The document on one line.
  public var compact: String { line(" ") }

  /// The document on one line, without a space but those in strings.
  public var minified: String { line("") }

  private func line(_ space: String) -> String {
    var text = ""
    write(to: &text, space: space)
    return text
  }

  private func write(to text: inout String, space: String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .number(let number): text += number.text
    case .string(let string): Self.write(string, to: &text)
    case .array(let items):
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 {
          text += ","
          text += space
        }
        item.write(to: &text, space: space)
      }
      text += "]"
    case .object(let object):
      text += "{"
      for (index, member) in object.members.enumerated() {
        if index > 0 { text += "," }
        text += space
        Self.write(member.key, to: &text)
        text += ":"
        text += space
        member.value.write(to: &text, space: space)
      }
      if !object.isEmpty { text += space }
      text += "}"
    }
  }

  package var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private func write(to text: inout String, indentation: Int) {
    func newline(_ depth: Int) {
      text += "\n"
      text += String(repeating: "  ", count: depth)
    }
    switch self {
    case .array(let items) where !items.isEmpty:
      if items.allSatisfy(\.isScalar) {
        let line = compact
        if line.utf8.count + 2 * indentation < 80 {
          text += line
          return
        }
      }
      text += "["
      for (index, item) in items.enumerated() {
        if index > 0 { text += "," }
        newline(indentation + 1)
        item.write(to: &text, indentation: indentation + 1)
      }
      newline(indentation)
      text += "]"
    case .object(let object) where !object.isEmpty:
      text += "{"
      for (index, member) in object.members.enumerated() {
        if index > 0 { text += "," }
        newline(indentation + 1)
        text += Self.quoted(member.key) + ": "
        member.value.write(to: &text, indentation: indentation + 1)
      }
      newline(indentation)
      text += "}"
    default:
      text += compact
    }
  }

  /// A string in double quotes, with only the escapes that JSON demands.
  package static func quoted(_ string: String) -> String {
    var text = ""
    write(string, to: &text)
    return text
  }

  private static func write(_ string: String, to text: inout String) {
    text += "\""
    defer { text += "\"" }
    let isPlain = string.utf8.allSatisfy {
      (0x20..<0x7F).contains($0) && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\")
    }
    if isPlain {
      text += string
      return
    }
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case "\r": text += "\\r"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
