import Storage

/// Holds a document against its description: gathers everything that is wrong, and fills in the
/// defaults of what is right.
package struct SpecChecker {
  package let root: JSONNode
  package private(set) var problems: [Problem] = []
  /// Why one's own files don't tell their classes or their shape, where they were asked.
  package var filesReason: String?
  /// The model that the training is to begin with, where it was read.
  var initialModel: FoundModel?
  /// The models that it is to be taught by, where they were read.
  var teachers: [FoundModel] = []

  /// Something wrong, not yet turned into lines and columns.
  package struct Problem: Error, Hashable {
    package var origin: JSONNode.Origin
    package var path: Path
    package var message: String
    package init(origin: JSONNode.Origin, path: Path, message: String) {
      self.origin = origin
      self.path = path
      self.message = message
    }
  }

  package init(root: JSONNode) { self.root = root }

  /// The document as an experiment, with its defaults; nil when it isn't an object.
  package mutating func checkExperiment() -> JSONValue? {
    let checked = check(root, .object(SpecDescription.root), Path())
    if let checked { checkConsistency(checked) }
    return checked
  }

  package mutating func report(_ origin: JSONNode.Origin, _ path: Path, _ message: String) {
    problems.append(Problem(origin: origin, path: path, message: message))
  }

  /// Reports at the value of a path, or at the nearest thing around it that was written.
  package mutating func report(at path: Path, _ message: String) {
    var node = root
    for step in path.steps {
      switch (step, node.content) {
      case (.key(let key), .object):
        guard let member = node[key] else { return report(node.origin, path, message) }
        node = member.value
      case (.index(let index), .array(let items)) where items.indices.contains(index):
        node = items[index]
      default: return report(node.origin, path, message)
      }
    }
    report(node.origin, path, message)
  }

  /// The value with its defaults, or nil when it is not of the type; an object lacks its wrong keys.
  package mutating func check(_ node: JSONNode, _ type: FieldType, _ path: Path) -> JSONValue? {
    switch (type.bare, node.content) {
    case (.boolean, .bool), (.text, .string), (.anything, _):
      return node.value
    case (.integer(let range), .number(let number)):
      if let value = number.int, range.contains(value) { return JSONValue(value) }
    case (.seed, .number(let number)):
      if let value = number.uint64 { return JSONValue(value) }
    case (.number(let bounds), .number(let number)):
      if bounds.contains(number.double) { return node.value }
    case (.float(let bounds), .number(let number)):
      // Both, so that neither 1e-46 passes for more than 0 nor 0.9999999999 for less than 1.
      if bounds.contains(number.double), bounds.contains(Double(number.float)) {
        return node.value
      }
    case (.folderName, .string(let name)):
      if isFolderName(name) { return node.value }
    case (.form(let form), .string(let text)):
      if form.matches(text) { return node.value }
      if let hint = form.hint(text) {
        report(
          node.origin, path,
          "found \(node.found), but \(form.expectation) is expected; \(hint)")
        return nil
      }
    case (.choice(let choice), .string(let name)):
      if choice.names.contains(name) { return node.value }
      report(node.origin, path, Self.unknown(name, choice))
      return nil
    case (.fractionOrCount(let limit), .number(let number)):
      if number.double >= 0, number.double < 1 { return node.value }
      if let count = number.int, (1...limit).contains(count) { return JSONValue(count) }
    case (.pair(let item, _), .array(let items)) where items.count == 2:
      let checked = items.enumerated().map { check($1, item, path + $0) }
      if let first = checked[0], let second = checked[1] { return [first, second] }
      return nil
    case (.list(let item, let count, let noun), .array(let items)):
      if !count.contains(items.count) {
        let limit =
          items.count < count.lowerBound
          ? "at least \(count.lowerBound)" : "at most \(count.upperBound)"
        report(
          node.origin, path,
          "found a list of \(items.count), but a list of \(limit) \(noun) is expected")
        return nil
      }
      return .array(items.enumerated().map { check($1, item, path + $0) ?? .null })
    case (.object(let object), .object(let members)):
      if object.needsKey, members.isEmpty {
        report(
          node.origin, path,
          "found an empty object; give at least one of \(object.fields.map(\.name).quotedList)")
      }
      return check(members, of: node, object.fields, others: object.others, path)
    case (.variants(let variants), .object(let members)):
      return check(members, of: node, variants, path)
    case (.map(let map), .object(let members)):
      return check(members, of: node, map, path)
    case (.either(let types), _):
      if let type = types.first(where: { $0.accepts(node.content) }) {
        return check(node, type, path)
      }
    default: break
    }
    report(
      node.origin, path, "found \(node.found), but \(type.expectation) is expected")
    return nil
  }

  private mutating func check(
    _ members: [JSONNode.Member], of node: JSONNode, _ variants: VariantType, _ path: Path
  ) -> JSONValue? {
    guard let key = variants.key else {
      return checkKind(members, of: node, variants, path)
    }
    let choice = variants.choice
    guard let member = node[key] else {
      report(
        node.origin, path, "\"\(key)\" is missing; it is one of \(choice.names.quotedList)")
      return nil
    }
    guard case .string(let name)? = check(member.value, .choice(choice), path + key),
      let fields = variants.fields(of: name)
    else { return nil }
    return check(members, of: node, fields, path)
  }

  /// An object whose kind is the one key that names it.
  private mutating func checkKind(
    _ members: [JSONNode.Member], of node: JSONNode, _ variants: VariantType, _ path: Path
  ) -> JSONValue? {
    let kinds = variants.choice.names.filter { node[$0] != nil }
    if kinds.count == 1, let fields = variants.fields(of: kinds[0]) {
      return check(members, of: node, fields, path)
    }
    let names = variants.choice.names.quotedList
    guard kinds.isEmpty else {
      report(
        node.origin, path, "\(kinds.quotedList) exclude each other; give one of \(names)")
      return nil
    }
    let known = FieldType.variants(variants).fields.map(\.name)
    var isNear = false
    for member in members where !known.contains(member.key) {
      let choice = variants.choice
      if let near = nearMiss(to: member.key, among: choice.names, aliases: choice.aliases) {
        report(
          member.keyOrigin, path + member.key, "unknown key; did you mean \"\(near)\"?")
        isNear = true
      }
    }
    if !isNear { report(node.origin, path, "one of \(names) is missing") }
    return nil
  }

  private mutating func check(
    _ members: [JSONNode.Member], of node: JSONNode, _ map: MapType, _ path: Path
  ) -> JSONValue? {
    if !map.count.contains(members.count) {
      let limit =
        map.count.lowerBound == map.count.upperBound
        ? "exactly \(map.count.lowerBound)"
        : members.count < map.count.lowerBound
          ? "at least \(map.count.lowerBound)" : "at most \(map.count.upperBound)"
      let found = members.isEmpty ? "an empty object" : "an object of \(members.count)"
      report(
        node.origin, path, "found \(found), but an object of \(limit) \(map.noun) is expected")
      return nil
    }
    var result = JSONObject()
    for member in members {
      result[member.key] = check(member.value, map.values, path + member.key)
    }
    return .object(result)
  }

  private mutating func check(
    _ members: [JSONNode.Member], of node: JSONNode, _ fields: [Field],
    others: [OtherKeys] = [], _ path: Path
  ) -> JSONValue {
    // What a misspelt key was to say is taken for it: one slip is one error.
    var meant: [String: JSONNode.Member] = [:]
    // Those that only their form tells come after the others, in the writer's order.
    var ofForm: [(member: JSONNode.Member, keys: OtherKeys)] = []
    for member in members where !fields.contains(where: { $0.name == member.key }) {
      if let keys = others.first(where: { $0.form.matches(member.key) }) {
        ofForm.append((member, keys))
        continue
      }
      var aliases: [String: String] = [:]
      for field in fields { for alias in field.aliases { aliases[alias] = field.name } }
      let meaning = ProbableMeaning(
        of: member.key, among: fields.map(\.name), aliases: aliases)
      report(
        member.keyOrigin, path + member.key,
        Self.unknownKey(
          member.key, meaning, fields, others: others, isRoot: path.steps.isEmpty))
      if let near = meaning.name, node[near] == nil, meant[near] == nil { meant[near] = member }
    }
    var result = JSONObject()
    for field in fields {
      let place = path + field.name
      if let member = meant[field.name] {
        let told = problems.count
        result[field.name] = check(member.value, field.type, place)
        problems.removeSubrange(told...)
        continue
      }
      if let member = node[field.name] {
        if case .none = field.fallback, member.value.isNull {
          result[field.name] = .null
        } else {
          result[field.name] = check(member.value, field.type, place)
        }
        continue
      }
      switch field.fallback {
      case .required:
        report(
          node.origin, path, "\"\(field.name)\" is missing; \(field.type.expectation) is expected")
      case .none: result[field.name] = .null
      case .value(let value) where value.isScalar: result[field.name] = value
      case .value(let value):
        result[field.name] = check(JSONNode(value, origin: node.origin), field.type, place)
      case .derived(_, let derive):
        let value = derive(DefaultContext(siblings: result, root: root))
        result[field.name] = check(JSONNode(value, origin: node.origin), field.type, place)
      }
    }
    for (member, keys) in ofForm {
      result[member.key] =
        member.value.isNull ? .null : check(member.value, keys.field.type, path + member.key)
    }
    return .object(result)
  }

  // MARK: - Messages

  private static func unknown(_ name: String, _ choice: Choice) -> String {
    let found = "\(shortened(name)) is not \(choice.noun)"
    let meaning = ProbableMeaning(of: name, among: choice.names, aliases: choice.aliases)
    if let near = meaning.name { return "\(found); did you mean \"\(near)\"?" }
    if let other = meaning.foreign { return "\(found); \(other.advice)" }
    return choice.names.count == 1
      ? "\(found); it can only be \(choice.names.quotedList)"
      : "\(found); it is one of \(choice.names.quotedList)"
  }

  private static func unknownKey(
    _ key: String, _ meaning: ProbableMeaning, _ fields: [Field], others: [OtherKeys],
    isRoot: Bool
  ) -> String {
    if isRoot {
      // A key of a section, given without it: `epochs` for `training.epochs`.
      let sections = fields.filter { $0.type.isObject } + fields.filter { $0.type.isVariants }
      for section in sections {
        if let inner = section.type.fields.first(where: { $0.name == key })
          ?? section.type.fields.first(where: { $0.aliases.contains(key) })
        {
          return "unknown key; did you mean \"\(section.name).\(inner.name)\"?"
        }
      }
    }
    if let near = meaning.name { return "unknown key; did you mean \"\(near)\"?" }
    if let hint = others.lazy.compactMap({ $0.form.hint(key) }).first {
      return "unknown key; \(hint)"
    }
    if let other = meaning.foreign { return "unknown key; \(other.advice)" }
    let more = others.map { ", and \($0.form.expectation)" }.joined()
    return "unknown key; the keys here are \(fields.map(\.name).quotedList)\(more)"
  }
}

