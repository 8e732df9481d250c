import Foundation
import TestSupport
import Testing

@Suite struct CommandLineTests {
  @Test func versionAndHelp() throws {
    let folder = try TemporaryFolder()
    let version = try Program.run("--version", in: folder)
    #expect(version.status == 0)
    #expect(version.output == "0.1.0\n")
    #expect(version.errors == "")
    let help = try Program.run("--help", in: folder)
    #expect(help.status == 0)
    for word in ["runner experiments/lenet.json", "EXIT STATUS", "resume", "validate", "verify"] {
      #expect(help.output.contains(word))
    }
    #expect(!help.output.contains("kill-at-step"))
    let bare = try Program.run(in: folder)
    #expect(bare.status == 2)
    #expect(bare.errors.hasPrefix("OVERVIEW: "))
  }

  @Test func usageErrors() throws {
    let folder = try TemporaryFolder()
    let missing = try Program.run("evaluate", in: folder)
    #expect(missing.status == 2)
    #expect(missing.output == "")
    #expect(missing.errors.hasPrefix("error: Missing expected argument '<run>'\n"))
    let threads = try Program.run("x.json", "--threads", "0", in: folder)
    #expect(threads.status == 2)
    #expect(threads.errors.hasPrefix("error: --threads must be from 1 to 256, not 0\n"))
    let option = try Program.run("x.json", "--thread", "2", in: folder)
    #expect(option.status == 2)
  }

