import Foundation
import TestSupport
import Testing

/// `runner prune`: what is written is a spec and a model as any other.
@Suite struct PruneTests {
  private let folder: TemporaryFolder
  private let run: String

  /// A network of a residual block and what is flattened, trained for two epochs.
  init() throws {
    folder = try TemporaryFolder()
    try folder.write(
      """
      {
        "name": "wide",
        "dataset": {
          "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
          "normalize": "per_channel"
        },
        "model": [
          { "layer": "conv2d", "filters": 8, "kernel": 5, "stride": 2, "activation": "relu" },
          { "layer": "residual", "activation": "relu", "layers": [
            { "layer": "conv2d", "filters": 6, "kernel": 3, "padding": "same" },
            { "layer": "batch_norm", "momentum": 0.7 },
            { "layer": "conv2d", "filters": 8, "kernel": 3, "padding": "same" }
          ] },
          { "layer": "max_pool", "size": 4 },
          { "layer": "flatten" },
          { "layer": "dense", "units": 12, "activation": "relu", "name": "hidden" },
          { "layer": "dense", "units": 10 }
        ],
        "optimizer": { "name": "adam", "learning_rate": 0.02 },
        "training": { "epochs": 2, "batch_size": 10 },
        "expect": { "test_accuracy": { "min": 0.01 } }
      }
      """, to: "wide.json")
    let result = try Program.run("wide.json", "--quiet", in: folder)
    #expect(result.status == 0, "\(result)")
    run = try folder.run(of: "wide")
  }

  private func told(_ arguments: String...) throws -> [String: Any] {
    let result = try Program.Running(
      Program.path, ["prune", run, "--quiet", "--format", "json"] + arguments, in: folder
    ).wait()
    #expect(result.status == 0, "\(result)")
    return try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
  }