extension ForeignName {
  /// `Keras's rotation_range is written "augmentation": …`
  fileprivate var advice: String {
    isJSON
      ? "\(library.title)'s \(name) is written \(written)"
      : "\(library.title)'s \(name): \(written)"
  }
}

/// A string in quotes, cut to a readable length.
package func shortened(_ text: String) -> String {
  text.count <= 60 ? JSONValue.quoted(text) : JSONValue.quoted(String(text.prefix(59)) + "…")
}

/// Whether results can lie in a folder of this name, on any file system.
package func isFolderName(_ name: String) -> Bool {
  guard (1...100).contains(name.utf8.count), let first = name.utf8.first else { return false }
  func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }
  return isAlphanumeric(first)
    && name.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
}

extension FieldType {
  /// Whether a value of this JSON kind is one of this alternative.
  func accepts(_ content: JSONNode.Content) -> Bool {
    switch (bare, content) {
    case (.boolean, .bool), (.integer, .number), (.seed, .number), (.number, .number),
      (.float, .number), (.fractionOrCount, .number), (.text, .string), (.folderName, .string),
      (.choice, .string), (.form, .string), (.pair, .array), (.list, .array), (.object, .object),
      (.variants, .object), (.map, .object), (.anything, _):
      true
    default: false
    }
  }

