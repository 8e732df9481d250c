import Foundation
import TestSupport
import Testing

/// Sweeps by the built program: what they leave is a function of their spec, whatever happens on the
/// way.
@Suite struct SweepTests {
  static let base = """
    {
      "name": "base",
      "dataset": { "name": "synthetic_digits", "train_count": 60, "validation": 0.2,
        "stratified": true, "test_count": 20 },
      "model": [
        { "layer": "max_pool", "size": 4 },
        { "layer": "flatten" },
        { "layer": "dense", "units": 8, "activation": "relu" },
        { "layer": "dropout", "rate": 0.1 },
        { "layer": "dense", "units": 10 }
      ],
      "optimizer": { "name": "adam", "learning_rate": 0.01 },
      "training": { "epochs": 4, "batch_size": 12 }
    }
    """

  struct Kind: CustomTestStringConvertible, Sendable {
    let name: String
    let sampler: String
    var termination = "null"
    var trials = 9
    var testDescription: String { name }

    var spec: String {
      """
      {
        "name": "sweep",
        "base": "base.json",
        "parameters": {
          "optimizer.learning_rate": { "range": [1e-4, 1e-1], "scale": "log"\(points) },
          "model[3].rate": { "range": [0, 0.5]\(points) }
        },
        "sampler": \(sampler),
        "trials": \(name == "grid" ? "null" : "\(trials)"),
        "early_termination": \(termination),\(name == "pbt" ? "" : #" "lag": 3,"#)
        "confirm": 1
      }
      """
    }

    private var points: String { name == "grid" ? #", "points": 3"# : "" }
  }

