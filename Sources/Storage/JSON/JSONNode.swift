/// A JSON value with the place where it was written.
package struct JSONNode: Sendable {
  package enum Origin: Hashable, Sendable {
    /// The byte of a file where the value, or the key, begins; a document may be made of several.
    case file(offset: Int, source: Int = 0)
    /// The index of the override on the command line.
    case override(Int)
  }

  package struct Member: Sendable {
    package var key: String
    package var keyOrigin: Origin
    package var value: JSONNode
    package init(key: String, keyOrigin: Origin, value: JSONNode) {
      self.key = key
      self.keyOrigin = keyOrigin
      self.value = value
    }
  }

  package indirect enum Content: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONNode])
    case object([Member])
  }

  package var origin: Origin
  package var content: Content

  package init(origin: Origin, content: Content) {
    self.origin = origin
    self.content = content
  }

  package var value: JSONValue {
    switch content {
    case .null: return .null
    case .bool(let value): return .bool(value)
    case .number(let value): return .number(value)
    case .string(let value): return .string(value)
    case .array(let items): return .array(items.map(\.value))
    case .object(let members):
      // The parser keeps the first of equal keys alone.
      return .object(
        JSONObject(unique: members.map { JSONObject.Member(key: $0.key, value: $0.value.value) }))
    }
  }

  package subscript(key: String) -> Member? {
    if case .object(let members) = content { members.first { $0.key == key } } else { nil }
  }
}

/// One step of a path into a document.
package enum PathStep: Hashable, Sendable {
  case key(String)
  case index(Int)
}

/// A path into a document; its text is `model[2].kernel`.
package struct Path: Hashable, Sendable, CustomStringConvertible {
  package var steps: [PathStep]

  package init(steps: [PathStep] = []) { self.steps = steps }

  package static func + (path: Path, key: String) -> Path { Path(steps: path.steps + [.key(key)]) }
  package static func + (path: Path, index: Int) -> Path {
    Path(steps: path.steps + [.index(index)])
  }

  package var description: String {
    var text = ""
    for step in steps {
      switch step {
      case .index(let index): text += "[\(index)]"
      case .key(let key):
        if !text.isEmpty { text += "." }
        text += Self.isPlain(key) ? key : JSONValue.quoted(key)
      }
    }
    return text
  }

  /// Whether a key needs no quotes within a path.
  package static func isPlain(_ key: String) -> Bool {
    !key.isEmpty
      && key.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || "0123456789_-$".unicodeScalars.contains($0)
      }
  }
}

/// The bytes of a document with its line starts, to turn offsets into lines and columns.
package struct SourceText: Sendable {
  package let name: String
  package let bytes: [UInt8]
  private let lineStarts: [Int]
  /// Characters before every 256th byte, so that a place in a long line is found in no more steps
  /// than one in a short line: a hostile file has an error in each of 100,000 places of one line.
  private let charactersBefore: [Int]
  private static let block = 256

  package init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    var characters = 0
    var before: [Int] = []
    for (index, byte) in bytes.enumerated() {
      if index % Self.block == 0 { before.append(characters) }
      if Self.isCharacter(byte) { characters += 1 }
      if byte == UInt8(ascii: "\n") { starts.append(index + 1) }
    }
    if bytes.count % Self.block == 0 { before.append(characters) }
    lineStarts = starts
    charactersBefore = before
  }

  /// Whether a byte begins a Unicode scalar.
  private static func isCharacter(_ byte: UInt8) -> Bool { byte & 0xC0 != 0x80 }

  private func characters(before offset: Int) -> Int {
    let block = offset / Self.block
    return charactersBefore[block]
      + bytes[block * Self.block..<offset].count(where: Self.isCharacter)
  }

  /// Line and column from 1; the column counts characters as Unicode scalars, so that a wide one
  /// counts as one.
  package func position(of offset: Int) -> (line: Int, column: Int) {
    var low = 0
    var high = lineStarts.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    let column = characters(before: min(offset, bytes.count)) - characters(before: lineStarts[low])
    return (low + 1, 1 + column)
  }

  package func diagnostic(at offset: Int, path: Path = Path(), _ message: String) -> Diagnostic {
    let (line, column) = position(of: offset)
    return Diagnostic(
      source: name, line: line, column: column, path: path.description, message: message)
  }
}
