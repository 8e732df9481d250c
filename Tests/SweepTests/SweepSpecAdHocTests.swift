import Experiment
import Storage
import Testing

@testable import Search
@testable import Sweep

/// Sweeps on the command line.
struct SweepSpecAdHocTests {
  static let experiment = """
    {
      "name": "x",
      "dataset": { "name": "mnist", "validation": 0.2 },
      "model": [
        { "layer": "conv2d", "filters": 4, "kernel": 3 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam" },
      "training": { "epochs": 9, "batch_size": 64 }
    }
    """

  static func load(_ arguments: String..., seeds: String? = nil) throws -> SweepSpec {
    try SweepSpec.adHoc(
      bytes: Array(experiment.utf8), name: "x.json", arguments: arguments, seeds: seeds
    ).spec
  }

  static func errors(_ arguments: [String], seeds: String? = nil) -> [String] {
    do throws(SpecErrors) {
      _ = try SweepSpec.adHoc(
        bytes: Array(experiment.utf8), name: "x.json", arguments: arguments, seeds: seeds
      ).checkTrials()
      return []
    } catch {
      return error.description.split(separator: "\n").map(String.init)
    }
  }

  @Test func gridOverValues() throws {
    let spec = try Self.load(
      "optimizer.learning_rate=1e-4,3e-4,1e-3", "model[0].filters=16,32", "training.epochs=3",
      seeds: "1-3")
    #expect(spec.sampler == .grid)
    #expect(spec.trials == 6)
    #expect(spec.seeds == [1, 2, 3])
    #expect(spec.epochs == 3)
    #expect(spec.set == [SweepSpec.Assignment(path: "training.epochs", value: 3)])
    #expect(spec.space.parameters.map(\.path) == ["optimizer.learning_rate", "model[0].filters"])
    let grid = try #require(Grid(spec.space))
    #expect(spec.space.labels(of: grid[0]) == ["1e-4", "16"])
    #expect(spec.space.labels(of: grid[5]) == ["1e-3", "32"])
    let last = try spec.experiment(for: grid[5], seed: 3)
    #expect(last.optimizer.learningRate == 1e-3)
    #expect(last.seed == 3)
    try SweepSpecTests.checkRoundTrip(spec)
  }

  @Test func commasWithinValues() throws {
    #expect(Override.pieces("a,b") == ["a", "b"])
    #expect(Override.pieces("[1,2],[3,4]") == ["[1,2]", "[3,4]"])
    #expect(Override.pieces("{\"a\": \"},\"},3") == ["{\"a\": \"},\"}", "3"])
    #expect(Override.pieces("\"a\\\",b\",c") == ["\"a\\\",b\"", "c"])
    #expect(Override.pieces("") == [""])
    let spec = try Self.load("model[0].kernel=[3,5],[5,3]", "optimizer.name=sgd,adam")
    #expect(spec.trials == 4)
    #expect(spec.space.labels(of: Grid(spec.space)![0]) == ["[3, 5]", "sgd"])
  }

  @Test func nameIsOfWhatItSays() throws {
    let spec = try Self.load("optimizer.learning_rate=1e-4,3e-4")
    #expect(spec.name == "x-" + spec.identity.prefix(8))
    #expect(try Self.load("optimizer.learning_rate=0.0001,0.0003").name == spec.name)
    #expect(try Self.load("optimizer.learning_rate=1e-4,3e-3").name != spec.name)
    #expect(try Self.load("optimizer.learning_rate=1e-4,3e-4", seeds: "1,2").name != spec.name)
  }

  @Test func keysOfTheSweep() throws {
    let spec = try Self.load(
      "optimizer.learning_rate=1e-4,3e-4", "metric=val_loss", "confirm=0",
      "early_termination.name=median")
    #expect(spec.metric == .valLoss)
    #expect(!spec.maximizes)
    #expect(spec.confirm == 0)
    #expect(spec.termination == .median(warmupEpochs: 1, startupTrials: 5))
  }

