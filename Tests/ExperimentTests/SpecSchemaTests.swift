import FoundationEssentials
import Storage
import Testing

@testable import Experiment

/// The JSON Schema beside the experiments, and the documents that Python's jsonschema judged by it.
struct SpecSchemaTests {
  @Test func committedSchemaIsCurrent() throws {
    let path = SpecRoundTripTests.experiments + "/experiment.schema.json"
    let committed = try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    let isCurrent = committed == ExperimentSpec.schema().pretty
    #expect(isCurrent, "renew it: runner schema > experiments/experiment.schema.json")
  }

  /// One key at a time, the checker and the schema take the same documents.
  @Test func agreesWithJSONSchema() throws {
    let path = SpecRoundTripTests.root + "/Tests/ExperimentTests/SpecFixtures/schema_cases.json"
    let fixture = try JSONValue(
      parsing: Array(Data(contentsOf: URL(filePath: path))), name: "schema_cases.json")
    let cases = fixture["cases"]!.array!
    #expect(cases.count == 1200)
    for edit in cases {
      let base = fixture["bases"]![edit[0]!.string!]!
      let value = edit[2]!
      let isDeleted = value["delete"] == true
      let document = Self.edited(base, edit[1]!.array![...], isDeleted ? nil : value)
      var checker = SpecChecker(root: JSONNode(document, origin: .file(offset: 0)))
      _ = checker.check(checker.root, .object(SpecDescription.root), Path())
      let problems = checker.problems.map { "\($0.path): \($0.message)" }
      #expect(problems.isEmpty == edit[3]!.bool!, "\(edit.compact) \(problems)")
    }
  }

  static func edited(
    _ value: JSONValue, _ path: ArraySlice<JSONValue>, _ new: JSONValue?
  ) -> JSONValue {
    guard let step = path.first else { return new! }
    let rest = path.dropFirst()
    if let key = step.string {
      var object = value.object!
      object[key] = rest.isEmpty ? new : edited(object[key]!, rest, new)
      return .object(object)
    }
    var items = value.array!
    if rest.isEmpty, new == nil {
      items.remove(at: step.int!)
    } else {
      items[step.int!] = edited(items[step.int!], rest, new)
    }
    return .array(items)
  }
}
