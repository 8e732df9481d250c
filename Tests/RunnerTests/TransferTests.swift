import Foundation
import Storage
import TestSupport
import Testing

/// Runs that begin with what another has learned.
@Suite struct TransferTests {
  /// What is learned first.
  private static let first = """
    {
      "name": "first",
      "dataset": {
        "name": "synthetic_digits", "train_count": 60, "test_count": 20, "validation": 0.2,
        "normalize": "per_channel"
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 10, "name": "scores" }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.02 },
      "training": { "epochs": 2, "batch_size": 10 }
    }
    """

  /// What begins with it: the convolution and the batch norm stay, what follows is new.
  private static let second = """
    {
      "name": "second",
      "dataset": {
        "name": "synthetic_digits", "train_count": 50, "test_count": 20, "validation": 0.2,
        "synthetic_seed": 2
      },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 5, "stride": 2, "activation": "relu" },
        { "layer": "max_pool", "size": 4 },
        { "layer": "batch_norm", "momentum": 0.7 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 8, "activation": "relu" },
        { "layer": "dropout", "rate": 0.2 },
        { "layer": "dense", "units": 10, "name": "answers" }
      ],
      "initial": {
        "model": "results/first/latest", "frozen": ["conv2d_*", "batch_norm_0"]
      },
      "optimizer": { "name": "adamw", "learning_rate": 0.02, "weight_decay": 0.1 },
      "training": { "epochs": 4, "batch_size": 10 }
    }
    """

  private let folder: TemporaryFolder
  /// The folder of the first run.
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    try folder.write(Self.first, to: "first.json")
    try folder.write(Self.second, to: "second.json")
    let result = try Program.run("first.json", "--quiet", "--threads", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    model = try folder.run(of: "first")
  }

  private func train(
    _ overrides: String..., output: String = "results", threads: Int = 1, status: Int32 = 0
  ) throws -> (run: String, result: Program.Result) {
    let before = try folder.runs(of: "second", under: output)
    let result = try Program.Running(
      Program.path,
      ["second.json", "--threads", "\(threads)", "--output", output] + overrides, in: folder
    ).wait()
    #expect(result.status == status, "\(result.errors)")
    let new = try folder.runs(of: "second", under: output).filter { !before.contains($0) }
    return (new.last ?? "", result)
  }

  private func json(_ path: String) throws -> JSONValue {
    try JSONValue(parsing: Array(folder.data(path)), name: path)
  }

