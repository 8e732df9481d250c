import ConvNet
import Datasets
import FoundationEssentials
import Storage
import Testing

@testable import Experiment

/// Resolved specs read back as themselves, and defaults are what they are said to be.
struct SpecRoundTripTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let experiments = root + "/experiments"

  static let committed = ["", "/reference"].flatMap { folder in
    ((try? FileManager.default.contentsOfDirectory(atPath: experiments + folder)) ?? [])
      .filter { $0.hasSuffix(".json") && $0 != "experiment.schema.json" }
      .sorted().map { "\(experiments)\(folder)/\($0)" }
  }

  @Test func findsTheExperiments() { #expect(Self.committed.count >= 10) }

  @Test(arguments: committed) func committedExperiments(path: String) throws {
    let loaded = try ExperimentSpec.load(path: path)
    #expect(path.hasSuffix("/\(loaded.spec.name).json"))
    #expect(loaded.verbatim == Array(try Data(contentsOf: URL(filePath: path))))
    try Self.checkRoundTrip(loaded.spec)
  }

  static func checkRoundTrip(_ spec: ExperimentSpec) throws {
    let resolved = spec.resolved()
    let text = resolved.pretty
    let again = try ExperimentSpec.load(bytes: Array(text.utf8), name: "resolved.json")
    #expect(again.spec == spec)
    #expect(again.resolved == resolved)
    #expect(try ExperimentSpec(resolved: resolved) == spec)
    // Nothing is left to a default: an undescribed or a missing key would show here.
    let node = JSONNode(resolved, origin: .file(offset: 0))
    #expect(Self.unfilled(node, .object(SpecDescription.root), "") == [])
  }

  /// The described keys that an object leaves out, but for those that may be left out.
  static func unfilled(_ node: JSONNode, _ type: FieldType, _ path: String) -> [String] {
    switch (type.bare, node.content) {
    case (.object(let object), .object): unfilled(node, object.fields, path)
    case (.variants(let variants), .object):
      node[variants.key!]?.value.value.string.flatMap(variants.fields)
        .map { unfilled(node, $0, path) } ?? [path + "?"]
    case (.list(let item, _, _), .array(let items)):
      items.flatMap { unfilled($0, item, path + "[]") }
    case (.either(let types), _):
      types.first { $0.accepts(node.content) }.map { unfilled(node, $0, path) } ?? [path + "?"]
    default: []
    }
  }

  static func unfilled(_ node: JSONNode, _ fields: [Field], _ path: String) -> [String] {
    fields.flatMap { field -> [String] in
      let place = path + "." + field.name
      // The editor's schema is no part of a spec, an expectation has only what is expected, and
      // the convention of Adadelta and Nadam is spent on their defaults.
      // What a training begins with is written only where that isn't fresh weights.
      if ["$schema", "initial", "teacher", "quantization", "pruning"].contains(field.name)
        || path.hasPrefix(".expect")
      {
        return []
      }
      // Names are written only where there are some.
      if ["name", "input"].contains(field.name), path.hasPrefix(".model") { return [] }
      // Nor is the way of convolutions where it is the first.
      if field.name == "convolution", path == ".compute" { return [] }
      if field.name == "convention", ["adadelta", "nadam"].contains(node["name"]?.value.value) {
        return []
      }
      guard let member = node[field.name] else { return [place] }
      return member.value.isNull ? [] : unfilled(member.value, field.type, place)
    }
  }

  @Test func fillsInDefaults() throws {
    let spec = try ExperimentSpec.load(bytes: Array(SpecErrorTests.base.utf8), name: "x.json").spec
    #expect(
      spec
        == ExperimentSpec(
          name: "x", description: "", seed: 1,
          dataset: DatasetSpec(name: .mnist, validation: .fraction(0.2)),
          model: [
            .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3)))), .layer(.flatten),
            .layer(.dense(DenseDescription(units: 10))),
          ],
          optimizer: OptimizerDescription(
            rule: .adam(
              AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
            learningRate: 0.001),
          training: TrainingSpec(epochs: 3, batchSize: 64)))
    #expect(try #require(spec.dataset.split) == (validation: 12_000, training: 48_000))
  }

  /// What a spec without the key resolves to is what it was before there was one.
  @Test func convolutionIsWrittenWhereItIsNotIm2col() throws {
    func load(_ compute: String) throws -> ExperimentSpec {
      try Self.load(rest: ", \"compute\": { \"numerics\": 2\(compute) }")
    }
    let (unsaid, im2col, winograd) = (
      try load(""), try load(", \"convolution\": \"im2col\""),
      try load(", \"convolution\": \"winograd\"")
    )
    #expect(unsaid == im2col && unsaid.compute.convolution == .im2col)
    #expect(im2col.resolved()["compute"]?["convolution"] == nil)
    #expect(winograd.compute.convolution == .winograd)
    #expect(winograd.resolved()["compute"]?["convolution"] == "winograd")
    #expect(winograd.network.convolution == .winograd)
    for spec in [unsaid, im2col, winograd] { try Self.checkRoundTrip(spec) }
    // Where nothing gains by it, that is said.
    #expect(winograd.notes().contains { $0.contains("no convolution of this network gains") })
    #expect(im2col.notes().isEmpty)
  }

  @Test func defaultsAreTheValuesOwn() throws {
    // What the mathematics takes as defaults is what the description says.
    let spec = try Self.load(
      model: """
        { "layer": "batch_norm" }, { "layer": "max_pool" }, { "layer": "max_pool", "size": [3, 2] }
        """)
    #expect(spec.model[0] == .layer(.batchNorm(BatchNormDescription())))
    #expect(spec.model[1] == .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))))
    #expect(spec.model[2] == .layer(.maxPool(MaxPoolDescription(size: Extent(3, 2)))))
    let plateau = try Self.load(schedule: "{ \"name\": \"reduce_on_plateau\" }")
    #expect(plateau.schedule == .reduceOnPlateau(PlateauDescription()))
    #expect(plateau.earlyStopping == nil)
  }

  static func load(
    model: String = "", optimizer: String = "{ \"name\": \"adam\" }",
    schedule: String = "{ \"name\": \"constant\" }", rest: String = ""
  ) throws -> ExperimentSpec {
    let text = """
      { "name": "x", "dataset": { "name": "mnist", "validation": 5000 },
        "model": [ \(model.isEmpty ? "" : model + ",")
          { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "optimizer": \(optimizer), "schedule": \(schedule),
        "training": { "epochs": 10, "batch_size": 64 } \(rest) }
      """
    let spec = try ExperimentSpec.load(bytes: Array(text.utf8), name: "x.json").spec
    try checkRoundTrip(spec)
    return spec
  }

  @Test func optimizers() throws {
    let cases: [(String, OptimizerRule, Float, Float)] = [
      (
        "{ \"name\": \"sgd\" }",
        .sgd(SGDDescription(momentum: 0, nesterov: false, convention: .keras)), 0.01, 0
      ),
      (
        """
        { "name": "sgd", "momentum": 0.9, "nesterov": true, "convention": "pytorch",
          "learning_rate": 0.1, "weight_decay": 5e-4 }
        """,
        .sgd(SGDDescription(momentum: 0.9, nesterov: true, convention: .pytorch)), 0.1, 5e-4
      ),
      (
        "{ \"name\": \"adam\", \"convention\": \"pytorch\" }",
        .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, convention: .pytorch)),
        0.001, 0
      ),
      (
        "{ \"name\": \"adamw\" }",
        .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)), 0.001,
        0.004
      ),
      (
        "{ \"name\": \"adamw\", \"convention\": \"pytorch\", \"beta_1\": 0.8 }",
        .adam(AdamDescription(beta1: 0.8, beta2: 0.999, epsilon: 1e-8, convention: .pytorch)),
        0.001, 0.01
      ),
      (
        "{ \"name\": \"adamw\", \"weight_decay\": 0 }",
        .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)), 0.001,
        0
      ),
      (
        "{ \"name\": \"adadelta\" }", .adadelta(AdadeltaDescription(rho: 0.95, epsilon: 1e-7)), 1, 0
      ),
      (
        "{ \"name\": \"adadelta\", \"convention\": \"pytorch\" }",
        .adadelta(AdadeltaDescription(rho: 0.9, epsilon: 1e-6)), 1, 0
      ),
    ]
    for (text, rule, rate, decay) in cases {
      let optimizer = try Self.load(optimizer: text).optimizer
      #expect(
        optimizer == OptimizerDescription(rule: rule, learningRate: rate, weightDecay: decay))
    }
  }

  @Test func schedules() throws {
    let cases: [(String, Schedule, Warmup?)] = [
      ("{ \"name\": \"constant\", \"warmup\": null }", .constant, nil),
      ("{ \"name\": \"step\", \"every\": 3 }", .step(StepDescription(every: 3, factor: 0.1)), nil),
      (
        "{ \"name\": \"exponential\", \"decay\": 0.9, \"staircase\": true }",
        .exponential(ExponentialDescription(decay: 0.9, staircase: true)), nil
      ),
      ("{ \"name\": \"cosine\" }", .cosine(CosineDescription(epochs: 10, final: 0)), nil),
      (
        "{ \"name\": \"cosine\", \"warmup\": { \"epochs\": 1.5, \"from\": 0.1 } }",
        .cosine(CosineDescription(epochs: 8.5, final: 0)), Warmup(epochs: 1.5, from: 0.1)
      ),
      (
        "{ \"name\": \"cosine\", \"epochs\": 4, \"final\": 0.01, \"warmup\": { \"epochs\": 10 } }",
        .cosine(CosineDescription(epochs: 4, final: 0.01)), Warmup(epochs: 10, from: 0)
      ),
      (
        """
        { "name": "reduce_on_plateau", "monitor": "train_accuracy", "factor": 0.5, "patience": 3,
          "min_delta": 0, "cooldown": 2, "min_learning_rate": 1e-5 }
        """,
        .reduceOnPlateau(
          PlateauDescription(
            monitor: .trainAccuracy, factor: 0.5, patience: 3, minDelta: 0, cooldown: 2,
            minimum: 1e-5)),
        nil
      ),
    ]
    for (text, schedule, warmup) in cases {
      let spec = try Self.load(schedule: text)
      #expect(spec.schedule == schedule)
      #expect(spec.warmup == warmup)
    }
  }

  @Test func layers() throws {
    let spec = try Self.load(
      model: """
        { "layer": "conv2d", "filters": 3, "kernel": [5, 3], "stride": [1, 2], "padding": "same",
          "activation": "leaky_relu", "bias": false, "initializer": "orthogonal", "l2": 0.01 },
        { "layer": "activation", "function": { "name": "elu", "alpha": 2 } },
        { "layer": "conv2d", "filters": 3, "kernel": 3, "padding": 1,
          "activation": { "name": "leaky_relu", "slope": 0.2 } },
        { "layer": "conv2d", "filters": 3, "kernel": 3, "padding": { "left": 2 },
          "activation": "gelu" },
        { "layer": "activation", "function": { "name": "gelu", "approximate": true } },
        { "layer": "activation", "function": "sigmoid" },
        { "layer": "activation", "function": { "name": "tanh" } },
        { "layer": "activation", "function": "softmax" },
        { "layer": "activation", "function": "linear" },
        { "layer": "activation", "function": "elu" },
        { "layer": "batch_norm", "momentum": 0.9, "epsilon": 1e-5, "scale": false, "center": false,
          "debias": true },
        { "layer": "dropout", "rate": 0.3 },
        { "layer": "max_pool", "size": 3, "stride": 1, "padding": "same" }
        """,
      rest: """
        , "augmentation": [ { "op": "rotate", "degrees": 15 }, { "op": "shift", "fraction": 0.1 },
          { "op": "zoom", "fraction": 0.2 }, { "op": "shear", "degrees": 5 },
          { "op": "elastic", "alpha": 34, "sigma": 4 } ],
          "early_stopping": { "patience": 3, "min_delta": 0.001, "restore_best": false },
          "checkpoint": { "every_steps": 50 }, "compute": { "kernel": "HASWELL" },
          "expect": { "test_loss": { "max": 0.03 }, "train_accuracy": { "min": 0.1, "max": 1 } },
          "seed": 18446744073709551615, "description": "tab\\tand \\"quotes\\" é"
        """)
    let layers: [LayerDescription] = [
      .conv2D(
        Conv2DDescription(
          filters: 3, kernel: Extent(5, 3), stride: Extent(1, 2), padding: .same,
          activation: .leakyReLU(slope: 0.01), bias: false, initializer: .orthogonal, l2: 0.01)),
      .activation(.elu(alpha: 2)),
      .conv2D(
        Conv2DDescription(
          filters: 3, kernel: Extent(3, 3),
          padding: .explicit(top: 1, bottom: 1, left: 1, right: 1),
          activation: .leakyReLU(slope: 0.2))),
      .conv2D(
        Conv2DDescription(
          filters: 3, kernel: Extent(3, 3),
          padding: .explicit(top: 0, bottom: 0, left: 2, right: 0),
          activation: .gelu(approximate: false))),
      .activation(.gelu(approximate: true)), .activation(.sigmoid), .activation(.tanh),
      .activation(.softmax), .activation(.linear), .activation(.elu(alpha: 1)),
      .batchNorm(
        BatchNormDescription(
          momentum: 0.9, epsilon: 1e-5, scale: false, center: false, debias: true)),
      .dropout(rate: 0.3),
      .maxPool(
        MaxPoolDescription(size: Extent(3, 3), stride: Extent(1, 1), padding: .same)),
    ]
    #expect(spec.model.dropLast(2) == layers.map { ModelItem.layer($0) }[...])
    #expect(
      spec.augmentation == [
        .rotate(degrees: 15), .shift(fraction: 0.1), .zoom(fraction: 0.2), .shear(degrees: 5),
        .elastic(.init(alpha: 34, sigma: 4)),
      ])
    #expect(
      spec.earlyStopping
        == EarlyStoppingSpec(monitor: .valLoss, patience: 3, minDelta: 0.001, restoreBest: false))
    #expect(spec.checkpoint.everySteps == 50)
    #expect(spec.seed == .max)
    #expect(
      spec.expect == [
        Expectation(.trainAccuracy, min: 0.1, max: 1), Expectation(.testLoss, max: 0.03),
      ])
    #expect(spec.dataset.validation == .count(5000))
  }
}
