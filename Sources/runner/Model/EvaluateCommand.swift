import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Quantization
import Report
import Storage

extension Summary.Weights: ExpressibleByArgument {}

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Test a run's weights: precision, recall and F1 by class, confusion matrix.",
    discussion: """
      The weights are those that the run tested, on the test images that it was begun with; where \
      these have changed since, that is said. With --on they are tested on others: a dataset by its \
      name, or one's own files as of \"dataset.path\". Those come to the network's shape as the run's \
      own did, and key=value says what is otherwise with them:

        runner evaluate results/lenet/latest
        runner evaluate results/lenet/latest --on usps resize=bilinear
        runner evaluate results/lenet/latest --on scans/ invert=true resize=bilinear
        runner evaluate results/lenet/latest --on digits.csv label_column=-1 --mistakes sheet.png

      A model's file, of runner quantize or import or apart from its run, is tested as well, by the cross \
      entropy of its probabilities: one that lies in the folder of its run on the run's test images, \
      others with --on:

        runner evaluate results/lenet/latest/model.int8.safetensors
        runner evaluate photos.safetensors --on photos/
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of the run, results/NAME/ID, or a model's file.",
      valueName: "run"),
    transform: Arguments.path)
  var path: String

  @Argument(
    help: ArgumentHelp(
      "With --on, values of a spec's section \"dataset\", for its images.", valueName: "key=value"))
  var values: [String] = []

  @Option(
    name: .customLong("on"),
    help: ArgumentHelp(
      """
      Test on these images instead of the run's own: a dataset's name, a folder with a folder per \
      class (./NAME where it is called as a dataset), a .csv or an .npz.
      """, valueName: "images"), transform: Arguments.path)
  var other: String?

  @Option(
    help: """
      Which weights: those of the best epoch or those of the last checkpoint. (default: those that \
      the run tested)
      """)
  var weights: Summary.Weights?

  @Flag(
    help: """
      Write the confusion matrix to confusion.csv and plots/confusion.svg of the run; with --on, to \
      confusion-on-NAME.csv and its like. The picture of more than 100 classes shows those that are \
      mistaken most; the file of more than 2048 has a row for each pair that came up.
      """)
  var confusion = false

  @Option(
    help: ArgumentHelp(
      """
      Draw the images that were mistaken, the surest first, each with its class, what it was taken for \
      and how surely, as a PNG file.
      """, valueName: "file"))
  var mistakes: String?

  @Option(help: ArgumentHelp("How many mistakes are drawn and listed at most.", valueName: "n"))
  var mostMistakes = 100

  @Flag(
    help: """
      Also test on images spoiled in the fifteen ways of MNIST-C, and write corruptions.csv; with --on, \
      corruptions-on-NAME.csv.
      """)
  var corruptions = false

  @Option(
    help: """
      How much the images are spoiled, from 1 to 5, in the ways that have severities. (default: each \
      way as much as in MNIST-C)
      """)
  var severity: Int?

  @Option(help: "Decides how the images are spoiled.")
  var corruptionSeed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      """
      Look at each image so often, once as it is and then distorted by the spec's augmentation, and \
      report what the mean of the probabilities comes to beside the plain figures.
      """, valueName: "views"))
  var tta: Int?

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard (1...10_000).contains(mostMistakes) else {
      throw ValidationError("--most-mistakes takes 1 to 10000, not \(mostMistakes)")
    }
    if let severity, !Corruption.severities.contains(severity) {
      throw ValidationError("--severity takes 1 to 5, not \(severity)")
    }
    if other == nil, let value = values.first {
      throw ValidationError(
        "\(value): the run's own images are read as they were; values are for others, given by --on"
      )
    }
  }

  func run() throws {
    if Files.exists(path), !Files.isFolder(path) { return try testModel() }
    let folder = try openRun(path)
    let record = try RunRecord(reading: folder.record)
    let spec = try folder.readResolved()
    let views = try views(of: spec)
    try compute.useCore(record.environment.kernel)
    let (tested, wereTested) = try folder.testedWeights(spec)
    let evaluated =
      try other.map {
        try EvaluatedImages($0, values: values, forRunOf: spec, record, path: path, compute)
      } ?? EvaluatedImages(ofRun: spec, record, compute)
    if evaluated.isDoubtful, output.format == .csv || output.format == .json {
      Display.say("WARNING: \(evaluated.doubt)")
    }
    let images = evaluated.images
    let report = try folder.test(
      weights ?? tested, spec: spec, images: images, threads: compute.threadCount, views: views)
    var facts = figures(of: report)
    facts += report.metricFacts
    if let averaged = report.averaged {
      facts += [
        .init(
          "averaged_accuracy", .number(averaged.accuracy),
          line: "averaged       \(averaged.sentence)"),
        .init("averaged_cross_entropy", .number(averaged.crossEntropy)),
        .init("views", .integer(averaged.views)),
      ]
    }
    facts += evaluated.facts
    facts += [
      .init(
        "weights", .text(report.weights.rawValue),
        line: "weights        \(report.weights.rawValue), of epoch \(report.epoch); "
          + (!wereTested
            ? "the run has tested none"
            : report.weights == tested
              ? "the run tested these" : "the run tested the \(tested.rawValue)")),
      .init("epoch", .integer(report.epoch)),
      .init("tested_weights", wereTested ? .text(tested.rawValue) : .missing()),
    ]
    var document = TextDocument()
    document.append(facts)
    report.appendClasses(to: &document, for: output.format)
    report.appendConfusion(to: &document, for: output.format)
    try appendMistakes(of: report, images, to: &document)
    if confusion { try write(report, to: folder, title: spec.name) }
    if corruptions {
      let table = try robustness(folder, spec, images, report)
      document.append(
        table, key: "corruptions",
        title: "images spoiled \(severity.map { "with severity \($0)" } ?? "as those of MNIST-C")")
      try AtomicFile.write(table.text(as: .csv), to: "\(folder.path)/corruptions\(ending).csv")
    }
    try output.print(document)
  }

  /// Tests a model that is apart from its run, or was never of one.
  private func testModel() throws {
    let model = try openAnswering(path)
    let integers = try IntegerPath.chosen()
    for (name, isAsked) in [
      ("--weights", weights != nil), ("--confusion", confusion), ("--corruptions", corruptions),
      ("--tta", tta != nil),
    ] where isAsked {
      throw UsageError("\(name) is for the folder of a run, and \(path) is a model alone")
    }
    try useCore(ofKernel: model.kernel)
    let own = try other == nil ? EvaluatedImages(around: path, model, compute) : nil
    let given = try other.map { try EvaluatedImages($0, values: values, for: model, compute) }
    guard let evaluated = own ?? given else {
      throw UsageError(
        "\(path): a model alone has no test images; --on IMAGES says what to test it on")
    }
    if evaluated.isDoubtful, output.format == .csv || output.format == .json {
      Display.say("WARNING: \(evaluated.doubt)")
    }
    let report = try model.test(
      on: evaluated.images, threads: compute.threadCount, path: integers)
    var document = TextDocument()
    document.append(figures(of: report) + evaluated.facts)
    report.appendClasses(to: &document, for: output.format)
    report.appendConfusion(to: &document, for: output.format)
    try appendMistakes(of: report, evaluated.images, to: &document)
    try output.print(document)
  }

  private func figures(of report: TestReport) -> [TextDocument.Fact] {
    [
      .init(
        "test_accuracy", .number(report.accuracy),
        line: "test accuracy  \(percent(report.accuracy)), loss \(fixed(report.loss, 4))"),
      .init("test_loss", .number(report.loss)),
    ]
  }

  private func appendMistakes(
    of report: TestReport, _ images: TestImages, to document: inout TextDocument
  ) throws {
    guard let mistakes else { return }
    let sheet = MistakeSheet(report, most: mostMistakes)
    try sheet.write(images, to: mistakes)
    document.append(sheet.table, key: "mistakes", title: "the mistakes of which it was surest")
    document.append([sheet.note(path: mistakes)] + sheet.unwritten, key: "notes")
  }

  /// What the names of files end with that tell of other images than the run's own.
  private var ending: String {
    guard let other else { return "" }
    let name = Files.name(of: other).map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
    return "-on-" + String(name.prefix(60))
  }

  /// A row per kind of corruption, and their mean.
  private func robustness(
    _ folder: RunFolder, _ spec: ExperimentSpec, _ images: TestImages, _ report: TestReport
  ) throws -> TextTable {
    let results = try folder.testCorrupted(
      report.weights, spec: spec, images: images, severity: severity, seed: corruptionSeed,
      threads: compute.threadCount)
    var table = TextTable([
      .init("corruption"), .init("severity", .right), .init("accuracy", .right),
      .init("loss", .right),
    ])
    func append(_ name: String, _ severity: Int?, _ accuracy: Double, _ loss: Double) {
      table.append([
        .text(name), severity.map { .integer($0) } ?? .missing(),
        .number(accuracy, percent(accuracy)), .number(loss, fixed(loss, 4)),
      ])
    }
    append("none", 0, report.accuracy, report.loss)
    for result in results {
      append(result.corruption.rawValue, result.severity, result.accuracy, result.loss)
    }
    let count = Double(results.count)
    append(
      "mean", severity, results.reduce(0) { $0 + $1.accuracy } / count,
      results.reduce(0) { $0 + $1.loss } / count)
    return table
  }

  /// The views that are asked for, by the command line or else by the spec.
  private func views(of spec: ExperimentSpec) throws -> TestTimeAugmentation? {
    guard let tta else { return spec.testTimeAugmentation }
    guard (2...1000).contains(tta) else {
      throw UsageError("--tta takes 2 to 1000 views, not \(tta)")
    }
    var views = spec.testTimeAugmentation ?? TestTimeAugmentation(count: tta)
    views.count = tta
    if views.ops(of: spec).isEmpty {
      throw UsageError(
        "--tta: the run's augmentation is empty, so that every view would be the same")
    }
    return views
  }

  /// The confusion matrix as a table and as a picture.
  private func write(_ report: TestReport, to folder: RunFolder, title: String) throws {
    try AtomicFile.write(
      report.confusionFile.text(as: .csv), to: "\(folder.path)/confusion\(ending).csv")
    let chart = report.confusionChart(title: title)
    try Files.makeFolders(folder.plots)
    try AtomicFile.write(chart.svg(), to: "\(folder.plots)/confusion\(ending).svg")
    Display.say(
      "confusion matrix: \(folder.path)/confusion\(ending).csv, "
        + "\(folder.plots)/confusion\(ending).svg"
        + (chart.classNames.count < report.classNames.count
          ? ", which shows \(chart.classNames.count) classes" : ""))
  }
}