  /// What was taken is on the screen and in run.json; what is frozen has the model's bits in the end.
  @Test func beginsWithTheModel() throws {
    let (run, result) = try train()
    #expect(
      result.errors.contains(
        """
          initial   \(model): 6 tensors of conv2d_0, batch_norm_0
                    fresh are 4 tensors that it lacks, of dense_0, answers
                    images are normalised by the model's figures
          frozen    conv2d_0, batch_norm_0

        """), "\(result.errors)")
    let initial = try #require(try json("\(run)/run.json")["initial"])
    #expect(initial["model"]?.string == model)
    #expect(initial["taken"]?.array?.count == 6)
    #expect(
      initial["absent"] == [
        "dense_0/kernel", "dense_0/bias", "answers/kernel", "answers/bias",
      ])
    #expect(initial["unfit"] == [])
    #expect(initial["frozen"] == ["conv2d_0", "batch_norm_0"])
    let resolved = try json("\(run)/resolved.json")["initial"]
    #expect(resolved?["weights_sha256"] == initial["weights_sha256"])
    #expect(resolved?["normalization"] == "model")
    let (before, after) = try (
      tensors("\(model)/model.safetensors"), tensors("\(run)/model.safetensors")
    )
    for name in ["conv2d_0/kernel", "batch_norm_0/scale", "batch_norm_0/moving_mean"] {
      #expect(before[name] != nil && before[name] == after[name], "\(name)")
    }
    #expect(before["normalization/mean"] == after["normalization/mean"])
  }

  /// Scores of fewer inputs have a bias of the same shape, which means nothing without the kernel: it is
  /// taken where that is asked for alone.
  @Test func noBiasWithoutItsKernel() throws {
    let text = Self.second.replacing("\"answers\"", with: "\"scores\"")
    try folder.write(text, to: "second.json")
    let (run, result) = try train("training.epochs=1")
    #expect(
      result.errors.contains(
        """
                    fresh are 1 tensor of another shape there: scores/kernel (8x10, there 36x10)
                    fresh are 1 tensor of layers that are others there: scores/bias

        """), "\(result.errors)")
    let initial = try #require(try json("\(run)/run.json")["initial"])
    #expect(initial["taken"]?.array?.contains("scores/bias") == false)
    #expect(initial["left"] == ["scores/bias"])
    #expect(try json("\(run)/resolved.json")["initial"]?["whole_layers"] == true)
    let (apart, _) = try train("training.epochs=1", "initial.whole_layers=false")
    let record = try #require(try json("\(apart)/run.json")["initial"])
    #expect(record["taken"]?.array?.contains("scores/bias") == true)
    #expect(record["left"] == [])
    #expect(try json("\(apart)/resolved.json")["initial"]?["whole_layers"] == nil)
    #expect(try Program.run("verify", apart, "--quiet", in: folder).status == 0)
  }

  /// To freeze what was never learned is hardly meant.
  @Test func frozenLayersThatAreFresh() throws {
    let (_, result) = try train(#"initial.frozen=["conv2d_0","dense_0"]"#, "training.epochs=1")
    #expect(
      result.errors.contains(
        "WARNING: these stay as they were drawn, for the model has not all of them: dense_0\n"),
      "\(result.errors)")
  }

  /// The tensors of a safetensors file, as their bytes.
  private func tensors(_ path: String) throws -> [String: Data] {
    let data = try folder.data(path)
    let count = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONValue(parsing: Array(data[8..<8 + count]), name: path)
    var tensors: [String: Data] = [:]
    for member in header.object!.members where member.key != "__metadata__" {
      let offsets = member.value["data_offsets"]!.array!.map { 8 + count + $0.int! }
      tensors[member.key] = data[offsets[0]..<offsets[1]]
    }
    return tensors
  }

  /// The same bits on more threads, after an interruption, with what is kept of images, and again.
  @Test(arguments: ["", "initial.features=flatten_0", "initial.unfreeze_at=3"])
  func bitsAreThoseOfTheSpec(override: String) throws {
    let overrides = override.isEmpty ? "description=plain" : override
    let (run, _) = try train(overrides)
    let (other, _) = try train(overrides, output: "two", threads: 2)
    try expectSameRecord(run, other, in: folder)
    for step in ["--stop-at-step=6", "--kill-at-step=11", "--stop-at-step=9"] {
      let output = "cut\(step)"
      _ = try Program.run(
        "second.json", overrides, "--quiet", "--output", output, step, in: folder)
      let cut = try folder.run(of: "second", under: output)
      // What it began with is in its checkpoint.
      try FileManager.default.moveItem(
        atPath: "\(folder.path)/\(model)", toPath: "\(folder.path)/away")
      let resumed = try Program.run("resume", cut, "--quiet", in: folder)
      try FileManager.default.moveItem(
        atPath: "\(folder.path)/away", toPath: "\(folder.path)/\(model)")
      #expect(resumed.status == 0, "\(resumed.errors)")
      try expectSameRecord(run, cut, in: folder)
    }
    let verified = try Program.run("verify", run, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified)")
  }

  /// What is kept of images changes no figure.
  @Test func keptFeaturesChangeNoFigure() throws {
    let (plain, _) = try train()
    let (kept, result) = try train("initial.features=batch_norm_0")
    #expect(
      result.errors.contains(
        "working out what batch_norm_0 gives of 50 images: 3x3x4 numbers each\n"),
      "\(result.errors)")
    #expect(try folder.data("\(plain)/metrics.csv") == folder.data("\(kept)/metrics.csv"))
    #expect(
      try tensors("\(plain)/model.safetensors") == tensors("\(kept)/model.safetensors"))
  }

  /// What begins to learn later does; all else goes on.
  @Test func unfreezes() throws {
    let (run, result) = try train(
      "initial.unfreeze_at=3", #"initial.unfreeze=["conv2d_0"]"#)
    #expect(result.errors.contains("epoch 3: conv2d_0 learns from now on\n"), "\(result.errors)")
    let (before, after) = try (
      tensors("\(model)/model.safetensors"), tensors("\(run)/model.safetensors")
    )
    #expect(before["conv2d_0/kernel"] != after["conv2d_0/kernel"])
    #expect(before["batch_norm_0/scale"] == after["batch_norm_0/scale"])
    let (plain, _) = try train("training.epochs=2", output: "short")
    let rows = try folder.text("\(run)/metrics.csv").split(separator: "\n")
    #expect(try folder.text("\(plain)/metrics.csv").split(separator: "\n") == Array(rows.prefix(3)))
  }

  /// More epochs for a run that has unfrozen layers are those of a long run, without the model.
  @Test func moreEpochs() throws {
    let (run, _) = try train("initial.unfreeze_at=2", "training.epochs=3")
    let (long, _) = try train("initial.unfreeze_at=2", "training.epochs=5", output: "long")
    try FileManager.default.moveItem(
      atPath: "\(folder.path)/\(model)", toPath: "\(folder.path)/away")
    let more = try Program.run("resume", run, "training.epochs=5", "--quiet", in: folder)
    #expect(more.status == 0, "\(more.errors)")
    let new = try #require(try folder.runs(of: "second").first { $0 != run })
    try expectSameRecord(long, new, in: folder)
    let verified = try Program.run("verify", new, "--quiet", "--initial", "away", in: folder)
    #expect(verified.status == 0, "\(verified)")
  }

  /// A run is verified from another folder, and from a model that lies elsewhere; not from another model.
  @Test func verifiesFromTheModelItBeganWith() throws {
    let (run, _) = try train()
    let elsewhere = try TemporaryFolder()
    let far = try Program.run("verify", "\(folder.path)/\(run)", "--quiet", in: elsewhere)
    #expect(far.status == 0, "\(far)")
    try FileManager.default.copyItem(
      atPath: "\(folder.path)/\(model)/model.safetensors",
      toPath: "\(folder.path)/kept.safetensors")
    try FileManager.default.removeItem(atPath: "\(folder.path)/\(model)")
    let gone = try Program.run("verify", run, "--quiet", in: folder)
    #expect(gone.status == 1)
    #expect(
      gone.errors.hasSuffix(
        """
        error: \(model): is gone, which the training begins with (initial.model); say where it is: \
        verify has --initial for that, and a spec initial.model

        """))
    let kept = try Program.run(
      "verify", run, "--quiet", "--initial", "kept.safetensors", in: folder)
    #expect(kept.status == 0, "\(kept)")
    _ = try Program.run("first.json", "seed=2", "--quiet", in: folder)
    let other = try Program.run(
      "verify", run, "--quiet", "--initial", "results/first/latest", in: folder)
    #expect(other.status == 1)
    #expect(
      other.errors.contains("has changed: the training begins with the weights "), "\(other.errors)"
    )
    let fresh = try Program.run(
      "verify", "results/first/latest", "--quiet", "--initial", "kept.safetensors", in: folder)
    #expect(fresh.status == 2)
    #expect(fresh.errors.contains("began with fresh weights"), "\(fresh.errors)")
  }

  /// What is wrong with the model is told as what is wrong with a spec, at its place, before any work.
  @Test func mistakesAreToldAtTheirPlace() throws {
    func errors(_ overrides: String...) throws -> String {
      let result = try Program.Running(
        Program.path, ["validate", "second.json"] + overrides, in: folder
      ).wait()
      #expect(result.status == 2, "\(result)")
      return result.errors
    }
    #expect(
      try errors(#"initial.layers=["conv2d_0","dense_0"]"#).contains(
        "initial.layers[1]: \(model) has no layer dense_0; those are \"conv2d_0\", "
          + "\"batch_norm_0\", \"scores\""))
    #expect(
      try errors("model[6].name=scores", #"initial.layers=["scores"]"#).contains(
        "initial.layers[0]: scores/kernel is 8x10 here, and 36x10 in \(model)"))
    #expect(
      try errors("initial.model=results/frist/latest").contains(
        "initial.model: there is no model \"results/frist/latest\"\n"))
    #expect(
      try errors("initial.model=results/first").contains(
        "results/first: is not the folder of a run: it has no resolved.json and run.json; do you mean "
          + "results/first/latest?"))
    #expect(
      try errors("initial.weights_sha256=\(String(repeating: "0", count: 64))").contains(
        "initial.weights_sha256: the weights of \(model) are "))
    #expect(try errors("initial.model=first.json").contains("is not a sound safetensors file"))
    let valid = try Program.run("validate", "second.json", "--quiet", in: folder)
    #expect(valid.status == 0 && valid.output.contains("6 tensors of conv2d_0, batch_norm_0"))
  }

  /// A sweep's trials begin with one model, whose digest they tell; its winner is one to begin with.
  @Test func sweeps() throws {
    try folder.write(
      """
      {
        "name": "tuned", "base": "second.json", "metric": "val_loss",
        "parameters": { "optimizer.learning_rate": { "choice": [0.01, 0.05] } },
        "sampler": { "name": "grid" }
      }
      """, to: "sweep.json")
    let result = try Program.run("sweep", "sweep.json", "--quiet", "-j", "1", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let digest = try json("results/tuned/trials/0000/seed-1/resolved.json")["initial"]?[
      "weights_sha256"]?.string
    #expect(digest?.count == 64)
    let again = try Program.run(
      "second.json", "--quiet", "initial.model=results/tuned", "name=third", in: folder)
    #expect(again.status == 0, "\(again.errors)")
    let third = try folder.run(of: "third")
    #expect(try json("\(third)/run.json")["initial"]?["taken"]?.array?.count == 10)
    let verified = try Program.run("verify", third, "--quiet", in: folder)
    #expect(verified.status == 0, "\(verified)")
  }
}
