import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Glibc
import Report
import Storage
import Sweep
import TerminalText

struct SweepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sweep",
    abstract: "Search hyperparameters: many trials of an experiment, in parallel.",
    discussion: """
      SPEC is a sweep (see experiments/sweeps), or an experiment with several values for some of \
      its keys, which makes a grid:

        runner sweep experiments/sweeps/quickstart.json -j 2
        runner sweep experiments/lenet.json optimizer.learning_rate=1e-4,3e-4,1e-3 --seeds 1-3

      Every trial trains on one thread and is judged by the validation images; the test images \
      are not read. The winner is then run again with fresh seeds and tested. results/NAME/ holds \
      trials.csv, a run's folder for every trial, summary.json and best.json.

      The first Ctrl-C stops at checkpoints. The same command goes on, to the same bytes: how many \
      trials run at once, and when they were interrupted, changes nothing. Where "trials" has \
      grown in the spec, the sweep is extended.

      A trial that a completed run under --output was already is taken from there, if its \
      metrics.csv, summary.json and checkpoints have each other's digests; others are named and \
      passed over. The exit status is 3 where trials failed, where none has a value to be judged \
      by, as when all diverged, or where a run that was to confirm the winner came to nothing. The \
      same command runs those of the last kind again, and trials that failed with --retry-failed.
      """)

  @Argument(
    help: ArgumentHelp("A sweep or an experiment, a JSON file.", valueName: "spec"),
    transform: Arguments.path)
  var spec: String

  @Argument(
    help: ArgumentHelp(
      "Values to replace in the sweep; or, for an experiment, values to try.",
      valueName: "key=value"))
  var values: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Trials that run at once. (default: one per core)", valueName: "n"))
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "Seeds to run each configuration of an experiment's grid with: 1-3 or 1,5,9.",
      valueName: "seeds"))
  var seeds: String?

  @Option(
    help: ArgumentHelp("Where the sweep's folder goes.", valueName: "folder"),
    transform: Arguments.path)
  var output = "results"

  @Option(
    help: ArgumentHelp(
      "Where datasets lie, before $RUNNER_DATA and data/; downloads are kept here.",
      valueName: "folder"), transform: Arguments.path)
  var data: String?

  @Flag(help: "No progress on stderr.")
  var quiet = false

  @Flag(help: "Stop at the first trial that fails.")
  var failFast = false

  @Option(help: ArgumentHelp("Stop when so many trials have failed.", valueName: "n"))
  var maxFailures: Int?

  @Flag(help: "Run the trials again that failed or crashed.")
  var retryFailed = false

  @Option(help: "Where trials run: on this machine, or as a job array on a cluster.")
  var engine = Engine.local

  @Option(
    help: ArgumentHelp(
      "An option of sbatch, such as partition=long, time=2:00:00 or cpus-per-task=4; as often as "
        + "needed.", valueName: "key=value"),
    transform: Arguments.slurmOption)
  var slurm: [SlurmJob.Option] = []

  @Flag(help: "Print what would be done, and do nothing.")
  var dryRun = false

  @Flag(help: "Print where the sweep stands, and do nothing.")
  var status = false

  @OptionGroup var format: DocumentOptions
  @OptionGroup var rehearsal: SweepRehearsalOptions

  enum Engine: String, ExpressibleByArgument, CaseIterable { case local, slurm }

  func validate() throws {
    if engine != .slurm, !slurm.isEmpty {
      throw ValidationError("--slurm is for --engine slurm")
    }
    if let jobs, !(1...1024).contains(jobs) {
      throw ValidationError("--jobs must be from 1 to 1024, not \(jobs)")
    }
    if let maxFailures, maxFailures < 1 {
      throw ValidationError("--max-failures must be at least 1, not \(maxFailures)")
    }
  }

  func run() throws {
    let loaded = try SweepSpec.open(
      path: spec, arguments: values, seeds: seeds, locator: .standard(dataFolder: data))
    let folder = SweepFolder("\(output)/\(loaded.spec.name)")
    if status {
      guard folder.isSweep else { throw UsageError("\(folder.path): there is no such sweep yet") }
      return try printStatus(try SweepStatus(loaded.spec, folder))
    }
    let check = try loaded.checkTrials()
    if engine == .slurm { return try submit(loaded, folder) }
    if dryRun {
      try ComputeOptions(threads: 1, data: data, quiet: true)
        .useCore(loaded.spec.firstExperiment().compute.kernel)
      let forecast = try SweepForecast(loaded.spec)
      return try format.print(
        forecast.document(loaded.spec, check, jobs: jobs ?? Team.cores))
    }
    let session = SweepSession(data: data, jobs: jobs ?? Team.cores, quiet: quiet)
    let sweep = try session.sweep(loaded, under: output) {
      $0.maximumFailures = failFast ? 1 : maxFailures
      $0.retriesFailed = retryFailed
      $0.rehearsal = rehearsal.rehearsal
    }
    if !quiet { Display.introduce(heading(loaded.spec, folder: sweep.folder)) }
    if let note = try check.leastMoved.flatMap({ try sweep.movingStatisticsNote(of: $0) }) {
      Display.say("note: in some trials, \(note)")
    }
    try report(try sweep.run(), of: sweep)
  }

  /// What a sweep tells before it begins.
  private func heading(_ spec: SweepSpec, folder: SweepFolder) -> [String] {
    let names = spec.space.parameters.map(\.path).joined(separator: ", ")
    let atOnce = jobs ?? Team.cores
    return [
      "\(spec.name): \(folder.path)",
      "  search    \(counted(spec.trials, "trial")) of \(counted(spec.seeds.count, "seed")) by "
        + "\(spec.sampler.name), over \(names)",
      "  compute   \(counted(atOnce, "trial")) at once, a thread each, kernel \(BLASCore.current)",
    ]
  }

  /// Leaves the sweep's spec in its folder, and hands the job array to Slurm.
  private func submit(_ loaded: LoadedSweep, _ folder: SweepFolder) throws {
    let job = SlurmJob(
      tasks: jobs ?? min(loaded.spec.trials, 8), options: slurm, folder: try folder.absolute,
      program: try Files.absolute("/proc/self/exe"),
      dataFolder: try data.map { try Files.absolute($0) })
    let script = try job.script
    if dryRun { return try Output.print(script, terminator: "") }
    let session = SweepSession(data: data, jobs: 1, quiet: quiet)
    // Checks the folder, and that the data is there, before any node is asked.
    _ = try session.sweep(loaded, under: output) { $0.task = "submission" }
    let number = try job.submit()
    try Output.print("job            \(number), \(job.tasks) tasks")
    try Output.print("script         \(job.scriptPath)")
    try Output.print("status         runner sweep \(spec) --status")
  }

  private func printStatus(_ status: SweepStatus) throws {
    try Output.print("\(status.name)  \(status.status)")
    try Output.print("trials         \(status.settled) of \(status.total) are over")
    if status.failures > 0 { try Output.print("failures       \(status.failures)") }
    if let best = status.best {
      let value = status.metric.text(best.value)
      try Output.print("best           trial \(best.trial): \(status.metric.rawValue) \(value)")
    }
    for (stage, task) in status.running {
      try Output.print("running        trial \(stage.trial), seed \(stage.seed), on \(task)")
    }
  }

  private func report(_ outcome: SweepOutcome, of sweep: SweepRun) throws {
    switch outcome {
    case .interrupted(let signal):
      Display.say("stopped at checkpoints; the same command goes on")
      throw ExitCode(Interruption.exitStatus(of: signal))
    case .timeUp(let trials):
      Display.say(
        "the time limit is reached after \(trials) of \(sweep.spec.trials) trials; the same "
          + "command goes on")
      throw ExitCode(75)
    case .gaveUp(let failures):
      Display.say(
        "error: \(failures) trial\(failures == 1 ? "" : "s") failed; see stop_reason in "
          + "\(sweep.folder.trials), then use --retry-failed")
      throw ExitCode(ExitStatus.failures)
    case .completed:
      let summary = try sweep.summary()
      _ = try SweepPictures(sweep.folder).write(to: sweep.folder.plots)
      let results = SweepResults(summary, folder: sweep.folder).text
      try Output.print(
        WrappedText.fitted(results, columns: Terminal.output.columns), terminator: "")
      try summary.tellFailures()
    }
  }
}
