/// A strict JSON reader (RFC 8259) that knows where everything is.
///
/// UTF-8 without a byte order mark, at most 8 MB and 64 levels deep, no comments, no trailing
/// commas, no NaN, no unpaired surrogates. A duplicate key doesn't stop it: they are collected.
package struct JSONParser {
  package static let sizeLimit = Files.documentLimit
  package static let depthLimit = 64

  private let source: SourceText
  private let sourceNumber: Int
  private var offset = 0
  private var depth = 0
  private var path = Path()
  package private(set) var duplicates: [(offset: Int, diagnostic: Diagnostic)] = []

  /// `number` tells this file from others that a document is made of.
  package init(_ source: SourceText, number: Int = 0) {
    self.source = source
    sourceNumber = number
  }

  /// The whole document. Throws the first thing that is not JSON.
  package mutating func document() throws(Diagnostic) -> JSONNode {
    if source.bytes.count > Self.sizeLimit {
      throw Diagnostic(
        source: source.name, path: "",
        message: "the file has more than \(Self.sizeLimit) bytes, the most that is read")
    }
    if source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw failure(0, "the file begins with a byte order mark; save it as UTF-8 without one")
    }
    if let invalid = firstInvalidUTF8(source.bytes) {
      throw failure(invalid, "the bytes here are not UTF-8")
    }
    skipSpace()
    if peek == nil { throw failure(offset, "the file is empty; a JSON value is expected") }
    let root = try value()
    skipSpace()
    if peek != nil {
      throw failure(offset, "found \(here) after the end of the document")
    }
    return root
  }

  private mutating func value() throws(Diagnostic) -> JSONNode {
    let start = offset
    let content: JSONNode.Content
    switch peek {
    case UInt8(ascii: "{"): content = try object()
    case UInt8(ascii: "["): content = try array()
    case UInt8(ascii: "\""): content = .string(try string())
    case let byte? where byte == UInt8(ascii: "-") || isDigit: content = .number(try number())
    default: content = try word()
    }
    return JSONNode(origin: .file(offset: start, source: sourceNumber), content: content)
  }

  private mutating func object() throws(Diagnostic) -> JSONNode.Content {
    let opening = try open()
    var members: [JSONNode.Member] = []
    var firstOffsets: [String: Int] = [:]
    skipSpace()
    if take(UInt8(ascii: "}")) {
      depth -= 1
      return .object([])
    }
    while true {
      skipSpace()
      let keyOffset = offset
      guard peek == UInt8(ascii: "\"") else {
        try atEnd(opening, "object")
        if peek == UInt8(ascii: "}") {
          throw failure(offset, "found \(here) after a comma; JSON allows no trailing comma")
        }
        throw failure(offset, "found \(here), but a key in double quotes is expected\(hint)")
      }
      let key = try string()
      path.steps.append(.key(key))
      skipSpace()
      guard take(UInt8(ascii: ":")) else {
        try atEnd(opening, "object")
        throw failure(offset, "found \(here), but \":\" is expected after a key\(hint)")
      }
      skipSpace()
      try atEnd(opening, "object")
      let value = try value()
      if let first = firstOffsets[key] {
        let line = source.position(of: first).line
        duplicates.append(
          (keyOffset, failure(keyOffset, "duplicate key; it is already given on line \(line)")))
      } else {
        firstOffsets[key] = keyOffset
        members.append(
          JSONNode.Member(
            key: key, keyOrigin: .file(offset: keyOffset, source: sourceNumber), value: value))
      }
      path.steps.removeLast()
      skipSpace()
      if take(UInt8(ascii: "}")) { break }
      guard take(UInt8(ascii: ",")) else {
        try atEnd(opening, "object")
        throw failure(offset, "found \(here), but \",\" or \"}\" is expected\(hint)")
      }
    }
    depth -= 1
    return .object(members)
  }

  private mutating func array() throws(Diagnostic) -> JSONNode.Content {
    let opening = try open()
    var items: [JSONNode] = []
    skipSpace()
    if take(UInt8(ascii: "]")) {
      depth -= 1
      return .array([])
    }
    while true {
      skipSpace()
      try atEnd(opening, "list")
      if peek == UInt8(ascii: "]") {
        throw failure(offset, "found \(here) after a comma; JSON allows no trailing comma")
      }
      path.steps.append(.index(items.count))
      items.append(try value())
      path.steps.removeLast()
      skipSpace()
      if take(UInt8(ascii: "]")) { break }
      guard take(UInt8(ascii: ",")) else {
        try atEnd(opening, "list")
        throw failure(offset, "found \(here), but \",\" or \"]\" is expected\(hint)")
      }
    }
    depth -= 1
    return .array(items)
  }

  /// Takes the opening bracket and gives its offset.
  private mutating func open() throws(Diagnostic) -> Int {
    defer { offset += 1 }
    depth += 1
    if depth > Self.depthLimit {
      throw failure(offset, "more than \(Self.depthLimit) levels of lists and objects")
    }
    return offset
  }

  private func atEnd(_ opening: Int, _ kind: String) throws(Diagnostic) {
    if peek == nil {
      let (line, column) = source.position(of: opening)
      throw failure(offset, "the file ends within the \(kind) begun at \(line):\(column)")
    }
  }

  private mutating func string() throws(Diagnostic) -> String {
    let start = offset
    offset += 1
    var bytes: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        offset += 1
        return String(decoding: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        bytes += String(try escape()).utf8
      case 0..<0x20:
        throw failure(
          offset,
          byte == UInt8(ascii: "\n")
            ? "a string ends at the end of its line; write a line break in it as \\n"
            : "found \(here) in a string; write it as an escape such as \\t or \\u0001")
      default:
        bytes.append(byte)
        offset += 1
      }
    }
    throw failure(start, "this string has no end")
  }

  private mutating func escape() throws(Diagnostic) -> Unicode.Scalar {
    let start = offset
    offset += 2
    guard offset <= source.bytes.count else { throw failure(start, "this escape has no end") }
    switch source.bytes[offset - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try codeUnit(start)
      if !UTF16.isLeadSurrogate(unit), !UTF16.isTrailSurrogate(unit) {
        return Unicode.Scalar(unit)!
      }
      if UTF16.isLeadSurrogate(unit), peek == UInt8(ascii: "\\"),
        offset + 1 < source.bytes.count, source.bytes[offset + 1] == UInt8(ascii: "u")
      {
        offset += 2
        let second = try codeUnit(offset - 2)
        if UTF16.isTrailSurrogate(second) {
          return Unicode.Scalar(
            0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(second) & 0x3FF)!
        }
      }
      throw failure(start, "half of a surrogate pair stands alone here")
    default:
      throw failure(
        start, "this is no escape of JSON; they are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
    }
  }

  /// The four hexadecimal digits of an escape that begins at `start`.
  private mutating func codeUnit(_ start: Int) throws(Diagnostic) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80
      else { throw failure(start, "\\u needs four hexadecimal digits") }
      unit = unit << 4 | UInt16(digit)
      offset += 1
    }
    return unit
  }

  // -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
  private mutating func number() throws(Diagnostic) -> JSONNumber {
    let start = offset
    _ = take(UInt8(ascii: "-"))
    if take(UInt8(ascii: "0")) {
      if isDigit { throw failure(start, "a number begins with no extra zero") }
    } else {
      try digits("after \"-\"")
    }
    if take(UInt8(ascii: ".")) { try digits("after the decimal point") }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits("in the exponent")
    }
    return JSONNumber(
      grammatical: String(decoding: source.bytes[start..<offset], as: UTF8.self))
  }

  private mutating func digits(_ place: String) throws(Diagnostic) {
    guard isDigit else { throw failure(offset, "a digit is expected \(place), found \(here)") }
    while isDigit { offset += 1 }
  }

  private mutating func word() throws(Diagnostic) -> JSONNode.Content {
    let start = offset
    var end = offset
    while end < source.bytes.count, isWord(source.bytes[end]) { end += 1 }
    let word = String(decoding: source.bytes[start..<end], as: UTF8.self)
    offset = end
    switch word {
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "null": return .null
    case "":
      throw failure(start, "found \(here), but a value is expected\(hint)")
    default:
      if let near = ["true", "false", "null"].first(where: { $0 == word.lowercased() }) {
        throw failure(start, "\"\(word)\" is not a JSON value; did you mean \(near)?")
      }
      if ["nan", "inf", "infinity"].contains(word.lowercased()) {
        throw failure(start, "\(word) is not a JSON value; numbers are finite")
      }
      throw failure(
        start,
        "\(JSONValue.quoted(String(word.prefix(40)))) is not a JSON value; "
          + "a string stands in double quotes")
    }
  }

  // MARK: - Bytes

  private var peek: UInt8? { offset < source.bytes.count ? source.bytes[offset] : nil }

  private var isDigit: Bool {
    if let peek { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(peek) } else { false }
  }

  private func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    offset += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
      offset += 1
    }
  }

  /// What stands at the offset, for a message.
  private var here: String {
    guard offset < source.bytes.count else { return "the end of the file" }
    var iterator = source.bytes[offset...].makeIterator()
    var decoder = UTF8()
    guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return "a byte" }
    switch scalar {
    case "\"": return "a double quote"
    case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}":
      return "the control character U+" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2)
        + String(scalar.value, radix: 16, uppercase: true)
    default: return "\"\(scalar)\""
    }
  }

  /// What the writer may have had in mind.
  private var hint: String {
    switch peek {
    case UInt8(ascii: "/"), UInt8(ascii: "#"): "; JSON has no comments"
    case UInt8(ascii: "'"): "; JSON's quotes are double"
    case UInt8(ascii: ","): "; there is a comma too many"
    case UInt8(ascii: "+"), UInt8(ascii: "."): "; a number begins with a digit or \"-\""
    default: ""
    }
  }

  private func failure(_ offset: Int, _ message: String) -> Diagnostic {
    source.diagnostic(at: offset, path: path, message)
  }
}

extension Diagnostic: Error {}

/// The offset of the first byte that is not part of well-formed UTF-8.
private func firstInvalidUTF8(_ bytes: [UInt8]) -> Int? {
  var offset = 0
  var iterator = bytes.makeIterator()
  var parser = Unicode.UTF8.ForwardParser()
  while true {
    switch parser.parseScalar(from: &iterator) {
    case .valid(let scalar): offset += scalar.count
    case .error: return offset
    case .emptyInput: return nil
    }
  }
}

extension JSONValue {
  /// Reads a document strictly; `name` is what messages call it. Throws every duplicate key, or the
  /// first thing that is not JSON.
  public init(parsing bytes: [UInt8], name: String) throws(SpecErrors) {
    var parser = JSONParser(SourceText(name: name, bytes: bytes))
    let root: JSONNode
    do { root = try parser.document() } catch { throw SpecErrors([error]) }
    if !parser.duplicates.isEmpty { throw SpecErrors(parser.duplicates.map(\.diagnostic)) }
    self = root.value
  }
}