  var isObject: Bool { if case .object = bare { true } else { false } }
  var isVariants: Bool { if case .variants = bare { true } else { false } }

  /// What an object of this type can have, of whichever kind.
  var fields: [Field] {
    switch bare {
    case .object(let object): object.fields
    case .variants(let variants): variants.choice.names.flatMap { variants.fields(of: $0)! }
    default: []
    }
  }
}

extension JSONNode {
  package var isNull: Bool { if case .null = content { true } else { false } }

  /// The value for a message, cut to a readable length.
  package var found: String {
    switch content {
    case .null: "null"
    case .bool(let value): value ? "true" : "false"
    case .number(let number): number.text.count <= 60 ? number.text : number.text.prefix(59) + "…"
    case .string(let text): shortened(text)
    case .array(let items): items.isEmpty ? "an empty list" : "a list of \(items.count)"
    case .object: "an object"
    }
  }

  /// A value that stands for something written at `origin`.
  package init(_ value: JSONValue, origin: Origin) {
    let content: Content =
      switch value {
      case .null: .null
      case .bool(let value): .bool(value)
      case .number(let value): .number(value)
      case .string(let value): .string(value)
      case .array(let items): .array(items.map { JSONNode($0, origin: origin) })
      case .object(let object):
        .object(
          object.members.map {
            Member(key: $0.key, keyOrigin: origin, value: JSONNode($0.value, origin: origin))
          })
      }
    self.init(origin: origin, content: content)
  }
}