  static let kinds = [
    Kind(name: "grid", sampler: #"{ "name": "grid" }"#),
    Kind(name: "random", sampler: #"{ "name": "random" }"#),
    Kind(name: "sobol", sampler: #"{ "name": "sobol" }"#),
    Kind(name: "tpe", sampler: #"{ "name": "tpe", "startup": 3 }"#),
    Kind(name: "gp", sampler: #"{ "name": "gp", "startup": 3 }"#),
    Kind(
      name: "tpe with halving", sampler: #"{ "name": "tpe", "startup": 3 }"#,
      termination: #"{ "name": "successive_halving", "min_epochs": 1, "eta": 2, "bracket": 4 }"#),
    Kind(
      name: "random with hyperband", sampler: #"{ "name": "random" }"#,
      termination: #"{ "name": "hyperband", "min_epochs": 1, "eta": 2 }"#),
    Kind(
      name: "random with the median rule", sampler: #"{ "name": "random" }"#,
      termination: #"{ "name": "median", "warmup_epochs": 1, "startup_trials": 2 }"#),
    Kind(
      name: "pbt", sampler: #"{ "name": "pbt", "population": 4, "interval": 2 }"#, trials: 8),
  ]

  static func folder(_ spec: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(base, to: "base.json")
    try folder.write(spec, to: "sweep.json")
    return folder
  }

  static let reproducible = [
    "trials.csv", "summary.json", "best.json", "resolved.json", "model.safetensors",
  ]

  private func expectSame(
    _ a: String, _ b: String, in folder: TemporaryFolder,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for file in Self.reproducible {
      // Where nothing is trained there is no model.
      if file == "model.safetensors", !folder.exists("\(a)/sweep/\(file)"),
        !folder.exists("\(b)/sweep/\(file)")
      {
        continue
      }
      let (first, second) = (
        try folder.data("\(a)/sweep/\(file)"), try folder.data("\(b)/sweep/\(file)")
      )
      #expect(first == second, "\(file) of \(a) and \(b)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: kinds) func jobsAndKillsChangeNothing(_ kind: Kind) throws {
    let folder = try Self.folder(kind.spec)
    let one = try Program.run("sweep", "sweep.json", "-j", "1", "--output", "one", in: folder)
    #expect(one.status == 0, "\(one.errors)")
    let four = try Program.run("sweep", "sweep.json", "-j", "4", "--output", "four", in: folder)
    #expect(four.status == 0, "\(four.errors)")
    try expectSame("one", "four", in: folder)
    let rows = try folder.text("one/sweep/trials.csv").split(separator: "\n").dropFirst()
    #expect(rows.count == (kind.name == "pbt" ? 8 : 9))

    // Killed again and again, each time after two more stages.
    for _ in 0..<30 {
      let result = try Program.run(
        "sweep", "sweep.json", "-j", "2", "--kill-after", "2", "--output", "killed", in: folder)
      if result.signal == nil { break }
      #expect(result.signal == SIGKILL)
    }
    try expectSame("one", "killed", in: folder)
  }

  /// However convolutions are computed: each way in a trial of its own.
  @Test func jobsAndKillsChangeNothingOfConvolutions() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "base.json")
    let model = InterruptionTests.convolutions.dropFirst("model=".count)
    try folder.write(
      """
      {
        "name": "sweep", "base": "base.json", "set": { "model": \(model), "training.epochs": 2 },
        "parameters": {
          "compute.convolution": { "choice": ["im2col", "winograd"] },
          "compute.numerics": { "choice": [1, 2] }
        },
        "sampler": { "name": "grid" }, "confirm": 1
      }
      """, to: "sweep.json")
    for (output, jobs) in [("one", "1"), ("three", "3")] {
      let result = try Program.run(
        "sweep", "sweep.json", "-j", jobs, "--output", output, in: folder)
      #expect(result.status == 0, "\(result.errors)")
    }
    try expectSame("one", "three", in: folder)
    let rows = try folder.text("one/sweep/trials.csv").split(separator: "\n").dropFirst()
    #expect(rows.count == 4)
    for _ in 0..<10 {
      let result = try Program.run(
        "sweep", "sweep.json", "-j", "2", "--kill-after", "1", "--output", "killed", in: folder)
      if result.signal == nil { break }
      #expect(result.signal == SIGKILL)
    }
    try expectSame("one", "killed", in: folder)
  }

  /// A kernel is of a whole process, and trials of one process.
  @Test func allTrialsHaveOneKernel() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "base.json")
    for value in ["compute.kernel=HASWELL,PRESCOTT", #"compute={"kernel":"HASWELL"},{}"#] {
      let result = try Program.run("sweep", "base.json", value, in: folder)
      #expect(
        result.status == 2
          && result.errors.contains("compute.kernel: a kernel is of a whole process"),
        "\(result)")
    }
    #expect(!folder.exists("results"))
  }

  @Test func aTrialThatTrapsTakesNoOtherWithIt() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    let result = try Program.run(
      "sweep", "sweep.json", "-j", "2", "--trap-trial", "4", in: folder)
    #expect(result.status == 3, "\(result.errors)")
    #expect(result.output.contains("8 completed, 1 crashed"))
    let rows = try folder.text("results/sweep/trials.csv").split(separator: "\n")
    #expect(rows.count == 10)
    #expect(rows[5].hasPrefix("4,crashed,1,") && rows[5].contains("signal 4"))

    let again = try Program.run("sweep", "sweep.json", "--retry-failed", in: folder)
    #expect(again.status == 0, "\(again.errors)")
    let whole = try Program.run("sweep", "sweep.json", "--output", "whole", in: folder)
    #expect(whole.status == 0)
    try expectSame("results", "whole", in: folder)
  }

  @Test func failFastGivesUp() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    let result = try Program.run(
      "sweep", "sweep.json", "-j", "1", "--trap-trial", "2", "--fail-fast", in: folder)
    #expect(result.status == 3)
    #expect(result.errors.contains("1 trial failed"))
    #expect(try folder.text("results/sweep/trials.csv").split(separator: "\n").count == 4)
  }

  @Test func aTrialThatDivergesIsARow() throws {
    let folder = try Self.folder(
      """
      {
        "name": "sweep", "base": "base.json", "confirm": 0, "sampler": { "name": "grid" },
        "set": {
          "optimizer": { "name": "sgd", "learning_rate": 0.1 },
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10, "l2": 1 }]
        },
        "parameters": { "optimizer.learning_rate": { "choice": [0.1, 1000] } }
      }
      """)
    let result = try Program.run("sweep", "sweep.json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("1 completed, 1 diverged"))
    let rows = try folder.text("results/sweep/trials.csv").split(separator: "\n")
    #expect(rows[2].hasPrefix("1,diverged,1,1000,") && rows[2].contains("not finite"))
  }

  @Test func aTornLineIsRunAgain() throws {
    let folder = try Self.folder(Self.kinds[3].spec)
    let killed = try Program.run(
      "sweep", "sweep.json", "-j", "1", "--kill-after", "5", in: folder)
    #expect(killed.signal == SIGKILL)
    let journal = try folder.text("results/sweep/journal/local.csv")
    try folder.write(String(journal.dropLast(20)), to: "results/sweep/journal/local.csv")
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    try expectSame("results", "whole", in: folder)

    var lines = try folder.text("results/sweep/journal/local.csv").split(separator: "\n")
    lines[2] = lines[2].dropFirst(3)
    try folder.write(
      lines.joined(separator: "\n") + "\n", to: "results/sweep/journal/local.csv")
    let damaged = try Program.run("sweep", "sweep.json", in: folder)
    #expect(damaged.status == 1)
    #expect(damaged.errors.contains("journal/local.csv:3: the line is damaged"))
  }

  /// `ulimit -f` makes every file end at a size, as a full disk does: here the journal.
  @Test func aFullDiskLosesNothing() throws {
    let folder = try Self.folder(
      Kind(name: "random", sampler: #"{ "name": "random" }"#, trials: 300).spec)
    let full = try Program.shell(
      "ulimit -f 120; exec \"$RUNNER\" sweep sweep.json -j 1 --train-nothing --quiet", in: folder)
    #expect(full.status == 1, "\(full)")
    #expect(full.errors.hasPrefix("error: cannot write results/sweep/journal/local.csv: "))
    #expect(try folder.text("results/sweep/sweep.json").contains(#""status": "failed""#))
    #expect(try folder.text("results/sweep/journal/local.csv").hasSuffix("\n"))
    let again = try Program.run("sweep", "sweep.json", "--train-nothing", in: folder)
    #expect(again.status == 0, "\(again.errors)")
    #expect(
      try Program.run("sweep", "sweep.json", "--train-nothing", "--output", "whole", in: folder)
        .status == 0)
    try expectSame("results", "whole", in: folder)
  }

  @Test func oneProcessAtATime() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    // A lock that nobody holds is no lock.
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/results/sweep", withIntermediateDirectories: true)
    try folder.write("", to: "results/sweep/.lock")
    let held = try Program.shell(
      "flock results/sweep/.lock $RUNNER sweep sweep.json", in: folder)
    #expect(held.status == 1)
    #expect(held.errors.contains("another process is working on this sweep"))
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
  }

  @Test func interruptedAndContinued() throws {
    let folder = try Self.folder(
      Self.kinds[1].spec.replacingOccurrences(
        of: #""confirm": 1"#, with: #""confirm": 1, "set": { "training.epochs": 60 }"#))
    let running = try Program.start("sweep", "sweep.json", "-j", "2", in: folder)
    try waitUntil("two trials run") {
      folder.exists("results/sweep/trials/0001/seed-1/metrics.csv")
    }
    running.send(SIGINT)
    let result = try running.wait()
    #expect(result.status == 130)
    #expect(result.errors.contains("the same command goes on"))
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    try expectSame("results", "whole", in: folder)
  }

  @Test(arguments: [(trials: 1, status: 0), (trials: 9, status: 75)])
  func aTimeLimitKeepsTrialsFromBeginning(_ given: (trials: Int, status: Int32)) throws {
    // A trial takes longer than the limit, which ends none that was begun.
    let folder = try Self.folder(
      Kind(name: "random", sampler: #"{ "name": "random" }"#, trials: given.trials).spec
        .replacingOccurrences(
          of: #""confirm": 1"#,
          with: #""confirm": 0, "time_limit": "1s", "set": { "training.epochs": 6000 }"#))
    let result = try Program.run("sweep", "sweep.json", "-j", "1", in: folder)
    #expect(result.status == given.status, "\(result.errors)")
    let rows = try folder.text("results/sweep/trials.csv").split(separator: "\n").dropFirst()
    #expect(rows.allSatisfy { $0.contains(",completed,") })
    #expect(given.trials == 1 ? rows.count == 1 : (1..<9).contains(rows.count))
  }

  @Test func whatWasRunIsNotRunAgain() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let table = try folder.text("results/sweep/trials.csv")
    try folder.write(
      Self.kinds[1].spec.replacingOccurrences(of: #""sweep""#, with: #""second""#),
      to: "second.json")
    let again = try Program.run("sweep", "second.json", in: folder)
    #expect(again.status == 0)
    #expect(again.errors.split(separator: "\n").count { $0.hasSuffix("reused") } == 9)
    #expect(try folder.text("results/second/trials.csv") == table)
  }

  /// A winner that an edited figure makes is no winner.
  @Test func aForgedTrialIsNotReused() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let table = try folder.text("results/sweep/trials.csv")
    try folder.write(
      Self.kinds[1].spec.replacingOccurrences(of: #""sweep""#, with: #""second""#),
      to: "second.json")
    let trials = "results/sweep/trials"
    // The metrics alone; the metrics and the summary's figures; the summary without its digest; a
    // checkpoint.
    let metrics = try folder.text("\(trials)/0002/seed-1/metrics.csv")
    try folder.write(
      metrics.replacing(/,[0-9.]+\n4,/, with: ",1.0\n4,"),
      to: "\(trials)/0002/seed-1/metrics.csv")
    #expect(try folder.text("\(trials)/0002/seed-1/metrics.csv") != metrics)
    let summary = try folder.text("\(trials)/0004/seed-1/summary.json")
    try folder.write(
      summary.replacing(/"val_accuracy": [0-9.]+/, with: "\"val_accuracy\": 1.0"),
      to: "\(trials)/0004/seed-1/summary.json")
    let other = try folder.text("\(trials)/0005/seed-1/summary.json")
    try folder.write(
      other.replacing(/\ \ "metrics_sha256": .*\n/, with: ""),
      to: "\(trials)/0005/seed-1/summary.json")
    try FileManager.default.removeItem(
      at: folder.url.appending(path: "\(trials)/0007/seed-1/checkpoints/last.safetensors"))
    try FileManager.default.copyItem(
      atPath: "\(folder.path)/\(trials)/0008/seed-1/checkpoints/last.safetensors",
      toPath: "\(folder.path)/\(trials)/0007/seed-1/checkpoints/last.safetensors")
    let again = try Program.run("sweep", "second.json", "-j", "1", in: folder)
    #expect(again.status == 0)
    #expect(again.errors.split(separator: "\n").count { $0.hasSuffix("reused") } == 5)
    let notes = again.errors.split(separator: "\n").filter { $0.hasPrefix("note: ") }
    let expected = [
      "2, which is trained: \(trials)/0002/seed-1/metrics.csv: does not have the digest that "
        + "summary.json records",
      "4, which is trained: \(trials)/0004/seed-1/summary.json: its val_accuracy is not that of "
        + "metrics.csv",
      "5, which is trained: \(trials)/0005/seed-1/summary.json: has no digest of metrics.csv, as a "
        + "run of an earlier version has none",
      "7, which is trained: \(trials)/0007/seed-1/checkpoints/last.safetensors: is not the "
        + "checkpoint that summary.json tells of",
    ]
    #expect(
      notes.map(String.init)
        == expected.map {
          "note: \(trials)/000\($0.first!)/seed-1 is not taken for trial \($0)"
        })
    #expect(try folder.text("results/second/trials.csv") == table)
    // What was taken verifies as what was trained does.
    for trial in ["0000", "0002"] {
      let verified = try Program.run("verify", "results/second/trials/\(trial)/seed-1", in: folder)
      #expect(verified.status == 0, "\(verified)")
    }
  }

  /// What a completed run holds is of no use to a population, which goes on from checkpoints in the
  /// midst of the training.
  @Test func aPopulationTakesNoCompletedRuns() throws {
    let folder = try Self.folder(Self.kinds[8].spec)
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    for trial in 0..<4 {
      let run = try Program.run(
        "whole/sweep/trials/000\(trial)/seed-1/resolved.json", "--quiet", in: folder)
      #expect(run.status == 0, "\(run.errors)")
    }
    let result = try Program.run("sweep", "sweep.json", in: folder)
    #expect(result.status == 0)
    #expect(!result.errors.contains("reused"))
    try expectSame("results", "whole", in: folder)
  }

  /// A trial whose checkpoint was damaged while the sweep stood still is trained anew, to the same.
  @Test func aDamagedTrialIsTrainedAnew() throws {
    let folder = try Self.folder(
      Kind(
        name: "halving", sampler: #"{ "name": "random" }"#,
        termination: #"{ "name": "successive_halving", "min_epochs": 1, "eta": 2, "bracket": 4 }"#,
        trials: 4
      ).spec)
    let killed = try Program.run("sweep", "sweep.json", "-j", "1", "--kill-after", "4", in: folder)
    #expect(killed.signal == SIGKILL)
    for trial in 0..<4 {
      let path = "results/sweep/trials/000\(trial)/seed-1/checkpoints/last.safetensors"
      var bytes = try folder.data(path)
      bytes[bytes.count / 2] ^= 4
      try bytes.write(to: folder.url.appending(path: path))
    }
    let result = try Program.run("sweep", "sweep.json", in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(
      result.errors.split(separator: "\n").count {
        $0.hasPrefix("note: results/sweep/trials/000")
          && $0.contains(" is trained anew: ") && $0.contains("is damaged: ")
      } == 2)
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    try expectSame("results", "whole", in: folder)
    // A sweep is no run, but has some.
    let verified = try Program.run("verify", "whole/sweep", in: folder)
    let run = "whole/sweep/confirmation/seed-2"
    #expect(
      verified.status == 2
        && verified.errors
          == "error: whole/sweep: is the folder of a sweep, not of a run; the runs of its winner are in "
          + "it: \(run) and so on\n",
      "\(verified)")
    #expect(try Program.run("verify", run, in: folder).status == 0)
  }

  @Test func aConfirmationThatCrashesIsRunAgain() throws {
    let folder = try Self.folder(
      Self.kinds[1].spec.replacingOccurrences(of: #""confirm": 1"#, with: #""confirm": 3"#))
    for _ in 0..<2 {
      let result = try Program.run("sweep", "sweep.json", "--trap-confirmation", "3", in: folder)
      #expect(result.status == 3, "\(result)")
      #expect(
        result.errors.hasSuffix(
          "error: of the winner's 3 runs on fresh seeds that on seed 3 crashed; runner sweep runs "
            + "what failed again\n"), "\(result.errors)")
      #expect(result.output.contains(" over 2 fresh seeds of 3\nNOT confirmed  the run on seed 3 "))
      #expect(try folder.text("results/sweep/sweep.json").contains(#""status": "failed""#))
      #expect(try folder.text("results/sweep/summary.json").contains(#""status": "crashed""#))
    }
    // It, and nothing else.
    let again = try Program.run("sweep", "sweep.json", in: folder)
    #expect(again.status == 0, "\(again.errors)")
    #expect(
      again.errors.split(separator: "\n").filter {
        !$0.hasPrefix("sweep: ") && !$0.hasPrefix("  ")
      }.map { $0.prefix(20) } == ["winner, fresh seed 3"])
    #expect(again.output.contains(" over 3 fresh seeds\n"))
    #expect(try folder.text("results/sweep/sweep.json").contains(#""status": "completed""#))
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    try expectSame("results", "whole", in: folder)

    // --fail-fast counts it, and says of the trials what is true.
    let fast = try Program.run(
      "sweep", "sweep.json", "--trap-confirmation", "4", "--fail-fast", "--output", "fast",
      in: folder)
    #expect(fast.status == 3)
    #expect(fast.errors.contains("that on seed 4 crashed"))
  }

  @Test func whereAllTrialsDivergeThereIsNoWinner() throws {
    let folder = try Self.folder(
      """
      {
        "name": "sweep", "base": "base.json", "confirm": 2, "sampler": { "name": "grid" },
        "set": {
          "optimizer": { "name": "sgd", "learning_rate": 0.1 },
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10, "l2": 1 }]
        },
        "parameters": { "optimizer.learning_rate": { "choice": [900, 1000] } }
      }
      """)
    for _ in 0..<2 {
      let result = try Program.run("sweep", "sweep.json", in: folder)
      #expect(result.status == 3, "\(result)")
      #expect(result.output.contains("winner         none: no trial has a val_accuracy\n"))
      #expect(result.errors.hasSuffix("error: no trial has a val_accuracy: 2 diverged\n"))
      #expect(!folder.exists("results/sweep/confirmation"))
    }
  }

  @Test func anotherSweepOfTheSameName() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    try folder.write(Self.kinds[2].spec, to: "sweep.json")
    let result = try Program.run("sweep", "sweep.json", in: folder)
    #expect(result.status == 1)
    #expect(result.errors.contains("results/sweep: holds another sweep of the same name"))
  }

  @Test func moreTrialsExtendASweep() throws {
    let folder = try Self.folder(Self.kinds[3].spec)
    let fewer = Self.kinds[3].spec.replacingOccurrences(of: #""trials": 9"#, with: #""trials": 5"#)
    try folder.write(fewer, to: "fewer.json")
    #expect(try Program.run("sweep", "fewer.json", in: folder).status == 0)
    #expect(try folder.text("results/sweep/trials.csv").split(separator: "\n").count == 6)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    #expect(try Program.run("sweep", "sweep.json", "--output", "whole", in: folder).status == 0)
    try expectSame("results", "whole", in: folder)
  }

  /// What has been run is not cut off without a word.
  @Test func fewerTrialsThanThereAreAreRefused() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let files = ["trials.csv", "summary.json", "resolved.json", "sweep.json"]
    let before = try files.map { try folder.data("results/sweep/\($0)") }
    let fewer = try Program.run("sweep", "sweep.json", "trials=3", in: folder)
    #expect(fewer.status == 1)
    #expect(
      fewer.errors.contains(
        "results/sweep: has gone as far as trial 8, and with trials=3 all from trial 3 on would be "
          + "lost from trials.csv; give trials=9 or more, or this sweep a name of its own"),
      "\(fewer.errors)")
    #expect(try files.map { try folder.data("results/sweep/\($0)") } == before)
    #expect(try Program.run("sweep", "sweep.json", "trials=9", in: folder).status == 0)
  }

  /// What the winner reached on the test images is taken from no summary that isn't its run's.
  @Test func aForgedConfirmationIsNotSummedUp() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let path = "results/sweep/confirmation/seed-2/summary.json"
    let summary = try folder.text(path)
    let line = try #require(
      summary.split(separator: "\n").first { $0.hasPrefix("  \"val_loss\":") })
    try folder.write(
      summary.replacingOccurrences(of: line, with: "  \"val_loss\": 0.001,"), to: path)
    let result = try Program.run("sweep", "sweep.json", in: folder)
    #expect(result.status == 1)
    #expect(
      result.errors.contains("\(path): its val_loss is not that of metrics.csv"), "\(result.errors)"
    )
  }

  /// Tables for programs: one at a time, with numbers that are numbers.
  @Test func tablesForPrograms() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let csv = try Program.run("leaderboard", "results/sweep", "--format", "csv", in: folder)
    #expect(csv.output.split(separator: "\n", omittingEmptySubsequences: false).count == 11)
    #expect(
      csv.errors == "note: CSV holds one table, here trials; for the others: --table importance\n")
    let json = try Program.run("leaderboard", "results/sweep", "--format", "json", in: folder)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    let trials = try #require(object["trials"] as? [[String: Any]])
    #expect(trials.allSatisfy { $0["optimizer.learning_rate"] is Double })
    let one = try Program.run(
      "leaderboard", "results/sweep", "--format", "json", "--table", "importance", in: folder)
    #expect(
      try JSONSerialization.jsonObject(with: Data(one.output.utf8)) as? [NSDictionary]
        == object["importance"] as? [NSDictionary])
    let none = try Program.run("leaderboard", "results/sweep", "--table", "runs", in: folder)
    #expect(
      none.status == 2
        && none.errors.contains(
          #"--table: "runs" is not a table here; there is trials, importance"#)
    )
    let forecast = try Program.run(
      "sweep", "sweep.json", "name=other", "--dry-run", "--format", "json", in: folder)
    let planned = try #require(
      try JSONSerialization.jsonObject(with: Data(forecast.output.utf8)) as? [String: Any])
    let rows = try #require(planned["trials"] as? [[String: Any]])
    #expect(rows.count == 9 && rows.allSatisfy { $0["model[3].rate"] is Double })
  }