  @Test func onlyReplicates() throws {
    let spec = try Self.load(seeds: "1-5")
    #expect(spec.trials == 1)
    #expect(spec.space.parameters.isEmpty)
    #expect(try spec.experiment(for: Configuration([]), seed: 2).seed == 2)
    try SweepSpecTests.checkRoundTrip(spec)
  }

  @Test(arguments: [
    (
      ["optimizer.learning_rat=1,2"],
      "command line: optimizer.learning_rat: unknown key; did you mean \"learning_rate\"?"
    ),
    (
      ["optimizer.learning_rate=1,0"],
      "command line: optimizer.learning_rate: found 0, but a number more than 0 and at "
        + "most 1000 is expected"
    ),
    (
      ["optimizer.learning_rate=1,1.0"],
      "command line: optimizer.learning_rate: 1.0 is given twice"
    ),
    (
      ["optimizer.name=adm"],
      "command line: optimizer.name: \"adm\" is not an optimizer; did you mean \"adam\"?"
    ),
    (
      ["model[0].kernel=3,29"],
      "x.json:5:5: model[0]: conv2d: a window of 29x29 does not fit an input of 28x28 "
        + "(with model[0].kernel = 29)"
    ),
    (
      ["model[0].kernel=[3"],
      "command line: model[0].kernel: the value is not JSON at its character 3: the file "
        + "ends within the list begun at 1:1"
    ),
    (
      ["model[0].kernel=[3,[5"],
      "command line: model[0].kernel: the value is not JSON at its character 6: [1]: the "
        + "file ends within the list begun at 1:4"
    ),
    (
      ["seed=1,2"],
      "command line: seed: a seed is no parameter but a replicate; give --seeds, such as "
        + "--seeds 1-3"
    ),
    (
      ["seed=1"],
      "command line: seed: a seed is no parameter but a replicate; give --seeds, such as "
        + "--seeds 1-3"
    ),
    (
      ["a..b=1,2"],
      "command line: \"a..b\" is not a key; write it as optimizer.learning_rate or "
        + "model[0].filters"
    ),
    (
      ["training.epochs"],
      "command line: \"training.epochs\" sets nothing; write key=value, such as seed=7"
    ),
    (
      ["training.epochs=1,2", "training.epochs=3"],
      "command line: training.epochs: is given twice"
    ),
    (
      ["training.epochs=1,,2"],
      "command line: training.epochs: found \"\", but a whole number from 1 to 1000000 is "
        + "expected"
    ),
    (
      ["dataset.validation=0"],
      "command line: metric: val_accuracy is never measured, since the base's "
        + "dataset.validation is 0; hold images out, or judge by \"train_accuracy\""
    ),
    (
      ["metric=acc"],
      "command line: metric: found \"acc\", but one of \"train_loss\", \"train_accuracy\", "
        + "\"val_loss\", \"val_accuracy\", or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\") is expected; did you mean \"val_accuracy\"?"
    ),
  ])
  func wrongArguments(arguments: [String], message: String) {
    #expect(Self.errors(arguments) == message.split(separator: "\n").map(String.init))
  }

  @Test func wrongSeeds() {
    #expect(
      Self.errors([], seeds: "1-x") == [
        "command line: seeds: found \"1-x\", but a list such as \"1-3\" or \"1,4\" is expected"
      ])
  }

  @Test func errorsOfTheExperimentHaveItsLines() {
    let text = Self.experiment.replacing("\"adam\"", with: "\"adm\"")
    #expect(
      throws: SpecErrors([
        Diagnostic(
          source: "x.json", line: 9, column: 26, path: "optimizer.name",
          message: "\"adm\" is not an optimizer; did you mean \"adam\"?")
      ])
    ) {
      try SweepSpec.adHoc(
        bytes: Array(text.utf8), name: "x.json", arguments: ["training.epochs=1,2"])
    }
  }
}
