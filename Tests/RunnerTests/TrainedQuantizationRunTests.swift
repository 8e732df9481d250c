import Foundation
import Storage
import TestSupport
import Testing

/// Runs that train a model to answer in integers.
@Suite struct TrainedQuantizationRunTests {
  /// What is learned in floats.
  private static let first = """
    {
      "name": "first",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
        "normalize": "per_channel"
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "activation", "function": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 10, "name": "scores" }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 2, "batch_size": 10 }
    }
    """

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(Self.first, to: "first.json")
    let result = try Program.run("first.json", "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    var second = try JSONValue(parsing: Array(Self.first.utf8), name: "first.json")
    second["name"] = "second"
    second["dataset"]!["normalize"] = .null
    second["initial"] = ["model": "results/first/latest"]
    second["quantization"] = ["weight_bits": 4]
    second["training"]!["epochs"] = 3
    try folder.write(second.pretty, to: "second.json")
  }

  private func train(_ arguments: String...) throws -> (run: String, result: Program.Result) {
    let before = try folder.runs(of: "second", under: "results")
    let result = try Program.Running(
      Program.path, ["second.json", "--quiet"] + arguments, in: folder
    ).wait()
    let new = try folder.runs(of: "second", under: "results").filter { !before.contains($0) }
    return (new.last ?? "", result)
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: Array(folder.data(path)), name: path)
  }

  @Test func whatIsLeft() throws {
    let (run, result) = try train("--threads", "1")
    #expect(result.status == 0, "\(result)")
    let file = "\(run)/model.int8.safetensors"
    let bytes = try folder.data(file)
    let summary = try json("\(run)/summary.json")
    #expect(summary["int8_bytes"]?.int == bytes.count)
    let accuracy = try #require(summary["int8_test_accuracy"]?.double)
    #expect(try #require(summary["int8_differing_answers"]?.int) <= 1)
    #expect(result.output.contains("by \(file), "), "\(result.output)")
    // The file is what was tested.
    let evaluated = try Program.run(
      "evaluate", file, "--on", "synthetic_digits", "dataset.test_count=20", "--format", "json",
      in: folder)
    #expect(evaluated.status == 0, "\(evaluated)")
    let told = try JSONValue(parsing: Array(evaluated.output.utf8), name: "evaluate")
    #expect(told["test_accuracy"]?.double == accuracy, "\(evaluated.output)")
    // As much comes of the model by itself, wherever it lies.
    try FileManager.default.copyItem(
      atPath: "\(folder.path)/\(run)/model.safetensors", toPath: "\(folder.path)/alone.safetensors")
    for (model, to) in [(run, "a.safetensors"), ("alone.safetensors", "alone.int8.safetensors")] {
      let again = try Program.run("quantize", model, "--to", to, "--quiet", in: folder)
      #expect(again.status == 0, "\(again)")
      #expect(again.output.contains("ranges         learned, in training"), "\(again.output)")
      #expect(try folder.data(to) == bytes)
    }
    let refused = try Program.run("quantize", run, "weight_bits=8", "--quiet", in: folder)
    #expect(
      refused.status == 2
        && refused.errors.contains("it was trained with quantisation, and has its bits"),
      "\(refused)")
    let verified = try Program.run("verify", run, "--quiet", in: folder)
    #expect(
      verified.status == 0 && verified.output.contains("model.int8.safetensors"), "\(verified)")
    // What others get are rounded kernels, which is said.
    for name in ["out.onnx", "out.npz", "out.h", "out.keras"] {
      let exported = try Program.run("export", run, name, "--quiet", in: folder)
      #expect(exported.status == 0, "\(exported)")
      #expect(
        exported.errors.contains("note: it was trained to answer in integers: the file has its"),
        "\(exported)")
    }
  }

  /// Damaged integers are found by a verification, also where the floats are not kept beside them.
  @Test(arguments: [true, false]) func otherIntegersAreFound(keepsFloats: Bool) throws {
    let (run, _) = try train()
    if !keepsFloats {
      try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/model.safetensors"))
      let verified = try Program.run("verify", run, "--quiet", in: folder)
      #expect(
        verified.status == 0 && verified.output.contains("; model.int8.safetensors;"), "\(verified)"
      )
    }
    let path = folder.url.appending(path: "\(run)/model.int8.safetensors")
    var bytes = try Data(contentsOf: path)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: path)
    let verified = try Program.run("verify", run, "--quiet", in: folder)
    #expect(
      verified.status == 4
        && verified.output.contains("model.int8.safetensors: its bytes are not the same"),
      "\(verified)")
  }

  /// Neither threads nor interruptions change a byte, by either kind of ranges.
  @Test(arguments: ["learned", "running"]) func whateverHappens(_ ranges: String) throws {
    let (run, result) = try train("quantization.ranges=\(ranges)", "--threads", "1")
    #expect(result.status == 0, "\(result)")
    let (other, _) = try train("quantization.ranges=\(ranges)", "--threads", "3")
    let names = [
      "metrics.csv", "summary.json", "model.safetensors", "model.int8.safetensors",
      "checkpoints/last.safetensors",
    ]
    func expectSame(_ other: String) throws {
      for name in names {
        #expect(try folder.data("\(run)/\(name)") == folder.data("\(other)/\(name)"), "\(name)")
      }
    }
    try expectSame(other)
    for step in ["--stop-at-step=6", "--kill-at-step=8"] {
      let (cut, _) = try train("quantization.ranges=\(ranges)", step)
      let resumed = try Program.run("resume", cut, "--quiet", in: folder)
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectSame(cut)
    }
  }

  /// Channels are taken out of floats.
  @Test func isNotPruned() throws {
    let (run, _) = try train()
    let pruned = try Program.run("prune", run, "share=0.5", "epochs=0", "--quiet", in: folder)
    #expect(
      pruned.status == 2
        && pruned.errors.contains("was trained to answer in integers; prune the model of floats"),
      "\(pruned)")
  }

  /// With what it begins is told, and what a second training takes over.
  @Test func whatIsTold() throws {
    let told = try Program.run("validate", "second.json", in: folder)
    #expect(
      told.output.contains("fake_quantize activation_0") && told.output.contains("4-bit weights")
        && told.output.contains(
          "3 ranges by min-max of 500 training images, or as many as there are"),
      "\(told)")
    let (run, _) = try train()
    let again = try Program.run(
      "validate", "second.json", "initial.model=\(run)", "quantization.weight_bits=2", in: folder)
    #expect(
      again.output.contains("3 ranges of the model's") && again.output.contains("2-bit weights"),
      "\(again)")
    let missing = try Program.run("validate", "second.json", "initial=null", in: folder)
    #expect(
      missing.status == 2 && missing.errors.contains("quantization: it begins with a model"),
      "\(missing)")
  }
}
