import Storage
import Testing

@testable import Experiment

/// Each declared key fills a part of its own: another value of it comes back, and changes no other.
@Suite struct DeclarationTests {
  /// One kind of a thing, and what its JSON is when it has been read and written.
  struct Thing: Sendable, CustomTestStringConvertible {
    let type: VariantType
    let name: String
    let again: @Sendable (JSONValue) -> JSONValue?
    var testDescription: String { "\(type.choice.noun), \(name)" }
  }

  static func things<Value>(_ kinds: Kinds<Value>) -> [Thing] {
    kinds.type.choice.names.map { name in
      Thing(type: kinds.type, name: name) { kinds.decode($0).map(kinds.encode) }
    }
  }

  static let all =
    things(SpecDescription.layers) + things(SpecDescription.activations)
    + things(SpecDescription.losses) + things(SpecDescription.optimizers)
    + things(SpecDescription.schedules) + things(SpecDescription.augmentations)
    + things(SpecDescription.normalizations)

  @Test(arguments: all) func keysFillPartsOfTheirOwn(_ thing: Thing) throws {
    let fields = try #require(thing.type.fields(of: thing.name))
    let naming = try #require(thing.type.key)
    var said = JSONObject()
    said[naming] = .string(thing.name)
    for field in fields where field.name != naming {
      if case .required = field.fallback { said[field.name] = Self.samples(of: field.type).first }
    }
    let node = JSONNode(.object(said), origin: .file(offset: 0))
    var checker = SpecChecker(root: node)
    let checked = checker.check(node, .variants(thing.type), Path())
    let complete = try #require(checked)
    #expect(checker.problems.isEmpty)
    let before = try #require(thing.again(complete))
    for field in fields where field.name != naming {
      for sample in Self.samples(of: field.type) {
        var changed = complete
        changed[field.name] = sample
        let after = try #require(thing.again(changed))
        // The convention of Adadelta and Nadam is spent on their defaults.
        guard let written = after[field.name] else {
          #expect(field.name == "convention" && ["adadelta", "nadam"].contains(thing.name))
          continue
        }
        #expect(Self.isAlike(written, sample), "\(field.name) \(sample.compact)")
        for other in fields where other.name != field.name {
          // Adam with a weight decay is adamw.
          if other.name == naming, field.name == "weight_decay" { continue }
          #expect(after[other.name] == before[other.name], "\(other.name) with \(field.name)")
        }
      }
    }
  }

  @Test func nothingIsLeftOut() { #expect(Self.all.count > 75) }

  /// Some values of a type; none where they are written otherwise than they are read.
  static func samples(of type: FieldType) -> [JSONValue] {
    switch type {
    case .boolean: return [false, true]
    case .integer(let range):
      return [JSONValue(range.lowerBound), JSONValue(min(range.upperBound, range.lowerBound + 3))]
    case .number(let bounds), .float(let bounds):
      return [0.0, 0.125, 0.25, 2, 30].filter(bounds.contains).map { JSONValue($0) }
    case .folderName: return ["a", "b"]
    case .choice(let choice): return choice.names.map { .string($0) }
    case .form(let form): return form.examples.map { .string($0) }
    case .pair(let item, _):
      let items = samples(of: item)
      return [.array(Array(items.prefix(2))), .array([items[0], items[0]])]
    case .list(let item, let count, _):
      let items = samples(of: item)
      return [count.lowerBound, count.lowerBound + 1].map { count in
        .array((0..<count).map { items[$0 % items.count] })
      }
    case .map(let map):
      return samples(of: map.values).map { ["conv2d_0": $0] }
    case .either(let types): return types.flatMap(samples)
    case .named("padding", _): return ["valid", "same"]
    case .named(_, let type): return samples(of: type)
    case .recursive: return [["layer": "flatten"]]
    case .object(let object):
      return [
        .object(
          object.fields.enumerated().reduce(into: JSONObject()) { sample, field in
            sample[field.element.name] = samples(of: field.element.type).last
          })
      ]
    case .variants, .seed, .text, .fractionOrCount, .anything: return []
    }
  }

  /// Whether they are the same but for how numbers are written, or one is the other written out.
  static func isAlike(_ written: JSONValue, _ said: JSONValue) -> Bool {
    switch (written, said) {
    case (.number(let written), .number(let said)): written.double == said.double
    case (.array(let written), .array(let said)):
      written.count == said.count && zip(written, said).allSatisfy(isAlike)
    case (.array(let written), .number): written.allSatisfy { isAlike($0, said) }
    case (.object(let written), .object(let said)):
      said.members.allSatisfy { isAlike(written[$0.key] ?? .null, $0.value) }
    case (.object(let written), .number): written.members.allSatisfy { isAlike($0.value, said) }
    case (.object, .string): written["name"] == said
    default: written == said
    }
  }
}
