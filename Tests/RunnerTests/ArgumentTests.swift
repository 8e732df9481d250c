import Foundation
import TestSupport
import Testing

/// Paths that name nothing, or that this program cannot name.
@Suite struct ArgumentTests {
  @Test(arguments: [
    "small.json --output ''", "small.json --data ''", "''", "run ''", "resume ''", "evaluate ''",
    "predict '' x.png", "export '' x.onnx", "export small.json ''",
    "verify ''", "plot ''", "plot . --output ''", "compare ''", "validate ''",
    "validate small.json --graph ''", "sweep ''", "sweep small.json --output ''",
    "sweep small.json --data ''", "leaderboard ''", "baselines ''", "lr-find ''", "bench ''",
    "lr-find small.json --output ''", "baselines small.json --output ''", "data list --data ''",
    "data check mnist --data ''", "data show synthetic_digits --output ''",
  ])
  func anEmptyPath(_ arguments: String) throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.shell("exec \"$RUNNER\" \(arguments)", in: folder)
    #expect(result.status == 2, "\(result)")
    #expect(result.output == "")
    #expect(result.errors.contains("it is empty, and names no file or folder"), "\(result)")
    #expect(!folder.exists("results") && !folder.exists("data"))
  }

  @Test func whatIsNotUTF8() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for (arguments, place) in [
      ("\"$BAD.json\"", 1), ("validate \"$BAD.json\"", 2), ("small.json --output \"$BAD\"", 3),
      ("small.json name=\"$BAD\"", 2),
    ] {
      let result = try Program.shell(
        "BAD=$(printf 'caf\\351'); exec \"$RUNNER\" \(arguments)", in: folder)
      #expect(result.status == 2 && result.output == "", "\(result)")
      #expect(result.errors.hasPrefix("error: argument \(place) is not UTF-8: \""), "\(result)")
      #expect(
        result.errors.contains(#"caf\xE9"#) && result.errors.contains("rename the file"),
        "\(result)")
    }
    let data = try Program.shell(
      "RUNNER_DATA=$(printf '/data/caf\\351') exec \"$RUNNER\" data list", in: folder)
    #expect(data.status == 2)
    #expect(
      data.errors
        == "error: RUNNER_DATA is not UTF-8: \"/data/caf\\xE9\"; rename the folder that it names\n")
    #expect(!folder.exists("results"))
    // Text that is, in whatever script.
    let result = try Program.run(
      "small.json", "--quiet", "--threads", "1", "--output", "résultats/数字", in: folder)
    #expect(result.status == 0, "\(result)")
    #expect(try folder.runs(of: "small", under: "résultats/数字").count == 1)
  }

  @Test func namesInFoldersThatAreNotUTF8() throws {
    let folder = try TemporaryFolder()
    _ = try Program.shell(
      """
      mkdir -p photos/a photos/b photos/c
      for class in a b c; do
        cp '\(OwnDataTests.formats)/rgb.png' photos/$class/1.png
        cp '\(OwnDataTests.formats)/rgba.png' photos/$class/2.png
      done
      cp '\(OwnDataTests.formats)/rgb.png' "photos/b/$(printf 'caf\\351').PNG"
      touch "photos/b/$(printf 'notes\\351').txt"
      """, in: folder)
    try folder.write(
      OwnDataTests.spec(
        """
        "path": "photos", "test": "none", "classes": 3, "shape": [12, 16, 3], "resize": "bilinear"
        """, units: 3), to: "own.json")
    let refused = try Program.run("own.json", "--threads", "1", in: folder)
    #expect(refused.status == 1)
    #expect(
      refused.errors.contains(#"photos/b/caf\xE9.PNG: its name is not UTF-8; rename it"#),
      "\(refused)")
    let skipped = try Program.run("data", "check", "own.json", in: folder)
    #expect(skipped.status == 1)
    let run = try Program.run("own.json", "dataset.corrupt=skip", "--threads", "1", in: folder)
    #expect(run.status == 0, "\(run)")
    #expect(
      try folder.text("\(folder.run(of: "own"))/run.json").contains(
        #"photos/b/caf\\xE9.PNG: its name"#))
    // A class.
    _ = try Program.shell("mkdir \"photos/$(printf '\\351')\"", in: folder)
    let other = try Program.run("own.json", "dataset.corrupt=skip", "--threads", "1", in: folder)
    #expect(other.status == 1)
    #expect(
      other.errors
        == "error: cannot list photos: the name \\xE9 in it is not UTF-8; rename it, or move it "
        + "elsewhere\n", "\(other)")
    // Runs.
    _ = try Program.shell("mkdir \"results/own/$(printf 'caf\\351')\"", in: folder)
    let compared = try Program.run("compare", "results", in: folder)
    #expect(compared.status == 1, "\(compared)")
    #expect(compared.errors.contains(#"the name caf\xE9 in it is not UTF-8"#), "\(compared)")
  }

  @Test func aNULInAPath() throws {
    let folder = try TemporaryFolder()
    for path in [#""path": "a\u0000b.npz""#, #""path": "a.npz", "test_path": "a\u0000""#] {
      try folder.write(
        OwnDataTests.spec("\(path), \"classes\": 3, \"shape\": [8, 8, 1]", units: 3), to: "own.json"
      )
      let result = try Program.run("own.json", in: folder)
      #expect(result.status == 2)
      #expect(result.errors.contains("without a NUL character"), "\(result)")
    }
    try folder.write(
      SweepTests.kinds[1].spec.replacing("base.json", with: "base.json\\u0000x"), to: "sweep.json")
    try folder.write(SweepTests.base, to: "base.json")
    let sweep = try Program.run("sweep", "sweep.json", in: folder)
    #expect(sweep.status == 2 && sweep.errors.contains("NUL"), "\(sweep)")
    #expect(!folder.exists("results"))
  }

  @Test func optionsOfSlurm() throws {
    let folder = try SweepTests.folder(SweepTests.kinds[1].spec)
    func script(_ options: String) throws -> Program.Result {
      try Program.shell(
        "exec \"$RUNNER\" sweep sweep.json --engine slurm --dry-run \(options)", in: folder)
    }
    for bad in ["'time=1\n#SBATCH --uid=0'", "'a b=1'", "''", "'=1'", "'A=1'"] {
      let result = try script("--slurm \(bad)")
      #expect(result.status == 2 && result.output == "", "\(result)")
      #expect(result.errors.contains("give an option of sbatch as key=value or key"), "\(result)")
    }
    let good = try script(
      "--slurm time=2:00:00 --slurm exclusive --slurm 'comment=it'\\''s a #1 \\'")
    #expect(good.status == 0, "\(good)")
    for line in [
      "#SBATCH --time=2:00:00", "#SBATCH --exclusive", "#SBATCH --comment=it\\'s\\ a\\ \\#1\\ \\\\",
    ] {
      #expect(
        good.output.split(separator: "\n").contains { $0 == line }, "\(line) in \(good.output)")
    }
    let odd = try script("--output \"50% of 'it' #1\"")
    let place = folder.url.resolvingSymlinksInPath().path
    for line in [
      "#SBATCH --output=\(place)/50%%\\ of\\ \\'it\\'\\ \\#1/sweep/slurm/task-%a.log",
      "sweep-task '\(place)/50% of '\\''it'\\'' #1/sweep'",
    ] {
      #expect(odd.output.contains(line), "\(line) in \(odd.output)")
    }
    for (bad, reason) in [("'a\nb'", "control character"), (#"'a\b'"#, "backslash")] {
      let result = try script("--output \(bad)")
      #expect(result.status == 1 && result.output == "", "\(result)")
      #expect(result.errors.contains(reason), "\(result)")
    }
  }
}
