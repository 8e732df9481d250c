import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage

struct ValidateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "validate",
    abstract: "Look for mistakes in a spec, and show the network that it describes.",
    discussion: """
      Prints, layer by layer, the shape of what comes out, the trainable numbers and the \
      floating-point operations for one image, then the memory that training takes and the time \
      that an epoch is expected to take here, from a few steps on blank images. What doesn't fit into \
      the memory that there is is an error, here as before a run.
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp(
      "Also draw the network, as SVG, into this file.", valueName: "file"),
    transform: Arguments.path)
  var graph: String?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let loaded = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator)
    let spec = loaded.spec
    try compute.useCore(spec.compute.kernel)
    let plan = try NetworkPlan(spec.network)
    if let graph { try AtomicFile.write(plan.chart(title: spec.name).svg(), to: graph) }
    let memory = try TrainingMemory(
      spec, threads: compute.threadCount, teachers: loaded.teachers)
    let beginning = try spec.beginning()
    var shortage: MemoryShortage?
    do {
      try spec.checkMemory(threads: compute.threadCount, teachers: loaded.teachers)
    } catch let error as MemoryShortage {
      shortage = error
    }
    let probe = try shortage == nil ? TrainingProbe(spec, threads: compute.threadCount) : nil
    let counts = try fileCounts(spec)
    let split =
      counts.map { (validation: $0.validation, training: $0.training) } ?? spec.dataset.split
    let steps = split.map { ($0.training + spec.training.batchSize - 1) / spec.training.batchSize }
    let seconds = probe.flatMap { probe in steps.map { probe.secondsPerStep * Double($0) } }
    func megabytes(_ bytes: Int) -> String { fixed(Double(bytes) / 1e6, 1) }
    var document = TextDocument()
    document.append(
      plan.table(hasTotal: output.format == .table || output.format == .markdown), key: "layers")
    let errors = plan.loweringErrors()
    if !errors.isEmpty {
      document.append(
        Self.table(errors), key: "convolution_errors",
        title:
          "errors for drawn images and kernels of each layer's shape, in millionths of the largest "
          + "result and of the mean one:")
    }
    var facts: [TextDocument.Fact] = [
      .init("parameters", .integer(plan.parameters)),
      .init("flops", .integer(plan.forwardFLOPs)),
      .init("dataset", .text(spec.dataset.name.rawValue)),
      .init("training_images", split.map { .integer($0.training) } ?? .missing()),
      .init(
        "validation_images", split.map { .integer($0.validation) } ?? .missing(),
        line: "data       \(spec.dataset.name.rawValue): "
          + (split.map {
            "\(grouped($0.training)) images to train on, \(grouped($0.validation)) to validate on"
          } ?? "as many images as there are in the files")
          + (counts.map { ", \($0.test == 0 ? "none" : grouped($0.test)) to test on" } ?? "")),
      .init("memory_saved_bytes", .integer(memory.network.saved)),
      .init(
        "memory_bytes", .integer(memory.network.bytes),
        line: "memory     \(megabytes(memory.network.bytes)) MB besides the data, "
          + "\(megabytes(memory.network.saved)) MB saved where tensors take turns"),
      .init("memory_in_all_bytes", .integer(memory.total)),
      .init("epochs", .integer(spec.training.epochs)),
      .init("threads", .integer(compute.threadCount)),
      .init("kernel", .text(BLASCore.current)),
      .init(
        "seconds_per_epoch", seconds.map { .number($0) } ?? .missing(),
        line: probe.map { time(spec, $0, seconds, steps: steps) }),
    ]
    if let beginning {
      var lines: String? = beginning.lines(indentation: 0, column: 11).joined(separator: "\n")
      if let initial = beginning.initial {
        facts += [
          .init("initial", .text(initial.path), line: lines),
          .init("initial_tensors", .integer(initial.taken.count)),
          .init("frozen_layers", .integer(initial.frozen.count)),
          .init("features_bytes", .integer(memory.features)),
        ]
        lines = nil
      }
      if !beginning.teachers.isEmpty {
        let paths = beginning.teachers.map(\.path).joined(separator: "; ")
        facts += [
          .init("teacher", .text(paths), line: lines),
          .init("teacher_bytes", .integer(memory.teachers)),
        ]
      }
    }
    if let sentence = spec.pruningSentence(of: plan) {
      let weights = spec.maskedKernels(of: plan).reduce(0) { $0 + $1.range.count }
      facts += [
        .init("pruning", .text(sentence), line: "pruning    \(sentence)"),
        .init("pruned_weights", .integer(weights)),
      ]
    }
    let notes = spec.notes()
    if !notes.isEmpty {
      facts.append(
        .init(
          "note", .text(notes.joined(separator: "; ")),
          line: notes.map { "note       \($0)" }.joined(separator: "\n")))
    }
    if let graph { facts.append(.init("graph", .text(graph), line: "graph      \(graph)")) }
    if shortage == nil {
      facts.append(.init("spec", .text(self.spec), line: "\(self.spec): no errors"))
    }
    document.append(facts)
    try output.print(document)
    if let shortage { throw shortage }
  }

  /// What computing convolutions by minimal filtering costs in precision: the largest error relative to the
  /// largest result, and the mean of both.
  private static func table(_ errors: [LoweringError]) -> TextTable {
    var table = TextTable([
      .init("layer"), .init("filter"),
      .init("winograd_largest", title: "winograd: largest", .right),
      .init("winograd_mean", title: "mean", .right),
      .init("im2col_largest", title: "im2col: largest", .right),
      .init("im2col_mean", title: "mean", .right),
    ])
    for error in errors {
      let numbers = [
        error.winograd.largest, error.winograd.mean, error.im2col.largest, error.im2col.mean,
      ]
      table.append(
        [.text(error.layer), .text(error.filter)]
          + numbers.map { TextTable.Cell.number($0, fixed($0 * 1e6, 2)) })
    }
    return table
  }

  /// How many images come to be trained, validated and tested on, where they are the user's own: whether
  /// the files are there and of the classes that the spec says is looked at before all else.
  private func fileCounts(
    _ spec: ExperimentSpec
  ) throws -> (training: Int, validation: Int, test: Int)? {
    guard spec.dataset.files != nil else { return nil }
    let counts = try compute.locator.countFiles(
      spec.dataset.request(), threads: compute.threadCount)
    // Else only the test images are.
    guard spec.dataset.name == .files else { return nil }
    let parts = spec.dataset.parts(of: counts)
    _ = try spec.dataset.validation.held(of: parts.training + parts.validation)
    return parts
  }

  /// How long it will take, and how that is known.
  private func time(
    _ spec: ExperimentSpec, _ probe: TrainingProbe, _ seconds: Double?, steps: Int?
  ) -> String {
    let threads = compute.threadCount
    return "time       about "
      + (seconds.map {
        "\(fixed($0, $0 < 10 ? 1 : 0)) s per epoch, "
          + "\(duration($0 * Double(spec.training.epochs))) for \(spec.training.epochs)"
      } ?? "\(fixed(probe.secondsPerStep * 1000, 1)) ms per step")
      + ", with \(threads) thread\(threads == 1 ? "" : "s") and the kernel \(BLASCore.current) ("
      + (steps.map { "\($0) steps" } ?? "steps")
      + " of \(spec.training.batchSize) images; augmentation not counted"
      + (probe.isCounted ? "; by its operations, for it is too large to be tried)" : ")")
  }
}
