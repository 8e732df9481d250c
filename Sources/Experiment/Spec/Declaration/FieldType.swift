import Storage

// The words in which the spec is described. One description of each object gives the checks, the
// messages, the defaults and the JSON Schema.

/// What a value may be.
package indirect enum FieldType: Sendable {
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
  /// A named type that may hold others of its own: it is asked for when it is needed.
  case recursive(String, @Sendable () -> FieldType)
  /// A string of a form of its own, such as `2h30m`.
  case form(TextForm)
  /// An object whose keys are the writer's.
  case map(MapType)
  /// Any value at all.
  case anything
}

/// An interval of numbers.
package struct Bounds: Sendable {
  var lower: Double
  var upper: Double
  var includesLower = true
  var includesUpper = true

  package static func from(_ lower: Double, to upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper)
  }
  package static func above(_ lower: Double, to upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesLower: false)
  }
  package static func from(_ lower: Double, below upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesUpper: false)
  }
  package static func above(_ lower: Double, below upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper, includesLower: false, includesUpper: false)
  }

  func contains(_ value: Double) -> Bool {
    (includesLower ? value >= lower : value > lower)
      && (includesUpper ? value <= upper : value < upper)
  }
}

/// One of some names.
package struct Choice: Sendable {
  /// With its article: `an optimizer`.
  var noun: String
  var names: [String]
  /// Names that people bring from elsewhere: `linear` for `dense`.
  var aliases: [String: String]

  package init(noun: String, names: [String], aliases: [String: String] = [:]) {
    self.noun = noun
    self.names = names
    self.aliases = aliases
  }
}

/// How a string is to be written.
package struct TextForm: Sendable {
  /// For the schema, a regular expression.
  var pattern: String
  /// What a message says is expected.
  var expectation: String
  /// Some strings of the form, for editors to propose.
  var examples: [String]
  /// What a message says of a string that isn't of the form, such as what it was probably to be.
  var hint: @Sendable (String) -> String?
  var matches: @Sendable (String) -> Bool

  /// `matches` takes what `pattern` takes.
  package init(
    pattern: String, expectation: String, examples: [String] = [],
    hint: @escaping @Sendable (String) -> String? = { _ in nil },
    matches: @escaping @Sendable (String) -> Bool
  ) {
    self.pattern = pattern
    self.expectation = expectation
    self.examples = examples
    self.hint = hint
    self.matches = matches
  }
}

extension TextForm {
  /// The path of a file or folder. C would cut it off at a NUL.
  package static let path = TextForm(
    pattern: "^[^\\u0000]+$", expectation: "the path of a file or folder, without a NUL character"
  ) { !$0.isEmpty && !$0.utf8.contains(0) }
}

/// An object whose keys are the writer's, all their values of one type.
package struct MapType: Sendable {
  var values: FieldType
  var count: ClosedRange<Int>
  /// What its members are: `parameters`.
  var noun: String

  package init(of values: FieldType, count: ClosedRange<Int>, noun: String) {
    self.values = values
    self.count = count
    self.noun = noun
  }
}

/// An object with a fixed set of keys.
package struct ObjectType: Sendable {
  package var fields: [Field]
  /// Keys beyond these, by their form.
  var others: [OtherKeys]
  /// Whether at least one key must be there.
  var needsKey: Bool

  package init(fields: [Field], others: [OtherKeys] = [], needsKey: Bool = false) {
    self.fields = fields
    self.others = others
    self.needsKey = needsKey
  }

  subscript(name: String) -> Field? { fields.first { $0.name == name } }
}

/// Keys of an object that are told by their form.
package struct OtherKeys: Sendable {
  var form: TextForm
  /// What each of them holds; its name stands for them all.
  var field: Field
}

