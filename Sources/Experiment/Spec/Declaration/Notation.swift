// How Swift values are written in a document. The checks, what is read and what is written, the
// messages, the defaults and the JSON Schema all follow from one notation.

import Storage

/// The JSON that stands for a Swift value.
package struct Notation<Value: Sendable>: Sendable {
  /// What the JSON may be.
  package let type: FieldType
  /// The value of JSON that a checker has passed; nil for JSON of another type.
  let decode: @Sendable (JSONValue) -> Value?
  /// The JSON of a value, every default written out.
  let encode: @Sendable (Value) -> JSONValue
  /// The JSON that a person would write: without what is the default anyway, 1 for 1.0.
  let brief: @Sendable (Value) -> JSONValue
  /// Whether it may be null.
  let isOptional: Bool

  /// - Parameter brief: as `encode` where nothing is to be left out but decimal points.
  init(
    _ type: FieldType, isOptional: Bool = false,
    decode: @escaping @Sendable (JSONValue) -> Value?,
    encode: @escaping @Sendable (Value) -> JSONValue,
    brief: (@Sendable (Value) -> JSONValue)? = nil
  ) {
    self.type = type
    self.isOptional = isOptional
    self.decode = decode
    self.encode = encode
    self.brief = brief ?? { encode($0).withoutPoints }
  }

  /// The value of JSON that no checker has passed; nil where there is none, or of another type.
  func read(_ json: JSONValue?) -> Value? { json.flatMap(decode) }

  /// The same, or null for nil.
  var optional: Notation<Value?> {
    Notation<Value?>(
      type, isOptional: true,
      decode: { json in
        if json.isNull { return .some(nil) }
        guard let value = decode(json) else { return nil }
        return .some(value)
      },
      encode: { $0.map(encode) ?? .null },
      brief: { $0.map(brief) ?? .null })
  }

  /// The same JSON for another value that stands for this one.
  /// - Parameter value: nil where there is none.
  func converted<Other>(
    _ value: @escaping @Sendable (Value) -> Other?, back: @escaping @Sendable (Other) -> Value
  ) -> Notation<Other> {
    Notation<Other>(
      type, decode: { decode($0).flatMap(value) }, encode: { encode(back($0)) },
      brief: { brief(back($0)) })
  }

  /// The same, under a name that the schema defines once.
  func named(_ name: String) -> Notation {
    Notation(.named(name, type), decode: decode, encode: encode, brief: brief)
  }

  /// The same, written as a person would also where every default is written out.
  var written: Notation { Notation(type, decode: decode, encode: brief, brief: brief) }
}

extension JSONValue {
  /// This with whole numbers as 1, not 1.0.
  var withoutPoints: JSONValue {
    switch self {
    case .number(let number): number.int.map { JSONValue($0) } ?? self
    case .array(let items): .array(items.map(\.withoutPoints))
    default: self
    }
  }
}

// MARK: - What has one kind of JSON

extension Notation where Value == Bool {
  static var boolean: Notation {
    Notation(.boolean, decode: { $0.bool }, encode: { .bool($0) })
  }
}

extension Notation where Value == Int {
  static func integer(_ range: ClosedRange<Int>) -> Notation {
    Notation(.integer(range), decode: { $0.int }, encode: { JSONValue($0) })
  }
}

extension Notation where Value == UInt64 {
  /// Any 64-bit unsigned number.
  static var seed: Notation {
    Notation(.seed, decode: { $0.uint64 }, encode: { JSONValue($0) })
  }
}

extension Notation where Value == Double {
  static func number(_ bounds: Bounds) -> Notation {
    Notation(.number(bounds), decode: { $0.double }, encode: { JSONValue($0) })
  }
}

extension Notation where Value == Float {
  static func float(_ bounds: Bounds) -> Notation {
    Notation(.float(bounds), decode: { $0.number?.float }, encode: { JSONValue($0) })
  }
}

extension Notation where Value == String {
  static var text: Notation { string(.text) }
  /// Usable as the name of a folder.
  static var folderName: Notation { string(.folderName) }
  static func form(_ form: TextForm) -> Notation { string(.form(form)) }

