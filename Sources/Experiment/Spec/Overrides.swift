/// A `key.path=value` of the command line.
struct Override {
  let path: Path
  let node: JSONNode

  /// The value is JSON where it can be, else a string: `name=lenet-2` needs no quotes.
  init(_ argument: String, index: Int) throws(SpecChecker.Problem) {
    let origin = JSONNode.Origin.override(index)
    guard let equals = argument.firstIndex(of: "="), equals != argument.startIndex else {
      throw SpecChecker.Problem(
        origin: origin, path: Path(),
        message: "\(shortened(argument)) sets nothing; write key=value, such as seed=7")
    }
    guard let path = Self.path(argument[..<equals]) else {
      throw SpecChecker.Problem(
        origin: origin, path: Path(),
        message: "\(shortened(String(argument[..<equals]))) is not a key; write it as "
          + "optimizer.learning_rate or model[0].filters")
    }
    self.path = path
    let text = String(argument[argument.index(after: equals)...])
    var parser = JSONParser(SourceText(name: "", bytes: Array(text.utf8)))
    do throws(Diagnostic) {
      let parsed = try parser.document()
      if let duplicate = parser.duplicates.first { throw duplicate.diagnostic }
      node = JSONNode(parsed.value, origin: origin)
    } catch {
      let first = text.utf8.first
      if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == UInt8(ascii: "\"") {
        let inside = error.path.isEmpty ? "" : "\(error.path): "
        let column = error.column.map { " at its character \($0)" } ?? ""
        throw SpecChecker.Problem(
          origin: origin, path: path,
          message: "the value is not JSON\(column): \(inside)\(error.message)")
      }
      node = JSONNode(origin: origin, content: .string(text))
    }
  }

  /// `model[0].filters` as steps; nil when it isn't one.
  private static func path(_ text: Substring) -> Path? {
    var path = Path()
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      let pieces = part.split(separator: "[", omittingEmptySubsequences: false)
      guard let key = pieces.first, Path.isPlain(String(key)) else { return nil }
      path = path + String(key)
      for piece in pieces.dropFirst() {
        guard piece.last == "]", let index = Int(piece.dropLast()), index >= 0 else { return nil }
        path = path + index
      }
    }
    return path
  }

  /// The document with this value in place. What is missing on the way is made, and whether it may
  /// be there is left to the checker.
  func apply(to root: inout JSONNode) throws(SpecChecker.Problem) {
    try Self.set(node, at: path.steps[...], in: &root, Path())
  }

  private static func set(
    _ value: JSONNode, at steps: ArraySlice<PathStep>, in node: inout JSONNode, _ here: Path
  ) throws(SpecChecker.Problem) {
    guard let step = steps.first else {
      node = value
      return
    }
    let rest = steps.dropFirst()
    switch (step, node.content) {
    case (.key(let key), .object(var members)):
      if let index = members.firstIndex(where: { $0.key == key }) {
        // An explicit null is taken as if the key weren't there.
        if !rest.isEmpty, members[index].value.isNull {
          members[index].value = empty(value.origin)
        }
        try set(value, at: rest, in: &members[index].value, here + key)
      } else {
        var made = empty(value.origin)
        try set(value, at: rest, in: &made, here + key)
        members.append(JSONNode.Member(key: key, keyOrigin: value.origin, value: made))
      }
      node.content = .object(members)
    case (.index(let index), .array(var items)):
      guard items.indices.contains(index) else {
        throw SpecChecker.Problem(
          origin: value.origin, path: here + index,
          message: items.isEmpty
            ? "\(here) is an empty list" : "\(here) ends with [\(items.count - 1)]")
      }
      try set(value, at: rest, in: &items[index], here + index)
      node.content = .array(items)
    case (.key(let key), _):
      throw SpecChecker.Problem(
        origin: value.origin, path: here + key,
        message: "\(here.description.isEmpty ? "the document" : here.description) is "
          + "\(node.found), which has no keys")
    case (.index(let index), _):
      throw SpecChecker.Problem(
        origin: value.origin, path: here + index,
        message: "\(here) is \(node.found), which is no list")
    }
  }

  private static func empty(_ origin: JSONNode.Origin) -> JSONNode {
    JSONNode(origin: origin, content: .object([]))
  }
}