/// An object whose other keys depend on its kind.
package struct VariantType: Sendable {
  /// The key that names the kind; nil where the kind is told by which of the kinds' names is a key
  /// itself, and described among their fields: `{ "choice": … }`, `{ "range": … }`.
  let key: String?
  let cases: [Case]
  /// The names of the kinds.
  let choice: Choice
  /// The keys that each kind has, that which names it first.
  private let fields: [[Field]]

  /// - Parameters:
  ///   - noun: what a kind is, with its article: `a layer`.
  ///   - common: the keys that every kind has, after its own.
  package init(
    key: String?, doc: String, noun: String, cases: [Case], common: [Field] = []
  ) {
    self.key = key
    self.cases = cases
    var aliases: [String: String] = [:]
    for variant in cases { for alias in variant.aliases { aliases[alias] = variant.name } }
    let choice = Choice(noun: noun, names: cases.map(\.name), aliases: aliases)
    self.choice = choice
    let naming = key.map { [Field($0, .choice(choice), .required, doc)] } ?? []
    fields = cases.map { naming + $0.fields + common }
  }

  package struct Case: Sendable {
    var name: String
    var doc: String
    var aliases: [String]
    var fields: [Field]

    package init(name: String, doc: String, aliases: [String] = [], fields: [Field] = []) {
      self.name = name
      self.doc = doc
      self.aliases = aliases
      self.fields = fields
    }
  }

  /// The keys of the kind of a name, that which names it first; nil when there is none such.
  func fields(of name: String) -> [Field]? {
    cases.firstIndex { $0.name == name }.map { fields[$0] }
  }
}

/// One key of an object. A class, since descriptions are walked for every document.
package final class Field: Sendable {
  package let name: String
  let doc: String
  let type: FieldType
  let fallback: Fallback
  /// Names that people bring from elsewhere: `lr` for `learning_rate`.
  let aliases: [String]

  package init(
    _ name: String, _ type: FieldType, _ fallback: Fallback, aliases: [String] = [], _ doc: String
  ) {
    self.name = name
    self.doc = doc
    self.type = type
    self.fallback = fallback
    self.aliases = aliases
  }

  /// What stands for a key that isn't given.
  package enum Fallback: Sendable {
    case required
    /// Nothing, which may also be written as null.
    case none
    case value(JSONValue)
    /// Worked out from other keys; the sentence says how.
    case derived(String, @Sendable (DefaultContext) -> JSONValue)
  }
}

/// What a derived default may look at.
package struct DefaultContext {
  /// The keys of the same object that are described before this one, their defaults filled in.
  package let siblings: JSONObject
  /// The document as written.
  package let root: JSONNode

  /// A number of the document, such as `training.epochs`.
  func number(_ section: String, _ key: String) -> Double? {
    root[section]?.value[key]?.value.value.double
  }
}

extension FieldType {
  /// The type without its name.
  var bare: FieldType {
    switch self {
    case .named(_, let type): type.bare
    case .recursive(_, let type): type().bare
    default: self
    }
  }

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
    case .variants(let variants):
      if let key = variants.key {
        "an object with a \"\(key)\""
      } else {
        "an object with one of \(variants.cases.map(\.name).quotedList)"
      }
    case .either(let types): types.map(\.expectation).joined(separator: ", or ")
    case .named(_, let type): type.expectation
    case .recursive(_, let type): type().expectation
    case .form(let form): form.expectation
    case .map(let map): "an object of \(map.noun)"
    case .anything: "any value"
    }
  }
}

extension Bounds: CustomStringConvertible {
  /// `from 0 to 1`, `more than 0 and at most 1`.
  package var description: String {
    switch (includesLower, includesUpper) {
    case (true, true): "from \(Self.text(lower)) to \(Self.text(upper))"
    case (true, false): "from \(Self.text(lower)) to less than \(Self.text(upper))"
    case (false, true): "more than \(Self.text(lower)) and at most \(Self.text(upper))"
    case (false, false): "more than \(Self.text(lower)) and less than \(Self.text(upper))"
    }
  }

  package static func text(_ value: Double) -> String { Bounds.value(value).compact }

  /// Whole numbers without a decimal point.
  package static func value(_ value: Double) -> JSONValue {
    value == value.rounded() && abs(value) < 1e15 ? JSONValue(Int(value)) : JSONValue(value)
  }
}

extension [String] {
  /// `"a", "b", "c"`.
  package var quotedList: String { map { "\"\($0)\"" }.joined(separator: ", ") }
}
