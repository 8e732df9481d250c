import ArgumentParser
import Datasets
import Experiment
import Glibc
import Storage

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

  @OptionGroup var result: ResultOption
  @OptionGroup var compute: ComputeOptions
  @OptionGroup var rehearsal: RehearsalOptions

  func run() throws {
    let loaded = try ExperimentSpec.load(
      path: spec, overrides: overrides, locator: compute.locator)
    try compute.useCore(loaded.spec.compute.kernel)
    // Before anything is left behind.
    try loaded.spec.checkMemory(threads: compute.threadCount, teachers: loaded.teachers)
    try Files.makeFolders("\(output)/\(loaded.spec.name)")
    let data = try compute.load(loaded.spec)
    for note in loaded.spec.notes(trainingImages: data.train.count) {
      Display.say("note: \(note)")
    }
    Interruption.listen()
    let (folder, outcome) = try Run.start(
      loaded.spec, verbatim: loaded.verbatim, data: data, under: output,
      options: rehearsal.applied(to: compute.runOptions())
    ) { try compute.introduce(loaded.spec, data, in: $0) }
    try report(outcome, of: folder, spec: loaded.spec, asJSON: result.json)
  }
}

/// What a run that is over prints.
struct ResultOption: ParsableArguments {
  @Flag(
    help: """
      Print the result as one JSON object: how it ended, where it is, and all of its summary.json.
      """)
  var json = false
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
