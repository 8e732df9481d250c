import Foundation
import TestSupport
import Testing

@Suite struct CompareTests {
  /// A record of a run with two epochs, as `runner` writes it.
  private func record(
    _ folder: TemporaryFolder, _ path: String, seed: Int, accuracy: Double, changes: [String] = [],
    status: String = "completed"
  ) throws {
    let resolved = try Program.Running(
      Program.path, ["run", "small.json", "seed=\(seed)", "--output", "made", "--quiet"] + changes,
      in: folder
    ).wait()
    #expect(resolved.status == 0, "\(resolved.errors)")
    let made = try #require(try folder.runs(of: "small", under: "made").last)
    let url = folder.url.appending(path: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.moveItem(at: folder.url.appending(path: made), to: url)
    var summary = try #require(
      try JSONSerialization.jsonObject(with: folder.data("\(path)/summary.json"))
        as? [String: Any])
    summary["test_accuracy"] = accuracy
    try JSONSerialization.data(withJSONObject: summary).write(
      to: url.appending(path: "summary.json"))
    if status != "completed" {
      let text = try folder.text("\(path)/run.json")
      try folder.write(
        text.replacingOccurrences(of: "\"completed\"", with: "\"\(status)\""),
        to: "\(path)/run.json")
      try FileManager.default.removeItem(at: url.appending(path: "summary.json"))
    }
  }

