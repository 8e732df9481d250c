import ConvNet
import Experiment
import Foundation
import Storage
import Testing

@testable import Sweep

/// Sweeps by what the spec's metrics measure.
@Suite struct SweepMetricTests {
  private static func text(
    _ metric: String, measures: String = #"["f1_macro", "ece"]"#, rest: String = "",
    parameters: String = #""optimizer.learning_rate": { "choice": [0.1, 0.2, 0.3, 0.4] }"#
  ) -> String {
    """
    {
      "name": "by", "metric": "\(metric)", \(rest)
      "base": {
        "name": "base", "metrics": \(measures),
        "dataset": { "name": "synthetic_digits", "train_count": 100, "validation": 0.2 },
        "model": [ { "layer": "flatten" }, { "layer": "dense", "units": 10 } ],
        "optimizer": { "name": "adam" }, "training": { "epochs": 4, "batch_size": 10 }
      },
      "parameters": { \(parameters) },
      "sampler": { "name": "grid" }
    }
    """
  }

  private static func spec(_ metric: String, rest: String = "") throws -> SweepSpec {
    try SweepSpec.load(bytes: Array(text(metric, rest: rest).utf8), name: "by.json").spec
  }

  private static func errors(_ text: String) -> [String] {
    do throws(SpecErrors) {
      _ = try SweepSpec.load(bytes: Array(text.utf8), name: "by.json")
      return []
    } catch { return error.diagnostics.map { "\($0.path): \($0.message)" } }
  }

  /// By hand, of each trial and epoch: f1_macro is best in trial 2, ece least in trial 1.
  private static let curves: [(f1: [Double?], ece: [Double?])] = [
    ([0.5, 0.6, 0.7, 0.6], [0.3, 0.2, 0.25, 0.2]),
    ([0.5, 0.6, 0.6, 0.6], [0.3, 0.05, 0.2, 0.2]),
    ([0.6, 0.7, 0.8, 0.75], [0.4, 0.3, 0.3, 0.2]),
    ([nil, nil, nil, nil], [nil, nil, nil, nil]),
  ]

  private static func task(_ stage: Plan.Stage, _ spec: SweepSpec) -> TrialTask {
    TrialTask(
      stage: stage.id, experiment: [:], folder: "", until: stage.until, bar: stage.bar, parent: nil,
      metric: spec.metric, maximizes: spec.maximizes, key: "")
  }

  private static func rows(_ trial: Int, until: Int?) -> [EpochRow] {
    (0..<(until ?? 4)).map { epoch in
      EpochRow(
        epoch: epoch + 1, step: 8 * (epoch + 1), learningRate: 0.1, trainLoss: 1,
        trainAccuracy: 0.5,
        // Better and better, the worst trial by far: whoever looks here is wrong.
        valLoss: 1 / Double(trial + 1), valAccuracy: Double(trial + 1) / 5,
        metrics: [
          MeasuredMetric(name: MetricName("f1_macro")!, value: curves[trial].f1[epoch]),
          MeasuredMetric(name: MetricName("ece")!, value: curves[trial].ece[epoch]),
        ])
    }
  }

  private static func carriedOut(_ spec: SweepSpec) -> Plan {
    var plan = Plan(spec)
    while let stage = plan.next() {
      // A worker's answer goes through a line of text.
      let result = TrialRun.result(
        rows(stage.id.trial, until: stage.until),
        stage.until == nil ? .completed("epochs") : .open, task(stage, spec))
      guard
        case .result(let read, _)? = TrialAnswer(line: Array(TrialAnswer.result(result).line.utf8))
      else {
        Issue.record("the answer is not read back")
        return plan
      }
      #expect(read == result)
      plan.record(read)
    }
    #expect(plan.isComplete)
    return plan
  }

