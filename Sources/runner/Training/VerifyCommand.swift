import ArgumentParser
import Datasets
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
      data is not to be had.
      """)

  @Argument(
    help: ArgumentHelp("The folder of the run, results/NAME/ID.", valueName: "run"),
    transform: Arguments.path)
  var path: String

  @Option(help: ArgumentHelp("Compare only the first so many epochs.", valueName: "n"))
  var epochs: Int?

  @Flag(help: "Go on after a difference, and tell all.")
  var all = false

  @OptionGroup var compute: ComputeOptions

  func validate() throws {
    if let epochs, epochs < 1 { throw ValidationError("--epochs must be at least 1") }
  }

  func run() throws {
    let folder = try openRun(path)
    let recorded = try Verification.read(folder)
    try compute.useCore(recorded.run.environment.kernel)
    let data = try compute.load(recorded.spec, recorded: recorded.run.data)
    Interruption.listen()
    let verification = try Verification.carryOut(
      recorded, data: data, epochs: epochs, findsAll: all, options: compute.runOptions())
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

  private func say(_ line: String) throws {
    try Output.print(WrappedText.fitted(line, columns: Terminal.output.columns))
  }
}
