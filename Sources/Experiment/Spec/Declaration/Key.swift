import Storage

// What is generic here runs once per document; code of its own for every type that a spec has would take
// a third of the time in which this module is compiled, and of its size.

/// One key of an object, and the part of a Swift value that it fills.
package struct Key<Value: Sendable>: Sendable {
  /// The path of a part that is read and written.
  package typealias Place<Part> = WritableKeyPath<Value, Part> & Sendable

  let name: String
  /// What a document may say; its default is what a value has there.
  let field: @Sendable (Value) -> Field
  /// Fills its part from the JSON of this key; false for JSON of another type.
  fileprivate let read: @Sendable (JSONValue, inout Value) -> Bool
  /// The JSON of its part; nil where none is to be written.
  fileprivate let encode: @Sendable (Value) -> JSONValue?
  /// The same as a person would write it.
  fileprivate let brief: @Sendable (Value) -> JSONValue?
  fileprivate let turn: KeyTurn

  /// - Parameters:
  ///   - otherwise: what stands for it where it isn't given: if nothing is said here, what a new value
  ///     has.
  ///   - writesNull: whether nil is written as null, not left out.
  @_semantics("optimize.sil.specialize.generic.never")
  package init<Part>(
    _ name: String, _ place: Place<Part>, _ notation: Notation<Part>,
    otherwise: Field.Fallback? = nil, aliases: [String] = [], written turn: KeyTurn = .described,
    writesNull: Bool = true, _ doc: String
  ) {
    self.name = name
    self.turn = turn
    field = { value in
      var own: Field.Fallback {
        notation.isOptional ? .none : .value(notation.brief(value[keyPath: place]))
      }
      return Field(name, notation.type, otherwise ?? own, aliases: aliases, doc)
    }
    read = { json, value in
      guard let part = notation.decode(json) else { return false }
      value[keyPath: place] = part
      return true
    }
    encode = { value in
      let json = notation.encode(value[keyPath: place])
      return json.isNull && !writesNull ? nil : json
    }
    brief = { notation.brief($0[keyPath: place]) }
  }

  /// A part that may be nil, which is null.
  @_semantics("optimize.sil.specialize.generic.never")
  package init<Part>(
    _ name: String, _ place: Place<Part?>, _ notation: Notation<Part>, aliases: [String] = [],
    written turn: KeyTurn = .described, writesNull: Bool = true, _ doc: String
  ) {
    self.init(
      name, place, notation.optional, aliases: aliases, written: turn, writesNull: writesNull, doc)
  }

  /// A key that fills nothing: the defaults of others follow from it, or it is for others to read.
  package init(unbound field: Field) {
    name = field.name
    self.field = { _ in field }
    read = { _, _ in true }
    encode = { _ in nil }
    brief = { _ in nil }
    turn = .described
  }

  /// The same key of a greater value that holds this one.
  /// - Parameter get: nil where the greater value holds another.
  @_semantics("optimize.sil.specialize.generic.never")
  func within<Whole>(
    get: @escaping @Sendable (Whole) -> Value?,
    set: @escaping @Sendable (Value, inout Whole) -> Void
  ) -> Key<Whole> {
    Key<Whole>(
      name: name,
      field: { whole in
        guard let value = get(whole) else {
          preconditionFailure("\(name) is a key of another kind")
        }
        return field(value)
      },
      read: { json, whole in
        guard var value = get(whole), read(json, &value) else { return false }
        set(value, &whole)
        return true
      },
      encode: { get($0).flatMap(encode) }, brief: { get($0).flatMap(brief) },
      turn: turn)
  }

  private init(
    name: String, field: @escaping @Sendable (Value) -> Field,
    read: @escaping @Sendable (JSONValue, inout Value) -> Bool,
    encode: @escaping @Sendable (Value) -> JSONValue?,
    brief: @escaping @Sendable (Value) -> JSONValue?, turn: KeyTurn
  ) {
    self.name = name
    self.field = field
    self.read = read
    self.encode = encode
    self.brief = brief
    self.turn = turn
  }
}

/// When a key is written, wherever it is described: before the others, as described, or after them.
package enum KeyTurn: CaseIterable, Sendable { case first, described, last }

/// The keys of an object, and the value that it stands for where it says nothing.
package struct KeySet<Value: Sendable>: Sendable {
  let prototype: Value
  /// In the order in which they are described.
  let fields: [Field]
  private let keys: [Key<Value>]

  @_semantics("optimize.sil.specialize.generic.never")
  init(_ prototype: Value, _ keys: [Key<Value>]) {
    self.prototype = prototype
    self.keys = keys
    fields = keys.map { $0.field(prototype) }
  }

  /// The value of an object that a checker has passed and completed; nil where a key is of another
  /// type.
  @_semantics("optimize.sil.specialize.generic.never")
  func decode(_ object: JSONValue) -> Value? {
    var value = prototype
    for key in keys {
      guard key.read(object[key.name] ?? .null, &value) else { return nil }
    }
    return value
  }

  @_semantics("optimize.sil.specialize.generic.never")
  func encode(_ value: Value, into object: inout JSONObject) {
    for turn in KeyTurn.allCases {
      for key in keys where key.turn == turn { object[key.name] = key.encode(value) }
    }
  }

  /// Only what is not the default.
  @_semantics("optimize.sil.specialize.generic.never")
  func brief(_ value: Value, into object: inout JSONObject) {
    for (key, field) in zip(keys, fields) {
      guard let json = key.brief(value) else { continue }
      switch field.fallback {
      case .value(json): break
      case .none where json.isNull: break
      default: object[key.name] = json
      }
    }
  }
}

/// Declarations one after another, and lists of such.
@resultBuilder package enum ListBuilder<Element> {
  package static func buildExpression(_ element: Element) -> [Element] { [element] }
  package static func buildExpression(_ elements: [Element]) -> [Element] { elements }
  package static func buildBlock(_ parts: [Element]...) -> [Element] { parts.flatMap { $0 } }
}
