/// A JSON document as a value: objects keep the order of their keys, numbers their text.
public indirect enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  /// A number, or null for NaN and the infinities, which JSON cannot write.
  public init(_ value: Double) { self = JSONNumber(value).map(JSONValue.number) ?? .null }
  /// A number in its shortest form as a 32-bit float, or null for NaN and the infinities.
  public init(_ value: Float) { self = JSONNumber(value).map(JSONValue.number) ?? .null }
  public init(_ value: some BinaryInteger) { self = .number(JSONNumber(value)) }
  public init(_ value: String) { self = .string(value) }
  public init(_ value: Bool) { self = .bool(value) }
  /// The value, or null for nil.
  public init(_ value: (some BinaryInteger)?) { self = value.map { JSONValue($0) } ?? .null }
  /// The value, or null for nil.
  public init(_ value: String?) { self = value.map(JSONValue.string) ?? .null }
}

/// A JSON object, its members in order.
public struct JSONObject: Hashable, Sendable {
  public struct Member: Hashable, Sendable {
    public var key: String
    public var value: JSONValue

    public init(key: String, value: JSONValue) {
      self.key = key
      self.value = value
    }
  }

  public private(set) var members: [Member] = []

  public init() {}

  /// Of members whose keys are known to differ.
  package init(unique members: [Member]) { self.members = members }

  public var keys: [String] { members.map(\.key) }
  public var isEmpty: Bool { members.isEmpty }

  /// The value of a key; setting appends a new key at the end, and nil removes one.
  public subscript(key: String) -> JSONValue? {
    get { members.first { $0.key == key }?.value }
    set {
      let index = members.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (let index?, nil): members.remove(at: index)
      case (nil, let value?): members.append(Member(key: key, value: value))
      case (nil, nil): break
      }
    }
  }
}

extension JSONValue {
  /// The member of an object; nil when there is none, or this is no object.
  public subscript(key: String) -> JSONValue? {
    get {
      if case .object(let object) = self { object[key] } else { nil }
    }
    set {
      guard case .object(var object) = self else {
        preconditionFailure("a member is set in what is not an object")
      }
      self = .null  // So that the copy below is the only owner.
      object[key] = newValue
      self = .object(object)
    }
  }

  /// The element of an array; nil when there is none, or this is no array.
  public subscript(index: Int) -> JSONValue? {
    if case .array(let items) = self, items.indices.contains(index) { items[index] } else { nil }
  }

  public var isNull: Bool { self == .null }
  public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  /// A number that is whole and fits, however it is written.
  public var int: Int? { number?.int }
  public var uint64: UInt64? { number?.uint64 }
  public var double: Double? { number?.double }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int) { self.init(value) }
  public init(floatLiteral value: Double) { self.init(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// The members in the order written. A repeated key is our own bug.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements {
      precondition(object[key] == nil, "duplicate key")
      object[key] = value
    }
    self = .object(object)
  }
}
