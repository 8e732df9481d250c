import ConvNet

/// What a person looks up of a spec: a section, or one of several kinds of a thing, with its keys.
public struct CatalogueEntry: Hashable, Sendable {
  public struct Key: Hashable, Sendable {
    /// With a dot within an object: `warmup.epochs`.
    public let name: String
    /// What stands for it where it isn't given, as JSON; nil where `doc` tells, or it is required.
    public let fallback: String?
    public let isRequired: Bool
    /// What it may be, as the messages of mistakes say.
    public let allowed: String
    public let doc: String
  }

  /// `an optimizer`.
  public let kind: String
  public let name: String
  /// Names that people bring from elsewhere.
  public let aliases: [String]
  /// Where it stands and what it can't do without: `"optimizer": { "name": "adam" }`.
  public let usage: String
  /// What it is: its formula, and who defined it.
  public let doc: String
  public private(set) var keys: [Key]

  /// This with those of its keys that have a name, at any depth; nil where none has.
  public func with(keysCalled name: String) -> CatalogueEntry? {
    var entry = self
    entry.keys = keys.filter { $0.name == name || $0.name.hasSuffix(".\(name)") }
    return entry.keys.isEmpty ? nil : entry
  }
}

extension ExperimentSpec {
  /// All that a spec may say, in the order of its keys; `experiments/catalogue.md`.
  public static func catalogue() -> [CatalogueEntry] {
    SpecDescription.root.catalogue(
      kind: "a spec", name: "experiment", doc: "An experiment: the whole of a file.")
      + MetricKind.all.map(CatalogueEntry.init)
  }
}

extension ObjectType {
  /// The entries of a document of this type: itself first, then its sections and all kinds of
  /// things that these may hold.
  package func catalogue(kind: String, name: String, doc: String) -> [CatalogueEntry] {
    var walk = CatalogueWalk()
    walk.entries.append(
      CatalogueEntry(
        kind: kind, name: name, aliases: [], usage: "{ \(CatalogueWalk.required(fields)) }",
        doc: doc,
        keys: fields.map { $0.entry($0.name) }))
    for field in fields {
      if case .object(let section) = field.type {
        walk.entries.append(
          CatalogueEntry(
            kind: "a section", name: field.name, aliases: field.aliases,
            usage: "\"\(field.name)\": { \(CatalogueWalk.required(section.fields)) }",
            doc: field.doc, keys: CatalogueWalk.keys(section.allFields)))
      }
      walk.visit(field)
    }
    return walk.entries
  }
}

private struct CatalogueWalk {
  var entries: [CatalogueEntry] = []
  private var names: Set<String> = []

  mutating func visit(_ field: Field) { visit(field.type, of: field.name, inList: false) }

  /// Adds the kinds of things that a key may hold, and those within them.
  private mutating func visit(_ type: FieldType, of key: String, inList: Bool) {
    switch type {
    case .object(let object): for field in object.fields { visit(field) }
    case .list(let item, _, _): visit(item, of: key, inList: true)
    case .map(let map): visit(map.values, of: "…", inList: inList)
    case .either(let types): for type in types { visit(type, of: key, inList: inList) }
    case .named(let name, let type):
      if names.insert(name).inserted { visit(type, of: key, inList: inList) }
    case .recursive(let name, let type):
      if names.insert(name).inserted { visit(type(), of: key, inList: inList) }
    case .variants(let variants):
      // The keys that several kinds share hold the same things.
      guard names.insert(variants.choice.noun).inserted else { return }
      for variant in variants.cases {
        let fields = variants.fields(of: variant.name)!
        let naming = variants.key.map { "\"\($0)\": \"\(variant.name)\"" }
        let own = variants.key == nil ? fields : Array(fields.dropFirst())
        let parts = [naming ?? "", Self.required(own)].filter { !$0.isEmpty }
        let value = "{ \(parts.joined(separator: ", ")) }"
        entries.append(
          CatalogueEntry(
            kind: variants.choice.noun, name: variant.name, aliases: variant.aliases,
            usage: "\"\(key)\": " + (inList ? "[\(value)]" : value), doc: variant.doc,
            keys: Self.keys(own)))
      }
      for variant in variants.cases {
        for field in variants.fields(of: variant.name)! { visit(field) }
      }
    default: break
    }
  }

  /// The keys that must be there, as JSON: `"filters": …, "kernel": …`.
  static func required(_ fields: [Field]) -> String {
    fields.filter(\.isRequired).map { "\"\($0.name)\": …" }.joined(separator: ", ")
  }

  /// The keys of an object, and of the objects within it, but not of other kinds of things.
  static func keys(_ fields: [Field], within path: String = "") -> [CatalogueEntry.Key] {
    fields.flatMap { field in
      let name = path + field.name
      return [field.entry(name)]
        + field.type.objects.flatMap { keys($0.allFields, within: name + ".") }
    }
  }
}

extension ObjectType {
  fileprivate var allFields: [Field] { fields + others.map(\.field) }
}

extension FieldType {
  /// The objects that a value may be.
  fileprivate var objects: [ObjectType] {
    switch self {
    case .object(let object): [object]
    case .either(let types): types.flatMap(\.objects)
    case .named(_, let type): type.objects
    default: []
    }
  }
}

extension Field {
  fileprivate var isRequired: Bool { if case .required = fallback { true } else { false } }

  fileprivate func entry(_ name: String) -> CatalogueEntry.Key {
    var (doc, value): (String, String?) = (doc, nil)
    switch fallback {
    case .required: break
    case .none: value = "null"
    case .value(let json): value = json.compact
    case .derived(let sentence, _): doc += " " + sentence
    }
    return CatalogueEntry.Key(
      name: name, fallback: value, isRequired: isRequired, allowed: type.expectation, doc: doc)
  }
}

/// The entry of a name, with one of its keys alone where a dot and a key follow: `conv2d.kernel`.
public func lookUp(path: String, in entries: [CatalogueEntry]) -> CatalogueEntry? {
  let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
  let named = entries.first { $0.name == parts[0] }
  return parts.count == 1 ? named : named?.with(keysCalled: parts[1])
}

/// The entries that a word stands for: those of the name, or else of the alias.
public func lookUp(_ word: String, in entries: [CatalogueEntry]) -> [CatalogueEntry] {
  let named = entries.filter { $0.name == word }
  return named.isEmpty ? entries.filter { $0.aliases.contains(word) } : named
}