  /// Two configurations with three seeds each, in results/a and results/b.
  private func twoConfigurations() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for (seed, a, b) in [(1, 0.80, 0.90), (2, 0.85, 0.96), (3, 0.75, 0.86)] {
      try record(folder, "results/a/\(seed)", seed: seed, accuracy: a)
      try record(
        folder, "results/b/\(seed)", seed: seed, accuracy: b,
        // What else is measured makes no other configuration.
        changes: ["optimizer.learning_rate=0.001", "description=slower"]
          + (seed == 3 ? ["metrics=[\"f1_macro\"]"] : []))
    }
    return folder
  }

  @Test func saysWhetherTwoConfigurationsDiffer() throws {
    let folder = try twoConfigurations()
    let result = try Program.run(
      "compare", "results/a", "results/b", "--no-images", in: folder)
    #expect(result.status == 0)
    #expect(result.errors == "")
    let blocks = result.output.components(separatedBy: "\n\n")
    #expect(
      blocks[0] == """
        what differs
        key                      learning_rate=0.02  learning_rate=0.001
        optimizer.learning_rate  0.02                0.001
        """)
    #expect(
      blocks[1].contains(
        "learning_rate=0.02   test_accuracy, % ↑  3   80.000      5.000     67.579   92.421  1-3\n")
    )
    #expect(
      blocks[2] == """
        differences of test_accuracy
        first               second               test    n  difference  95 % from      to        p      d  more seeds
        learning_rate=0.02  learning_rate=0.001  paired  3      10.667      9.232  12.101  < 0.001  18.48           0
        """)
    #expect(
      blocks[3] == """
        learning_rate=0.001 is better than learning_rate=0.02: test_accuracy is 10.667 points higher \
        (95 % confidence interval 9.232 to 12.101 points, paired t test over 3 seeds, p < 0.001).

        """)
  }

  @Test func otherFiguresAndFormats() throws {
    let folder = try twoConfigurations()
    let json = try Program.run(
      "compare", "results", "--no-images", "--format", "json", "--difference", "0.5%", "--alpha",
      "0.01", "--power", "0.9", in: folder)
    #expect(json.status == 0)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
    #expect(
      object.keys.sorted()
        == ["comparisons", "configurations", "differences", "notes", "verdicts"])
    let comparison = try #require((object["comparisons"] as? [[String: Any]])?.first)
    #expect(comparison["settles"] as? Double == 0.005)
    #expect(comparison["alpha"] as? Double == 0.01)
    #expect((comparison["seeds_more"] as? Int).map { $0 > 0 } == true)
    #expect((comparison["power"] as? Double).map { $0 < 0.9 } == true)
    let csv = try Program.run(
      "compare", "results", "--no-images", "--format", "csv", "--metric", "best_val_loss",
      in: folder)
    #expect(
      csv.output.hasPrefix(
        "configuration,figure,better,n,mean,deviation,deviation_low,deviation_high,low,high,seeds\n"
      ))
    #expect(csv.output.split(separator: "\n", omittingEmptySubsequences: false).count == 4)
    #expect(
      csv.errors == "note: CSV holds one table, here configurations; for the others: "
        + "--table differences, --table comparisons\n")
    let other = try Program.run(
      "compare", "results", "--no-images", "--format", "csv", "--table", "differences", in: folder)
    #expect(other.output.hasPrefix("key,") && other.errors == "")
    let markdown = try Program.run(
      "compare", "results", "--no-images", "--format", "markdown", in: folder)
    #expect(markdown.output.hasPrefix("### what differs\n\n| key | learning_rate=0.02 |"))
  }

  @Test func testsTheSameImages() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for rate in ["0.02", "0.001"] {
      let run = try Program.run(
        "small.json", "optimizer.learning_rate=\(rate)", "name=r\(rate.dropFirst(2))", "--quiet",
        in: folder)
      #expect(run.status == 0)
    }
    let result = try Program.run(
      "compare", "results", "--threads", "1", "--format", "json", in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    let row = try #require((object["images"] as? [[String: Any]])?.first)
    let counts = try ["both_right", "first_only", "second_only", "both_wrong"].map {
      try #require(row[$0] as? Int)
    }
    #expect(counts.reduce(0, +) == 20)
    let first = try #require(row["first"] as? String)
    let configurations = try #require(object["configurations"] as? [[String: Any]])
    let accuracy =
      configurations.first {
        $0["configuration"] as? String == first && $0["figure"] as? String == "test_accuracy"
      }?["mean"] as? Double
    #expect(accuracy == Double(counts[0] + counts[1]) / 20)
    #expect(
      (object["verdicts"] as? [String])?.first?.contains("nothing can be said of test_accuracy")
        == true)
    #expect(object["notes"] as? [String] == [])

    for name in ["r02", "r001"] {
      let run = try folder.runs(of: name)[0]
      try FileManager.default.removeItem(at: folder.url.appending(path: "\(run)/checkpoints"))
    }
    let without = try Program.run("compare", "results", in: folder)
    #expect(without.status == 0)
    #expect(
      without.output.contains(
        "McNemar's test was left out for 2 runs without tested weights in checkpoints/: "))
  }

  @Test func saysWhichRunsDoNotCount() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    try record(folder, "results/a/1", seed: 1, accuracy: 0.8)
    try record(folder, "results/a/again", seed: 1, accuracy: 0.8)
    try record(folder, "results/a/2", seed: 2, accuracy: 0.8, status: "interrupted")
    let one = try Program.run("compare", "results/a", "--no-images", in: folder)
    #expect(one.status == 0)
    #expect(one.output.contains("There is one configuration, with 2 seeds: nothing to compare.\n"))
    #expect(one.output.contains("results/a/again repeats seed 1 of small and doesn't count.\n"))
    #expect(
      one.output.contains(
        "results/a/2 is interrupted: all 3 epochs were trained; it has no test_accuracy and "
          + "doesn't count.\n"))
    let last = try Program.run(
      "compare", "results/a/1", "results/a/2", "--metric", "last_val_loss", "--no-images",
      in: folder)
    #expect(last.output.contains("\nsmall          last_val_loss ↓  2 "))
    #expect(last.output.contains("; what metrics.csv has of it counts.\n"))
  }

  @Test func whatCannotBeCompared() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "empty"), withIntermediateDirectories: false)
    for (arguments, message) in [
      (["nothing"], "error: nothing: there is no such run\n"),
      (
        ["empty"], "error: empty: holds no run (a folder with resolved.json and run.json)\n"
      ),
      (["small.json"], "error: small.json: is a file, not the folder of a run\n"),
    ] {
      let result = try Program.Running(Program.path, ["compare"] + arguments, in: folder).wait()
      #expect(result.status == 2)
      #expect(result.output == "")
      #expect(result.errors == message)
    }
    for option in ["--alpha=0", "--power=0.01", "--metric=speed", "--difference=-1"] {
      let result = try Program.run("compare", "empty", option, in: folder)
      #expect(result.status == 2)
      #expect(result.errors.hasPrefix("error: "))
    }
  }
}
