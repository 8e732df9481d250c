import Experiment
import Foundation
import Storage
import TestSupport
import Testing

/// Runs that make weights 0, and what `runner prune sparsity=…` makes of a run.
@Suite struct WeightPruningRunTests {
  /// With all that remembers weights: moments, an average, a best epoch, batch norms.
  private static let spec = """
    {
      "name": "first",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
        "normalize": "per_channel"
      },
      "model": [
        { "layer": "conv2d", "filters": 8, "kernel": 5, "stride": 2 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "activation", "function": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "flatten" },
        { "layer": "dropout", "rate": 0.2 },
        { "layer": "dense", "units": 24, "activation": "relu", "name": "hidden" },
        { "layer": "dense", "units": 10, "name": "scores" }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 3, "batch_size": 10 }
    }
    """
  private static let gradual =
    #"pruning={"sparsity":0.8,"initial_sparsity":0.2,"end":1.5,"every":2}"#
  private static let averaged = #"optimizer.averaging={"name":"ema","decay":0.8}"#
  /// 200 + 1728 + 240
  private static let weights = 2168

  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(Self.spec, to: "first.json")
  }

  private func run(_ arguments: String..., status: Int32 = 0) throws -> Program.Result {
    let result = try Program.run(arguments, in: folder)
    #expect(result.status == status, "\(arguments): \(result)")
    return result
  }

  @discardableResult
  private func train(_ output: String, _ arguments: [String] = []) throws -> String {
    let result = try Program.run(
      ["first.json", "--quiet", "--output", output] + arguments, in: folder)
    #expect(result.status == 0, "\(arguments): \(result)")
    return try #require(try folder.runs(of: "first", under: output).last)
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: Array(folder.data(path)), name: path)
  }

  // MARK: - Training

  /// Neither threads nor interruptions change a byte, with an average of the weights too; and it verifies.
  @Test(arguments: [[gradual], [gradual, averaged]])
  func whateverHappens(_ keys: [String]) throws {
    let run = try train("one", keys + ["--threads", "1"])
    let summary = try json("\(run)/summary.json")
    #expect(summary["pruned_weights"]?.int == Self.weights && summary["zeros"]?.int == 1734)
    #expect(summary["bytes"]?.int == (try folder.data("\(run)/model.safetensors").count))
    let whole = try folder.data("\(train("whole"))/model.safetensors").count
    #expect(try #require(summary["bytes"]?.int) < whole - 4 * 1734 + 2168 / 8 + 600)
    // Of the epochs before the end none is the best.
    #expect(try #require(summary["best_epoch"]?.int) >= 2)
    for (output, arguments) in [
      ("two", ["--threads", "3"]), ("stopped", ["--stop-at-step=6"]),
      ("killed", ["--kill-at-step=8"]),
    ] {
      _ = try Program.run(
        ["first.json", "--quiet", "--output", output] + keys + arguments, in: folder)
      let other = try folder.run(of: "first", under: output)
      if output != "two" { _ = try self.run("resume", other, "--quiet") }
      try expectSameRecord(run, other, in: folder)
    }
    let verified = try self.run("verify", run, "--quiet")
    #expect(verified.output.contains("model.safetensors"), "\(verified)")
  }

  @Test func whatIsTold() throws {
    let told = try run("validate", "first.json", Self.gradual)
    #expect(
      told.output.contains(
        "80.00 % of the 2,168 weights of 3 kernels become 0 from epoch 0 to 1.5, every 2 steps, the "
          + "least in each: it saves bytes, not time"), "\(told)")
    let result = try run("first.json", Self.gradual)
    #expect(
      result.output.contains("zeros          1,734 of 2,168 weights, 79.98 %: ")
        && result.output.contains("bytes, and no less time"), "\(result)")
    #expect(result.errors.contains("  pruning   80.00 % of"), "\(result)")
    let wrong = try run("validate", "first.json", "pruning.sparsty=0.5", status: 2)
    #expect(wrong.errors.contains("pruning.sparsty: unknown key; did you mean \"sparsity\"?"))
  }

  /// Every command that reads a model reads one without its zeros, to the same answers.
  @Test func everyCommandReadsIt() throws {
    let pruned = try train("one", [Self.gradual])
    let model = "\(pruned)/model.safetensors"
    #expect(
      String(decoding: try folder.data(model).prefix(4000), as: UTF8.self).contains(
        #""format":"runner-model-3""#))
    let evaluated = try run("evaluate", model, "--on", "synthetic_digits", "--format", "json")
    #expect(evaluated.output.contains("test_accuracy"))
    for name in ["out.onnx", "out.npz", "out.h", "out.keras", "out.tflite"] {
      _ = try run("export", model, name, "--quiet")
    }
    _ = try run("quantize", pruned, "--quiet")
    let small = try folder.data("\(pruned)/model.int8.safetensors").count
    _ = try run("quantize", try train("whole"), "--to", "whole.safetensors", "--quiet")
    #expect(small < (try folder.data("whole.safetensors").count) - 1200)
    let table = try run(
      "tradeoff", model, "\(pruned)/model.int8.safetensors", "--on", "synthetic_digits", "--rounds",
      "1",
      "--quiet", "--format", "csv")
    let rows = table.output.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
    let column = try #require(rows[0].firstIndex(of: "zeros"))
    #expect(abs(try #require(Double(rows[1][column])) - 0.8) < 0.01, "\(table)")
    #expect(try #require(Double(rows[2][column])) >= 0.79, "\(table)")
    // What a training begins with keeps its zeros.
    let begun = [#"initial={"model":"\#(model)"}"#, "dataset.normalize=null", "training.epochs=1"]
    let further = try train("further", begun + ["pruning={}"])
    #expect(try json("\(further)/summary.json")["zeros"]?.int == 1734)
    _ = try run("verify", further, "--quiet")
    // And one that isn't asked to has none.
    let grown = try train("grown", begun)
    #expect(try json("\(grown)/summary.json")["zeros"] == nil)
    _ = try run("compare", pruned, further, "--on", "synthetic_digits")
  }

  // MARK: - runner prune

  private func prune(_ run: String, _ arguments: String...) throws -> JSONValue {
    let result = try Program.run(
      ["prune", run, "--quiet", "--format", "json"] + arguments, in: folder)
    #expect(result.status == 0, "\(result)")
    return try JSONValue(parsing: Array(result.output.utf8), name: "prune")
  }

  @Test func makesZerosAndKeepsThem() throws {
    let first = try train("results")
    let told = try prune(first, "sparsity=0.9", "scope=global", "epochs=1", "--to", "sparse")
    #expect(told["zeros"]?.int == 1951 && told["weights"]?.int == Self.weights)
    #expect(try #require(told["bytes"]?.int) * 2 < (try #require(told["bytes_before"]?.int)))
    #expect(told["kernels"]?.array?.count == 3 && told["accuracy_pruned"]?.double != nil)
    let trained = try #require(told["run"]?.string)
    #expect(trained == (try folder.run(of: "sparse")))
    #expect(told["bytes"]?.int == (try folder.data("\(trained)/model.safetensors").count))
    #expect(try json("\(trained)/summary.json")["zeros"]?.int == 1951)
    _ = try run("verify", trained, "--quiet")
    #expect(try folder.text("sparse.json").contains(#""pruning": {"#))
    // The same bytes for any number of threads; some layers alone.
    _ = try prune(
      first, "sparsity=0.9", "scope=global", "epochs=1", "--to", "again", "--threads", "1")
    #expect(
      try folder.data("\(folder.run(of: "again"))/metrics.csv")
        == folder.data("\(trained)/metrics.csv"))
    let part = try prune(
      first, "sparsity=0.5", #"layers=["hidden"]"#, "epochs=0", "--to", "part")
    #expect(part["zeros"]?.int == 864 && part["weights"]?.int == 1728 && part["run"] == nil)
    // By itself, without a run.
    _ = try Program.shell("cp \(first)/model.safetensors alone.safetensors", in: folder)
    let alone = try prune("alone.safetensors", "sparsity=0.9", "epochs=0", "--to", "bare")
    #expect(alone["zeros"]?.int == 180 + 1555 + 216 && !folder.exists("bare.json"))
  }

  /// What is left is what it was when the run began, or after an epoch; and trains as the run did.
  @Test func tickets() throws {
    let first = try train("results", [Self.averaged])
    let few = "sparsity=0.0001"
    // Of no weight made 0, the ticket is the run itself.
    for rewind in ["rewind=0", "rewind=1"] {
      let told = try prune(first, few, rewind, "--to", rewind.replacing("=", with: ""))
      #expect(told["zeros"]?.int == 0 && told["accuracy_pruned"] == nil)
    }
    let again = try folder.run(of: "rewind0")
    #expect(try folder.data("\(again)/metrics.csv") == folder.data("\(first)/metrics.csv"))
    #expect(
      try folder.data("\(folder.run(of: "rewind1"))/metrics.csv")
        != folder.data("\(first)/metrics.csv"))
    let told = try prune(first, "sparsity=0.9", "steps=2", "--rewind", "0.4", "--to", "ticket")
    #expect(told["zeros"]?.int == 180 + 1555 + 216)
    let trained = try #require(told["run"]?.string)
    _ = try run("verify", trained, "--quiet")
    #expect(
      try json("\(folder.run(of: "ticket-1"))/summary.json")["zeros"]?.int == 137 + 1182 + 164)
    let resolved = try json("\(trained)/resolved.json")
    #expect(
      resolved["training"]?["epochs"]?.int == 3
        && resolved["schedule"]?["name"]?.string == "constant")
    // Other weights under the same mask.
    let own = try prune(first, "sparsity=0.9", "rewind=0", "epochs=0", "--to", "own")
    let other = try prune(first, "sparsity=0.9", "rewind=0", "seed=7", "epochs=0", "--to", "other")
    #expect(own["zeros"] == other["zeros"])
    let files = try ["own", "other"].map { try folder.data("\($0).safetensors") }
    #expect(files[0] != files[1])
  }

  /// A ticket that was found in two rounds, and what it is compared with: the same mask, other weights.
  @Test func aControl() throws {
    let first = try train("results")
    let ticket = try prune(
      first, "sparsity=0.9", "steps=2", "rewind=0", "--to", "ticket")
    let run = try #require(ticket["run"]?.string)
    for (name, seed) in [("same", []), ("control", ["seed=7"])] {
      let told = try Program.run(
        ["prune", run, "sparsity=0.9", "rewind=0", "epochs=0", "--to", name] + seed, in: folder)
      #expect(told.status == 0 && told.errors.contains("makes none more"), "\(told)")
    }
    let models = try ["ticket", "same", "control"].map {
      try ModelFile(reading: "\(folder.path)/\($0).safetensors").model.weights
    }
    #expect(models[0] == models[1])
    #expect(zip(models[0], models[2]).count { $0 != $1 } == Self.weights - 1951)
    #expect(zip(models[0], models[2]).allSatisfy { $0 != 0 || $1 == 0 })
  }

  /// Layer by layer: zeros that were there stay, wherever more are made, and what is told is of the end.
  @Test func layerByLayer() throws {
    let first = try train("results")
    let one = try prune(first, "sparsity=0.9", #"layers=["hidden"]"#, "epochs=1", "--to", "one")
    let told = try prune(
      try #require(one["run"]?.string), "sparsity=0.9", #"layers=["scores"]"#, "epochs=1",
      "steps=2",
      "--to", "two")
    let before = try #require(one["zeros"]?.int)
    #expect(told["zeros_before"]?.int == before && told["weights"]?.int == Self.weights)
    let run = try #require(told["run"]?.string)
    let summary = try json("\(run)/summary.json")
    #expect(summary["zeros"] == told["zeros"] && summary["bytes"] == told["bytes"])
    #expect(summary["zeros_by_kernel"]?["hidden/kernel"]?.int == before)
    #expect(try #require(told["zeros"]?.int) > before)
    // Also in a training that a spec asks for.
    let begun = #"initial={"model":"\#(run)"}"#
    let more = try train(
      "more", [begun, #"pruning={"sparsity":0.5,"layers":["conv2d_0"]}"#])
    let zeros = try #require(try json("\(more)/summary.json")["zeros_by_kernel"])
    #expect(zeros["hidden/kernel"]?.int == before && zeros["conv2d_0/kernel"]?.int != 0)
    // Who keeps none is told.
    let result = try Program.run(["validate", "first.json", begun], in: folder)
    #expect(result.output.contains("are trained as the others"), "\(result)")
  }

  @Test func mistakes() throws {
    let first = try train("results")
    _ = try Program.shell("cp \(first)/model.safetensors alone.safetensors", in: folder)
    for (arguments, message) in [
      (["sparsity=0.9", "share=0.5"], "share and sparsity: one of them says how much, not 2"),
      (["share=0.5", "scope=global"], "scope: goes with sparsity"),
      (["share=0.5", "--rewind", "0"], "rewind: goes with sparsity"),
      (["sparsity=0.9", "criterion=l1"], "criterion: is of channels, and sparsity of weights"),
      (["sparsity=0.9", "multiple=4"], "multiple: is of channels, and sparsity of weights"),
      (["sparsity=0.9", "seed=3"], "seed: goes with rewind=0"),
      (["sparsity=0.9", "seed=3", "rewind=1"], "seed: goes with rewind=0"),
      (["sparsity=0.9", "seed=3", "rewind=0", "steps=2"], "seed: goes with steps=1, for other"),
      (
        ["sparsity=0.9", "--to", "nowhere/y"], "nowhere: there is no such folder; make it, or give"
      ),
      (
        ["sparsity=0.9", "rewind=1", "epochs=4"],
        "epochs: with rewind, all of the run's are trained, or 0"
      ),
      (
        ["sparsity=0.9", "rewind=1", "learning_rate=0.1"],
        "learning_rate: with rewind, the run's own"
      ),
      (["sparsity=1"], "sparsity: "), (["sparsty=0.5"], "did you mean \"sparsity\"?"),
      (["sparsity=0.5", "epochs=0", "steps=2"], "steps: goes with epochs of 1 or more"),
      (
        ["sparsity=0.9", #"layers=["hiden"]"#], "layers: no layer with kernels is called \"hiden\""
      ),
      (
        ["sparsity=0.9", "rewind=3"],
        "rewind: the run trained 3 epochs, and can be taken back to less"
      ),
    ] {
      let result = try Program.run(["prune", first, "--to", "x"] + arguments, in: folder)
      #expect(result.status == 2 && result.errors.contains(message), "\(arguments): \(result)")
      #expect(result.output == "" && !folder.exists("x.safetensors"), "\(result)")
    }
    let alone = try run("prune", "alone.safetensors", "sparsity=0.5", status: 2)
    #expect(
      alone.errors.contains("says of no run on whose images it could be trained; epochs=0 makes"))
    let rewound = try run(
      "prune", "alone.safetensors", "sparsity=0.5", "rewind=0", "epochs=0", status: 2)
    #expect(
      rewound.errors.contains("says of no run that could be taken back (rewind)"), "\(rewound)")
    try folder.write(Self.spec, to: "spec.json")
    let spec = try run("prune", "spec.json", "sparsity=0.5", status: 1)
    #expect(spec.errors.contains("it is JSON, as a spec is"), "\(spec)")
    _ = try run("quantize", first)
    let integers = try run("prune", "\(first)/model.int8.safetensors", "sparsity=0.5", status: 2)
    #expect(integers.errors.contains("is a quantised one, which predict"), "\(integers)")
  }

  // MARK: - Begun again

  /// What a pruning of several steps has trained isn't trained again; what another has left isn't written over.
  @Test func goesOn() throws {
    let first = try train("results")
    let arguments = ["sparsity=0.9", "steps=3", "epochs=1"]
    func prune(_ more: String...) throws -> Program.Result {
      try Program.run(["prune", first, "--to", "small"] + arguments + more, in: folder)
    }
    let whole = try prune("--quiet", "--format", "json")
    #expect(whole.status == 0, "\(whole)")
    let bytes = try folder.data("small.safetensors")
    let metrics = try folder.data("\(folder.run(of: "small"))/metrics.csv")
    let refused = try prune()
    #expect(
      refused.status == 2
        && refused.errors
          == "error: small-1.safetensors is there already; --force writes over it\n",
      "\(refused)")
    // As it is when the last step hasn't been begun, and the second was stopped.
    let second = try folder.run(of: "small-2")
    for name in [
      "results/small", "small.json", "small.safetensors", "\(second)/summary.json",
      "\(second)/model.safetensors", "\(second)/checkpoints/last.safetensors",
    ] {
      try FileManager.default.removeItem(at: folder.url.appending(path: name))
    }
    let record = try folder.text("\(second)/run.json")
    try folder.write(
      record.replacing(#""status": "completed""#, with: #""status": "interrupted""#),
      to: "\(second)/run.json")
    let again = try prune()
    #expect(again.status == 0, "\(again)")
    #expect(again.errors.contains("small-1 was trained before: results/small-1/"), "\(again)")
    #expect(try folder.runs(of: "small-1").count == 1 && folder.run(of: "small-2") == second)
    #expect(try folder.data("small.safetensors") == bytes)
    #expect(try folder.data("\(folder.run(of: "small"))/metrics.csv") == metrics)
    // Another one under this name is refused; --force begins anew.
    try FileManager.default.removeItem(at: folder.url.appending(path: "results/small"))
    let other = try Program.run(
      ["prune", first, "--to", "small", "sparsity=0.8", "steps=3", "epochs=1"], in: folder)
    #expect(other.status == 2 && other.errors.contains("is there already"), "\(other)")
    #expect(try prune("--force", "--quiet").status == 0)
    #expect(try folder.runs(of: "small-1").count == 2)
    #expect(!folder.names.contains { $0.hasSuffix(".lock") })
  }

  /// One process at a time has a name.
  @Test func twoAtOnce() throws {
    let first = try train("results")
    guard let lock = try FileLock.take("\(folder.path)/.twice.lock") else {
      Issue.record("nobody else has it")
      return
    }
    let refused = try run(
      "prune", first, "sparsity=0.5", "epochs=0", "--to", "twice", status: 2)
    #expect(
      refused.errors
        == "error: twice: another process is pruning under this name; give another by --to, or wait until "
        + "it has ended\n", "\(refused)")
    #expect(!folder.exists("twice.safetensors"))
    _ = consume lock
    _ = try run("prune", first, "sparsity=0.5", "epochs=0", "--to", "twice", "--quiet")
  }
}
