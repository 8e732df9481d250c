import Storage

/// A thing that a document describes by an object: its keys, each with the part of the Swift value that
/// it fills. Reading, writing, checks, messages, defaults and the JSON Schema follow from it.
package struct Declaration<Value: Sendable>: Sendable {
  package let type: ObjectType
  private let keys: KeySet<Value>

  /// - Parameters:
  ///   - value: whose parts are the defaults; those of keys that must be given are never seen.
  ///   - needsKey: whether at least one key must be there.
  package init(
    _ value: Value, needsKey: Bool = false, @ListBuilder<Key<Value>> keys: () -> [Key<Value>]
  ) {
    self.keys = KeySet(value, keys())
    type = ObjectType(fields: self.keys.fields, needsKey: needsKey)
  }

  /// The value of an object that a checker has passed and completed; nil where one of its keys is of
  /// another type.
  package func decode(_ object: JSONValue) -> Value? {
    object.object == nil ? nil : keys.decode(object)
  }

  /// The object of a value, every default written out.
  package func encode(_ value: Value) -> JSONValue {
    var object = JSONObject()
    keys.encode(value, into: &object)
    return .object(object)
  }

  func brief(_ value: Value) -> JSONValue {
    var object = JSONObject()
    keys.brief(value, into: &object)
    return .object(object)
  }
}

/// A thing of which there are several kinds: an optimizer, a layer.
package struct Kinds<Value: Sendable>: Sendable {
  package let type: VariantType
  private let key: String
  private let kinds: [(kind: Kind<Value>, keys: KeySet<Value>)]

  /// - Parameters:
  ///   - key: the key that names the kind.
  ///   - noun: what a kind is, with its article: `a layer`.
  ///   - common: the keys that every kind has, after its own.
  package init(
    key: String, doc: String, noun: String,
    @ListBuilder<Kind<Value>> kinds: () -> [Kind<Value>],
    @ListBuilder<Key<Value>> common: () -> [Key<Value>] = { [] }
  ) {
    let common = common()
    self.key = key
    self.kinds = kinds().map { ($0, KeySet($0.prototype, $0.keys + common)) }
    type = VariantType(
      key: key, doc: doc, noun: noun,
      cases: self.kinds.map { kind, keys in
        VariantType.Case(
          name: kind.name, doc: kind.doc, aliases: kind.aliases, fields: keys.fields)
      })
  }

  /// The kind of a name with its defaults; nil for the name of none.
  func named(_ name: String) -> Value? { kinds.first { $0.kind.name == name }?.keys.prototype }

  /// Whether the kind of a value has no keys.
  func isPlain(_ value: Value) -> Bool { kind(of: value).kind.keys.isEmpty }

  /// What the kind of a value is called.
  func name(of value: Value) -> String { kind(of: value).kind.name }

  /// The value of an object that a checker has passed and completed; nil where one of its keys is of
  /// another type.
  package func decode(_ object: JSONValue) -> Value? {
    guard let name = object[key]?.string else { return nil }
    return kinds.first { $0.kind.name == name }?.keys.decode(object)
  }

  /// The object of a value, every default written out.
  package func encode(_ value: Value) -> JSONValue {
    let (kind, keys) = kind(of: value)
    var object = JSONObject()
    object[key] = .string(kind.name)
    keys.encode(value, into: &object)
    return .object(object)
  }

  func brief(_ value: Value) -> JSONValue {
    let (kind, keys) = kind(of: value)
    var object = JSONObject()
    object[key] = .string(kind.name)
    keys.brief(value, into: &object)
    return .object(object)
  }

  private func kind(of value: Value) -> (kind: Kind<Value>, keys: KeySet<Value>) {
    guard let found = kinds.first(where: { $0.kind.includes(value) }) else {
      preconditionFailure("\(value) is no declared kind of \(type.choice.noun)")
    }
    return found
  }
}

/// One of the kinds of a thing.
package struct Kind<Value: Sendable>: Sendable {
  let name: String
  let doc: String
  /// Names that people bring from elsewhere.
  let aliases: [String]
  let prototype: Value
  let keys: [Key<Value>]
  /// Whether a value is of this kind.
  let includes: @Sendable (Value) -> Bool

  /// - Parameters:
  ///   - value: one of this kind, whose parts are the defaults; those of keys that must be given are
  ///     never seen.
  ///   - includes: whether a value is of this kind.
  package init(
    _ name: String, _ value: Value, includes: @escaping @Sendable (Value) -> Bool,
    aliases: [String] = [], _ doc: String, keys: [Key<Value>]
  ) {
    self.name = name
    self.doc = doc
    self.aliases = aliases
    prototype = value
    self.keys = keys
    self.includes = includes
  }

  /// A case of an enum, and the keys of what it holds.
  /// - Parameters:
  ///   - value: one of this case, whose parts are the defaults.
  ///   - embed: the case itself.
  ///   - held: what a value of this case holds; nil for another case.
  package init<Content>(
    _ name: String, _ value: Value, as embed: @escaping @Sendable (Content) -> Value,
    held: @escaping @Sendable (Value) -> Content?, aliases: [String] = [], _ doc: String,
    @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) {
    self.init(
      name, value, includes: { held($0) != nil }, aliases: aliases, doc,
      keys: keys().map { $0.within(get: held, set: { $1 = embed($0) }) })
  }
}

extension Kind where Value: Equatable {
  /// A case that holds nothing.
  package init(_ name: String, _ value: Value, aliases: [String] = [], _ doc: String) {
    self.init(name, value, includes: { $0 == value }, aliases: aliases, doc, keys: [])
  }
}
