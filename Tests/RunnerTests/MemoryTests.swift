import Foundation
import Glibc
import TestSupport
import Testing

/// What doesn't fit is told before anything is begun, and small limits are lived with or named.
@Suite struct MemoryTests {
  private static let wide = """
    {
      "name": "wide",
      "dataset": { "name": "synthetic_digits", "train_count": 60000, "validation": 0.1 },
      "model": [
        { "layer": "conv2d", "filters": 64, "kernel": 3, "activation": "relu" },
        { "layer": "flatten" }, { "layer": "dense", "units": 40000 },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.001 },
      "training": { "epochs": 1, "batch_size": 4096 }
    }
    """

  private func folder() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    try folder.write(Self.wide, to: "wide.json")
    return folder
  }

  /// 1.7·10⁹ weights, and four times as many numbers besides: the gradient, Adam's two, a transposed copy;
  /// and, while a checkpoint is written, twice three times as many.
  @Test(arguments: ["run", "validate", "lr-find", "bench"])
  func whatDoesNotFit(_ command: String) throws {
    let folder = try folder()
    let result = try Program.shell(
      "ulimit -v 8000000; exec \"$RUNNER\" \(command) wide.json "
        + "--threads 1", in: folder)
    #expect(result.status == 2)
    #expect(result.signal == nil)
    let lines = result.errors.split(separator: "\n").map(String.init)
    #expect(lines.count == 4, "\(result.errors)")
    let first = try #require(lines.first)
    let pattern =
      /error: training wide takes ([\d,]+) MB, but the limit on the program's address space \(ulimit -v\) leaves ([\d,]+) MB/
    let match = try #require(try pattern.wholeMatch(in: first), "\(first)")
    func number(_ text: Substring) -> Int { Int(text.filter(\.isNumber))! }
    #expect((78_000...80_000).contains(number(match.1)), "\(first)")
    #expect((6000...8200).contains(number(match.2)), "\(first)")
    #expect(
      lines[2]
        == "  no training.batch_size would fit: the model has to be smaller, or dataset.shape")
    #expect(lines[3] == "nothing was run")
    #expect(!folder.exists("results/wide"))
    // The table is printed all the same.
    if command == "validate" {
      #expect(result.output.contains("memory     "))
      #expect(!result.output.contains("time  "))
      #expect(!result.output.contains("no errors"))
    }
  }

  /// What the message says is true: with as much as is asked for it runs, and with what would fit too.
  @Test func whatIsAskedForIsEnough() throws {
    let folder = try folder()
    let arguments =
      "small.json 'model[0].filters=64' 'model[0].stride=1' training.batch_size=48 training.epochs=1"
    func run(_ kilobytes: Int, _ more: String = "") throws -> Program.Result {
      try Program.shell(
        "ulimit -v \(kilobytes); exec timeout 300 \"$RUNNER\" \(arguments) \(more)", in: folder)
    }
    var limit = 260_000
    var refused = try run(limit, "--threads 2")
    // A debug build maps more of itself than another; what OpenBLAS maps comes first.
    while refused.errors.hasPrefix("error: each thread of OpenBLAS") {
      limit += 20_000
      refused = try run(limit, "--threads 2")
    }
    let pattern = /takes ([\d,]+) MB, but .* leaves ([\d,]+) MB/
    let match = try #require(refused.errors.firstMatch(of: pattern), "\(refused.errors)")
    func number(_ text: Substring) -> Int { Int(text.filter(\.isNumber))! }
    #expect(refused.status == 2)
    #expect(refused.errors.contains("--threads 1 would fit, and gives the same bits"))
    let fewer = try run(limit, "--threads 1")
    #expect(fewer.status == 0, "\(fewer.errors)")
    // In megabytes that were rounded, twice.
    let enough = limit + (number(match.1) - number(match.2) + 2) * 1000
    let result = try run(enough, "--threads 2 name=enough")
    #expect(result.status == 0, "\(result.errors)")
    let one = try folder.run(of: "small")
    let two = try folder.run(of: "enough")
    #expect(try folder.data("\(one)/metrics.csv") == folder.data("\(two)/metrics.csv"))
  }

  /// OpenBLAS would ask for its memory again and again.
  @Test(arguments: [120, 160, 200]) func littleAddressSpace(_ megabytes: Int) throws {
    let folder = try folder()
    let limit = "ulimit -v \(megabytes * 1024)"
    let version = try Program.shell("\(limit); exec timeout 60 \"$RUNNER\" --version", in: folder)
    #expect(version.status == 0 && version.output == "0.1.0\n", "\(version)")
    let result = try Program.shell("\(limit); exec timeout 60 \"$RUNNER\" small.json", in: folder)
    #expect(result.status == 2, "\(result)")
    #expect(
      result.errors.hasPrefix("error: each thread of OpenBLAS's maps 134 MB, but the limit on "))
    #expect(result.errors.hasSuffix("\nnothing was run\n"))
    #expect(!folder.exists("results/small"))
  }

  /// Threads have stacks of their own size; the main thread's is raised, or that it can't be is said.
  @Test func smallStack() throws {
    let folder = try folder()
    let soft = try Program.shell(
      "ulimit -S -s 64; exec \"$RUNNER\" small.json --threads 3", in: folder)
    #expect(soft.status == 0, "\(soft.errors)")
    let hard = try Program.shell("ulimit -s 128; exec \"$RUNNER\" --version", in: folder)
    #expect(hard.status == 1)
    #expect(
      hard.errors
        == "error: the limit on the stack is 128 kB, and may not be raised from here; this program "
        + "needs 1024 kB (ulimit -s)\n")
    let enough = try Program.shell(
      "ulimit -s 1024; exec \"$RUNNER\" small.json --threads 3 name=enough", in: folder)
    #expect(enough.status == 0, "\(enough.errors)")
  }

  /// The superuser has no limit of processes, and becomes nobody for the test.
  @Test func noThreads() throws {
    let folder = try folder()
    try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: folder.path)
    let nobody = geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups " : ""
    let result = try Program.shell(
      "exec \(nobody)prlimit --nproc=1 \"$RUNNER\" small.json --threads 3", in: folder)
    #expect(result.status == 1, "\(result)")
    #expect(
      result.errors.hasSuffix(
        "error: a thread cannot be started: Resource temporarily unavailable; use fewer (--threads 1 "
          + "starts none), or allow this user more processes and memory (ulimit -u, ulimit -v)\n"))
    let one = try Program.shell(
      "exec \(nobody)prlimit --nproc=1 \"$RUNNER\" small.json --threads 1", in: folder)
    #expect(one.status == 0, "\(one.errors)")
  }

  /// As many networks at once as there are jobs.
  @Test func sweep() throws {
    let folder = try folder()
    try folder.write(
      """
      {
        "name": "sweep", "base": "wide.json",
        "parameters": { "training.batch_size": { "choice": [8, 4096] } },
        "sampler": { "name": "grid" }
      }
      """, to: "sweep.json")
    let result = try Program.shell(
      "ulimit -v 8000000; exec \"$RUNNER\" sweep sweep.json -j 2", in: folder)
    #expect(result.status == 2, "\(result)")
    #expect(result.errors.contains("takes "))
    #expect(result.errors.hasSuffix("nothing was run\n"))
    #expect(!folder.exists("results/sweep"))
  }
}