  /// A string of a type that is one.
  static func string(_ type: FieldType) -> Notation {
    Notation(type, decode: { $0.string }, encode: { .string($0) })
  }
}

extension Notation where Value: RawRepresentable, Value.RawValue == String {
  /// - Parameters:
  ///   - noun: what it is, with its article.
  ///   - aliases: names that people bring from elsewhere.
  static func choice(
    _ noun: String, among values: [Value], aliases: [String: String] = [:]
  ) -> Notation {
    choice(Choice(noun: noun, names: values.map(\.rawValue), aliases: aliases))
  }

  static func choice(_ choice: Choice) -> Notation {
    Notation(
      .choice(choice), decode: { $0.string.flatMap(Value.init(rawValue:)) },
      encode: { .string($0.rawValue) })
  }
}

extension Notation where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
  static func choice(_ noun: String, aliases: [String: String] = [:]) -> Notation {
    choice(noun, among: Array(Value.allCases), aliases: aliases)
  }
}

// MARK: - What has several values

extension Notation {
  static func list<Element>(
    of element: Notation<Element>, count: ClosedRange<Int>, noun: String
  ) -> Notation where Value == [Element] {
    Notation(
      .list(of: element.type, count: count, noun: noun),
      decode: { json in
        guard let items = json.array else { return nil }
        let values = items.compactMap(element.decode)
        return values.count == items.count ? values : nil
      },
      encode: { .array($0.map(element.encode)) }, brief: { .array($0.map(element.brief)) })
  }

  /// Two such values, as `[least, largest]`.
  func pair(names: String) -> Notation<(Value, Value)> {
    Notation<(Value, Value)>(
      .pair(type, names: names),
      decode: { json in
        guard let first = json[0].flatMap(decode), let second = json[1].flatMap(decode) else {
          return nil
        }
        return (first, second)
      },
      encode: { [encode($0.0), encode($0.1)] }, brief: { [brief($0.0), brief($0.1)] })
  }

  /// Such values under keys that are the writer's.
  func map(count: ClosedRange<Int>, noun: String) -> Notation<[(key: String, value: Value)]> {
    @Sendable func object(
      _ values: [(key: String, value: Value)], _ json: (Value) -> JSONValue
    ) -> JSONValue {
      .object(values.reduce(into: JSONObject()) { $0[$1.key] = json($1.value) })
    }
    return Notation<[(key: String, value: Value)]>(
      .map(MapType(of: type, count: count, noun: noun)),
      decode: { json in
        guard let members = json.object?.members else { return nil }
        let values = members.compactMap { member in
          decode(member.value).map { (key: member.key, value: $0) }
        }
        return values.count == members.count ? values : nil
      },
      encode: { object($0, encode) }, brief: { object($0, brief) })
  }

  static func object(_ declaration: Declaration<Value>) -> Notation {
    Notation(
      .object(declaration.type), decode: declaration.decode, encode: declaration.encode,
      brief: declaration.brief)
  }

  /// One of several kinds of a thing.
  static func kind(of kinds: Kinds<Value>) -> Notation {
    Notation(
      .variants(kinds.type), decode: kinds.decode, encode: kinds.encode, brief: kinds.brief)
  }

  /// A kind's name alone where its keys have their defaults, or an object with them.
  /// - Parameter isNameAlone: whether a value is written as its name.
  static func nameOrKind(
    of kinds: Kinds<Value>, writtenAsName isNameAlone: @escaping @Sendable (Value) -> Bool
  ) -> Notation {
    Notation(
      .either([.choice(kinds.type.choice), .variants(kinds.type)]),
      decode: { json in json.string.map(kinds.named) ?? kinds.decode(json) },
      encode: { isNameAlone($0) ? .string(kinds.name(of: $0)) : kinds.encode($0) },
      brief: { value in
        let object = kinds.brief(value)
        return object.object?.members.count == 1 ? .string(kinds.name(of: value)) : object
      })
  }
}
