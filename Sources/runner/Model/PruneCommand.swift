import ArgumentParser
import ConvNet
import Datasets
import Exchange
import Experiment
import Pruning
import Report
import Storage
import TerminalText

struct PruneCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract:
      "Make a model narrower, or its weights 0: remove what it would miss least, and train the rest.",
    discussion: """
      The model is the folder of a run, or its model.safetensors. Filters and units are removed in fact, \
      with all that only they need: their numbers in batch norms and depthwise kernels, the filters that a \
      residual block adds to them, the rows of the kernels that read them. NAME.safetensors comes of it, a \
      model as any other, and NAME.json, the spec that trains it further: runner NAME.json does that, and so \
      does this command unless told epochs=0; its run is recorded and verifiable as every other.

      Before that it answers as the whole one would with zeros in the place of what went: to the bit with \
      the kernels for AVX-512 where the channels of all layers, but for sixteens, are none or more than \
      eight, as with multiple=16; else to rounding, for the order of a sum follows from its length there.

      How much is removed, and by what, a spec says, a JSON file of the keys that `runner explain pruning` \
      tells of, or key=value: one of share (of the channels), flops, bytes and microseconds (what is left; \
      below 1 as a part of what there was), or sparsity; criterion (l1, batch_norm or taylor), normalization, multiple; \
      steps, epochs and learning_rate of the trainings.

      Channels that can't be followed stay, and are named: those that a softmax or a layer_norm looks at as \
      a whole, those of the images, the scores of the classes. A repeat whose turns come to differ is \
      written out. The test images are only told of; they choose nothing.

      sparsity=0.9 removes no channels, but makes that part of the weights 0, those of least magnitude (Han et \
      al. 2015), which the training keeps ("pruning" in a spec; there weights can also become 0 little by \
      little while it trains). The file stores zeros in a bit each, to the same bits: it saves bytes, not \
      time, for the network computes with them as with any number. rewind=0 takes what is left as it was \
      when the run began, rewind=1 as it was after an epoch, and trains it as the run was, all of its epochs by \
      its schedule from the beginning: a lottery ticket (Frankle and Carbin 2019; after Frankle et al. 2020, who \
      train the epochs that were left). For that the run is trained again to there, to the same bits. seed=2 \
      draws other weights for the same mask; for a ticket that was found in several steps, prune its last run by \
      the sparsity that it has, with rewind=0 and seed. What is 0 already stays so, also outside of layers.

      Stopped within several steps, the same command goes on: what it has trained is not trained again.

      EXAMPLES
        runner prune results/t0/latest flops=0.25
        runner prune results/t0/latest flops=0.1 steps=3 epochs=4 --to small
        runner prune results/resnet/latest bytes=100000 criterion=batch_norm
        runner prune lenet.safetensors share=0.5 criterion=l1 normalization=uniform epochs=0
        runner prune results/t0/latest sparsity=0.9 scope=global
        runner prune results/t0/latest sparsity=0.9 steps=5 --rewind 0 --to ticket
        runner prune results/ticket/latest sparsity=0.9 --rewind 0 seed=2 --to control
      """)

  @Argument(
    help: ArgumentHelp(
      "The model: the folder of a run, or a model.safetensors.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Argument(
    help: ArgumentHelp(
      "A JSON file that says how, and values of its keys.", valueName: "spec|key=value"))
  var values: [String] = []

  @Option(
    help: ArgumentHelp(
      "What the spec and the model are called. (default: the model's name with -pruned, here)",
      valueName: "name"),
    transform: Arguments.path)
  var to: String?

  @Option(
    help: ArgumentHelp(
      "Short for rewind=…: train what sparsity leaves from the weights that the run had then.",
      valueName: "epoch"))
  var rewind: Double?

  @Option(
    name: .customLong("output"),
    help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"),
    transform: Arguments.path)
  var results = "results"

  @Flag(help: "Write over NAME.json and NAME.safetensors, and those of the steps, that are there.")
  var force = false

  @Option(
    help: """
      Of a run: the weights of its best epoch or of its last. (default: those that it was tested with)
      """)
  var weights: Summary.Weights?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let spec = try pruning()
    let opened = try openModel(model, weights: weights)
    guard !opened.isTrainedForIntegers else {
      throw UsageError(
        "\(model): was trained to answer in integers; prune the model of floats that it began with, and "
          + "train what is left for them")
    }
    let experiment = try ExperimentSpec.training(opened, at: model)
    if experiment == nil, spec.needsRun {
      throw UsageError(
        spec.rewind != nil
          ? "\(model): says of no run that could be taken back (rewind)"
          : "\(model): says of no run on whose images it could be trained; epochs=0 "
            + (spec.sparsity == nil
              ? "removes channels without, by criterion l1 or batch_norm"
              : "makes weights 0 without")
      )
    }
    try noteFrozen(experiment, opened.model.plan)
    let steps = PruningSteps(
      spec: spec, opened: opened, experiment: experiment,
      files: try NamedFiles(to ?? "\(opened.name)-pruned", advice: "give another name by --to"),
      results: results, compute: compute, force: force)
    let claim = try steps.claim(madeOf: model)
    if let experiment {
      try compute.useCore(experiment.compute.kernel)
      try experiment.checkMemory(threads: compute.threadCount)
    } else {
      try useCore(of: opened)
    }
    let data = try experiment.map { try compute.load($0) }
    Interruption.listen()
    try output.print(
      spec.sparsity == nil ? removeChannels(steps, data) : makeZeros(steps, of: model, data))
    _ = consume claim
  }

  /// Says what the run kept as it was, and the training after this doesn't.
  private func noteFrozen(_ experiment: ExperimentSpec?, _ plan: NetworkPlan) throws {
    let frozen = experiment?.initial?.frozenLayers(of: plan) ?? []
    guard !frozen.isEmpty else { return }
    Display.say(
      "note: the run kept \(plan.layersWithKernels.filter(frozen.contains).joined(separator: ", ")) frozen; "
        + "pruned and trained are all layers")
  }

  /// Removes channels, step by step, and tells what came of it.
  private func removeChannels(_ steps: PruningSteps, _ data: RunData?) throws -> TextDocument {
    let (spec, opened, files) = (steps.spec, steps.opened, steps.files)
    let clock = try AnswerClock(of: opened)
    let images = steps.experiment.flatMap { experiment in
      data.map { GradientImages($0, of: experiment, count: spec.images) }
    }
    let team = try Team(threads: compute.threadCount)

    var (current, pruned) = (opened, opened)
    var progress: PruningProgress?
    var trained: RunFolder?
    for title in steps.titles {
      let ranking = try Ranking(
        current.model, by: spec.criterion, compared: spec.comparison, multiple: spec.multiple,
        images: images, team: team)
      if progress == nil {
        progress = try PruningProgress(spec, of: opened.model, ranking) {
          try cost($0, of: $1, opened, named: files.title, clock)
        }
        if spec.share != nil, spec.multiple > 1 {
          Display.say(
            "note: layers keep multiples of \(spec.multiple) channels, so that fewer may go than share says; "
              + "multiple=1 lets all go")
        }
        for note in ranking.notes(spec.criterion) { Display.say("note: \(note)") }
      }
      let narrow = try progress!.narrowed(current.model, by: ranking) {
        try cost($0, of: $1, opened, named: files.title, clock)
      }
      if !narrow.plan.isWritten(as: current.model.plan) {
        Display.say("note: a repeat is written out, whose turns come to differ")
      }
      pruned = ModelFile(narrowing: current, to: narrow, named: title)
      trained = try steps.leave(pruned, title, on: data)
      if let trained { current = try trained.modelFile() }
    }
    var told = facts(opened, pruned, at: files.path(files.title))
    if spec.microseconds != nil { told += try times(of: opened.model, pruned.model, by: clock) }
    if let test = data?.testImages {
      told += try tested(opened, pruned, trained, on: test)
    }
    told += further(steps, trained)
    var document = TextDocument()
    document.append(told)
    document.append(layers(opened.model.plan, pruned.model.plan), key: "layers")
    return document
  }

  /// What a model costs: of bytes as much as the file takes that its training leaves, which tells more.
  /// - Parameter opened: the whole file of which it is a part.
  private func cost(
    _ kind: PruningSpec.Cost, of model: Model, _ opened: ModelFile, named name: String,
    _ clock: AnswerClock
  ) throws -> Double {
    switch kind {
    case .flops: return Double(model.plan.forwardFLOPs)
    case .bytes:
      var file = ModelFile(narrowing: opened, to: model, named: name)
      // Numbers of as many digits as there may be.
      (file.testAccuracy, file.testLoss) = (1.2345678901234567e-100, 1.2345678901234567e-100)
      file.specDigest = file.weightsDigest
      file.epoch = 999_999
      return Double(file.encoded.count)
    case .microseconds: return try clock.microseconds(of: model)
    }
  }

  private func pruning() throws -> PruningSpec {
    let files = values.filter { !$0.contains("=") }
    guard files.count <= 1 else {
      throw UsageError(
        "\(files[1]): one file says how a model is pruned; \(files[0]) is given too")
    }
    return try PruningSpec(
      reading: files.first.map(Arguments.path),
      overrides: values.filter { $0.contains("=") } + (rewind.map { ["rewind=\($0)"] } ?? []))
  }

  private func facts(
    _ opened: ModelFile, _ pruned: ModelFile, at path: String
  ) -> [TextDocument.Fact] {
    let (before, after) = (opened.model.plan, pruned.model.plan)
    func fewer(_ key: String, _ name: String, _ before: Int, _ after: Int) -> [TextDocument.Fact] {
      [
        .init(
          key, .integer(after),
          line: "\(name.padded(columns: 15))\(grouped(after)) of \(grouped(before)), "
            + "\(fixed(Double(before) / Double(after), 2)) times fewer"),
        .init("\(key)_before", .integer(before)),
      ]
    }
    return [
      .init("file", .text("\(path).safetensors"), line: "pruned         \(path).safetensors")
    ] + fewer("flops", "operations", before.forwardFLOPs, after.forwardFLOPs)
      + fewer("parameters", "parameters", before.parameters, after.parameters)
      + fewer("bytes", "bytes", opened.encoded.count, pruned.encoded.count)
      + zeros(of: pruned)
  }

  /// What is 0 of a model whose weights were pruned before.
  private func zeros(of pruned: ModelFile) -> [TextDocument.Fact] {
    guard pruned.isPruned else { return [] }
    let kernels = pruned.model.tensors.filter(\.role.isKernel)
    let (zeros, weights) = (
      pruned.model.zeros(in: kernels), kernels.reduce(0) { $0 + $1.range.count }
    )
    return [
      .init(
        "zeros", .integer(zeros),
        line: "zeros          \(grouped(zeros)) of \(grouped(weights)) weights, "
          + Summary.Zeros.share(zeros, of: weights))
    ]
  }

  private func times(
    of opened: Model, _ pruned: Model, by clock: AnswerClock
  ) throws -> [TextDocument.Fact] {
    let (before, after) = try (clock.microseconds(of: opened), clock.microseconds(of: pruned))
    return [
      .init(
        "microseconds", .number(after),
        line: "time           \(fixed(after, 1)) of \(fixed(before, 1)) microseconds an image"),
      .init("microseconds_before", .number(before)),
    ]
  }

  /// What the models make of the test images.
  /// - Parameter pruned: nil where it is of no worth before it is trained.
  func tested(
    _ opened: ModelFile, _ pruned: ModelFile?, _ trained: RunFolder?, on test: TestImages
  ) throws -> [TextDocument.Fact] {
    func accuracy(of file: ModelFile) throws -> Double {
      try AnsweringModel.floats(file).test(on: test, threads: compute.threadCount).accuracy
    }
    let own = try accuracy(of: opened)
    let cut = try pruned.map(accuracy)
    let end = try trained?.readSummary()["test_accuracy"]?.double
    let steps = try pruning().steps
    let after = [
      cut.map {
        "\(percent($0)) \(end == nil ? "after" : steps > 1 ? "pruned in the last step" : "pruned")"
      },
      end.map { "\(percent($0)) trained" },
    ].compactMap { $0 }
    var facts: [TextDocument.Fact] = [
      .init(
        "accuracy_before", .number(own),
        line:
          "accuracy       \((["\(percent(own)) before"] + after).joined(separator: ", ")), on "
          + "\(grouped(test.count)) test images of \(test.name)")
    ]
    if let cut { facts.append(.init("accuracy_pruned", .number(cut))) }
    if let end { facts.append(.init("accuracy_trained", .number(end))) }
    return facts
  }

  /// The spec that trains it, and the run that has.
  func further(_ steps: PruningSteps, _ run: RunFolder?) -> [TextDocument.Fact] {
    guard steps.experiment != nil else { return [] }
    let spec = "\(steps.files.path(steps.files.title)).json"
    return [.init("spec", .text(spec), line: run == nil ? "train it with  runner \(spec)" : nil)]
      + (run.map { [.init("run", .text($0.path), line: "trained        \($0.path)")] } ?? [])
  }

  /// The layers that have weights, before and after.
  private func layers(_ before: NetworkPlan, _ after: NetworkPlan) -> TextTable {
    var table = TextTable([
      .init("layer"), .init("channels_before", title: "channels", .right),
      .init("channels_after", title: "left", .right),
      .init("flops_before", title: "operations", .right),
      .init("flops_after", title: "left", .right),
      .init("parameters_before", title: "parameters", .right),
      .init("parameters_after", title: "left", .right),
    ])
    for (old, new) in zip(before.layers, after.layers) where old.parameters > 0 {
      table.append(
        [.text(old.label)]
          + [
            old.output.channels, new.output.channels, old.flops, new.flops, old.parameters,
            new.parameters,
          ].map { .integer($0, grouped($0)) })
    }
    return table
  }
}

