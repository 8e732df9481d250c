import Foundation
import TestSupport
import Testing

@Suite struct RunTests {
  @Test func aRunLeavesItsWholeRecord() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run("small.json", "seed=7", "--threads", "1", in: folder)
    #expect(result.status == 0)
    let run = try folder.run(of: "small")
    // What it says, without the figures.
    let errors = result.errors.split(separator: "\n")
    #expect(errors.first == "small: \(run)")
    #expect(errors.count == 1 + 4 + 3)
    #expect(
      errors[1]
        == "  data      synthetic_digits: 48 images to train on, 12 to validate on, 20 to test on")
    #expect(errors[3] == "  training  3 epochs of 5 steps of 10 images, by adam")
    for epoch in 1...3 {
      let line = errors[4 + epoch]
      #expect(line.hasPrefix("epoch \(epoch)/3  loss "))
      for word in ["accuracy ", "val_loss ", "val_accuracy "] { #expect(line.contains(word)) }
    }
    let output = result.output.split(separator: "\n").map(String.init)
    #expect(output.count == 7)
    #expect(output[0].hasPrefix("test accuracy  "))
    #expect(output[1] == "data           synthetic_digits")
    #expect(output[2].hasPrefix("weights        of the last epoch; "))
    #expect(output[2].hasSuffix("trained: all 3 epochs"))
    #expect(output[3] == "metrics        \(run)/metrics.csv")
    #expect(output[4] == "curves         \(run)/plots/curves.svg")
    #expect(output[5] == "checkpoint     \(run)/checkpoints/last.safetensors")
    #expect(output[6] == "verify with    runner verify \(run)")

    let metrics = try folder.text("\(run)/metrics.csv").split(separator: "\n")
    #expect(metrics.count == 4)
    #expect(
      metrics[0] == "epoch,step,learning_rate,train_loss,train_accuracy,val_loss,val_accuracy")
    #expect(metrics.dropFirst().allSatisfy { $0.split(separator: ",").count == 7 })
    #expect(metrics[3].hasPrefix("3,15,"))
    #expect(try folder.text("\(run)/spec.json") == Specs.small)
    let resolved = try json(folder, "\(run)/resolved.json")
    #expect(resolved["seed"] as? Int == 7)
    let record = try json(folder, "\(run)/run.json")
    #expect(record["status"] as? String == "completed")
    #expect(record["command"] as? [String] == ["runner", "small.json", "seed=7", "--threads", "1"])
    let dataset = try #require(record["dataset"] as? [String: Any])
    #expect(dataset["name"] as? String == "synthetic_digits")
    #expect((dataset["sha256"] as? String)?.count == 64)
    let environment = try #require(record["environment"] as? [String: Any])
    for key in ["program", "toolchain", "openblas", "kernel", "cpu", "system"] {
      #expect((environment[key] as? String)?.isEmpty == false, "\(key)")
    }
    let summary = try json(folder, "\(run)/summary.json")
    #expect(summary["steps"] as? Int == 15)
    #expect((summary["weights_sha256"] as? String)?.count == 64)
    for file in ["timing.csv", "plots/curves.svg"] { #expect(folder.exists("\(run)/\(file)")) }
    let link = folder.url.appending(path: "results/small/latest").path
    let target = try FileManager.default.destinationOfSymbolicLink(atPath: link)
    #expect("results/small/\(target)" == run)
  }

  private func json(_ folder: TemporaryFolder, _ name: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: folder.data(name)) as? [String: Any])
  }

  @Test func threadsChangeNoBit() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    for threads in ["1", "2", "4"] {
      let result = try Program.run(
        "small.json", "--threads", threads, "--quiet", "--output", threads, in: folder)
      #expect(result.status == 0)
      #expect(result.errors == "")
    }
    let one = try folder.run(of: "small", under: "1")
    try expectSameRecord(one, try folder.run(of: "small", under: "2"), in: folder)
    try expectSameRecord(one, try folder.run(of: "small", under: "4"), in: folder)
    // And the seed changes all of them.
    _ = try Program.run("small.json", "seed=2", "--output", "other", in: folder)
    let other = try folder.run(of: "small", under: "other")
    #expect(try folder.data("\(one)/metrics.csv") != folder.data("\(other)/metrics.csv"))
  }

  @Test func twoRunsOfOneInstant() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let running = try (0..<4).map { _ in
      try Program.start("small.json", "--quiet", "--threads", "1", in: folder)
    }
    for process in running { #expect(try process.wait().status == 0) }
    let runs = try folder.runs(of: "small")
    #expect(runs.count == 4)
    for run in runs.dropFirst() { try expectSameRecord(runs[0], run, in: folder) }
  }

  @Test func expectations() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let kept = try Program.run(
      "small.json", #"expect={"test_accuracy": {"min": 0}}"#, "--quiet", "--threads", "1",
      in: folder)
    #expect(kept.status == 0)
    #expect(kept.output.contains(" is as expected\n"))
    let broken = try Program.run(
      "small.json", #"expect={"test_loss": {"max": 0.5}}"#, "--quiet", "--threads", "1", in: folder)
    #expect(broken.status == 4)
    #expect(broken.output.contains(" is above the 0.5 expected: NOT MET\n"))
    #expect(broken.errors.hasPrefix("expectation not met: test_loss "))
  }

  @Test func aLossThatIsNotFinite() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run(
      "small.json", #"optimizer={"name": "sgd", "learning_rate": 1000}"#,
      #"model=[{"layer": "flatten"}, {"layer": "dense", "units": 10, "l2": 1}]"#, "--quiet",
      "--threads", "1",
      in: folder)
    #expect(result.status == 1)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("error: small diverged: the loss of step "))
    #expect(result.errors.contains("model[1] (dense)"))
    let run = try folder.run(of: "small")
    let record = try json(folder, "\(run)/run.json")
    #expect(record["status"] as? String == "diverged")
    let again = try Program.run("resume", run, in: folder)
    #expect(again.status == 1)
    #expect(again.errors.contains("Resumed, it would do so again"))
  }

  @Test func earlyStopping() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run(
      "small.json", "training.epochs=50", "optimizer.learning_rate=0.5",
      #"early_stopping={"monitor": "val_loss", "patience": 2}"#, "--quiet", "--threads", "1",
      in: folder)
    #expect(result.status == 0)
    let summary = try json(folder, "\(try folder.run(of: "small"))/summary.json")
    #expect(summary["stop_reason"] as? String == "early_stopping")
    #expect(summary["epochs"] as? Int == (summary["best_epoch"] as? Int).map { $0 + 2 })
    #expect(summary["tested_weights"] as? String == "best")
  }

  @Test func withoutValidationCellsAreEmptyAndTheLastWeightsAreTested() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let result = try Program.run(
      "small.json", "dataset.validation=0", #"schedule={"name": "constant"}"#, "--quiet",
      "--threads", "1",
      in: folder)
    #expect(result.status == 0, "\(result.errors)")
    let run = try folder.run(of: "small")
    let metrics = try folder.text("\(run)/metrics.csv").split(separator: "\n")
    #expect(metrics.dropFirst().allSatisfy { $0.hasSuffix(",,") })
    #expect(result.output.contains("weights        of the last epoch; trained: all 3 epochs\n"))
    #expect(!folder.exists("\(run)/checkpoints/best.safetensors"))
    #expect(try Program.run("evaluate", run, in: folder).status == 0)
    #expect(try Program.run("verify", run, "--quiet", "--threads", "1", in: folder).status == 0)
  }

  @Test func evaluateGivesTheTestFiguresAndAConfusionMatrix() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    let run = try Program.run("small.json", "--quiet", "--threads", "1", in: folder)
    let result = try Program.run("evaluate", "results/small/latest", in: folder)
    #expect(result.status == 0)
    #expect(result.errors == "")
    let lines = result.output.split(separator: "\n")
    #expect(lines[0] == run.output.split(separator: "\n")[0])
    #expect(lines[1] == "data           synthetic_digits, 20 images")
    #expect(lines[2] == "weights        last, of epoch 3; the run tested these")
    // The figures by class, then the matrix, each under its header.
    #expect(lines.count == 3 + 13 + 12 && lines[3].hasPrefix("class "))
    let counts = lines.dropFirst(18).flatMap {
      $0.split(separator: " ").dropFirst().dropLast(2).compactMap { Int($0) }
    }
    #expect(counts.reduce(0, +) == 20)
    let best = try Program.run("evaluate", "results/small/latest", "--weights", "best", in: folder)
    #expect(best.output.contains("\nweights        best, of epoch "))
    #expect(best.output.contains("; the run tested the last\n"))
  }

  /// One object on stdout, all of summary.json in it, whichever way it ended.
  @Test func theResultAsJSON() throws {
    let folder = try TemporaryFolder()
    try folder.write(Specs.small, to: "small.json")
    func object(_ result: Program.Result) throws -> [String: Any] {
      try #require(
        try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }
    let ended = try Program.run("small.json", "--json", in: folder)
    #expect(ended.status == 0 && ended.errors.contains("epoch"))
    let run = try folder.run(of: "small")
    let result = try object(ended)
    #expect(result["status"] as? String == "completed" && result["run"] as? String == run)
    #expect(result["curves"] as? String == "\(run)/plots/curves.svg")
    #expect(result["checkpoint"] as? String == "\(run)/checkpoints/last.safetensors")
    let summary = try json(folder, "\(run)/summary.json")
    #expect(summary.count > 15)
    for (key, value) in summary {
      #expect((result[key] as? NSObject) == (value as? NSObject), "\(key)")
    }
    #expect(try Program.run("resume", run, "--json", in: folder).output == ended.output)

    let missed = try Program.run(
      "small.json", #"expect={"test_accuracy":{"min":0.999}}"#, "--json", "--quiet", in: folder)
    #expect(missed.status == 4)
    #expect(try (object(missed)["expected"] as? [Any])?.count == 1)
    let stopped = try Program.run(
      "small.json", "--json", "--quiet", "--stop-at-step", "7", in: folder)
    #expect(stopped.status == 75)
    let state = try object(stopped)
    #expect(state["status"] as? String == "interrupted" && state["test_accuracy"] == nil)
  }
}
