import ArgumentParser
import ConvNet
import Datasets
import Experiment
import Glibc
import Report
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
      by, as when all diverged, or where a run that was to confirm the winner came to nothing; the \
      same command then runs those again that failed. Trials are run again with --retry-failed.
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

  @OptionGroup var format: FormatOption
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
    if dryRun { return try forecast(loaded, check) }
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
    func counted(_ count: Int, _ noun: String) -> String {
      "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
    }
    let names = spec.space.parameters.map(\.path).joined(separator: ", ")
    let atOnce = jobs ?? Team.cores
    return [
      "\(spec.name): \(folder.path)",
      "  search    \(counted(spec.trials, "trial")) of \(counted(spec.seeds.count, "seed")) by "
        + "\(spec.sampler.name), over \(names)",
      "  compute   \(counted(atOnce, "trial")) at once, a thread each, kernel \(Kernel.current)",
    ]
  }

  /// Prints what the sweep will try, and what it will take.
  private func forecast(_ loaded: LoadedSweep, _ check: TrialCheck) throws {
    let spec = loaded.spec
    let compute = ComputeOptions(threads: 1, data: data, quiet: true)
    try compute.useKernel(spec.firstExperiment().compute.kernel)
    let forecast = try SweepForecast(spec)
    var table = TextTable(
      [.init("trial", .right)] + spec.space.parameters.map { .init($0.path) } + [
        .init("parameters", .right), .init("mflop", title: "MFLOP", .right),
        .init("memory_mb", title: "memory", .right), .init("seconds", title: "time", .right),
        .init("disk_mb", title: "disk", .right),
      ])
    func megabytes(_ bytes: Int) -> TextTable.Cell {
      .number(Double(bytes) / 1e6, "\(fixed(Double(bytes) / 1e6, 1)) MB")
    }
    for trial in forecast.trials {
      table.append(
        [.integer(trial.number)] + trial.values.map { .text($0, $0.isEmpty ? "-" : $0) } + [
          .integer(trial.parameters, grouped(trial.parameters)),
          .number(Double(trial.flops) / 1e6, fixed(Double(trial.flops) / 1e6, 2)),
          megabytes(trial.memory), .number(trial.seconds, duration(trial.seconds)),
          megabytes(trial.disk),
        ])
    }
    let count = jobs ?? Team.cores
    var notes = [
      "\(spec.trials) trials, \(spec.seeds.count) seed\(spec.seeds.count == 1 ? "" : "s") each, "
        + "winner confirmed on \(spec.confirm)"
    ]
    if forecast.unknown > 0 {
      notes.append(
        spec.sampler.usesResults
          ? "\(forecast.unknown) trials will be chosen from the results of these"
          : "\(forecast.unknown) more are not shown")
    }
    if forecast.share < 1 {
      notes.append("\(percent(forecast.share)) of all epochs are trained; the rest is cut short")
    }
    notes.append(
      "about \(duration(forecast.seconds / Double(count))) with \(count) jobs, "
        + "\(fixed(Double(forecast.disk) / 1e9, 2)) GB of disk")
    if let note = check.leastMoved?.movingStatisticsNote() {
      notes.append("in some trials, \(note)")
    }
    var document = TextDocument()
    document.append(table, key: "trials")
    document.append(notes, key: "notes")
    try format.print(document)
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
      let value = status.metric.isAccuracy ? percent(best.value) : fixed(best.value, 4)
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
      try tell(summary)
    }
  }
}

/// Throws the status of a sweep that went through to its end and did not come to all of it.
private func tell(_ summary: SweepSummary) throws {
  if let lacking = summary.lacking {
    Display.say("error: \(lacking)")
  }
  if summary.lacking != nil || summary.failures > 0 { throw ExitCode(ExitStatus.failures) }
}

/// What a sweep needs before it begins: the kernel, the images, the ears for signals.
struct SweepSession {
  private let compute: ComputeOptions

  init(data: String?, jobs: Int, quiet: Bool) {
    compute = ComputeOptions(threads: jobs, data: data, quiet: quiet)
  }

  /// - Parameter adjust: sets what is particular to the command.
  func sweep(
    _ loaded: LoadedSweep, under output: String, adjust: (inout SweepOptions) -> Void
  ) throws -> SweepRun {
    let first = try loaded.spec.firstExperiment()
    try compute.useKernel(first.compute.kernel)
    try loaded.spec.checkMemory(jobs: compute.threadCount)
    let images = try compute.loadImages(first.dataset)
    _ = try compute.data(of: first, images)
    let run = compute.runOptions()
    var options = SweepOptions(
      jobs: compute.threadCount, command: run.command, environment: run.environment)
    options.dataFolder = compute.data
    options.isQuiet = compute.quiet
    adjust(&options)
    Interruption.listen()
    return try SweepRun(loaded, under: output, images: images, options: options)
  }
}

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
    case .completed: try tell(try sweep.summary())
    case .interrupted, .timeUp:
      Display.say("stopped at checkpoints; the task is put back into the queue")
      try SlurmJob.requeue()
      throw ExitCode(75)
    case .gaveUp: throw ExitCode(ExitStatus.failures)
    }
  }
}

/// What a completed sweep prints on stdout.
struct SweepResults {
  let text: String

  init(_ summary: SweepSummary, folder: SweepFolder) {
    let metric = summary.spec.metric
    func figure(_ value: Double) -> String {
      metric.isAccuracy ? percent(value) : fixed(value, 4)
    }
    var lines: [String] = []
    lines.append(
      "trials         " + summary.counts.map { "\($0.count) \($0.status)" }.joined(separator: ", "))
    if let winner = summary.winner {
      lines.append(
        "winner         trial \(winner.trial): \(metric.rawValue) \(figure(winner.value))")
      for (path, value) in winner.parameters where !value.isEmpty {
        lines.append("               \(path) = \(value)")
      }
      let tests = summary.testAccuracies
      if !tests.isEmpty {
        let mean = tests.reduce(0, +) / Double(tests.count)
        var line = "confirmed      test accuracy \(percent(mean))"
        if tests.count > 1 {
          let squares = tests.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
          let deviation = (squares / Double(tests.count - 1)).squareRoot()
          line += " ± \(fixed(100 * deviation, 2))"
        }
        let asked = summary.spec.confirmationSeeds.count
        line += " over \(tests.count) fresh seed\(tests.count == 1 ? "" : "s")"
        if tests.count < asked { line += " of \(asked)" }
        lines.append(line)
      }
      for run in summary.confirmed where run.status != .completed {
        lines.append("NOT confirmed  the run on seed \(run.seed) \(run.status.rawValue)")
      }
      let validated = summary.confirmed.compactMap(\.metric)
      if !validated.isEmpty {
        let mean = validated.reduce(0, +) / Double(validated.count)
        lines.append(
          "               \(metric.rawValue) \(figure(mean)) on them; it was chosen by "
            + "\(figure(winner.value)), the best of \(summary.spec.trials)")
      }
      lines.append("best           runner \(folder.best)")
    } else {
      lines.append("winner         none: no trial has a \(metric.rawValue)")
    }
    lines.append("trials         \(folder.trials)")
    lines.append("pictures       \(folder.plots)")
    lines.append("ranking        runner leaderboard \(folder.path)")
    text = lines.joined(separator: "\n") + "\n"
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
