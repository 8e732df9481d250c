import ArgumentParser
import Datasets
import Experiment
import Report
import Storage

extension Baselines.Method: ExpressibleByArgument {}

struct BaselinesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baselines",
    abstract: "Say what classical methods reach on a spec's data.",
    discussion: """
      Learns from the images that the spec trains on, without augmentation: the most frequent class, \
      least squares, ridge regression, logistic regression, nearest neighbours, the latter two on \
      principal components too, and ridge regression on the features of fixed random convolutions. \
      What a method leaves open is chosen by the validation images, of which there must be some; the \
      one chosen is then tested on the test images. Nothing of the spec's network is used.

        runner baselines experiments/lenet.json
        runner baselines experiments/lenet.json dataset.train_count=10000 --method ridge
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    name: .customLong("method"),
    help: ArgumentHelp("One of the methods, or several; all if none is named.", valueName: "name"))
  var methods: [Baselines.Method] = []

  @Option(
    help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"),
    transform: Arguments.path)
  var output = "results"

  @OptionGroup var format: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let loaded = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator)
    var spec = loaded.spec
    try compute.useCore(spec.compute.kernel)
    spec.augmentation = []
    try Baselines.checkMemory(spec)
    let data = try compute.data(of: spec, try compute.loadImages(spec.dataset))
    let baselines = try Baselines(spec, data: data, threads: compute.threadCount)
    var table = TextTable([
      .init("method"), .init("chosen"), .init("parameters", .right),
      .init("val_accuracy", .right), .init("test_accuracy", .right), .init("seconds", .right),
    ])
    for method in methods.isEmpty ? Baselines.Method.allCases : methods {
      if !compute.quiet { Display.say("\(method.rawValue) …") }
      let result = try baselines.result(of: method)
      table.append([
        .text(method.rawValue), .text(result.chosen),
        .integer(result.parameters, grouped(result.parameters)),
        .number(result.validationAccuracy, percent(result.validationAccuracy)),
        result.testAccuracy.map { .number($0, percent($0)) } ?? .missing("–"),
        .number(result.seconds, fixed(result.seconds, 1)),
      ])
    }
    let folder = try Files.makeNewFolder(
      "\(output)/\(spec.name)/baselines-\(Timestamp.now.compact)")
    try AtomicFile.write(table.text(as: .csv), to: "\(folder)/baselines.csv")
    try AtomicFile.write(loaded.resolved.pretty, to: "\(folder)/resolved.json")
    var document = TextDocument()
    document.append(table, key: "baselines")
    document.append([
      .init("dataset", .text(data.record.name), line: "data     \(data.record.name)"),
      .init("training_images", .integer(data.train.count)),
      .init("csv", .text("\(folder)/baselines.csv"), line: "figures  \(folder)/baselines.csv"),
    ])
    try format.print(document)
  }
}