  /// Optimizers differ in what they remember, and so in what a checkpoint takes.
  @Test func aDryRunTellsWhatTheDiskWillHold() throws {
    let optimizers = ["sgd", "adam", "shampoo", "kfac"]
    let choice = optimizers.map { "{ \"name\": \"\($0)\", \"learning_rate\": 0.001 }" }
    let folder = try Self.folder(
      """
      {
        "name": "sweep", "base": "base.json", "confirm": 0, "sampler": { "name": "grid" },
        "set": {
          "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 64 }, { "layer": "dense", "units": 10 }],
          "training.epochs": 1
        },
        "parameters": { "optimizer": { "choice": [\(choice.joined(separator: ", "))] } }
      }
      """)
    let dry = try Program.run("sweep", "sweep.json", "--dry-run", "--format", "json", in: folder)
    #expect(dry.status == 0, "\(dry.errors)")
    #expect(!folder.exists("results"))
    struct Forecast: Decodable {
      struct Trial: Decodable { let diskMb: Double }
      let trials: [Trial]
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let forecast = try decoder.decode(Forecast.self, from: Data(dry.output.utf8))
    let told = forecast.trials.map { $0.diskMb * 1e6 }
    #expect(told.count == optimizers.count)

    let sweep = try Program.run("sweep", "sweep.json", in: folder)
    #expect(sweep.status == 0, "\(sweep.errors)")
    for (trial, told) in told.enumerated() {
      let held = try folder.bytes(under: "results/sweep/trials/000\(trial)")
      #expect((0.9...1.1).contains(told / Double(held)), "\(optimizers[trial]): \(told), \(held)")
    }
  }

  @Test func trialsVerify() throws {
    let folder = try Self.folder(Self.kinds[1].spec)
    #expect(try Program.run("sweep", "sweep.json", in: folder).status == 0)
    let verified = try Program.run("verify", "results/sweep/trials/0003/seed-1", in: folder)
    #expect(verified.status == 0, "\(verified.errors)")
    let summary = try folder.text("results/sweep/trials/0003/seed-1/summary.json")
    #expect(summary.contains("\"test_accuracy\": null"))
    #expect(
      !(try folder.text("results/sweep/confirmation/seed-2/summary.json"))
        .contains("\"test_accuracy\": null"))
  }
}
