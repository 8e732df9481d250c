import Storage

/// A `key.path=value` of the command line.
package struct Override {
  package let path: Path
  package let node: JSONNode
  /// Where the path was written.
  private let origin: JSONNode.Origin

  /// - Parameter origin: where the path was written; nil for where the value was.
  package init(path: Path, node: JSONNode, origin: JSONNode.Origin? = nil) {
    self.path = path
    self.node = node
    self.origin = origin ?? node.origin
  }

  package init(_ argument: String, index: Int) throws(SpecChecker.Problem) {
    let (path, text) = try Self.split(argument, index: index)
    self.init(path: path, node: try Self.value(text, origin: .override(index), path: path))
  }

  /// The key path and the text that is to be its value.
  package static func split(
    _ argument: String, index: Int
  ) throws(SpecChecker.Problem) -> (path: Path, text: String) {
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw SpecChecker.Problem(
        origin: .override(index), path: Path(),
        message: "\(shortened(argument)) sets nothing; write key=value, such as seed=7")
    }
    guard let path = Path(parsing: argument[..<equals]) else {
      throw SpecChecker.Problem(
        origin: .override(index), path: Path(),
        message: "\(shortened(String(argument[..<equals]))) is not a key; write it as "
          + "optimizer.learning_rate or model[0].filters")
    }
    return (path, String(argument[argument.index(after: equals)...]))
  }

  /// The text between commas that stand outside brackets, braces and quotes.
  package static func pieces(_ text: String) -> [String] {
    var pieces = [""]
    var depth = 0
    var isQuoted = false
    var isEscaped = false
    for character in text {
      if isQuoted {
        if character == "\"", !isEscaped { isQuoted = false }
        isEscaped = character == "\\" && !isEscaped
      } else {
        switch character {
        case "\"": isQuoted = true
        case "[", "{": depth += 1
        case "]", "}": depth -= 1
        default: break
        }
        if character == ",", depth == 0 {
          pieces.append("")
          continue
        }
      }
      pieces[pieces.count - 1].append(character)
    }
    return pieces
  }

  /// The value is JSON where it can be, else a string: `name=lenet-2` needs no quotes.
  package static func value(
    _ text: String, origin: JSONNode.Origin, path: Path
  ) throws(SpecChecker.Problem) -> JSONNode {
    var parser = JSONParser(SourceText(name: "", bytes: Array(text.utf8)))
    do throws(Diagnostic) {
      let parsed = try parser.document()
      if let duplicate = parser.duplicates.first { throw duplicate.diagnostic }
      return JSONNode(parsed.value, origin: origin)
    } catch {
      let first = text.utf8.first
      if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "\"") {
        let inside = error.path.isEmpty ? "" : "\(error.path): "
        let column = error.column.map { " at its character \($0)" } ?? ""
        throw SpecChecker.Problem(
          origin: origin, path: path,
          message: "the value is not JSON\(column): \(inside)\(error.message)")
      }
      return JSONNode(origin: origin, content: .string(text))
    }
  }

  /// The document with this value in place. What is missing on the way is made, and whether it may
  /// be there is left to the checker.
  package func apply(to root: inout JSONNode) throws(SpecChecker.Problem) {
    try set(at: path.steps[...], in: &root, Path())
  }

  private func set(
    at steps: ArraySlice<PathStep>, in node: inout JSONNode, _ here: Path
  ) throws(SpecChecker.Problem) {
    guard let step = steps.first else {
      node = self.node
      return
    }
    let rest = steps.dropFirst()
    switch (step, node.content) {
    case (.key(let key), .object(var members)):
      if let index = members.firstIndex(where: { $0.key == key }) {
        // An explicit null is taken as if the key weren't there.
        if !rest.isEmpty, members[index].value.isNull {
          members[index].value = empty
        }
        try set(at: rest, in: &members[index].value, here + key)
      } else {
        var made = empty
        try set(at: rest, in: &made, here + key)
        members.append(JSONNode.Member(key: key, keyOrigin: origin, value: made))
      }
      node.content = .object(members)
    case (.index(let index), .array(var items)):
      guard items.indices.contains(index) else {
        throw SpecChecker.Problem(
          origin: origin, path: here + index,
          message: items.isEmpty
            ? "\(here) is an empty list" : "\(here) ends with [\(items.count - 1)]")
      }
      try set(at: rest, in: &items[index], here + index)
      node.content = .array(items)
    case (.key(let key), _):
      throw SpecChecker.Problem(
        origin: origin, path: here + key,
        message: "\(here.description.isEmpty ? "the document" : here.description) is "
          + "\(node.found), which has no keys")
    case (.index(let index), _):
      throw SpecChecker.Problem(
        origin: origin, path: here + index,
        message: "\(here) is \(node.found), which is no list")
    }
  }

  private var empty: JSONNode { JSONNode(origin: origin, content: .object([])) }
}

extension Path {
  /// `model[0].filters` as steps; nil when it isn't a path. A key that isn't plain stands in double
  /// quotes: `parameters."optimizer.learning_rate".scale`.
  package init?(parsing text: some StringProtocol) {
    self.init()
    var rest = Substring(text)
    while true {
      if rest.first == "\"" {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "\""), end != rest.startIndex else { return nil }
        steps.append(.key(String(rest[..<end])))
        rest = rest[rest.index(after: end)...]
      } else {
        let end = rest.firstIndex { $0 == "." || $0 == "[" } ?? rest.endIndex
        guard Self.isPlain(String(rest[..<end])) else { return nil }
        steps.append(.key(String(rest[..<end])))
        rest = rest[end...]
      }
      while rest.first == "[" {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "]"), let index = Int(rest[..<end]), index >= 0 else {
          return nil
        }
        steps.append(.index(index))
        rest = rest[rest.index(after: end)...]
      }
      if rest.isEmpty { return }
      guard rest.removeFirst() == "." else { return nil }
    }
  }
}
