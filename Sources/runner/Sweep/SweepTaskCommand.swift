import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Storage
import Sweep

/// A task of a job array: what `--engine slurm` has every node run.
struct SweepTaskCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep-task", abstract: "Take trials of a sweep that several processes share.",
    shouldDisplay: false)

  @Argument(transform: Arguments.path) var folder: String
  @Option(transform: Arguments.path) var data: String?
  /// For tests without Slurm.
  @Option var name: String?
  @OptionGroup var rehearsal: SweepRehearsalOptions

  func run() throws {
    guard let task = name ?? SlurmJob.currentTask else {
      throw UsageError("sweep-task is what a job array runs; use runner sweep --engine slurm")
    }
    let folder = SweepFolder(folder)
    let loaded = try SweepSpec.open(path: folder.resolved)
    let sweep = try SweepSession(data: data, jobs: SlurmJob.currentJobs, quiet: false)
      .sweep(loaded, under: Files.parent(of: folder.path)) {
        $0.task = task
        $0.rehearsal = rehearsal.rehearsal
      }
    switch try sweep.run() {
    case .completed: try sweep.summary().tellFailures()
    case .interrupted, .timeUp:
      Display.say("stopped at checkpoints; the task is put back into the queue")
      try SlurmJob.requeue()
      throw ExitCode(75)
    case .gaveUp: throw ExitCode(ExitStatus.failures)
    }
  }
}

/// What a sweep starts for its trials.
struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Run trials for a sweep.", shouldDisplay: false)

  @Argument var shared: String
  @Option(transform: Arguments.path) var data: String?

  func run() throws {
    BLAS.useOneThread()
    try ComputeOptions.claimAddresses()
    Interruption.listen()
    let options = ComputeOptions(threads: 1, data: data, quiet: true).runOptions()
    try Worker(
      shared: try SharedDataset(line: shared), dataFolder: data, environment: options.environment
    ).run()
  }
}

/// Not in the help: how tests end a sweep at a chosen place.
struct SweepRehearsalOptions: ParsableArguments {
  @Option(help: .private) var trapTrial: Int?
  @Option(help: .private) var trapConfirmation: UInt64?
  @Option(help: .private) var killAfter: Int?
  @Flag(help: .private) var trainNothing = false

  var rehearsal: SweepOptions.Rehearsal {
    var rehearsal = SweepOptions.Rehearsal()
    rehearsal.trapTrial = trapTrial
    rehearsal.trapConfirmation = trapConfirmation
    rehearsal.killAfter = killAfter
    rehearsal.trainsNothing = trainNothing
    return rehearsal
  }
}
