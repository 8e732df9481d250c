import ArgumentParser
import Datasets
import Experiment
import Report

struct LearningRateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lr-find",
    abstract: "Look for a learning rate: train a little while it rises, and plot the loss.",
    discussion: """
      The network is trained from its beginning, the learning rate rising exponentially from step \
      to step (Smith 2017), until all steps are done or the smoothed loss is four times its least. \
      Suggested is the rate at which the smoothed loss falls fastest; a tenth of the rate at its \
      least is told as well. The spec's own rate, schedule and stopping rule play no part.

        runner lr-find experiments/lenet.json
        runner lr-find experiments/lenet.json optimizer.name=sgd --from 1e-4 --to 10 --steps 200
      """)

  @Argument(help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"))
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(help: ArgumentHelp("The rate of the first step.", valueName: "rate"))
  var from = 1e-6

  @Option(help: ArgumentHelp("The rate of the last step.", valueName: "rate"))
  var to = 10.0

  @Option(help: ArgumentHelp("How many steps to take at most.", valueName: "n"))
  var steps = 100

  @Option(help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"))
  var output = "results"

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    guard from > 0, from < to, to <= 1e6 else {
      throw ValidationError("--from must be above 0 and below --to, and --to at most 1e6")
    }
    guard (10...1_000_000).contains(steps) else {
      throw ValidationError("--steps must be from 10 to 1000000, not \(steps)")
    }
  }

  func run() throws {
    let loaded = try ExperimentSpec.load(path: spec, overrides: overrides)
    try compute.useKernel(loaded.spec.compute.kernel)
    let data = try compute.load(loaded.spec)
    Interruption.listen()
    let range = try LearningRateRange(
      loaded.spec, data: data, threads: compute.threadCount, from: from, to: to, steps: steps)
    if case .interrupted(let signal) = range.ending {
      Display.say("stopped; nothing was written")
      throw ExitCode(Interruption.exitStatus(of: signal))
    }
    let folder = try Files.makeNewFolder(
      "\(output)/\(loaded.spec.name)/lr-find-\(Timestamp.now.compact)")
    try AtomicFile.write(range.csv, to: "\(folder)/lr-find.csv")
    try AtomicFile.write(loaded.resolved.pretty, to: "\(folder)/resolved.json")
    let chart = LearningRateChart.chart(
      title: "\(loaded.spec.name): learning-rate range test",
      rates: range.rows.map { Double($0.learningRate) }, losses: range.rows.map(\.loss),
      smoothed: range.rows.map(\.smoothedLoss),
      suggestion: range.steepest.map { Double($0.learningRate) })
    try AtomicFile.write(chart.svg(), to: "\(folder)/lr-find.svg")
    print(lines(of: range, folder: folder).joined(separator: "\n"))
  }

  private func lines(of range: LearningRateRange, folder: String) -> [String] {
    var lines: [String] = []
    if let steepest = range.steepest {
      lines.append(
        "suggested      \(steepest.learningRate), where the smoothed loss falls fastest")
    } else {
      lines.append("suggested      none: the loss never fell; try other --from and --to")
    }
    if let least = range.least {
      lines.append(
        "or             \(least.learningRate / 10), a tenth of the rate of its least, "
          + "\(fixed(least.smoothedLoss, 4))")
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
