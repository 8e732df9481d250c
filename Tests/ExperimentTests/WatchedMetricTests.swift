import ConvNet
import Storage
import Testing

@testable import Experiment

/// What the spec's metrics are measured for: to be watched, and to be bounded.
struct WatchedMetricTests {
  private static func rows(_ name: String, _ values: [Double?]) -> [EpochRow] {
    values.enumerated().map { place, value in
      EpochRow(
        epoch: place + 1, step: 10 * (place + 1), learningRate: 0.1, trainLoss: 1,
        trainAccuracy: 0.5, valLoss: 1, valAccuracy: 0.5,
        metrics: [
          MeasuredMetric(name: MetricName("recall_3")!, value: 0.125),
          MeasuredMetric(name: MetricName(name)!, value: value),
        ])
    }
  }

  /// Where a training of 20 epochs is after these epochs, with a patience of 2.
  private static func state(
    _ monitor: String, _ values: [Double?], schedule: Schedule = .constant
  ) throws -> TrainingState {
    let metric = try #require(Metric(rawValue: monitor))
    var state = TrainingState()
    state.watch = EarlyStopping(monitor: metric, patience: 2)
    var rate = LearningRate(base: 1, schedule: schedule, warmup: nil, stepsPerEpoch: 10)
    for row in rows(metric.name.text, values) {
      #expect(state.finish == nil, "ended before epoch \(row.epoch)")
      _ = state.finishEpoch(row, &rate, of: 20, stopsEarly: true)
    }
    return state
  }

  /// By hand: the second is best; the third is worse and the fourth no better.
  @Test func stopsByF1() throws {
    let before = try Self.state("val_f1_macro", [0.5, 0.6, 0.55])
    #expect(before.finish == nil && before.watch?.waited == 1)
    let state = try Self.state("val_f1_macro", [0.5, 0.6, 0.55, 0.6])
    #expect(state.finish == .earlyStopping)
    #expect(state.watch?.best == 0.6 && state.watch?.bestEpoch == 2)
  }

  /// Less is better: were it more, the third epoch would be the last.
  @Test func stopsByTheCalibrationError() throws {
    let state = try Self.state("val_ece", [0.10, 0.05, 0.07, 0.04, 0.06, 0.04])
    #expect(state.finish == .earlyStopping)
    #expect(state.watch?.best == 0.04 && state.watch?.bestEpoch == 4)
  }

