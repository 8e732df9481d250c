import Foundation
import TestSupport
import Testing

/// Named pipes and devices in the place of any file: told of at once, and never waited for.
@Suite struct SpecialFileTests {
  /// Runs the program for 20 seconds at most; then its status is 124.
  static func run(_ arguments: String, in folder: TemporaryFolder) throws -> Program.Result {
    try Program.shell("exec timeout 20 \"$RUNNER\" \(arguments)", in: folder)
  }

  static func makePipe(_ name: String, in folder: TemporaryFolder) throws {
    let path = folder.url.appending(path: name).path
    unlink(path)
    #expect(mkfifo(path, 0o600) == 0, "\(name)")
  }

  static func expectRefusal(
    _ arguments: String, _ name: String, status: Int32 = 1, in folder: TemporaryFolder,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(arguments, in: folder)
    #expect(
      result.status == status, "\(name): \(arguments): \(result)", sourceLocation: sourceLocation)
    #expect(
      result.errors.contains("\(name): it is a named pipe, not a file")
        || result.errors.contains("\(name): cannot be read: it is a named pipe, not a file"),
      "\(name): \(arguments): \(result)", sourceLocation: sourceLocation)
    // It is still there.
    var status = stat()
    #expect(stat(folder.url.appending(path: name).path, &status) == 0)
    #expect(status.st_mode & S_IFMT == S_IFIFO, "\(name)", sourceLocation: sourceLocation)
  }

  @Test func specs() throws {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    try Self.makePipe("pipe.json", in: folder)
    for command in ["", "validate", "sweep", "bench", "baselines", "lr-find", "data check"] {
      try Self.expectRefusal("\(command) pipe.json", "pipe.json", status: 2, in: folder)
    }
    try Self.makePipe("base.json", in: folder)
    let sweep = try Self.run("sweep sweep.json", in: folder)
    #expect(
      sweep.status == 2 && sweep.errors.contains("it is a named pipe, not a file"), "\(sweep)")
    let device = try Self.run("validate /dev/zero", in: folder)
    #expect(device.status == 2)
    #expect(device.errors.hasPrefix("/dev/zero: cannot be read: it is a device, not a file\n"))
  }

  /// What a shell makes of `<(…)` is a pipe that the program was started with.
  @Test func specsThroughPipes() throws {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    let run = try InterruptionTests.reference(in: folder)
    func expectSame(_ result: Program.Result, _ output: String) throws {
      #expect(result.status == 0, "\(result)")
      let piped = try folder.run(of: "small", under: output)
      try expectSameRecord(run, piped, in: folder)
      #expect(try folder.text("\(piped)/spec.json") == Specs.small)
    }
    let options = "--quiet --threads 1 --output"
    try expectSame(
      Program.shell("cat small.json | \"$RUNNER\" /dev/stdin \(options) stdin", in: folder), "stdin"
    )
    try expectSame(
      Program.shell("\"$RUNNER\" /dev/stdin \(options) file < small.json", in: folder), "file")
    try expectSame(
      Program.shell(
        "export RUNNER; bash -c '\"$RUNNER\" <(cat small.json) \(options) substituted'", in: folder),
      "substituted")
    // The pipe is empty when the program executes itself anew, to choose the kernel.
    let again = try Program.shell(
      "export RUNNER; bash -c '\"$RUNNER\" <(cat small.json) compute.kernel=NEHALEM \(options) again'",
      in: folder)
    #expect(again.status == 0, "\(again)")
    #expect(try folder.text("\(folder.run(of: "small", under: "again"))/spec.json") == Specs.small)
    let sweep = try Program.shell(
      "cat sweep.json | \"$RUNNER\" sweep /dev/stdin --quiet --dry-run", in: folder)
    #expect(sweep.status == 0, "\(sweep)")
    let plot = try Program.shell(
      "export RUNNER; bash -c '\"$RUNNER\" plot <(cat \(run)/metrics.csv) --output curves.svg'",
      in: folder)
    #expect(plot.status == 0 && folder.exists("curves.svg"), "\(plot)")
  }

  @Test func filesOfARun() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let stopped = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--stop-at-step", "12", in: folder)
    #expect(stopped.status == 75)
    let run = try folder.run(of: "small")
    let reference = try InterruptionTests.reference(in: folder)
    func copy(of source: String) throws -> String {
      _ = try Program.shell("rm -rf copy && cp -r \(source) copy", in: folder)
      return "copy"
    }
    for file in [
      ".lock", "run.json", "resolved.json", "metrics.csv", "timing.csv", "summary.json",
      "checkpoints/last.safetensors", "plots/curves.svg", "model.safetensors",
    ] {
      let name = "\(try copy(of: run))/\(file)"
      try Self.makePipe(name, in: folder)
      try Self.expectRefusal("resume copy --quiet --threads 1", name, in: folder)
    }
    for (command, file) in [
      ("evaluate --weights best", "checkpoints/best.safetensors"), ("evaluate", "run.json"),
      ("verify", "metrics.csv"), ("verify", "summary.json"), ("verify", "resolved.json"),
      ("plot", "metrics.csv"), ("plot", "plots/curves.svg"), ("compare", "run.json"),
      ("evaluate --confusion", "confusion.csv"),
    ] {
      let name = "\(try copy(of: reference))/\(file)"
      try Self.makePipe(name, in: folder)
      let result = try Self.run("\(command) copy", in: folder)
      #expect([1, 2].contains(result.status), "\(command) \(name): \(result)")
      if command != "compare" {
        #expect(result.errors.contains("named pipe"), "\(command) \(name): \(result)")
      }
    }
    // Nor is a device replaced by what is written to it.
    let device = try Self.run("plot \(reference) --output /dev/null", in: folder)
    #expect(device.status == 1)
    #expect(device.errors == "error: cannot write /dev/null: it is a device, not a file\n")
    var status = stat()
    #expect(stat("/dev/null", &status) == 0 && status.st_mode & S_IFMT == S_IFCHR)
  }

  @Test func filesOfASweep() throws {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    let killed = try Program.run(
      "sweep", "sweep.json", "-j", "1", "--quiet", "--kill-after", "2", in: folder)
    #expect(killed.signal == SIGKILL)
    _ = try Program.shell("mv results/sweep begun", in: folder)
    for file in [
      ".lock", "sweep.json", "resolved.json", "spec.json", "journal/local.csv", "timing.csv",
      "workers.log", "trials.csv", "summary.json", "best.json", "plots/parallel.svg",
    ] {
      _ = try Program.shell("rm -rf results/sweep && cp -r begun results/sweep", in: folder)
      _ = try Program.shell("mkdir -p results/sweep/plots", in: folder)
      let name = "results/sweep/\(file)"
      try Self.makePipe(name, in: folder)
      try Self.expectRefusal("sweep sweep.json -j 1 --quiet", name, in: folder)
    }
    _ = try Program.shell("rm -rf results/sweep && cp -r begun results/sweep", in: folder)
    #expect(try Program.run("sweep", "sweep.json", "--quiet", in: folder).status == 0)
    for file in ["trials.csv", "resolved.json"] {
      let name = "results/sweep/\(file)"
      try Self.makePipe(name, in: folder)
      let result = try Self.run("leaderboard results/sweep", in: folder)
      #expect([1, 2].contains(result.status) && result.errors.contains("named pipe"), "\(result)")
    }
  }

  @Test func filesOfADataset() throws {
    let folder = try TemporaryFolder()
    func expectRefusal(_ dataset: String, _ name: String) throws {
      try folder.write(
        OwnDataTests.spec(
          "\(dataset), \"classes\": 3, \"shape\": [8, 8, 1], \"test\": \"none\"", units: 3),
        to: "own.json")
      try Self.expectRefusal("own.json --threads 1", name, in: folder)
    }
    for name in ["a.csv", "a.csv.gz", "a.npz"] {
      try Self.makePipe(name, in: folder)
      try expectRefusal("\"path\": \"\(name)\"", name)
    }
    for path in ["arrays", "idx", "photos/a", "photos/b", "photos/c"] {
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: path), withIntermediateDirectories: true)
    }
    for name in ["x_train", "y_train"] { try Self.makePipe("arrays/\(name).npy", in: folder) }
    try expectRefusal(#""path": "arrays", "format": "npy""#, "arrays/y_train.npy")
    for name in ["images-idx3", "labels-idx1"] {
      try Self.makePipe("idx/train-\(name)-ubyte", in: folder)
    }
    try expectRefusal(#""path": "idx", "format": "idx""#, "idx/train-labels-idx1-ubyte")
    try Self.makePipe("photos/a/1.png", in: folder)
    try expectRefusal(#""path": "photos""#, "photos/a/1.png")
    // A published set, which its user has put there.
    for file in ["train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"] {
      try FileManager.default.createDirectory(
        at: folder.url.appending(path: "data/mnist"), withIntermediateDirectories: true)
      try Self.makePipe("data/mnist/\(file)-ubyte", in: folder)
    }
    let check = try Self.run("data check mnist", in: folder)
    #expect(
      check.status == 1 && check.errors.contains("it is a named pipe, not a file"), "\(check)")
  }
}
