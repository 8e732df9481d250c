import ConvNet
import Storage
import TestSupport
import Testing

@testable import Experiment

/// What a spec says of weights that become 0 in training.
struct SpecPruningTests {
  private static func document(
    _ pruning: String, initial: String? = nil, epochs: Int = 10, more: String = ""
  ) throws -> JSONValue {
    let text = """
      {
        "name": "x",
        "dataset": { "name": "mnist", "validation": 0.2 },
        "model": [
          { "layer": "conv2d", "filters": 4, "kernel": 3 }, { "layer": "batch_norm" },
          { "layer": "flatten" }, { "layer": "dense", "units": 10, "name": "scores" }
        ],
        "initial": \(initial ?? "null"), "pruning": \(pruning), \(more)
        "optimizer": { "name": "adam" },
        "training": { "epochs": \(epochs), "batch_size": 64 }
      }
      """
    return try JSONValue(parsing: Array(text.utf8), name: "x.json")
  }

  private static func spec(_ document: JSONValue) throws -> ExperimentSpec {
    try ExperimentSpec(resolved: document)
  }

  private static func problems(_ document: JSONValue) -> [String] {
    do throws(SpecErrors) {
      _ = try ExperimentSpec(resolved: document)
      return []
    } catch { return error.diagnostics.map { "\($0.path): \($0.message)" } }
  }

