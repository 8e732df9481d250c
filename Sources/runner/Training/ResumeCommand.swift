import ArgumentParser
import Datasets
import Experiment
import Storage

struct ResumeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume",
    abstract: "Go on with a run that was stopped or killed, or train a finished one for longer.",
    discussion: """
      The run ends with the same bytes in metrics.csv and the same weights as though it had never \
      been interrupted, with any number of threads. The models that teach it must be there (--teacher).

      Of a run that is complete, training.epochs=N trains further epochs, up to the N-th, in a folder \
      of a new run, whose run.json says from which it went on; the old one stays as it is. All else is \
      as the old run's resolved.json has it, also how long a schedule lasts that was to last as long \
      as the training: what that comes to is told. The new run has the bits of one that was trained \
      from its beginning with its resolved.json, and is verified as such.

        runner resume results/lenet/latest
        runner resume results/lenet/latest training.epochs=20
      """)

  @Argument(
    help: ArgumentHelp("The folder of the run, results/NAME/ID.", valueName: "run"),
    transform: Arguments.path)
  var path: String

  @Argument(
    help: ArgumentHelp(
      "For a run that is complete: training.epochs=N, more epochs than it has trained.",
      valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    help: ArgumentHelp("Where the folder of a new run goes.", valueName: "folder"),
    transform: Arguments.path)
  var output = "results"

  @OptionGroup var teachers: TeacherOptions
  @OptionGroup var result: ResultOption
  @OptionGroup var compute: ComputeOptions
  @OptionGroup var rehearsal: RehearsalOptions

  func run() throws {
    let folder = try openRun(path)
    let record = try RunRecord(reading: folder.record)
    if !overrides.isEmpty { return try trainLonger(folder, record) }
    switch record.status {
    case .completed: return try tellComplete(folder, record)
    case .diverged:
      throw RecordError(
        folder.path,
        "diverged: \(record.ending ?? ""). Resumed, it would do so again; change the spec (a lower "
          + "optimizer.learning_rate, for one) and start it anew")
    case .running, .interrupted, .failed: break
    }
    let spec = try folder.readResolved()
    try compute.useCore(record.environment.kernel)
    let data = try compute.load(spec, recorded: record.data)
    let options = try runOptions(record, spec, folder)
    Interruption.listen()
    let outcome = try Run.resume(folder, isLatest: true, data: data, options: options) {
      try compute.introduce(spec, data, in: folder)
    }
    try report(outcome, of: folder, spec: spec, asJSON: result.json)
  }

  private func runOptions(
    _ record: RunRecord, _ spec: ExperimentSpec, _ folder: RunFolder
  ) throws -> RunOptions {
    var options = rehearsal.applied(to: compute.runOptions())
    options.teacherPlaces = try teachers.places(of: spec, folder)
    for difference in options.environment.differences(from: record.environment) {
      Display.say("note: not as when the run began: \(difference)")
    }
    return options
  }

  private func tellComplete(_ folder: RunFolder, _ record: RunRecord) throws {
    try drawMissingCurves(of: folder, title: record.name)
    if result.json {
      let json = try folder.result(curves: Files.exists(folder.curves) ? folder.curves : nil)
      return try Output.print(json.pretty, terminator: "")
    }
    try Output.print("\(folder.path) is complete: \(record.ending ?? "nothing is left to do").")
  }

  private func trainLonger(_ folder: RunFolder, _ record: RunRecord) throws {
    let before = try folder.readResolved()
    var spec = try ExperimentSpec.load(
      path: folder.resolved, overrides: overrides, isBeginning: false
    ).spec
    let epochs = spec.training.epochs
    spec.training.epochs = before.training.epochs
    guard spec == before else {
      throw UsageError(
        "\(overrides.joined(separator: " ")): of a run, only training.epochs can be changed, for all else "
          + "has decided what its epochs came to; start one anew: runner \(folder.resolved) "
          + overrides.joined(separator: " "))
    }
    spec.training.epochs = epochs
    let more = try MoreEpochs(of: folder, spec: spec)
    try compute.useCore(record.environment.kernel)
    let data = try compute.load(spec, recorded: record.data)
    let note = try more.scheduleNote(images: data.train.count)
    let options = try runOptions(record, spec, folder)
    Interruption.listen()
    let (new, outcome) = try more.carryOut(under: output, data: data, options: options) { new in
      try compute.introduce(spec, data, in: new)
      Display.say(
        "goes on from \(folder.path), which ended after epoch \(more.done) and stays as it is")
      if let note { Display.say("note: \(note)") }
    }
    try report(outcome, of: new, spec: spec, asJSON: result.json)
  }
}