  @Test func aSpecThatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let result = try Program.run("foo.json", in: folder)
    #expect(result.status == 2)
    #expect(result.output == "")
    #expect(result.errors == "foo.json: no such file\n1 error; nothing was run\n")
  }

  @Test func allErrorsOfASpecAtOnce() throws {
    let folder = try TemporaryFolder()
    try folder.write(
      """
      {
        "name": "bad",
        "dataset": { "name": "mnist" },
        "model": [ { "layer": "flatten" }, { "layer": "dense", "unit": 10 } ],
        "optimizer": { "name": "adm" },
        "training": { "epochs": 0, "batch_size": 10 }
      }
      """, to: "bad.json")
    for arguments in [["bad.json"], ["run", "bad.json"], ["validate", "bad.json"]] {
      let result = try Program.Running(Program.path, arguments, in: folder).wait()
      #expect(result.status == 2)
      #expect(result.output == "")
      let lines = result.errors.split(separator: "\n")
      #expect(lines.count >= 4)
      #expect(lines.contains { $0.hasPrefix("bad.json:4:") && $0.contains("units") })
      #expect(
        lines.contains { $0.hasPrefix("bad.json:5:") && $0.contains("did you mean \"adam\"") })
      #expect(lines.contains { $0.hasPrefix("bad.json:6:") && $0.contains("training.epochs") })
      #expect(lines.last?.hasSuffix("nothing was run") == true)
      #expect(!folder.exists("results"))
    }
  }

  @Test func anOverrideThatIsWrong() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run("small.json", "optimizer.learning_rate=x", in: folder)
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("command line: optimizer.learning_rate: "))
    #expect(!folder.exists("results"))
  }

  @Test func whatIsNoRun() throws {
    let folder = try TemporaryFolder()
    for command in ["resume", "evaluate", "verify"] {
      let none = try Program.run(command, "results/none", in: folder)
      #expect(none.status == 2)
      #expect(none.errors == "error: results/none: there is no such run\n")
      let other = try Program.run(command, ".", in: folder)
      #expect(other.status == 2)
      #expect(
        other.errors
          == "error: .: is not the folder of a run: it has no resolved.json and run.json\n")
    }
  }

  @Test func validateShowsTheNetwork() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run("validate", "small.json", "--threads", "1", in: folder)
    #expect(result.status == 0)
    #expect(result.errors == "")
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.prefix(9).joined(separator: "\n") == """
                  layer       output   parameters  MFLOP
                  input       28x28x1
        model[0]  conv2d      12x12x4         104  0.029
        model[1]  max_pool    3x3x4
        model[2]  batch_norm  3x3x4             8
        model[3]  flatten     36
        model[4]  dropout     36
        model[5]  dense       10              370  0.001
        total                                 482  0.030
        """)
    #expect(result.output.contains("48 images to train on, 12 to validate on"))
    #expect(result.output.contains("with 1 thread and the kernel"))
    #expect(result.output.hasSuffix("small.json: no errors\n"))
    #expect(!folder.exists("results"))
  }

  /// Every command, given a path with nothing there.
  @Test(arguments: [
    ["absent.json"], ["run", "absent.json"], ["validate", "absent.json"],
    ["lr-find", "absent.json"],
    ["baselines", "absent.json"], ["bench", "absent.json"], ["sweep", "absent.json"],
    ["sweep", "absent.json", "--status"], ["sweep", "absent.json", "optimizer.learning_rate=1,2"],
    ["data", "check", "absent.json"], ["data", "show", "absent.json", "--augmented"],
    ["resume", "absent"], ["evaluate", "absent"], ["verify", "absent"], ["plot", "absent"],
    ["compare", "absent"], ["leaderboard", "absent"], ["sampler-bench", "absent.csv"],
    ["sweep-task", "absent", "--name", "a"], ["monitor", "log.jsonl", "absent"],
    ["promote", "absent", "1"],
  ])
  func whatIsAbsent(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    let result = try Program.Running(Program.path, arguments, in: folder).wait()
    #expect(result.status == 2, "\(result)")
    #expect(result.output == "")
    #expect(result.errors.contains("absent"))
    #expect(result.errors.contains("there is no such") || result.errors.contains("o such file"))
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left.allSatisfy { $0.hasPrefix(".std") }, "\(left)")
  }

  @Test func whatIsNoSweep() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let none = try Program.run("leaderboard", ".", in: folder)
    #expect(none.status == 2)
    #expect(
      none.errors
        == "error: .: is not the folder of a sweep: it has no resolved.json with trials.csv or "
        + "sweep.json\n")
    let file = try Program.run("leaderboard", "small.json", in: folder)
    #expect(file.status == 2)
    #expect(file.errors == "error: small.json: is a file, not the folder of a sweep\n")
    try folder.write(SweepTests.base, to: "base.json")
    try folder.write(SweepTests.kinds[1].spec, to: "sweep.json")
    let status = try Program.run("sweep", "sweep.json", "--status", in: folder)
    #expect(status.status == 2)
    #expect(status.errors == "error: results/sweep: there is no such sweep yet\n")
  }

  /// JSON, but no object, to every command that takes a spec.
  @Test(arguments: [
    (#""x""#, #""x""#), (#""other.json""#, #""other.json""#), ("12", "12"), ("true", "true"),
    ("null", "null"), ("[]", "an empty list"), (#"[{"name": "x"}]"#, "a list of 1"),
  ])
  func whatIsNoObject(text: String, told: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(" \n \(text)\n", to: "odd.json")
    try folder.write(#"{ "name": "s", "base": "odd.json", "parameters": {} }"#, to: "sweep.json")
    for arguments in [
      ["run", "odd.json"], ["run", "odd.json", "seed=2"], ["validate", "odd.json"],
      ["lr-find", "odd.json"], ["baselines", "odd.json"], ["bench", "odd.json"],
      ["data", "check", "odd.json"], ["data", "show", "odd.json", "--augmented"],
      ["sweep", "odd.json"], ["sweep", "odd.json", "optimizer.learning_rate=1,2"],
      ["sweep", "sweep.json"],
    ] {
      let result = try Program.Running(Program.path, arguments, in: folder).wait()
      #expect(result.status == 2, "\(arguments): \(result)")
      #expect(result.output == "")
      #expect(
        result.errors.contains("odd.json:2:2: found \(told), but an ")
          && result.errors.contains("object"), "\(arguments): \(result.errors)")
      #expect(!result.errors.contains("0 errors"))
    }
  }
}
