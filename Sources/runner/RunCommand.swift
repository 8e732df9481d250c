import ArgumentParser
import Datasets
import Experiment
import Glibc

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Train, log and test an experiment (the default: `runner SPEC`).",
    discussion: """
      Values of the spec can be replaced on the command line by their path: \
      optimizer.learning_rate=3e-4, model[2].filters=32, name=wide. All of it is recorded with \
      the run.

      The first Ctrl-C (or SIGTERM) finishes the step, writes a checkpoint and stops; the second \
      stops at once. `runner resume` goes on from there.
      """)

  @Argument(
    help: ArgumentHelp("The experiment, a JSON file.", valueName: "spec"), transform: Arguments.path
  )
  var spec: String

  @Argument(help: ArgumentHelp("Values to replace in the spec.", valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp("Where the folders of runs go.", valueName: "folder"),
    transform: Arguments.path)
  var output = "results"

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var rehearsal: RehearsalOptions

  func run() throws {
    let loaded = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator)
    try compute.useKernel(loaded.spec.compute.kernel)
    // Before anything is left behind.
    try loaded.spec.checkMemory(threads: compute.threadCount)
    try Files.makeFolders("\(output)/\(loaded.spec.name)")
    let data = try compute.load(loaded.spec)
    if let note = loaded.spec.movingStatisticsNote(trainingImages: data.train.count) {
      Display.say("note: \(note)")
    }
    Interruption.listen()
    let (folder, outcome) = try Run.start(
      loaded.spec, verbatim: loaded.verbatim, data: data, under: output,
      options: rehearsal.applied(to: compute.runOptions())
    ) { try compute.introduce(loaded.spec, data, in: $0) }
    try report(outcome, of: folder, spec: loaded.spec)
  }
}

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with a run that was stopped or killed.",
    discussion: """
      The run ends with the same bytes in metrics.csv and the same weights as though it had never \
      been interrupted, with any number of threads.
      """)

  @Argument(
    help: ArgumentHelp("The folder of the run, results/NAME/ID.", valueName: "run"),
    transform: Arguments.path)
  var path: String

  @OptionGroup var compute: ComputeOptions
  @OptionGroup var rehearsal: RehearsalOptions

  func run() throws {
    let folder = try openRun(path)
    let record = try RunRecord(reading: folder.record)
    switch record.status {
    case .completed:
      try drawMissingCurves(of: folder, title: record.name)
      try Output.print("\(folder.path) is complete: \(record.ending ?? "nothing is left to do").")
      return
    case .diverged:
      throw RecordError(
        folder.path,
        "diverged: \(record.ending ?? ""). Resumed, it would do so again; change the spec (a lower "
          + "optimizer.learning_rate, for one) and start it anew")
    case .running, .interrupted, .failed: break
    }
    let spec = try folder.readResolved()
    try compute.useKernel(record.environment.kernel)
    let data = try compute.load(spec, recorded: record.data)
    let options = rehearsal.applied(to: compute.runOptions())
    for difference in options.environment.differences(from: record.environment) {
      Display.say("note: not as when the run began: \(difference)")
    }
    Interruption.listen()
    let outcome = try Run.resume(folder, isLatest: true, data: data, options: options) {
      try compute.introduce(spec, data, in: folder)
    }
    try report(outcome, of: folder, spec: spec)
  }
}

/// Not in the help: how tests end a run at a chosen step.
struct RehearsalOptions: ParsableArguments {
  @Option(help: .private) var killAtStep: Int?
  @Option(help: .private) var stopAtStep: Int?

  func applied(to options: RunOptions) -> RunOptions {
    var options = options
    options.killAtStep = killAtStep
    options.stopAtStep = stopAtStep
    return options
  }
}
