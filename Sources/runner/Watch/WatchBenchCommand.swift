import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage

/// `runner watch-bench MODEL`: what results/reference/watch/ holds.
struct WatchBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch-bench",
    abstract: "Measure how often a watch is wrong, and from how many requests on it sees a change.",
    discussion: """
      Draws windows of labelled images, as they are and spoiled in the fifteen ways of MNIST-C, and looks \
      at each with all of alpha. Prints how many are told to be unlike the validation images, and the \
      accuracy expected beside the true one.
      """,
    shouldDisplay: false)

  @Argument(
    help: ArgumentHelp("The model, with its model.profile.", valueName: "model"),
    transform: Arguments.path)
  var model: String

  @Option(help: ArgumentHelp("Labelled images.", valueName: "images"))
  var on = "mnist"

  @Option(help: "Windows of images as they are.")
  var windows = 1000

  @Option(help: "Requests in each of those.")
  var size = 200

  @Option(help: "Windows of each kind of spoiled images.")
  var spoiled = 50

  @Option(help: ArgumentHelp("How many requests they have.", valueName: "n,n,…"))
  var sizes = "25,50,100,200"

  @Option(help: "What windows, permutations and spoiled images are drawn by.")
  var seed: UInt64 = 1

  @Option(help: "The level.")
  var alpha = 0.01

  @OptionGroup var output: DocumentOptions
  @OptionGroup var compute: ComputeOptions

  func run() throws {
    let file = try openModel(model)
    try useCore(of: file)
    let path = Files.isFolder(model) ? "\(model)/model.safetensors" : model
    guard let profile = try ValidationProfile(besideModel: path) else {
      throw UsageError("\(path): there is no profile beside it")
    }
    let counts = sizes.split(separator: ",").compactMap { Int($0) }
    guard !counts.isEmpty, counts.allSatisfy({ $0 >= Watch.fewest }), size >= Watch.fewest else {
      throw UsageError("--size and --sizes take numbers of \(Watch.fewest) or more")
    }
    let images = try TestImages.load(
      file.dataset(of: on), classNames: file.classNames, name: on, dataFolder: compute.data,
      threads: compute.threadCount, progress: { _ in }, notice: { Display.say($0) })
    var options = Watch.Options()
    options.alpha = alpha
    options.spends = false
    options.seed = seed
    let watch = Watch(profile, options)
    let trial = WatchTrial(watch, seed: seed)
    let inference = try Inference(file.model, team: Team(threads: compute.threadCount))
    let observer = Observer(file, profile: profile)
    let labels = images.images.labels.map { $0 }

    let plain = inference.observations(of: images.source, by: observer)
    let still = trial.looks(at: plain, labels: labels, windows: windows, of: size, stream: 0)
    let alarms = still.count { !$0.moved.isEmpty }
    var document = TextDocument()
    document.append([
      .init(
        "alarms", .integer(alarms),
        line: "false alarms   \(alarms) of \(windows) windows of \(size) images as they are"),
      .init("windows", .integer(windows)), .init("size", .integer(size)),
    ])
    var table = TextTable(
      [
        .init("images"), .init("severity", .right), .init("accuracy", .right),
        .init("expected", .right), .init("expected_low", title: "from", .right),
        .init("expected_high", title: "to", .right), .init("by_temperature", .right),
        .init("mean_confidence", .right),
      ] + counts.map { .init("seen_\($0)", title: "seen of \($0)", .right) } + [.init("moved")])
    func append(_ name: String, _ severity: Int?, _ seen: [SeenImage], _ stream: Int) {
      let whole = watch.look(at: seen, labels: labels, number: 1)
      var cells: [TextTable.Cell] = [
        .text(name), severity.map { .integer($0) } ?? .missing(),
      ]
      let confidence = seen.reduce(0) { $0 + Double($1.confidence) } / Double(seen.count)
      let shares = [
        whole.accuracy!.value, whole.expected.value, whole.expected.interval.low,
        whole.expected.interval.high, whole.byTemperature ?? .nan, confidence,
      ]
      cells += shares.map { .number($0, percent($0)) }
      var movers: [String: Int] = [:]
      for (place, count) in counts.enumerated() {
        let looks = trial.looks(
          at: seen, labels: labels, windows: spoiled, of: count,
          stream: stream * counts.count + place + 1)
        let found = Double(looks.count { !$0.moved.isEmpty }) / Double(spoiled)
        cells.append(.number(found, "\(fixed(100 * found, 0)) %"))
        for look in looks { for test in look.moved { movers[test.name, default: 0] += 1 } }
      }
      let most = movers.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3).map(\.key)
      cells.append(.text(most.joined(separator: ", ")))
      table.append(cells)
      Display.say("\(name) done")
    }
    append("as they are", nil, plain, 0)
    for (place, corruption) in Corruption.allCases.enumerated() {
      let spoiled = corruption.apply(
        to: images.images, severity: nil, seed: seed, threads: compute.threadCount)
      append(
        corruption.rawValue, corruption.severity(nil),
        inference.observations(of: ImageSource(spoiled), by: observer), place + 1)
    }
    document.append(table, key: "corruptions")
    try output.print(document)
  }
}
