// The words in which the spec is described. One description of each object gives the checks, the
// messages, the defaults and the JSON Schema.

/// What a value may be.
indirect enum FieldType: Sendable {
  case boolean
  case integer(ClosedRange<Int>)
  /// Any 64-bit unsigned number.
  case seed
  case number(Bounds)
  /// A number kept with the 24 bits of a `Float`.
  case float(Bounds)
  case text
  /// Usable as the name of a folder.
  case folderName
  case choice(Choice)
  /// A fraction in [0, 1), or a count.
  case fractionOrCount(Int)
  /// Two values such as `[height, width]`.
  case pair(FieldType, names: String)
  case list(of: FieldType, count: ClosedRange<Int>, noun: String)
  case object(ObjectType)
  case variants(VariantType)
  /// Alternatives told apart by the JSON kind: a number, a string, a list or an object.
  case either([FieldType])
  /// A type that the schema defines once under a name.
  case named(String, FieldType)
}

/// An interval of numbers.
struct Bounds: Sendable {
  var lower: Double
  var upper: Double
  var includesLower = true
  var includesUpper = true

  static func from(_ lower: Double, to upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper)
  }
  static func above(_ lower: Double, to upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesLower: false)
  }
  static func from(_ lower: Double, below upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesUpper: false)
  }
  static func above(_ lower: Double, below upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesLower: false, includesUpper: false)
  }

  func contains(_ value: Double) -> Bool {
    (includesLower ? value >= lower : value > lower)
      && (includesUpper ? value <= upper : value < upper)
  }
}

/// One of some names.
struct Choice: Sendable {
  /// With its article: `an optimizer`.
  var noun: String
  var names: [String]
  /// Names that people bring from elsewhere: `linear` for `dense`.
  var aliases: [String: String] = [:]
}

/// An object with a fixed set of keys.
struct ObjectType: Sendable {
  var fields: [Field]
  /// Whether at least one key must be there.
  var needsKey = false

  subscript(name: String) -> Field? { fields.first { $0.name == name } }
}

/// An object whose other keys depend on one that names its kind.
struct VariantType: Sendable {
  var key: String
  var doc: String
  /// With its article: `a layer`.
  var noun: String
  var cases: [Case]
  /// The keys that every kind has, after its own.
  var common: [Field] = []

  struct Case: Sendable {
    var name: String
    var doc: String
    var aliases: [String] = []
    var fields: [Field] = []
  }

  var choice: Choice {
    var aliases: [String: String] = [:]
    for variant in cases { for alias in variant.aliases { aliases[alias] = variant.name } }
    return Choice(noun: noun, names: cases.map(\.name), aliases: aliases)
  }

  func fields(of variant: Case) -> [Field] { variant.fields + common }
}

/// One key of an object.
struct Field: Sendable {
  var name: String
  var doc: String
  var type: FieldType
  var fallback: Fallback
  /// Names that people bring from elsewhere: `lr` for `learning_rate`.
  var aliases: [String] = []

  init(
    _ name: String, _ type: FieldType, _ fallback: Fallback, aliases: [String] = [], _ doc: String
  ) {
    self.name = name
    self.doc = doc
    self.type = type
    self.fallback = fallback
    self.aliases = aliases
  }

  /// What stands for a key that isn't given.
  enum Fallback: Sendable {
    case required
    /// Nothing, which may also be written as null.
    case none
    case value(JSONValue)
    /// Worked out from other keys; the sentence says how.
    case derived(String, @Sendable (DefaultContext) -> JSONValue)
  }
}

/// What a derived default may look at.
struct DefaultContext {
  /// The keys of the same object that are described before this one, their defaults filled in.
  let siblings: JSONObject
  /// The document as written.
  let root: JSONNode

  /// A number of the document, such as `training.epochs`.
  func number(_ section: String, _ key: String) -> Double? {
    root[section]?.value[key]?.value.value.double
  }
}

extension FieldType {
  /// The type without its name.
  var bare: FieldType { if case .named(_, let type) = self { type.bare } else { self } }

  /// What is allowed, for a message that says "… is expected".
  var expectation: String {
    switch self {
    case .boolean: "true or false"
    case .integer(let range):
      range.upperBound == .max
        ? "a whole number of at least \(range.lowerBound)"
        : "a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .seed: "a whole number from 0 to \(UInt64.max)"
    case .number(let bounds), .float(let bounds): "a number \(bounds)"
    case .text: "a string"
    case .folderName:
      "a name of at most 100 letters, digits, \".\", \"_\" and \"-\" that begins with a letter "
        + "or a digit"
    case .choice(let choice):
      choice.names.count == 1
        ? "\"\(choice.names[0])\"" : "one of " + choice.names.quotedList
    case .fractionOrCount: "a fraction from 0 to less than 1, or a whole number of images"
    case .pair(_, let names): "a list \(names)"
    case .list(_, _, let noun): "a list of \(noun)"
    case .object: "an object"
    case .variants(let variants): "an object with a \"\(variants.key)\""
    case .either(let types): types.map(\.expectation).joined(separator: ", or ")
    case .named(_, let type): type.expectation
    }
  }
}

extension Bounds: CustomStringConvertible {
  /// `from 0 to 1`, `more than 0 and at most 1`.
  var description: String {
    switch (includesLower, includesUpper) {
    case (true, true): "from \(Self.text(lower)) to \(Self.text(upper))"
    case (true, false): "from \(Self.text(lower)) to less than \(Self.text(upper))"
    case (false, true): "more than \(Self.text(lower)) and at most \(Self.text(upper))"
    case (false, false): "more than \(Self.text(lower)) and less than \(Self.text(upper))"
    }
  }

  static func text(_ value: Double) -> String { Bounds.value(value).compact }

  /// Whole numbers without a decimal point.
  static func value(_ value: Double) -> JSONValue {
    value == value.rounded() && abs(value) < 1e15 ? JSONValue(Int(value)) : JSONValue(value)
  }
}

extension [String] {
  /// `"a", "b", "c"`.
  var quotedList: String { map { "\"\($0)\"" }.joined(separator: ", ") }
}
