import Foundation
import TestSupport
import Testing

/// What a spec's metrics measure, watched, bounded, compared and searched by: the built program.
@Suite struct MetricTests {
  private static let measured = #"metrics=["f1_macro","f1_3","ece"]"#

  /// A column of metrics.csv.
  private func column(_ name: String, of run: String, in folder: TemporaryFolder) throws -> [Double]
  {
    let lines = try folder.text("\(run)/metrics.csv").split(separator: "\n")
    let place = try #require(lines[0].split(separator: ",").firstIndex { $0 == name })
    return try lines.dropFirst().map {
      try #require(Double($0.split(separator: ",", omittingEmptySubsequences: false)[place]))
    }
  }

  private func json(_ path: String, in folder: TemporaryFolder) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: folder.data(path)) as? [String: Any])
  }

  /// The best epoch is that of the column's best value, of an error its least; killed and resumed it
  /// leaves the same bytes, and it verifies.
  @Test(arguments: [("val_f1_macro", true), ("val_ece", false)])
  func isWatchedAndResumed(monitor: String, isHigherBetter: Bool) throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let changes = [
      Self.measured, "training.epochs=6", "schedule.monitor=\(monitor)", "schedule.patience=0",
      #"early_stopping={"monitor":"\#(monitor)","patience":2}"#,
    ]
    let whole = try Program.Running(
      Program.path, ["run", "small.json", "--quiet", "--output", "whole"] + changes, in: folder
    ).wait()
    #expect(whole.status == 0, "\(whole.errors)")
    let run = try folder.run(of: "small", under: "whole")
    let values = try column(monitor, of: run, in: folder)
    let best = try #require(isHigherBetter ? values.max() : values.min())
    let summary = try json("\(run)/summary.json", in: folder)
    #expect(summary["monitor"] as? String == monitor)
    #expect(isNear(summary["best_value"], best))
    let epoch = try #require(values.firstIndex(of: best)) + 1
    #expect(summary["best_epoch"] as? Int == epoch)
    let tested = try #require(summary["val_metrics"] as? [String: Double])
    #expect(isNear(tested[String(monitor.dropFirst(4))], best) && tested.count == 3)

    let step = 5 * 2 + 3
    let killed = try Program.Running(
      Program.path,
      ["run", "small.json", "--quiet", "--output", "killed", "--kill-at-step", "\(step)"] + changes,
      in: folder
    ).wait()
    #expect(killed.signal == SIGKILL, "\(killed.errors)")
    let other = try folder.run(of: "small", under: "killed")
    let resumed = try Program.run("resume", other, "--quiet", in: folder)
    #expect(resumed.status == 0, "\(resumed.errors)")
    try expectSameRecord(run, other, in: folder)
    let verified = try Program.run("verify", run, in: folder)
    #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
  }

  /// A figure that was edited is told, by whoever takes the record for what it says.
  @Test func theSummaryIsHeldAgainstTheColumns() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    #expect(
      try Program.run("small.json", Self.measured, "training.epochs=1", "--quiet", in: folder)
        .status
        == 0)
    let run = try folder.run(of: "small")
    var summary = try json("\(run)/summary.json", in: folder)
    summary["val_metrics"] = ["f1_macro": 0.987]
    try JSONSerialization.data(withJSONObject: summary).write(
      to: folder.url.appending(path: "\(run)/summary.json"))
    let resumed = try Program.run("resume", run, "training.epochs=2", "--quiet", in: folder)
    #expect(resumed.status != 0)
    #expect(resumed.errors.contains("its val_metrics.f1_macro is not that of metrics.csv"))
  }

  @Test func boundsHoldBothWays() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    func run(_ bounds: String) throws -> Program.Result {
      try Program.run(
        "small.json", Self.measured, "training.epochs=1", "expect=\(bounds)", "--quiet", in: folder)
    }
    let kept = try run(#"{"test_f1_macro":{"min":0,"max":1},"val_ece":{"max":1}}"#)
    #expect(kept.status == 0, "\(kept.errors)")
    #expect(kept.output.contains(" is as expected\n"))
    let below = try run(#"{"test_f1_macro":{"min":0.999}}"#)
    #expect(below.status == 4)
    #expect(below.errors.contains("expectation not met: test_f1_macro 0"))
    #expect(below.errors.contains(" is below the 0.999 expected"))
    let above = try run(#"{"test_ece":{"max":0.000001}}"#)
    #expect(above.status == 4 && above.errors.contains(" is above the 1e-06 expected"))
  }

  /// Of three held out there are at most three classes: nothing is trained for a mean of ten areas.
  @Test func whatCanHaveNoValueIsRefused() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let changes = [
      "dataset.stratified=false", "dataset.validation=3", #"metrics=["roc_auc_macro"]"#,
    ]
    let watched = try Program.Running(
      Program.path,
      ["run", "small.json", #"early_stopping={"monitor":"val_roc_auc_macro","patience":2}"#]
        + changes, in: folder
    ).wait()
    #expect(watched.status != 0)
    #expect(
      watched.errors.contains(
        "early_stopping.monitor: val_roc_auc_macro has no value, since there is no image to validate "
          + "on of the "), "\(watched.errors)")
    // Where nothing depends on it, it is an empty cell.
    let measured = try Program.Running(
      Program.path, ["run", "small.json", "--quiet", "training.epochs=1"] + changes, in: folder
    ).wait()
    #expect(measured.status == 0, "\(measured.errors)")
    let run = try #require(try folder.runs(of: "small").last)
    #expect(try folder.text("\(run)/metrics.csv").hasSuffix(",\n"))

    // So are the trials of a sweep.
    let sweep = try Program.Running(
      Program.path,
      ["sweep", "small.json", "optimizer.learning_rate=0.01,0.02", "metric=val_roc_auc_macro"]
        + changes, in: folder
    ).wait()
    #expect(sweep.status == 3, "\(sweep.errors)")
    #expect(sweep.errors.contains("failed: metric: val_roc_auc_macro has no value, since "))
    #expect(sweep.errors.contains("no trial has a val_roc_auc_macro: 2 failed"))
  }

  @Test func runsAreComparedByIt() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for seed in 1...2 {
      for rate in ["0.02", "0.001"] {
        let run = try Program.run(
          "small.json", Self.measured, "seed=\(seed)", "optimizer.learning_rate=\(rate)",
          "training.epochs=2", "--quiet", in: folder)
        #expect(run.status == 0, "\(run.errors)")
      }
    }
    let compared = try Program.run(
      "compare", "results", "--no-images", "--metric", "test_f1_macro", "--format", "json",
      in: folder)
    #expect(compared.status == 0, "\(compared.errors)")
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(compared.output.utf8)) as? [String: Any])
    let rows = try #require(object["configurations"] as? [[String: Any]])
    #expect(rows.count == 2 && rows.allSatisfy { $0["figure"] as? String == "test_f1_macro" })
    #expect(rows.allSatisfy { $0["better"] as? String == "higher" })
    let values = try folder.runs(of: "small").filter {
      try folder.text("\($0)/resolved.json").contains(#""learning_rate": 0.02"#)
    }.map {
      try #require(
        (try json("\($0)/summary.json", in: folder)["test_metrics"] as? [String: Double])?[
          "f1_macro"])
    }
    let mean = rows.first { $0["configuration"] as? String == "learning_rate=0.02" }?["mean"]
    #expect(values.count == 2 && isNear(mean, (values[0] + values[1]) / 2))

    // Without a figure asked for, all that is measured is shown, and which way is better.
    let all = try Program.run("compare", "results", "--no-images", in: folder)
    for title in [
      "test_accuracy, % ↑", "test_loss ↓", "test_f1_macro ↑", "test_f1_3 ↑", "test_ece ↓",
      "val_f1_macro ↑", "val_ece ↓",
    ] {
      #expect(all.output.contains(" \(title) "), "\(title)")
    }
    // By an error, the lower is the better one.
    let error = try Program.run(
      "compare", "results", "--no-images", "--metric", "best_val_ece", "--format", "csv",
      in: folder)
    #expect(error.output.contains(",best_val_ece,lower,2,"))
    for (name, message) in [
      ("test_f1", "\"test_f1\" is no figure of a run; did you mean test_f1_macro?"),
      (
        "test_recall_macro",
        "and what a run measures its spec says: metrics=[\"recall_macro\"]"
      ),
    ] {
      let wrong = try Program.run("compare", "results", "--metric", name, in: folder)
      #expect(wrong.status == 2 && wrong.errors.contains(message), "\(wrong.errors)")
    }
    // A panel for each, in the curves of any run.
    let curves = try folder.text("\(folder.runs(of: "small")[0])/plots/curves.svg")
    for title in ["f1_macro", "f1_3", "ece"] { #expect(curves.contains(">\(title)</text>")) }
  }

  /// The winner is the trial with the best value in trials.csv, greatest or least, the leaderboard begins
  /// with it, and it is confirmed by the same metric of the test images; whatever happens on the way.
  @Test(arguments: [("val_f1_macro", true), ("val_ece", false)])
  func sweepsAreDecidedByIt(metric: String, isHigherBetter: Bool) throws {
    let folder = try SweepTests.folder(
      """
      {
        "name": "sweep", "base": "base.json", "set": { "metrics": ["f1_macro", "ece"] },
        "parameters": { "optimizer.learning_rate": { "range": [1e-3, 1e-1], "scale": "log" } },
        "sampler": { "name": "random" }, "trials": 6, "lag": 2, "metric": "\(metric)",
        "early_termination": { "name": "median", "warmup_epochs": 1, "startup_trials": 2 },
        "confirm": 2
      }
      """)
    let one = try Program.run("sweep", "sweep.json", "-j", "1", "--output", "one", in: folder)
    #expect(one.status == 0, "\(one.errors)")
    for _ in 0..<20 {
      let killed = try Program.run(
        "sweep", "sweep.json", "-j", "2", "--kill-after", "2", "--output", "killed", in: folder)
      if killed.signal == nil { break }
    }
    for file in SweepTests.reproducible {
      let same = try folder.data("one/sweep/\(file)") == folder.data("killed/sweep/\(file)")
      #expect(same, "\(file)")
    }
    let lines = try folder.text("one/sweep/trials.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let place = try #require(lines[0].firstIndex(of: "best_\(metric)"))
    let completed = lines.dropFirst().filter { $0[1] == "completed" }
    let values = completed.compactMap { Double($0[place]) }
    let best = try #require(isHigherBetter ? values.max() : values.min())
    let trial = completed[try #require(values.firstIndex(of: best))][0]
    #expect(one.output.contains("winner         trial \(trial): \(metric) "))
    let summary = try json("one/sweep/summary.json", in: folder)
    #expect(isNear((summary["winner"] as? [String: Any])?[metric], best))
    let own = "test_" + metric.dropFirst(4)
    let confirmed = try #require(summary["confirmed"] as? [[String: Any]])
    #expect(confirmed.count == 2 && confirmed.allSatisfy { $0[own] is Double })
    #expect(one.output.contains(", \(own) 0.") && one.output.contains(" over 2 fresh seeds\n"))
    let ranking = try Program.run("leaderboard", "one/sweep", "--format", "csv", in: folder)
    let rows = ranking.output.split(separator: "\n")
    #expect(rows[0].hasPrefix("rank,trial,\(metric),") && rows[1].hasPrefix("1,\(trial),"))
    let table = try Program.run("leaderboard", "one/sweep", in: folder)
    #expect(table.output.hasPrefix("rank  trial  \(metric) \(isHigherBetter ? "↑" : "↓")  "))
  }
}

/// Whether a number that Foundation read, which may err in the last bit, is the one that was written.
private func isNear(_ value: Any?, _ expected: Double) -> Bool {
  (value as? Double).map { abs($0 - expected) <= 1e-15 } ?? false
}