  /// What has no value is an epoch without an improvement, for both.
  @Test func noValueIsNoImprovement() throws {
    let schedule = Schedule.reduceOnPlateau(
      PlateauDescription(
        monitor: try #require(Metric(rawValue: "val_roc_auc_3")), factor: 0.5, patience: 2))
    let state = try Self.state("val_roc_auc_3", [nil, 0.75, nil, nil], schedule: schedule)
    #expect(state.finish == .earlyStopping && state.watch?.bestEpoch == 2)
    #expect(state.plateau.factor == 0.5 && state.plateau.best == 0.75)
    let never = try Self.state("val_roc_auc_3", [nil, nil], schedule: schedule)
    #expect(never.finish == .earlyStopping)
    #expect(never.watch?.best == nil && never.watch?.bestEpoch == 0)
    #expect(never.plateau.best.isNaN && never.plateau.factor == 0.5)
  }

  /// What a checkpoint says of them is held against the rows that led there.
  @Test func theRowsLeadToTheState() throws {
    let spec = try Self.load(
      #""metrics": ["f1_macro"], "early_stopping": { "monitor": "val_f1_macro", "patience": 3 },"#)
    var beginning = TrainingState()
    beginning.watch = EarlyStopping(monitor: try #require(spec.watched.first?.metric), patience: 3)
    let rate = LearningRate(base: 1, schedule: .constant, warmup: nil, stepsPerEpoch: 10)
    let extent = TrainingExtent(spec, images: 1280)
    let rows = Self.rows("f1_macro", [0.5, nil, 0.75])
    var state = beginning
    var running = rate
    for row in rows {
      _ = state.finishEpoch(row, &running, of: extent.epochs, stopsEarly: true)
      state.beginNextEpoch()
    }
    #expect(
      state.flaw(after: rows, from: beginning, rate, in: extent, stopsEarly: true) == nil)
    let other = Self.rows("f1_macro", [0.5, nil, 0.25])
    #expect(
      state.flaw(after: other, from: beginning, rate, in: extent, stopsEarly: true)
        == "best_value is 0.75, but metrics.csv leads to 0.5")
  }

  @Test func rowsKeepTheirMetrics() throws {
    let row = Self.rows("roc_auc_T-shirt/top", [nil])[0]
    #expect(row.csv == "1,10,0.1,1.0,0.5,1.0,0.5,0.125,")
    let names = row.metrics.map(\.name)
    #expect(EpochRow(csv: row.csv, metrics: names) == row)
    #expect(row[try #require(Metric(rawValue: "val_recall_3"))] == 0.125)
    #expect(row[try #require(Metric(rawValue: "test_recall_3"))] == nil)
    let header = EpochRow.header(with: names)
    #expect(header.hasSuffix(",val_recall_3,val_roc_auc_T-shirt/top"))
    #expect(EpochRow.metrics(in: header) == names)
    // A column of another version is left out.
    #expect(EpochRow.metrics(in: EpochRow.header + ",x,val_ece") == [nil, MetricName("ece")])
    #expect(EpochRow(csv: "1,1,0.1,1,1,1,1,?,0.5", metrics: [nil, MetricName("ece")]) != nil)
    #expect(EpochRow(csv: "1,1,0.1,1,1,1,1,?", metrics: [MetricName("ece")]) == nil)
  }

  // MARK: - Specs

  static func text(_ rest: String, dataset: String = #""validation": 0.2"#) -> String {
    """
    { "name": "x", "dataset": { "name": "mnist", \(dataset) },
      "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 10 }],
      "optimizer": { "name": "adam" }, \(rest) "training": { "epochs": 20, "batch_size": 128 } }
    """
  }

  static func load(_ rest: String) throws -> ExperimentSpec {
    try ExperimentSpec.load(bytes: Array(text(rest).utf8), name: "x.json").spec
  }

  /// The messages of a spec's errors, with their paths.
  private static func problems(
    _ rest: String, dataset: String = #""validation": 0.2"#
  ) -> [String] {
    do throws(SpecErrors) {
      _ = try ExperimentSpec.load(
        bytes: Array(text(rest, dataset: dataset).utf8), name: "x.json")
      return []
    } catch {
      return error.diagnostics.map { "\($0.path): \($0.message)" }
    }
  }

  @Test func whateverIsMeasuredCanBeWatchedAndBounded() throws {
    let spec = try Self.load(
      """
      "metrics": ["top_3_accuracy", "f1_3", "ece"],
      "early_stopping": { "monitor": "val_ece", "patience": 3 },
      "schedule": { "name": "reduce_on_plateau", "monitor": "val_f1_3" },
      "expect": { "val_ece": { "max": 0.1 }, "test_accuracy": { "min": 0.9 },
        "test_f1_3": { "min": 0.8, "max": 1 }, "test_top_3_accuracy": null },
      """)
    try SpecRoundTripTests.checkRoundTrip(spec)
    #expect(
      spec.watched.map { "\($0.place) \($0.metric.rawValue)" }
        == ["early_stopping.monitor val_ece", "schedule.monitor val_f1_3"])
    // What every run has comes first.
    #expect(spec.expect.map(\.figure.name) == ["test_accuracy", "val_ece", "test_f1_3"])
    #expect(spec.expect.map(\.min) == [0.9, nil, 0.8] && spec.expect.map(\.max) == [nil, 0.1, 1])
  }

  @Test(arguments: [
    (
      #""early_stopping": { "monitor": "val_f1_macro", "patience": 1 },"#,
      #"early_stopping.monitor: val_f1_macro is not measured; add "f1_macro" to "metrics""#
    ),
    (
      #""metrics": ["f1_3"], "schedule": { "name": "reduce_on_plateau", "monitor": "val_ece" },"#,
      #"schedule.monitor: val_ece is not measured; add "ece" to "metrics""#
    ),
    (
      #""expect": { "test_roc_auc_macro": { "min": 0.9 } },"#,
      #"expect.test_roc_auc_macro: test_roc_auc_macro is not measured; add "roc_auc_macro" to "metrics""#
    ),
    (
      #""metrics": ["f1_3"], "expect": { "test_f1_12": { "min": 0.9 } },"#,
      "expect.test_f1_12: there is no class 12; the last of 10 is 9"
    ),
    (
      #""metrics": ["f1_micro"],"#,
      #"metrics[0]: no class is called "micro"; did you mean "macro"?"#
    ),
    (
      #""metrics": ["ece"], "expect": { "test_ece": { "max": 1.5 } },"#,
      "expect.test_ece.max: found 1.5, but a number from 0 to 1 is expected"
    ),
    (
      #""metrics": ["ece"], "expect": { "test_ece": { "min": 0.5, "max": 0.25 } },"#,
      #"expect.test_ece.min: 0.5 is more than the "max", 0.25"#
    ),
    (
      #""metrics": ["ece"], "expect": { "test_ece": {} },"#,
      #"expect.test_ece: found an empty object; give at least one of "min", "max""#
    ),
    (
      #""metrics": ["accuracy"],"#,
      #"metrics[0]: found "accuracy", but a metric such as "top_5_accuracy", "precision_macro", "#
        + #""recall_macro", "f1_macro", "roc_auc_macro" or "ece" (for "macro" also the number or the "#
        + #"name of a class) is expected; accuracy is measured in any case, so leave it out"#
    ),
  ])
  func whatIsNotMeasuredIsTold(rest: String, message: String) {
    #expect(Self.problems(rest) == [message])
  }

  @Test func withoutImagesThereIsNothingToWatch() {
    #expect(
      Self.problems(
        #""metrics": ["ece"], "early_stopping": { "monitor": "val_ece", "patience": 1 },"#,
        dataset: #""validation": 0"#)
        == [
          "early_stopping.monitor: val_ece is never measured, since dataset.validation is 0; hold "
            + "images out"
        ])
    #expect(
      Self.problems(
        #""metrics": ["ece"], "expect": { "test_ece": { "max": 1 } },"#,
        dataset: #""validation": 0.2, "test": "none""#)
        == ["expect.test_ece: test_ece is never measured, since dataset.test is \"none\""])
  }

  /// A class by its name and by its number is one figure.
  @Test func anotherNameOfTheSameIsTold() throws {
    let text = """
      { "name": "shapes", "dataset": { "name": "files", "path": "a.csv", "test": "none",
          "validation": 0.5, "shape": [8, 8, 1], "classes": ["circle", "square"] },
        "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 2 }],
        "optimizer": { "name": "adam" }, "metrics": ["f1_square"],
        "early_stopping": { "monitor": "val_f1_1", "patience": 1 },
        "training": { "epochs": 1, "batch_size": 4 } }
      """
    let error = try #require(throws: SpecErrors.self) {
      try ExperimentSpec.load(bytes: Array(text.utf8), name: "x.json")
    }
    #expect(
      error.diagnostics.map(\.message) == [
        #"val_f1_1 is measured by another name; write "val_f1_square""#
      ])
  }

  /// Names of other programs, and slips.
  @Test(arguments: [
    ("val_f1_score", "val_f1_macro"), ("val_f1", "val_f1_macro"), ("f1_score", "val_f1_macro"),
    ("auc", "val_roc_auc_macro"), ("val_auc", "val_roc_auc_macro"), ("AUROC", "val_roc_auc_macro"),
    ("top5", "val_top_5_accuracy"), ("val_top_3", "val_top_3_accuracy"),
    ("val_top3_accuracy", "val_top_3_accuracy"), ("val_top_2_acc", "val_top_2_accuracy"),
    ("val_top_k_categorical_accuracy", "val_top_5_accuracy"),
    ("val_sparse_categorical_accuracy", "val_accuracy"), ("val_acc", "val_accuracy"),
    ("acc", "train_accuracy"), ("loss", "train_loss"), ("validation_loss", "val_loss"),
    ("val-loss", "val_loss"), ("test_loss", "val_loss"), ("test_f1_3", "val_f1_3"),
    ("train_f1_macro", "val_f1_macro"), ("val_precison_macro", "val_precision_macro"),
    ("val_calibration_error", "val_ece"), ("ECE", "val_ece"), ("Val_Loss", "val_loss"),
    ("speed", nil), ("", nil), ("val_", nil),
  ])
  func nearMisses(word: String, name: String?) {
    #expect(Metric.nearMiss(to: word, of: [.training, .validation])?.rawValue == name)
  }

  @Test func slipsAreToldWithWhatWasMeant() {
    #expect(
      Self.problems(#""early_stopping": { "monitor": "val_f1_score", "patience": 1 },"#)
        == [#"early_stopping.monitor: no class is called "score"; did you mean "macro"?"#])
    #expect(
      Self.problems(#""early_stopping": { "monitor": "val_f1", "patience": 1 },"#) == [
        #"early_stopping.monitor: found "val_f1", but one of "train_loss", "train_accuracy", "#
          + #""val_loss", "val_accuracy", or val_ with what "metrics" asks for "#
          + #"("val_f1_macro") is expected; did you mean "val_f1_macro"?"#
      ])
    #expect(
      Self.problems(#""expect": { "auc": { "min": 0.9 } },"#)
        == [#"expect.auc: unknown key; did you mean "test_roc_auc_macro"?"#])
    #expect(
      Self.problems(#""metrics": ["val_top5"],"#).first?.hasSuffix(
        #"; did you mean "top_5_accuracy"?"#) == true)
  }

  // MARK: - Bounds

  @Test func boundsOfAMetricHoldBothWays() throws {
    let expectation = Expectation(
      try #require(Metric(rawValue: "test_ece")), min: 0.01, max: 0.05)
    func check(_ value: Double?) -> Summary.Check {
      Summary.Check(expectation: expectation, value: value)
    }
    #expect(check(0.01).isMet && check(0.05).isMet && check(0.03).isMet)
    #expect(!check(0.0501).isMet && !check(0.0099).isMet)
    #expect(check(0.06).description == "test_ece 0.06 is above the 0.05 expected")
    #expect(check(0.005).description == "test_ece 0.005 is below the 0.01 expected")
    // What has no value keeps no bound.
    #expect(!check(nil).isMet && check(nil).description == "test_ece has no value")
  }

  /// The patterns of the schema take the names that the checker takes.
  @Test func theSchemaTakesTheSameNames() throws {
    let schema = ExperimentSpec.schema()["properties"]
    let list = try #require(schema?["metrics"]?["items"]?["pattern"]?.string)
    let watched = try #require(
      schema?["early_stopping"]?["properties"]?["monitor"]?["pattern"]?.string)
    let expected = try #require(schema?["expect"]?["patternProperties"]?.object)
    let keys = try #require(schema?["expect"]?["properties"]?.object).keys
    for name in [
      "loss", "accuracy", "ece", "f1_macro", "f1_3", "roc_auc_T-shirt/top", "top_3_accuracy",
      "top_0_accuracy", "top_65536_accuracy", "top_65535_accuracy", "top_03_accuracy", "f1", "f1_",
      "f1_a,b", "f2_macro", "", "ece_macro",
    ] {
      let isListed = try Regex(list).wholeMatch(in: name) != nil
      #expect(isListed == Self.isTaken("metrics", [.string(name)]), "\(name)")
      for part in ["train", "val", "test", "best"] {
        let column = "\(part)_\(name)"
        let isWatched = try Regex(watched).wholeMatch(in: column) != nil
        #expect(
          isWatched
            == Self.isTaken("early_stopping", ["patience": 1, "monitor": .string(column)]),
          "\(column)")
        let isExpected =
          try keys.contains(column)
          || expected.keys.contains { try Regex($0).wholeMatch(in: column) != nil }
        var bounds = JSONObject()
        bounds[column] = ["min": 0.5]
        #expect(isExpected == Self.isTaken("expect", .object(bounds)), "\(column)")
      }
    }
  }

  /// Whether a section may have a value, whatever the others say.
  private static func isTaken(_ section: String, _ value: JSONValue) -> Bool {
    var document = JSONObject()
    document[section] = value
    let fields = SpecDescription.root.fields.filter { $0.name == section }
    let root = JSONNode(.object(document), origin: .file(offset: 0))
    var checker = SpecChecker(root: root)
    _ = checker.check(root, .object(ObjectType(fields: fields)), Path())
    return checker.problems.isEmpty
  }

  /// The catalogue and the schema know every kind.
  @Test func everyKindIsTold() throws {
    let entries = ExperimentSpec.catalogue().filter { $0.kind == "a metric" }
    #expect(entries.map(\.name) == MetricKind.all.map(\.name))
    let schema = ExperimentSpec.schema()["properties"]
    let pattern = try #require(
      schema?["early_stopping"]?["properties"]?["monitor"]?["pattern"]?.string)
    for kind in MetricKind.all {
      let entry = try #require(entries.first { $0.name == kind.name })
      #expect(entry.doc.contains("\(kind.better.rawValue) is better"))
      let name = "val_\(kind.example())"
      #expect(try Regex(pattern).wholeMatch(in: name) != nil && Metric(rawValue: name) != nil)
    }
  }
}
