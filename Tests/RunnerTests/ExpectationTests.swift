import Storage
import TestSupport
import Testing

/// What a run must have come to, or it ends with status 4: its model's size and time too.
@Suite struct ExpectationTests {
  private static let spec = """
    {
      "name": "small",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "flatten" }, { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 1, "batch_size": 10 }
    }
    """

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "small.json")
  }

  private func run(_ expect: String, _ more: String...) throws -> Program.Result {
    try Program.Running(
      Program.path, ["small.json", "--quiet", "expect=\(expect)"] + more, in: folder
    ).wait()
  }

  private func expected(_ run: String) throws -> [JSONValue] {
    let path = "\(run)/summary.json"
    let summary = try JSONValue(parsing: Array(folder.data(path)), name: path)
    return try #require(summary["expected"]?.array)
  }

  @Test func bytes() throws {
    let kept = try run(#"{"bytes":{"max":100000}}"#)
    #expect(kept.status == 0, "\(kept.errors)")
    let first = try folder.run(of: "small")
    let size = try folder.data("\(first)/model.safetensors").count
    #expect(try expected(first).map { $0["value"]?.int } == [size])
    let broken = try run(#"{"bytes":{"max":1000},"train_accuracy":{"min":0}}"#)
    #expect(broken.status == 4)
    #expect(
      broken.errors.contains("expectation not met: bytes \(size) is above the 1000 expected"),
      "\(broken.errors)")
    let verified = try Program.run("verify", first, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified)")
  }

  /// A time is another each time, so that no record has it.
  @Test func microseconds() throws {
    let kept = try run(#"{"microseconds":{"max":1000000},"train_accuracy":{"min":0}}"#)
    #expect(kept.status == 0, "\(kept.errors)")
    let first = try folder.run(of: "small")
    #expect(try expected(first).map { $0["metric"]?.string } == ["train_accuracy"])
    let verified = try Program.run("verify", first, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified)")
    let broken = try run(#"{"microseconds":{"max":0.001}}"#)
    #expect(broken.status == 4)
    #expect(
      broken.errors.contains("expectation not met: microseconds ")
        && broken.errors.contains(" is above the 0.001 expected"), "\(broken.errors)")
  }

  /// The size is that of the integers where a training leads to such.
  @Test func integers() throws {
    #expect(try run(#"{"int8_test_accuracy":{"min":0}}"#).status == 2)
    #expect(try run("{}").status == 0)
    let initial = #"initial={"model":"results/small/latest"}"#
    let figures = #"{"int8_test_accuracy":{"min":0},"bytes":{"max":1},"microseconds":{"min":0}}"#
    let result = try run(figures, initial, "quantization={}", "name=integers")
    #expect(result.status == 4)
    let size = try folder.data("\(folder.run(of: "integers"))/model.int8.safetensors").count
    #expect(
      result.errors.contains("expectation not met: bytes \(size) is above the 1 expected"),
      "\(result.errors)")
    #expect(!result.errors.contains("int8_test_accuracy"))
  }

  @Test func mistakes() throws {
    let missing = try run(#"{"int8_test_accuracy":{"min":0.5}}"#)
    #expect(
      missing.errors.contains(
        "expect.int8_test_accuracy: there are no integers without \"quantization\""),
      "\(missing.errors)")
    let turned = try run(#"{"bytes":{"min":5,"max":4}}"#)
    #expect(turned.errors.contains("expect.bytes.min: 5 is more than the \"max\", 4"))
    #expect(try run(#"{"latency":{"max":4}}"#).errors.contains("did you mean \"microseconds\"?"))
  }
}
