import Foundation
import TestSupport
import Testing

/// Results that cannot be written are told of, by every command.
@Suite struct OutputTests {
  /// A folder with a run and a sweep, both complete.
  static func folder() throws -> (folder: TemporaryFolder, run: String) {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    let run = try InterruptionTests.reference(in: folder)
    #expect(try Program.run("sweep", "sweep.json", "-j", "2", "--quiet", in: folder).status == 0)
    return (folder, run)
  }

  /// Every command as it is called, RUN standing for the folder of a run.
  static let commands = [
    "small.json --quiet --threads 1", "resume RUN", "resume STOPPED --quiet --threads 1",
    "verify RUN --quiet", "evaluate RUN", "evaluate RUN --confusion --format csv",
    "plot RUN", "plot RUN --output -", "plot results/sweep", "leaderboard results/sweep",
    "compare reference/small", "validate small.json --threads 1", "explain", "explain adam",
    "explain --all --format markdown", "schema", "schema --sweep", "data list",
    "data list --format csv", "data check small.json", "data show synthetic_digits --count 4",
    "predict RUN synthetic_digits.png --resize area", "data show small.json --augmented --count 2",
    "quantize RUN --quiet --threads 1", "tradeoff RUN --rounds 1 --quiet",
    "prune RUN share=0.5 multiple=1 epochs=0 --quiet --threads 1 --to narrow --force",
    "export RUN small.onnx --quiet --threads 1", "import small.onnx imported",
    "bench small.json --threads 1", "monitor log.jsonl RUN --reference held.csv",
    "promote models 1",
    "baselines small.json --threads 1 --output other",
    "lr-find small.json --quiet --threads 1 --output other", "doctor",
    "sweep sweep.json --status", "sweep sweep.json --dry-run", "sweep sweep.json --quiet",
    "sweep sweep.json --quiet --output other -j 2", "sweep sweep.json --engine slurm --dry-run",
    "--help", "help run", "data show --help", "--version", "--generate-completion-script bash",
  ]

  @Test func outputThatCannotBeWritten() throws {
    let (folder, run) = try Self.folder()
    let stopped = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "7", "--output", "stopped",
      in: folder)
    #expect(stopped.status == 75)
    // A log without requests, images to hold them against, and a version.
    try folder.write("", to: "log.jsonl")
    let rows = (0..<24).map { row in
      ([row % 10] + (0..<784).map { ($0 * (row + 3)) % 256 }).map(String.init)
        .joined(separator: ",")
    }
    let header = (["label"] + (0..<784).map { "pixel\($0)" }).joined(separator: ",")
    try folder.write(([header] + rows).joined(separator: "\n") + "\n", to: "held.csv")
    try folder.file(
      "models/1/model.safetensors", [UInt8](try folder.data("\(run)/model.safetensors")))
    let names = ["RUN": run, "STOPPED": try folder.run(of: "small", under: "stopped")]
    for command in Self.commands {
      let arguments = command.split(separator: " ").map { names[String($0)] ?? String($0) }
      let result = try Program.shell(
        "exec \"$RUNNER\" \(arguments.joined(separator: " ")) > /dev/full", in: folder)
      #expect(result.status == 1 && result.signal == nil, "\(command): \(result)")
      #expect(
        result.errors.hasSuffix(
          "error: cannot write the standard output: No space left on device (the disk is full; "
            + "free some space or write to another disk)\n"), "\(command): \(result)")
    }
    // What was computed is there all the same.
    let whole = try folder.run(of: "small")
    try expectSameRecord(run, whole, in: folder)
    #expect(folder.exists("\(whole)/plots/curves.svg"))
    try expectSameRecord(run, names["STOPPED"]!, in: folder)
    for file in SweepTests.reproducible {
      let same = try folder.data("results/sweep/\(file)") == folder.data("other/sweep/\(file)")
      #expect(same, "\(file)")
    }
  }

  /// The table above leaves no command out but those that become another program, or are the table's own.
  @Test func everyCommandIsAmongThem() throws {
    let help = try Program.run("--help", in: TemporaryFolder()).output
    let list = try #require(help.components(separatedBy: "SUBCOMMANDS:\n").last)
    let names = list.components(separatedBy: "\n\n")[0].split(separator: "\n").filter {
      $0.hasPrefix("  ") && !$0.hasPrefix("   ")
    }
    .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(names.count > 10)
    for name in names where name != "run" && name != "serve" {
      #expect(Self.commands.contains { $0.hasPrefix(name) }, "\(name)")
    }
  }

  /// As `| head` does: no error, but no success either, as of any other program.
  @Test(arguments: ["schema", "small.json --quiet --threads 1"])
  func aReaderThatIsGone(_ command: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let gone = try Program.shell(
      "trap - PIPE; { \"$RUNNER\" \(command); echo $? > status; } | true", in: folder)
    #expect(gone.errors == "")
    #expect(try folder.text("status") == "141\n")
    // Where nobody is to be ended by SIGPIPE, it is an error as any other.
    let told = try Program.shell(
      "trap '' PIPE; { \"$RUNNER\" \(command); echo $? > status; } | true", in: folder)
    #expect(told.errors == "error: cannot write the standard output: Broken pipe\n")
    #expect(try folder.text("status") == "1\n")
    if command.hasPrefix("small") {
      let runs = try folder.runs(of: "small")
      #expect(runs.count == 2)
      try expectSameRecord(runs[0], runs[1], in: folder)
    }
  }

  /// As daemons have them: what is meant for the screen must not get into files that are opened later.
  @Test func descriptorsThatAreClosed() throws {
    let (folder, run) = try Self.folder()
    let closed = "<&- >&- 2>&-"
    func status(_ command: String) throws -> Int32 {
      try Program.shell("exec \"$RUNNER\" \(command) \(closed)", in: folder).status
    }
    func expectWhole(_ path: String) throws {
      try expectSameRecord(run, path, in: folder)
      let timing = try folder.text("\(path)/timing.csv").split(separator: "\n")
      #expect(timing.count == 4)
      #expect(
        timing.dropFirst().allSatisfy { $0.split(separator: ",").allSatisfy { Double($0) != nil } })
      #expect(try folder.text("\(path)/.lock") == "")
    }
    #expect(try status("small.json --threads 1") == 0)
    try expectWhole(try folder.run(of: "small"))
    #expect(try status("small.json --threads 1 --stop-at-step 7 --output stopped") == 75)
    let stopped = try folder.run(of: "small", under: "stopped")
    #expect(try status("resume \(stopped) --threads 1") == 0)
    try expectWhole(stopped)
    #expect(try status("sweep sweep.json -j 2 --output other") == 0)
    for file in SweepTests.reproducible {
      let same = try folder.data("results/sweep/\(file)") == folder.data("other/sweep/\(file)")
      #expect(same, "\(file)")
    }
    let journal = try folder.text("other/sweep/journal/local.csv").split(separator: "\n")
    #expect(journal.count == 1 + 9 + 1)
    #expect(journal[0].hasPrefix("trial,seed,stage,"))
    #expect(journal.dropFirst().allSatisfy { $0.contains(",completed,") })
    let timing = try folder.text("other/sweep/timing.csv").split(separator: "\n")
    #expect(timing.count == 1 + 9 + 1 && timing.allSatisfy { $0.split(separator: ",").count == 5 })
    for file in [".lock", "workers.log"] {
      #expect(try folder.text("other/sweep/\(file)") == "", "\(file)")
    }
    #expect(try status("verify \(run) --threads 1") == 0)
    #expect(try status("small.json optimizer.name=adm") == 2)
    #expect(try status("evaluate results/none") == 2)
  }
}
