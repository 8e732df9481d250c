import Experiment
import FoundationEssentials
import Storage
import Testing

@testable import Sweep

/// The documents that Python's jsonschema judged by the schema of sweeps.
struct SweepSpecSchemaTests {
  /// One key at a time, the checker and the schema take the same documents.
  @Test func agreesWithJSONSchema() throws {
    let path = SweepSpecTests.root + "/Tests/SweepTests/Fixtures/sweep_schema_cases.json"
    let fixture = try JSONValue(
      parsing: Array(Data(contentsOf: URL(filePath: path))), name: "sweep_schema_cases.json")
    let cases = fixture["cases"]!.array!
    #expect(cases.count == 1000)
    for edit in cases {
      let base = fixture["bases"]![edit[0]!.string!]!
      let value = edit[2]!
      let isDeleted = value["delete"] == true
      let document = Self.edited(base, edit[1]!.array![...], isDeleted ? nil : value)
      var checker = SpecChecker(root: JSONNode(document, origin: .file(offset: 0)))
      _ = checker.check(checker.root, .object(SweepDescription.root), Path())
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