  @Test func whatIsSaid() throws {
    let spec = try Self.spec(Self.document(#"{ "sparsity": 0.9 }"#))
    let pruning = try #require(spec.pruning)
    #expect(pruning.sparsity == 0.9 && pruning.initialSparsity == 0 && pruning.keepsZeros)
    #expect(pruning.begin == 0 && pruning.end == 7.5 && pruning.every == 100)
    #expect(pruning.weights == PrunedWeights())
    let plan = try NetworkPlan(spec.network)
    #expect(spec.prunedKernels(of: plan).map(\.name) == ["conv2d_0/kernel", "scores/kernel"])
    #expect(
      spec.pruningSentence(of: plan)
        == "90.00 % of the 27,076 weights of 2 kernels become 0 from epoch 0 to 7.5, every 100 steps, "
        + "the least in each: it saves bytes, not time")
    let other = try Self.spec(
      Self.document(
        #"{ "sparsity": 0.5, "begin": 9, "every": 7, "scope": "global", "layers": ["sc*"] }"#))
    #expect(other.pruning?.end == 9 && other.pruning?.weights.scope == .global)
    #expect(other.prunedKernels(of: plan).map(\.name) == ["scores/kernel"])
    for spec in [spec, other] { #expect(try Self.spec(spec.resolved()) == spec) }
    // Who says nothing of it has nothing of it written.
    let plain = try Self.spec(Self.document("null"))
    #expect(plain.pruning == nil && plain.resolved()["pruning"] == nil)
    #expect(plain.prunedKernels(of: plan).isEmpty && plain.pruningSentence(of: plan) == nil)
  }

  @Test func aTicket() throws {
    let spec = try Self.spec(
      Self.document("{}", initial: #"{ "model": "x", "frozen": ["conv2d_0"] }"#))
    let plan = try NetworkPlan(spec.network)
    #expect(spec.prunedKernels(of: plan).map(\.name) == ["scores/kernel"])
    #expect(
      spec.pruningSentence(of: plan)
        == "what is 0 of the 27,040 weights of 1 kernel stays 0: it saves bytes, not time")
  }

  /// Zeros of the model that it begins with stay also outside of the layers that more are made in.
  @Test func moreInSomeLayers() throws {
    let pruning = #"{ "sparsity": 0.5, "layers": ["conv2d_0"] }"#
    let spec = try Self.spec(Self.document(pruning, initial: #"{ "model": "x" }"#))
    let plan = try NetworkPlan(spec.network)
    #expect(spec.prunedKernels(of: plan).map(\.name) == ["conv2d_0/kernel"])
    #expect(spec.maskedKernels(of: plan).map(\.name) == ["conv2d_0/kernel", "scores/kernel"])
    #expect(
      spec.pruningSentence(of: plan)
        == "what is 0 of the 27,076 weights of 2 kernels stays 0; 50.00 % of the 36 weights of 1 kernel "
        + "become 0 from epoch 0 to 7.5, every 100 steps, the least in each: it saves bytes, not time"
    )
    let fresh = try Self.spec(Self.document(pruning))
    #expect(fresh.maskedKernels(of: plan).map(\.name) == ["conv2d_0/kernel"])
  }

  /// As the dense one of a sweep over sparsity.
  @Test func noneAtAll() throws {
    let spec = try Self.spec(Self.document(#"{ "sparsity": 0, "scope": "global" }"#))
    #expect(
      spec.pruningSentence(of: try NetworkPlan(spec.network)) == "nothing becomes 0: sparsity is 0")
  }

  /// In steps, of which an epoch has so many; and the epochs of which none is the best.
  @Test func inSteps() throws {
    let spec = try Self.spec(
      Self.document(#"{ "sparsity": 0.75, "begin": 1.5, "end": 2.25, "initial_sparsity": 0.25 }"#))
    let pruning = try #require(spec.pruning)
    #expect(
      pruning.schedule(stepsPerEpoch: 10)
        == SparsitySchedule(initial: 0.25, final: 0.75, begin: 15, end: 23, every: 100))
    #expect(pruning.unfinishedEpochs(stepsPerEpoch: 10) == 2)
    for (end, unfinished) in [(0.0, 0), (0.5, 0), (1, 0), (1.1, 1), (2, 1), (10, 9)] {
      var pruning = pruning
      (pruning.begin, pruning.end) = (0, end)
      #expect(pruning.unfinishedEpochs(stepsPerEpoch: 10) == unfinished, "\(end)")
    }
    // 48,000 images in batches of 64.
    let extent = TrainingExtent(spec, images: 48_000)
    #expect(extent.stepsPerEpoch == 750 && extent.unwatched == 2)
  }

  /// No epoch before the last weight has become 0 is the best, or waited for.
  @Test func theBestEpochComesAfter() throws {
    var state = TrainingState()
    state.watch = EarlyStopping(monitor: .valLoss, patience: 2)
    var rate = LearningRate(base: 1, schedule: .constant, warmup: nil, stepsPerEpoch: 10)
    var verdicts: [EarlyStopping.Verdict?] = []
    for (place, loss) in [0.1, 0.2, 0.3, 0.4, 0.35, 0.36, 0.37].enumerated() {
      let row = EpochRow(
        epoch: place + 1, step: 10 * (place + 1), learningRate: 1, trainLoss: 0, trainAccuracy: 0,
        valLoss: loss, valAccuracy: 0.5, metrics: [])
      verdicts.append(
        state.finishEpoch(row, &rate, of: 20, unwatched: 3, stopsEarly: true))
    }
    #expect(verdicts == [nil, nil, nil, .improved, .improved, .wait, .stop])
    #expect(state.watch?.bestEpoch == 5 && state.finish == .earlyStopping)
  }

  @Test func whatIsWrong() throws {
    for (pruning, initial, problems) in [
      (
        #"{ "sparsity": 0.5, "initial_sparsity": 0.6 }"#, nil,
        ["pruning.initial_sparsity: 0.6 is more than the sparsity that it leads to, 0.5"]
      ),
      (
        #"{ "sparsity": 0.5, "begin": 3, "end": 2 }"#, nil,
        ["pruning.begin: 3 comes after the end, 2"]
      ),
      (
        #"{ "sparsity": 0.5, "begin": 10.5 }"#, nil,
        ["pruning.begin: 10.5 comes after the last epoch, 10"]
      ),
      (
        #"{ "sparsity": 0.5, "end": 10.5 }"#, nil,
        ["pruning.end: 10.5 comes after the last epoch, 10"]
      ),
      (
        #"{ "sparsity": 0.5, "layers": ["score", "batch_norm_0", "dense_*"] }"#, nil,
        [
          #"pruning.layers[0]: no layer with kernels is called "score"; did you mean "scores"?"#,
          #"pruning.layers[1]: "batch_norm_0" has no kernels"#,
          #"pruning.layers[2]: no layer with kernels is called "dense_*"; those are "conv2d_0", "scores""#,
        ]
      ),
      (
        #"{ "sparsity": 0.5, "layers": ["conv*"] }"#, #"{ "model": "x", "frozen": ["conv2d_0"] }"#,
        [#"pruning.layers[0]: "conv*" is frozen (initial.frozen), and stays as it is"#]
      ),
      (
        #"{ "sparsity": 0.5 }"#, #"{ "model": "x", "frozen": ["conv2d_0", "scores"] }"#,
        ["pruning: no layer with kernels learns, so that none can be pruned"]
      ),
      (
        #"{ "sparsity": 0.5 }"#,
        #"{ "model": "x", "frozen": ["conv2d_0"], "unfreeze_at": 2 }"#,
        [
          #"initial.unfreeze_at: layers that learn later would not be pruned with the others; leave this or "#
            + #""pruning" out"#
        ]
      ),
    ] as [(String, String?, [String])] {
      #expect(Self.problems(try Self.document(pruning, initial: initial)) == problems)
    }
  }

  @Test func mistypedKeys() throws {
    for (pruning, problem) in [
      (#"{ "sparsity": 1 }"#, "pruning.sparsity: "),
      (#"{ "sparsity": -0.1 }"#, "pruning.sparsity: "),
      (#"{ "sparsity": 0.5, "scope": "model" }"#, "pruning.scope: "),
      (#"{ "sparsity": 0.5, "every": 0 }"#, "pruning.every: "),
      (#"{ "sparsity": 0.5, "layers": [] }"#, "pruning.layers: "),
      (#"{ "sparcity": 0.5 }"#, #"pruning.sparcity: unknown key; did you mean "sparsity"?"#),
      (
        #"{ "sparsity": 0.5, "frequency": 5 }"#,
        #"pruning.frequency: unknown key; did you mean "every"?"#
      ),
      (
        #"{ "final_sparsity": 0.5 }"#,
        #"pruning.final_sparsity: unknown key; did you mean "sparsity"?"#
      ),
    ] {
      let problems = Self.problems(try Self.document(pruning))
      #expect(problems.first?.hasPrefix(problem) == true, "\(pruning): \(problems)")
    }
  }

  /// Beside other sections that have a say in the weights.
  @Test func besideOthers() throws {
    let spec = try Self.spec(
      Self.document(
        #"{ "sparsity": 0.5 }"#, initial: #"{ "model": "x" }"#,
        more: #""quantization": {}, "teacher": { "model": "y" },"#))
    #expect(spec.pruning != nil && spec.quantization != nil && spec.teacher != nil)
  }
}