/// Tells what an image takes the models that are made of one, on one core and on noise.
private struct AnswerClock {
  private let source: any ImageSamples
  private let team: Team

  init(of file: ModelFile) throws {
    let noise = CheckedImages(noise: 64, seed: 1, for: file).images
    source = ImageSource(noise)
    team = try Team(threads: 1)
  }

  func microseconds(of model: Model) throws -> Double {
    var times = AnswerTimes(of: try Inference(model, team: team), on: source)
    let watch = Stopwatch()
    for round in 0..<AnswerTimes.usualRounds where round == 0 || watch.seconds < 2 {
      times.answer()
    }
    return times.microseconds
  }
}

extension GradientImages {
  /// Some of the images that a run trains on, at equal distances, as they are without augmentation.
  fileprivate init(_ data: RunData, of spec: ExperimentSpec, count: Int) {
    var loss = spec.loss
    if loss.balancesClasses { loss.classWeights = data.record.classWeights }
    self.init(
      data.plain, samples: CalibrationSamples.spread(count, of: data.plain.count), loss: loss,
      batchSize: spec.training.batchSize, seed: spec.seed)
  }
}

extension Ranking {
  /// What stays whole, and why.
  fileprivate func notes(_ criterion: PruningCriterion) -> [String] {
    whole.map { "\($0.layer) keeps its channels: \($0.reason)" }
      + unscored.map {
        "\($0) keeps its channels: criterion \(criterion.rawValue) says nothing of it"
      }
  }
}