  @Test func writesASpecAndAModel() throws {
    let told = try told("flops=0.4", "multiple=1", "epochs=0", "--to", "small.json")
    #expect(told["file"] as? String == "small.safetensors")
    let (left, before) = (told["flops"] as? Int ?? 0, told["flops_before"] as? Int ?? 0)
    #expect(left > 0 && Double(left) <= 0.4 * Double(before), "\(told)")
    #expect(told["bytes"] as? Int == (try folder.data("small.safetensors").count))
    #expect(told["run"] == nil && told["accuracy_trained"] == nil)
    let layers = try #require(told["layers"] as? [[String: Any]])
    #expect(
      layers.map { $0["layer"] as? String } == [
        "conv2d_0", "conv2d_1", "batch_norm_0", "conv2d_2", "hidden", "dense_1",
      ])
    // What a residual block adds goes together, and the scores of the classes stay.
    #expect(layers[0]["channels_after"] as? Int == layers[3]["channels_after"] as? Int)
    #expect(layers[5]["channels_after"] as? Int == 10)
    // Nothing was trained, and nothing is left of what bounded the whole network.
    #expect(try folder.runs(of: "small").isEmpty)
    let spec = try folder.text("small.json")
    #expect(spec.contains("\"epochs\": 2") && !spec.contains("expect"), "\(spec)")
    let validated = try Program.run("validate", "small.json", in: folder)
    #expect(validated.status == 0, "\(validated)")
    for arguments in [
      ["evaluate", "small.safetensors", "--on", "synthetic_digits"],
      ["quantize", "small.safetensors", "--on", "synthetic_digits", "--quiet"],
      ["export", "small.safetensors", "small.onnx", "--quiet"],
    ] {
      let result = try Program.Running(Program.path, arguments, in: folder).wait()
      #expect(result.status == 0, "\(result)")
    }
  }

  /// The same bytes for any number of threads; the run that comes of it verifies.
  @Test func trainsAndVerifies() throws {
    let told = try told(
      "share=0.5", "multiple=2", "images=30", "learning_rate=0.5", "steps=2", "epochs=1", "--to",
      "narrow")
    let trained = try #require(told["run"] as? String)
    #expect(trained == (try folder.run(of: "narrow")))
    for run in [trained, try folder.run(of: "narrow-1")] {
      let verified = try Program.run("verify", run, "--quiet", in: folder)
      #expect(verified.status == 0, "\(verified)")
    }
    let resolved = try folder.text("\(trained)/resolved.json")
    #expect(resolved.contains("\"learning_rate\": 0.01"), "\(resolved)")
    #expect(resolved.contains("\"name\": \"cosine\""))
    let model = try folder.data("narrow.safetensors")
    for threads in ["1", "3"] {
      let again = try Program.run(
        "prune", run, "share=0.5", "multiple=2", "images=30", "learning_rate=0.5", "steps=2",
        "epochs=1", "--to",
        "again", "--force", "--threads", threads, "--quiet", in: folder)
      #expect(again.status == 0, "\(again)")
      // Equal but for what it is called.
      #expect(
        try Self.weights(of: folder.data("again.safetensors")) == Self.weights(of: model))
    }
    // The spec trains by itself too, to the same bits.
    let alone = try Program.run("narrow.json", "--quiet", "--output", "alone", in: folder)
    #expect(alone.status == 0, "\(alone)")
    #expect(
      try folder.data("\(folder.run(of: "narrow", under: "alone"))/metrics.csv")
        == folder.data("\(trained)/metrics.csv"))
  }

  /// A budget of bytes is one of the model that the training leaves, which tells more of itself.
  @Test func aBudgetOfBytesHoldsInTheEnd() throws {
    let size = try folder.data("\(run)/model.safetensors").count
    let told = try told(
      "bytes=\(size * 2 / 3)", "multiple=1", "images=30", "epochs=1", "--to", "light")
    let trained = try #require(told["run"] as? String)
    let left = try folder.data("\(trained)/model.safetensors").count
    #expect(left <= size * 2 / 3, "\(left) of \(size)")
  }

  private static func weights(of file: Data) throws -> String {
    let text = String(decoding: file.prefix(20_000), as: UTF8.self)
    let start = try #require(text.range(of: "weights_sha256"))
    return String(text[start.upperBound...].prefix(70))
  }

  @Test func aModelAlone() throws {
    _ = try Program.shell("cp \(run)/model.safetensors alone.safetensors", in: folder)
    let refused = try Program.run("prune", "alone.safetensors", "share=0.5", in: folder)
    #expect(
      refused.status == 2
        && refused.errors
          == "error: alone.safetensors: says of no run on whose images it could be trained; epochs=0 "
          + "removes channels without, by criterion l1 or batch_norm\n",
      "\(refused)")
    let result = try Program.run(
      "prune", "alone.safetensors", "share=0.5", "criterion=l1", "multiple=1", "epochs=0",
      in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(folder.exists("wide-pruned.safetensors") && !folder.exists("wide-pruned.json"))
    let there = try Program.run(
      "prune", "alone.safetensors", "share=0.5", "criterion=l1", "epochs=0", in: folder)
    #expect(
      there.status == 2
        && there.errors
          == "error: wide-pruned.safetensors is there already; --force writes over it\n",
      "\(there)")
  }

  @Test func mistakes() throws {
    let small = try Program.run("quantize", run, "--to", "int.safetensors", "--quiet", in: folder)
    #expect(small.status == 0, "\(small)")
    for (arguments, message) in [
      (
        [run],
        "how much? One of share, flops, bytes, microseconds and sparsity says it, as flops=0.25"
      ),
      ([run, "share=0.5", "bytes=0.5"], "share and bytes: one of them says how much, not 2"),
      ([run, "flop=0.5"], "flop: unknown key; did you mean \"flops\"?"),
      ([run, "flops=0.001", "multiple=2"], "operations; multiple=1 lets more go"),
      (
        [run, "flops=0.001", "multiple=1"],
        "flops: with as few channels of each layer as may be left there are still "
      ),
      (
        [run, "share=0.5", "multiple=12"], "no layer has more than 12 channels, of which multiples"
      ),
      ([run, "bytes=1000000"], "bytes: it has "),
      ([run, "microseconds=1000000"], "microseconds: it has "),
      (
        [run, "share=0.95"], "share: of its 26 channels 23 can go at most, for each layer keeps one"
      ),
      ([run, "share=0.5", "criterion=l1", "images=5"], "images: goes with criterion taylor"),
      ([run, "share=0.5", "epochs=0", "steps=2"], "steps: goes with epochs of 1 or more"),
      ([run, "share=0.5", "epochs=0", "learning_rate=1"], "learning_rate: goes with epochs of 1"),
      ([run, "share=0.5", "a.json", "b.json"], "b.json: one file says how a model is pruned"),
      (
        [run, "share=0.5", "--to", "\(run)/model", "--force"],
        "\(run): it would be written over; give another name by --to"
      ),
      ([run, "share=0.5", "--to", "a b"], "a b: a name is of at most 100 letters"),
      (["int.safetensors", "share=0.5"], "is a quantised one"),
      (["nowhere", "share=0.5"], "nowhere: there is no such model"),
    ] {
      let result = try Program.Running(Program.path, ["prune"] + arguments, in: folder).wait()
      #expect(result.status != 0 && result.errors.contains(message), "\(arguments): \(result)")
      #expect(result.output == "", "\(result)")
    }
    // A criterion that says nothing of some layers.
    let some = try Program.run(
      "prune", run, "share=0.5", "multiple=1", "criterion=batch_norm", "epochs=0", in: folder)
    #expect(
      some.status == 0
        && some.errors.contains(
          "note: hidden keeps its channels: criterion batch_norm says nothing of it\n"),
      "\(some)")
  }
}