  @Test(arguments: [("val_f1_macro", 2, 3), ("val_ece", 1, 2)])
  func theBestByTheMetricWins(metric: String, winner: Int, epoch: Int) throws {
    let spec = try Self.spec(metric)
    #expect(spec.measured.map(\.text) == ["f1_macro", "ece"])
    #expect(spec.maximizes == (metric == "val_f1_macro"))
    let plan = Self.carriedOut(spec)
    #expect(plan.winner == winner)
    #expect(plan.results(of: winner)[0]?.best?.epoch == epoch)
    // What has no value has no best epoch, and wins nothing.
    #expect(plan.value(of: plan.trials[3]) == nil && plan.results(of: 3)[0]?.best == nil)

    let csv = TrialsTable(plan, folder: SweepFolder("s")).csv
    let header = try #require(csv.split(separator: "\n").first)
    #expect(
      header == "trial,status,seed,optimizer.learning_rate,epochs,best_epoch,best_train_loss,"
        + "best_train_accuracy,best_val_loss,best_val_accuracy,best_val_f1_macro,best_val_ece,"
        + "last_train_loss,last_train_accuracy,last_val_loss,last_val_accuracy,last_val_f1_macro,"
        + "last_val_ece,stop_reason,run")
    let trials = try RecordedTrials.read(Array(csv.utf8), path: "trials.csv", spec: spec)
    #expect(trials.map(\.value) == (0..<4).map { plan.value(of: plan.trials[$0]) })
  }

  /// The other way, where the sweep asks for it.
  @Test func theSweepMaySayWhichWayIsBetter() throws {
    let plan = Self.carriedOut(try Self.spec("val_ece", rest: #""direction": "maximize","#))
    #expect(plan.winner == 2)
  }

  /// Of four the two best go on after the first two epochs: by f1 0 and 2, by ece 0 and 1.
  @Test(arguments: [("val_f1_macro", [0, 2], 2), ("val_ece", [0, 1], 1)])
  func halvingGoesByTheMetric(metric: String, going: [Int], winner: Int) throws {
    let rule = #"{ "name": "successive_halving", "min_epochs": 2, "eta": 2, "bracket": 4 }"#
    let spec = try Self.spec(metric, rest: #""early_termination": \#(rule),"#)
    let plan = Self.carriedOut(spec)
    let completed = plan.trials.filter { plan.results(of: $0.number)[0]?.status == .completed }
    #expect(completed.map(\.number) == going && plan.winner == winner)
  }

  /// The median of the others' means is asked of a trial, from below or from above.
  @Test(arguments: [("val_f1_macro", false, true), ("val_ece", true, false)])
  func theMedianGoesByTheMetric(metric: String, low: Bool, high: Bool) throws {
    let metric = try #require(Metric(rawValue: metric))
    let bar = Bar(metric: metric, values: [0.5], maximizes: metric.growsBetter)
    func isMissed(_ value: Double?) -> Bool {
      bar.isMissed(by: [
        EpochRow(
          epoch: 1, step: 1, learningRate: 0, trainLoss: 0, trainAccuracy: 1,
          metrics: [MeasuredMetric(name: metric.name, value: value)])
      ])
    }
    #expect(isMissed(0.6) == low && isMissed(0.4) == high && !isMissed(nil))
  }

  @Test func theJournalKeepsTheMetrics() throws {
    let spec = try Self.spec("val_ece")
    let format = JournalFormat(spec)
    #expect(format.header.contains(",best_val_accuracy,best_val_f1_macro,best_val_ece,last_epoch,"))
    let folder = FileManager.default.temporaryDirectory.path + "/journal-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = Self.carriedOut(spec)
    let entries = try (0..<4).map { trial in
      JournalEntry(
        result: try #require(plan.results(of: trial)[0]),
        configuration: plan.trials[trial].configuration)
    }
    var journal = try Journal.open(folder: folder, writer: "local", format: format)
    for entry in entries { try journal.append(entry) }
    try journal.synchronize()
    let read = try Journal.read(folder: folder, format: format)
    for entry in entries { #expect(read[entry.result.id] == entry) }
  }

  @Test func whatTheTrialsDoNotMeasureIsTold() {
    #expect(
      Self.errors(Self.text("val_f1_macro", measures: "[]"))
        == [#"metric: val_f1_macro is not measured; add "f1_macro" to the base's "metrics""#])
    #expect(
      Self.errors(Self.text("test_f1_macro")).first?.hasSuffix(
        #"; did you mean "val_f1_macro"?"#) == true)
    #expect(
      Self.errors(
        Self.text("val_ece", parameters: #""metrics": { "choice": [["ece"], ["ece", "f1_3"]] }"#))
        == [
          "parameters: the trials do not all measure the same \"metrics\"; say these in the base or "
            + "in set"
        ])
    #expect(
      Self.errors(
        Self.text("val_ece", measures: "[]", rest: #""set": { "metrics": ["ece"] },"#)) == [])
  }

  @Test func figuresAreOfMetricsToo() {
    for name in ["test_f1_macro", "val_ece", "best_val_f1_3", "last_val_top_2_accuracy"] {
      #expect(Figure(name: name)?.name == name)
    }
    for name in ["best_test_f1_macro", "f1_macro", "train_f1_macro", "best_ece", "tested_val_loss"]
    {
      #expect(Figure(name: name) == nil, "\(name)")
    }
    #expect(Figure.nearMiss(to: "test_f1")?.name == "test_f1_macro")
    #expect(Figure.nearMiss(to: "best_val_auc")?.name == "best_val_roc_auc_macro")
    #expect(Figure.nearMiss(to: "accuracy")?.name == "test_accuracy")
    #expect(Figure.nearMiss(to: "speed") == nil)
  }
}
