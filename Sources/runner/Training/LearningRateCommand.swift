import ArgumentParser
import Datasets
import Experiment
import Glibc
import Report
import Storage

struct LearningRateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lr-find",
    abstract: "Look for a learning rate: train a little while it rises, and plot the loss.",
    discussion: """
      The network is trained from its beginning, the learning rate rising exponentially from step \
      to step (Smith 2017), until all steps are done or the loss, averaged over the last fifty \
      steps or so, is four times its least. From where half of the loss's fall is done to beyond \
      its least, rates a quarter of a decade apart are then tried: the network is trained from its \
      beginning at each of them, for half as many steps. Suggested is the middle of those that \
      learn best. The spec's own rate, schedule and stopping rule play no part. Where no rate can be \
      suggested, for the loss never fell, the exit status is 1.

        runner lr-find experiments/lenet.json
        runner lr-find experiments/lenet.json optimizer.name=sgd --from 1e-4 --to 10 --steps 200
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("The rate of the first step.", valueName: "rate"))
  var from = 1e-6

  @Option(help: ArgumentHelp("The rate of the last step.", valueName: "rate"))
  var to = 10.0

  @Option(help: ArgumentHelp("How many steps to take at most while it rises.", valueName: "n"))
  var steps = 200

  @Option(
    help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"),
    transform: Arguments.path)
  var output = "results"

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard from > 0, from < to, to <= 1e6 else {
      throw ValidationError("--from must be above 0 and below --to, and --to at most 1e6")
    }
    guard (10...100_000).contains(steps) else {
      throw ValidationError("--steps must be from 10 to 100000, not \(steps)")
    }
  }

  func run() throws {
    let loaded = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator)
    try compute.useCore(loaded.spec.compute.kernel)
    let data = try compute.load(loaded.spec)
    Interruption.listen()
    let search = try LearningRateSearch(
      loaded.spec, data: data, threads: compute.threadCount, from: from, to: to, steps: steps)
    if let signal = search.signal {
      Display.say("stopped; nothing was written")
      throw ExitCode(Interruption.exitStatus(of: signal))
    }
    let range = search.range
    let folder = try Files.makeNewFolder(
      "\(output)/\(loaded.spec.name)/lr-find-\(Timestamp.now.compact)")
    try AtomicFile.write(range.csv, to: "\(folder)/lr-find.csv")
    try AtomicFile.write(search.csv, to: "\(folder)/trials.csv")
    try AtomicFile.write(loaded.resolved.pretty, to: "\(folder)/resolved.json")
    let chart = LearningRateChart.chart(
      title: "\(loaded.spec.name): learning-rate range test",
      rates: range.rows.map { Double($0.learningRate) }, losses: range.rows.map(\.loss),
      smoothed: range.trend, suggestion: search.suggested)
    try AtomicFile.write(chart.svg(), to: "\(folder)/lr-find.svg")
    try Output.print(lines(of: search, folder: folder).joined(separator: "\n"))
    if search.suggested == nil {
      Display.say("error: no learning rate can be suggested: the loss never fell")
      throw ExitCode(ExitStatus.failed)
    }
  }

  /// Two digits, as the spec takes them.
  private func rate(_ rate: Double) -> String {
    LearningRateChart.twoDigits(rate).replacing("−", with: "-")
  }

  private func lines(of search: LearningRateSearch, folder: String) -> [String] {
    let range = search.range
    var lines: [String] = []
    if let suggested = search.suggested, let first = search.best.first, let last = search.best.last,
      let falling = range.falling, let least = range.least
    {
      let amid =
        search.best.count == 1
        ? "which learns best"
        : "amid those that learn best, \(rate(first.learningRate)) to \(rate(last.learningRate))"
      lines.append("suggested      \(rate(suggested)), \(amid)")
      lines.append(
        "range          half of the loss's fall is done at \(rate(Double(falling.learningRate))), its "
          + "least is at \(rate(Double(least.learningRate)))"
          + (least == range.rows.last ? ", the last: try a greater --to" : ""))
      let trials = search.trials.map {
        "\(rate($0.learningRate)) \($0.loss.map { fixed($0, 3) } ?? "diverged")"
      }
      lines.append("trials         \(trials.joined(separator: ", "))")
    } else {
      lines.append("suggested      none: the loss never fell; try other --from and --to")
    }
    let ending =
      switch range.ending {
      case .complete: "all of them"
      case .diverged: "then the smoothed loss was four times its least"
      case .notFinite: "then the loss was not finite"
      case .interrupted: "then it was stopped"
      }
    lines.append("steps          \(range.rows.count), \(ending)")
    lines.append("losses         \(folder)/lr-find.csv")
    lines.append("plot           \(folder)/lr-find.svg")
    return lines
  }
}
