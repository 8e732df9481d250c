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
      "Make a model narrower: remove the channels that it would miss least, and train the rest.",
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
      below 1 as a part of what there was); criterion (l1, batch_norm or taylor), normalization, multiple; \
      steps, epochs and learning_rate of the trainings.

      Channels that can't be followed stay, and are named: those that a softmax or a layer_norm looks at as \
      a whole, those of the images, the scores of the classes. A repeat whose turns come to differ is \
      written out. The test images are only told of; they choose nothing.

      EXAMPLES
        runner prune results/t0/latest flops=0.25
        runner prune results/t0/latest flops=0.25 criterion=taylor steps=3 epochs=4 --to small
        runner prune results/resnet/latest bytes=100000 normalization=uniform multiple=8
        runner prune lenet.safetensors share=0.5 epochs=0
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
    name: .customLong("output"),
    help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"),
    transform: Arguments.path)
  var results = "results"

  @Flag(help: "Write over what a pruning of the same name left.")
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
    let experiment = try ExperimentSpec.training(opened, at: model)
    if experiment == nil, spec.criterion == .taylor || spec.epochs > 0 {
      throw UsageError(
        "\(model): says of no run on whose images it could be trained; epochs=0 removes channels "
          + "without, by criterion l1 or batch_norm")
    }
    let target = try NamedFiles(to ?? "\(opened.name)-pruned", advice: "give another name by --to")
    let titles = (1..<spec.steps).map { "\(target.title)-\($0)" } + [target.title]
    try target.check(
      titles.flatMap { ["\($0).safetensors", "\($0).json"] }, madeOf: model, force: force)
    if let experiment {
      try compute.useCore(experiment.compute.kernel)
      try experiment.checkMemory(threads: compute.threadCount)
    } else {
      try useCore(of: opened)
    }
    let data = try experiment.map { try compute.load($0) }
    let team = try Team(threads: compute.threadCount)
    Interruption.listen()

    let images = experiment.flatMap { experiment in
      data.map { GradientImages($0, of: experiment, count: spec.images) }
    }
    let clock = try AnswerClock(of: opened)
    func cost(_ kind: PruningSpec.Cost, _ model: Model) throws -> Double {
      switch kind {
      case .flops: return Double(model.plan.forwardFLOPs)
      case .bytes:
        var file = opened
        file.model = model
        return Double(file.encoded.count)
      case .microseconds: return try clock.microseconds(of: model)
      }
    }

    var (current, pruned) = (opened, opened)
    var progress: PruningProgress?
    var trained: (folder: RunFolder, summary: Summary)?
    for step in 1...spec.steps {
      let ranking = try Ranking(
        current.model, by: spec.criterion, compared: spec.comparison, multiple: spec.multiple,
        images: images, team: team)
      if progress == nil {
        progress = try PruningProgress(spec, of: current.model, ranking, cost: cost)
        for note in ranking.notes(spec.criterion) { Display.say("note: \(note)") }
      }
      let count = try progress!.count(step: step, of: current.model, ranking, cost: cost)
      let narrow = try ranking.model(current.model, withoutFirst: count)
      if !narrow.plan.isWritten(as: current.model.plan) {
        Display.say("note: a repeat is written out, whose turns come to differ")
      }
      let title = titles[step - 1]
      pruned = ModelFile(narrowing: current, to: narrow, named: title)
      try pruned.write(to: target.path("\(title).safetensors"))
      guard let experiment, let data else { continue }
      let path = target.path("\(title).json")
      let further = experiment.fineTuning(
        pruned, at: "\(title).safetensors", named: title, spec,
        description: "\(opened.name) (weights \(opened.weightsDigest.prefix(12))…), pruned: "
          + spec.json.compact)
      try AtomicFile.write(further.text, to: path)
      let loaded = try ExperimentSpec.load(path: path, overrides: [], locator: compute.locator)
      guard spec.epochs > 0 else { continue }
      trained = try train(loaded, on: data)
      current = try trained!.folder.modelFile()
    }
    let layers = try layers(opened.model.plan, pruned.model.plan)
    var document = TextDocument()
    document.append(
      try facts(opened, pruned, target, hasSpec: experiment != nil, trained, on: data?.testImages))
    document.append(layers, key: "layers")
    try output.print(document)
  }

  private func pruning() throws -> PruningSpec {
    let files = values.filter { !$0.contains("=") }
    guard files.count <= 1 else {
      throw UsageError(
        "\(files[1]): one file says how a model is pruned; \(files[0]) is given too")
    }
    return try PruningSpec(
      reading: files.first.map(Arguments.path), overrides: values.filter { $0.contains("=") })
  }

  /// Carries out the run that trains what is left.
  private func train(
    _ loaded: LoadedSpec, on data: RunData
  ) throws -> (folder: RunFolder, summary: Summary) {
    let spec = loaded.spec
    let (folder, outcome) = try Run.start(
      spec, verbatim: loaded.verbatim, data: data, under: results, options: compute.runOptions()
    ) { try compute.introduce(spec, data, in: $0) }
    guard case .completed(let summary) = outcome else {
      try report(outcome, of: folder, spec: spec, asJSON: false)
      throw ExitCode(ExitStatus.failed)
    }
    try drawMissingCurves(of: folder, title: spec.name)
    return (folder, summary)
  }

  private func facts(
    _ opened: ModelFile, _ pruned: ModelFile, _ target: NamedFiles,
    hasSpec: Bool, _ trained: (folder: RunFolder, summary: Summary)?, on test: TestImages?
  ) throws -> [TextDocument.Fact] {
    let (before, after) = (opened.model.plan, pruned.model.plan)
    let path = target.path(target.title)
    func fewer(_ key: String, _ name: String, _ before: Int, _ after: Int) -> [TextDocument.Fact] {
      [
        .init(
          key, .integer(after),
          line: "\(name.padded(columns: 15))\(grouped(after)) of \(grouped(before)), "
            + "\(fixed(Double(before) / Double(after), 2)) times fewer"),
        .init("\(key)_before", .integer(before)),
      ]
    }
    var facts: [TextDocument.Fact] = [
      .init(
        "file", .text("\(path).safetensors"), line: "pruned         \(path).safetensors")
    ]
    facts += fewer("flops", "operations", before.forwardFLOPs, after.forwardFLOPs)
    facts += fewer("parameters", "parameters", before.parameters, after.parameters)
    facts += fewer("bytes", "bytes", opened.encoded.count, pruned.encoded.count)
    if let test {
      let threads = compute.threadCount
      let own = try AnsweringModel.floats(opened).test(on: test, threads: threads).accuracy
      let cut = try AnsweringModel.floats(pruned).test(on: test, threads: threads).accuracy
      let end = trained?.summary.testAccuracy
      facts += [
        .init(
          "accuracy_before", .number(own),
          line: "accuracy       \(percent(own)) before, \(percent(cut)) "
            + (end.map { "pruned, \(percent($0)) trained" } ?? "after")
            + ", on \(grouped(test.count)) test images of \(test.name)"),
        .init("accuracy_pruned", .number(cut)),
      ]
      if let end { facts.append(.init("accuracy_trained", .number(end))) }
    }
    if hasSpec {
      facts.append(
        .init(
          "spec", .text("\(path).json"),
          line: trained == nil ? "train it with  runner \(path).json" : nil))
    }
    if let trained {
      facts.append(
        .init("run", .text(trained.folder.path), line: "trained        \(trained.folder.path)"))
    }
    return facts
  }

  /// The layers that have become less.
  private func layers(_ before: NetworkPlan, _ after: NetworkPlan) throws -> TextTable {
    var table = TextTable([
      .init("layer"), .init("channels_before", title: "channels", .right),
      .init("channels_after", title: "left", .right),
      .init("flops_before", title: "operations", .right),
      .init("flops_after", title: "left", .right),
      .init("parameters_before", title: "parameters", .right),
      .init("parameters_after", title: "left", .right),
    ])
    for (old, new) in zip(before.layers, after.layers) where old.parameters > 0 {
      func number(_ value: Int) -> TextTable.Cell { .integer(value, grouped(value)) }
      table.append([
        .text(old.label), number(old.output.channels), number(new.output.channels),
        number(old.flops), number(new.flops), number(old.parameters), number(new.parameters),
      ])
    }
    return table
  }
}

/// Tells what models made of one take for an image, on one core and on noise.
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
    for _ in 0..<20 { times.answer() }
    return times.microseconds
  }
}

extension GradientImages {
  /// Some of the images that a run trains on, at equal distances, as they are without augmentation.
  fileprivate init(_ data: RunData, of spec: ExperimentSpec, count: Int) {
    var loss = spec.loss
    if loss.balancesClasses { loss.classWeights = data.record.classWeights }
    let (all, count) = (data.plain.count, min(count, data.plain.count))
    self.init(
      data.plain, samples: (0..<count).map { Int32($0 * all / count) }, loss: loss,
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
