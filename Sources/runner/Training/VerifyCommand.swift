import ArgumentParser
import ConvNet
import Datasets
import Exchange
import Experiment
import Storage
import TerminalText

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Carry a run out again and compare it bit for bit.",
    discussion: """
      Trains and tests anew from the folder's resolved.json, with the kernel that run.json \
      records, and compares all that the folder states of it: metrics.csv row by row, every figure \
      of summary.json, the dataset's digest and the rest of run.json that can be told again, and \
      the checkpoints that are there. It says what was compared, what the folder doesn't have (it \
      needs no checkpoints), and what was left out. The folder isn't changed. It stops at the first \
      epoch that differs, or goes on with --all; on a difference the exit status is 4, and the first \
      is told, or all, with what differs in the surroundings. A run that can't be repeated here is \
      not a difference: the exit status is 69 where the kernel needs another processor, 1 where the \
      data is not to be had, or a model that the run began with or was taught by. Those are looked for where \
      the run found them, from the current folder and from those around the run; --initial and --teacher \
      say where they are by now. Another than it was is refused.

      The FILE.json of an export is verified as well: the exported file has the digest that is \
      recorded, is read back and asked about the same images beside the model, and all figures are \
      compared. --model says where the model is, should it lie elsewhere by now.
      """)

  @Argument(
    help: ArgumentHelp(
      "The folder of the run, results/NAME/ID, or the FILE.json of an export.", valueName: "run"),
    transform: Arguments.path)
  var path: String

  @Option(help: ArgumentHelp("Compare only the first so many epochs.", valueName: "n"))
  var epochs: Int?

  @Flag(help: "Go on after a difference, and tell all.")
  var all = false

  @Option(
    help: ArgumentHelp(
      "Of an export, where its model is. (default: as recorded)", valueName: "model"),
    transform: Arguments.path)
  var model: String?

  @Option(
    help: ArgumentHelp(
      "Of a run that began with a model, where that is. (default: as recorded)", valueName: "model"),
    transform: Arguments.path)
  var initial: String?

  @OptionGroup var teachers: TeacherOptions
  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let epochs, epochs < 1 { throw ValidationError("--epochs must be at least 1") }
  }

  func run() throws {
    if Certificate.isOne(path), Files.exists(path) { return try verifyExport() }
    if model != nil { throw UsageError("--model is for the FILE.json of an export") }
    let folder = try openRun(path)
    let recorded = try Verification.read(folder)
    try compute.useCore(recorded.run.environment.kernel)
    let data = try compute.load(recorded.spec, recorded: recorded.run.data)
    var options = compute.runOptions()
    if let initial {
      guard recorded.spec.initial != nil else {
        throw UsageError("--initial: \(folder.path) began with fresh weights")
      }
      options.initialPlaces = [initial]
    }
    options.teacherPlaces = try teachers.places(of: recorded.spec, folder)
    Interruption.listen()
    let verification = try Verification.carryOut(
      recorded, data: data, epochs: epochs, findsAll: all, options: options)
    guard let first = verification.differences.first else {
      try say(
        "\(folder.path): verified, to the last bit: "
          + verification.compared.joined(separator: "; "))
      for (name, list) in [
        ("not there", verification.absent), ("not compared", verification.leftOut),
      ] where !list.isEmpty {
        try say("\(name): \(list.joined(separator: "; "))")
      }
      return
    }
    try say("\(folder.path): NOT the same: \(first)")
    for other in verification.differences.dropFirst() { try say("  and \(other)") }
    if verification.causes.isEmpty {
      try say("kernel, OpenBLAS, toolchain, program and CPU are as recorded")
    } else {
      try say("what differs in the surroundings:")
      for cause in verification.causes { try say("  \(cause)") }
    }
    throw ExitCode(ExitStatus.mismatch)
  }

  /// Asks an exported file and its model again, and compares what comes of it with the certificate.
  private func verifyExport() throws {
    let recorded = try Certificate(reading: path)
    let files = try recorded.readFiles(beside: path)
    let place = model ?? recorded.model
    let opened = try openAnswering(place)
    guard opened.weightsDigest == recorded.weightsDigest else {
      try say("\(path): NOT the same: \(place) has other weights than those that were exported")
      throw ExitCode(ExitStatus.mismatch)
    }
    try compute.useCore(recorded.kernel)
    let images = try CheckedImages(recorded.images, of: place, opened, compute)
    let (export, team) = (
      try opened.export(recorded.options, at: place), try Team(threads: compute.threadCount)
    )
    let found = try export.compare(
      files, with: export.scores(of: images, team: team), on: images, team: team)
    guard found == recorded.comparison else {
      try say(
        "\(path): NOT the same: "
          + (found.complaint ?? "the figures are others, to the last digits"))
      throw ExitCode(ExitStatus.mismatch)
    }
    try say("\(path): verified")
    for line in recorded.lines { try say(line) }
  }

  private func say(_ line: String) throws {
    try Output.print(WrappedText.fitted(line, columns: Terminal.output.columns))
  }
}

/// Where the models that taught a run are by now.
struct TeacherOptions: ParsableArguments {
  @Option(
    name: .customLong("teacher"),
    help: ArgumentHelp(
      "Of a run that models taught, where one of them is; may be given for each. (default: as recorded)",
      valueName: "model"),
    transform: Arguments.path)
  var paths: [String] = []

  /// - Throws: `UsageError` where no model taught the run.
  func places(of spec: ExperimentSpec, _ folder: RunFolder) throws -> [String] {
    guard paths.isEmpty || spec.teacher != nil else {
      throw UsageError("--teacher: \(folder.path) was taught by the labels alone")
    }
    return paths
  }
}
