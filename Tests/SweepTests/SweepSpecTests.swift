import ConvNet
import Experiment
import FoundationEssentials
import Testing

@testable import Search
@testable import Sweep

/// What sweeps are read as, and the experiments that they make.
struct SweepSpecTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let sweeps = root + "/experiments/sweeps"

  static let committed = ((try? FileManager.default.contentsOfDirectory(atPath: sweeps)) ?? [])
    .filter { $0.hasSuffix(".json") && $0 != "sweep.schema.json" }.sorted()
    .map { "\(sweeps)/\($0)" }

  static func load(_ text: String, _ overrides: String...) throws -> SweepSpec {
    try SweepSpec.load(bytes: Array(text.utf8), name: "s.json", overrides: overrides).spec
  }

  @Test func committedSchemaIsCurrent() throws {
    let path = Self.sweeps + "/sweep.schema.json"
    let committed = try String(decoding: Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    let isCurrent = committed == SweepSpec.schema().pretty
    #expect(isCurrent, "renew it: runner schema --sweep > experiments/sweeps/sweep.schema.json")
  }

  @Test func findsTheSweeps() { #expect(Self.committed.count >= 3) }

  @Test(arguments: committed) func committedSweeps(path: String) throws {
    let loaded = try SweepSpec.load(path: path)
    #expect(try loaded.checkTrials().count > 0)
    #expect(loaded.verbatim == Array(try Data(contentsOf: URL(filePath: path))))
    #expect(loaded.basePath?.hasPrefix(Self.root + "/experiments/") ?? true)
    try Self.checkRoundTrip(loaded.spec)
  }

  /// A resolved sweep reads back as itself, whole.
  static func checkRoundTrip(_ spec: SweepSpec) throws {
    let resolved = spec.resolved()
    let again = try SweepSpec.load(bytes: Array(resolved.pretty.utf8), name: "resolved.json")
    #expect(again.spec == spec)
    #expect(again.resolved == resolved)
    #expect(again.spec.identity == spec.identity)
    #expect(try SweepSpec(resolved: resolved) == spec)
    let keys = SweepDescription.root.fields.map(\.name)
    #expect(resolved.object!.keys == keys.filter { $0 != "$schema" })
  }

  @Test func fillsInDefaults() throws {
    let spec = try Self.load(SweepSpecErrorTests.base)
    try Self.checkRoundTrip(spec)
    #expect(spec.seed == 1)
    #expect(spec.metric == .valAccuracy)
    #expect(spec.maximizes)
    #expect(spec.seeds == [1])
    #expect(spec.termination == nil)
    #expect(spec.lag == 8)
    #expect(spec.timeLimit == nil)
    #expect(spec.confirm == 3)
    #expect(spec.epochs == 9)
    #expect(spec.set == [SweepSpec.Assignment(path: "model[0].l2", value: 0.001)])
    #expect(
      spec.space
        == SearchSpace([
          Parameter(
            "optimizer.name",
            .choice([.init(label: "sgd", value: "sgd"), .init(label: "adam", value: "adam")])),
          Parameter(
            "optimizer.momentum", .range(lower: 0, upper: 0.99, scale: .linear),
            when: Condition(parameter: 0, options: [0])),
          Parameter("$rate", .range(lower: 0.2, upper: 0.5, scale: .linear)),
        ]))
  }

  @Test func readsEveryKey() throws {
    let text = SweepSpecErrorTests.edited(
      "\"random\" }",
      """
      "tpe", "startup": 4, "candidates": 7, "good_fraction": 0.25 },
      "$schema": "sweep.schema.json", "description": "d", "seed": 18446744073709551615,
      "metric": "train_loss", "direction": "maximize", "seeds": "1-3,7", "time_limit": "2h30m",
      "early_termination": { "name": "successive_halving", "min_epochs": 2, "eta": 2 },
      "lag": 3, "confirm": 0
      """)
    let spec = try Self.load(text)
    try Self.checkRoundTrip(spec)
    #expect(spec.seed == .max)
    var options = TPESampler.Options()
    options.startup = 4
    options.candidates = 7
    options.goodFraction = 0.25
    #expect(spec.sampler == .tpe(options))
    #expect(spec.metric == .trainLoss)
    #expect(spec.maximizes)
    #expect(spec.seeds == [1, 2, 3, 7])
    #expect(spec.timeLimit == 9000)
    #expect(spec.termination == .successiveHalving(minEpochs: 2, eta: 2, bracket: 4))
    #expect(spec.lag == 3)
    #expect(spec.confirmationSeeds == [])
  }

  @Test(arguments: [
    "{ \"name\": \"hyperband\" }", "{ \"name\": \"median\", \"startup_trials\": 3 }",
    "{ \"name\": \"successive_halving\", \"bracket\": 5 }",
  ])
  func terminations(rule: String) throws {
    let text = SweepSpecErrorTests.edited(
      "\"trials\"", "\"early_termination\": \(rule), \"trials\"")
    let spec = try Self.load(text)
    try Self.checkRoundTrip(spec)
    #expect(spec.lag == (rule.contains("median") ? 8 : 1))
  }

  @Test(arguments: ["random", "sobol", "tpe", "gp", "pbt"]) func samplers(name: String) throws {
    let text = SweepSpecErrorTests.pair(
      "\"optimizer.learning_rate\": { \"range\": [1e-4, 1e-2], \"scale\": \"log\" }",
      "\"sampler\": { \"name\": \"\(name)\" }" + (name == "pbt" ? "" : ", \"trials\": 4"))
    let spec = try Self.load(text)
    try Self.checkRoundTrip(spec)
    #expect(spec.sampler.name == name)
    #expect((spec.makeSampler() == nil) == (name == "pbt"))
    #expect((spec.makePopulation() != nil) == (name == "pbt"))
    #expect(spec.trials == (name == "pbt" ? 72 : 4))
    #expect(spec.lag == (name == "pbt" ? 1 : 8))
    #expect(spec.cohort(of: 3) == 0)
  }

  @Test func labelledOptionsAndTheirConditions() throws {
    let spec = try Self.load(
      """
      {
        "name": "s",
        "base": {
          "name": "x", "dataset": { "name": "mnist", "validation": 0.2 },
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10 }],
          "optimizer": { "name": "adam" }, "training": { "epochs": 1, "batch_size": 64 }
        },
        "parameters": {
          "model": {
            "choice": {
              "plain": [{ "layer": "flatten" }, { "layer": "dense", "units": 10 }],
              "deep": [
                { "layer": "flatten" }, { "layer": "dense", "units": 8 },
                { "layer": "dropout", "rate": "$rate" }, { "layer": "dense", "units": 10 }
              ]
            }
          },
          "model[1].units": { "integers": [4, 12], "points": 3, "when": { "model": ["deep"] } },
          "$rate": { "choice": [0.25, 0.5], "when": { "model": ["deep"] } },
          "dataset.stratified": { "choice": [true, false] }
        },
        "sampler": { "name": "grid" }
      }
      """)
    try Self.checkRoundTrip(spec)
    #expect(spec.trials == 2 + 3 * 2 * 2)
    #expect(spec.space.parameters[1].condition == Condition(parameter: 0, options: [1]))
    let grid = try #require(Grid(spec.space))
    let experiments = try (0..<grid.count).map { try spec.experiment(for: grid[$0], seed: 1) }
    #expect(Set(experiments).count == spec.trials)
    #expect(experiments[0].model.count == 2)
    #expect(
      experiments.last!.model == [
        .layer(.flatten), .layer(.dense(DenseDescription(units: 12))),
        .layer(.dropout(rate: 0.5)), .layer(.dense(DenseDescription(units: 10))),
      ])
    #expect(!experiments.last!.dataset.stratified)
  }

  @Test func experimentsAreTheHandWritten() throws {
    let spec = try Self.load(SweepSpecErrorTests.base)
    var written = ExperimentSpec(
      name: "x", seed: 7, dataset: DatasetSpec(name: .mnist, validation: .fraction(0.2)),
      model: [
        .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), l2: 0.001))),
        .layer(.flatten), .layer(.dropout(rate: 0.3)),
        .layer(.dense(DenseDescription(units: 10))),
      ],
      optimizer: OptimizerDescription(
        rule: .sgd(SGDDescription(momentum: 0.9, nesterov: false, convention: .keras)),
        learningRate: 0.01),
      training: TrainingSpec(epochs: 9, batchSize: 64))
    let sgd = Configuration([.option(0), .number(0.9), .number(0.3)])
    #expect(try spec.experiment(for: sgd, seed: 7) == written)
    written.seed = .max
    written.optimizer = OptimizerDescription(
      rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
      learningRate: 0.001)
    let adam = Configuration([.option(1), nil, .number(0.3)])
    #expect(try spec.experiment(for: adam, seed: .max) == written)
    #expect(spec.space.labels(of: adam) == ["adam", nil, "0.3"])
  }

  @Test func variablesWithinVariables() throws {
    let spec = try Self.load(
      SweepSpecErrorTests.edited(
        "\"$rate\": { \"range\": [0.2, 0.5] }",
        """
        "$p": { "choice": [0.25, 0.75] },
        "$layer": { "choice": { "drop": { "layer": "dropout", "rate": "$p" },
                                "norm": { "layer": "batch_norm" } } },
        "$rate": { "choice": ["$p"] },
        "model[1]": { "choice": ["$layer"] }
        """
      ).replacingOnce("{ \"layer\": \"flatten\" },", "{}, { \"layer\": \"flatten\" },")
        .replacingOnce("\"$rate\" },", "\"$rate\" }, "))
    try Self.checkRoundTrip(spec)
    let model = try spec.experiment(
      for: Configuration([.option(1), nil, .option(1), .option(0), .option(0), .option(0)]), seed: 1
    ).model
    #expect(model[1] == .layer(.dropout(rate: 0.75)))
    #expect(model[3] == .layer(.dropout(rate: 0.75)))
  }

  // MARK: - Identity

  @Test func identityIsOfWhatDecidesATrial() throws {
    let base = SweepSpecErrorTests.base
    let identity = try Self.load(base).identity
    #expect(identity.count == 64)
    func edited(_ old: String, _ new: String) throws -> String {
      try Self.load(SweepSpecErrorTests.edited(old, new)).identity
    }
    #expect(try edited("\"s\"", "\"t\"") == identity)
    #expect(try edited("\"trials\": 30", "\"trials\": 60, \"confirm\": 5") == identity)
    #expect(try edited("\"trials\"", "\"time_limit\": 60, \"trials\"") == identity)
    #expect(try edited("\"trials\"", "\"seed\": 1, \"lag\": 8, \"trials\"") == identity)
    #expect(try edited("0.001", "1e-3") == identity)
    #expect(try edited("\"name\": \"x\"", "\"name\": \"x\", \"description\": \"y\"") == identity)
    #expect(try edited("0.001", "0.002") != identity)
    #expect(try edited("\"trials\"", "\"seed\": 2, \"trials\"") != identity)
    #expect(try edited("\"trials\"", "\"lag\": 9, \"trials\"") != identity)
    #expect(try edited("0.5]", "0.6]") != identity)
  }

  // MARK: - Cohorts

  @Test func cohorts() throws {
    func cohorts(_ sampler: String, _ rest: String, _ trials: [Int]) throws -> [Int] {
      let spec = try Self.load(
        SweepSpecErrorTests.edited("\"random\" }", "\"\(sampler)\" }\(rest)"))
      return trials.map(spec.cohort)
    }
    let halving = ", \"early_termination\": { \"name\": \"successive_halving\" }"
    #expect(try cohorts("random", "", [0, 29]) == [0, 0])
    #expect(try cohorts("tpe", "", [0, 7, 8, 9, 29]) == [0, 0, 1, 2, 22])
    #expect(try cohorts("tpe", ", \"lag\": 1", [0, 1, 29]) == [0, 1, 29])
    #expect(try cohorts("random", halving, [0, 29]) == [0, 0])
    #expect(try cohorts("tpe", halving, [0, 8, 9, 17, 18, 29]) == [0, 0, 9, 9, 18, 27])
    #expect(try cohorts("tpe", halving + ", \"lag\": 2", [8, 9, 17, 18, 29]) == [0, 0, 0, 9, 18])
    #expect(
      try cohorts("random", ", \"early_termination\": { \"name\": \"median\" }", [8, 9]) == [1, 2])
  }

  @Test func confirmationSeedsAreFresh() throws {
    var spec = try Self.load(SweepSpecErrorTests.base, "seeds=[5, 2]")
    #expect(spec.confirmationSeeds == [6, 7, 8])
    spec.seeds = [.max, 0]
    #expect(spec.confirmationSeeds == [1, 2, 3])
  }

  // MARK: - The command line

  @Test func overrides() throws {
    let base = SweepSpecErrorTests.base
    #expect(try Self.load(base, "trials=60").trials == 60)
    #expect(try Self.load(base, "sampler.name=sobol").sampler == .sobol)
    #expect(try Self.load(base, "seeds=1-3").seeds == [1, 2, 3])
    #expect(try Self.load(base, "training.epochs=3").epochs == 3)
    #expect(
      try Self.load(base, "model[0].l2=0.1", "dataset.stratified=true").set == [
        SweepSpec.Assignment(path: "model[0].l2", value: 0.1),
        SweepSpec.Assignment(path: "dataset.stratified", value: true),
      ])
    #expect(
      try Self.load(base, "parameters.\"$rate\".range=[0, 0.1]").space.parameters[2].domain
        == .range(lower: 0, upper: 0.1, scale: .linear))
  }

  @Test(arguments: [
    ("trails=5", "command line: trails: unknown key; did you mean \"trials\"?"),
    ("epochs=5", "command line: epochs: unknown key; did you mean \"training.epochs\"?"),
    (
      "optimizer.learning_rat=5",
      "command line: optimizer.learning_rat: unknown key; did you mean \"learning_rate\"?"
    ),
    (
      "optimizer.name=sgd",
      "command line: set.\"optimizer.name\": sets what the parameter optimizer.name replaces; leave "
        + "it out"
    ),
    (
      "trials=0", "command line: trials: found 0, but a whole number from 1 to 1000000 is expected"
    ),
    (
      "metric=accuracy",
      "command line: metric: found \"accuracy\", but one of \"train_loss\", \"train_accuracy\", "
        + "\"val_loss\", \"val_accuracy\", or val_ with what \"metrics\" asks for "
        + "(\"val_f1_macro\") is expected; did you mean \"val_accuracy\"?"
    ),
  ])
  func wrongOverrides(argument: String, message: String) {
    #expect(SweepSpecErrorTests.errors(SweepSpecErrorTests.base, [argument]) == [message])
  }
}

extension String {
  fileprivate func replacingOnce(_ old: String, _ new: String) -> String {
    let parts = split(separator: old, maxSplits: 1, omittingEmptySubsequences: false)
    precondition(parts.count == 2, "\(old) is not in the text")
    return parts[0] + new + parts[1]
  }
}
