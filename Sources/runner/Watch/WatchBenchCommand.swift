import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Report
import Storage
import Watching

/// `runner watch-bench MODEL`: what results/reference/watch/ holds.
struct WatchBenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch-bench",
    abstract: "Measure how often a watch is wrong, and from how many requests on it sees a change.",
    discussion: """
      Draws windows of labelled images, as they are and spoiled in the fifteen ways of MNIST-C, and looks \
      at each with all of alpha. Prints how many are told to be unlike the validation images, and the \
      accuracy expected beside the true one: of each kind; of each kind with all of that kind left out of \
      what the profile knows; and of images half of which are spoiled, of those whose severity is left \
      out, and of those that are spoiled in two ways at once.
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

    let source = images.source
    let plain = inference.observations(of: source, by: observer)
    func spoiled(_ source: ImageSource, _ kind: Corruption, _ severity: Int?, _ seed: UInt64)
      -> ImageSource
    {
      ImageSource(
        kind.apply(
          to: source, 0..<source.count, severity: severity, seed: seed,
          threads: compute.threadCount))
    }
    func observed(_ kind: Corruption, _ severity: Int?) -> [SeenImage] {
      inference.observations(of: spoiled(source, kind, severity, seed), by: observer)
    }
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
      Self.columns + counts.map { .init("seen_\($0)", title: "seen of \($0)", .right) }
        + [.init("moved")])
    var leftOut = TextTable(Self.columns)
    var others = TextTable(Self.columns)
    var all: [Corruption: [SeenImage]] = [:]
    func append(_ name: String, _ severity: Int?, _ seen: [SeenImage], _ stream: Int) {
      var cells = Self.cells(name, severity, watch.look(at: seen, labels: labels, number: 1))
      var movers: [String: Int] = [:]
      for (place, count) in counts.enumerated() {
        let looks = trial.looks(
          at: seen, labels: labels, windows: self.spoiled, of: count,
          stream: stream * counts.count + place + 1)
        let found = Double(looks.count { !$0.moved.isEmpty }) / Double(self.spoiled)
        cells.append(.number(found, "\(fixed(100 * found, 0)) %"))
        for look in looks { for test in look.moved { movers[test.name, default: 0] += 1 } }
      }
      let most = movers.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(3).map(\.key)
      cells.append(.text(most.joined(separator: ", ")))
      table.append(cells)
      Display.say("\(name) done")
    }
    append("as they are", nil, plain, 0)
    for (place, kind) in Corruption.allCases.enumerated() {
      let seen = observed(kind, nil)
      all[kind] = seen
      append(kind.rawValue, kind.severity(nil), seen, place + 1)
      guard let conditions = profile.conditions else { continue }
      let without = Watch(
        profile, options, conditions: conditions.without { $0.kind == kind.rawValue })
      leftOut.append(
        Self.cells(
          kind.rawValue, kind.severity(nil), without.look(at: seen, labels: labels, number: 1)))
    }
    document.append(table, key: "corruptions")
    document.append(leftOut, key: "left_out", title: "the kind left out of what the profile knows")

    for kind in Corruption.allCases {
      let half = plain.indices.map { $0 % 2 == 0 ? plain[$0] : all[kind]![$0] }
      others.append(
        Self.cells(
          "half \(kind.rawValue)", kind.severity(nil),
          watch.look(at: half, labels: labels, number: 1)))
    }
    for kind in Corruption.allCases where kind.publishedSeverity != nil {
      guard let conditions = profile.conditions else { continue }
      let without = Watch(
        profile, options,
        conditions: conditions.without { $0.kind == kind.rawValue && $0.severity == 3 })
      others.append(
        Self.cells(
          "between \(kind.rawValue)", 3,
          without.look(at: observed(kind, 3), labels: labels, number: 1)))
    }
    for (first, second, severity) in Self.together {
      let both = spoiled(spoiled(source, first, nil, seed), second, severity, seed &+ 1)
      others.append(
        Self.cells(
          "\(first.rawValue) and \(second.rawValue)", severity,
          watch.look(
            at: inference.observations(of: both, by: observer), labels: labels, number: 1)))
    }
    document.append(
      others, key: "others", title: "half of them, severities left out, and two at once")
    try output.print(document)
  }

  private static let columns: [TextTable.Column] = [
    .init("images"), .init("severity", .right), .init("accuracy", .right),
    .init("expected", .right), .init("expected_low", title: "from", .right),
    .init("expected_high", title: "to", .right), .init("by_temperature", .right),
    .init("looks_like", title: "looks like"),
  ]

  private static func cells(
    _ name: String, _ severity: Int?, _ whole: WatchLook
  ) -> [TextTable.Cell] {
    let shares = [
      whole.accuracy!.value, whole.expected.value, whole.expected.interval.low,
      whole.expected.interval.high, whole.byTemperature ?? .nan,
    ]
    return [.text(name), severity.map { .integer($0) } ?? .missing()]
      + shares.map { .number($0, percent($0)) }
      + [whole.condition.map { .text($0.phrase) } ?? .missing("-")]
  }

  /// One with the published severity, and another upon it.
  private static let together: [(Corruption, Corruption, severity: Int?)] = [
    (.rotate, .fog, 3), (.shear, .impulseNoise, 2), (.scale, .spatter, 4),
    (.motionBlur, .shotNoise, 4), (.shear, .brightness, 3), (.dottedLine, .rotate, 1),
  ]
}
