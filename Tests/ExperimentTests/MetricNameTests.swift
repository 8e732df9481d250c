import ConvNet
import Datasets
import Storage
import Testing

@testable import Experiment

/// Metrics of one class, by its name or its number.
struct MetricNameTests {
  private let shapes = ["circle", "square", "macro", "1", "T-shirt/top"]

  @Test func namesGoBeforeNumbers() {
    let cases: [(String, ClassificationMetric?)] = [
      ("f1_square", .f1(1)), ("roc_auc_circle", .rocAUC(0)),
      ("precision_T-shirt/top", .precision(4)),
      ("recall_1", .recall(3)), ("recall_0", .recall(0)), ("f1_macro", .f1(nil)),
      ("ece", .calibrationError),
      ("top_2_accuracy", .topAccuracy(2)), ("f1_5", nil), ("f1_triangle", nil),
    ]
    for (text, metric) in cases {
      #expect(MetricName(text).isSound, "\(text)")
      #expect(MetricName(text).metric(of: shapes) == metric, "\(text)")
    }
    for text in ["f1_", "f1", "f2_square", "f1_a,b", "f1_a\"b", "f1_a\nb", "top_0_accuracy", ""] {
      #expect(!MetricName(text).isSound, "\(text)")
    }
  }

  @Test func refusalsSayWhatThereIs() {
    let message = #""f1_sqare": no class is called "sqare"; did you mean "square"?"#
    #expect(throws: DatasetError(.invalid, "metrics: \(message)")) {
      try [MetricName("ece"), MetricName("f1_sqare")].named(of: shapes)
    }
  }

  private func load(_ metrics: String) throws -> ExperimentSpec {
    let text = """
      { "name": "shapes", "dataset": { "name": "files", "path": "a.csv", "test": "none",
          "shape": [8, 8, 1], "classes": ["7", "3", "square"] },
        "model": [{ "layer": "flatten" }, { "layer": "dense", "units": 3 }],
        "optimizer": { "name": "adam" }, "metrics": \(metrics),
        "training": { "epochs": 1, "batch_size": 4 } }
      """
    return try ExperimentSpec.load(bytes: Array(text.utf8), name: "x.json").spec
  }

  /// The header of metrics.csv has what the spec wrote.
  @Test func theColumnHasTheName() throws {
    let spec = try load(#"["f1_square", "recall_3"]"#)
    try SpecRoundTripTests.checkRoundTrip(spec)
    #expect(EpochRow.header(with: spec.metrics).hasSuffix(",val_f1_square,val_recall_3"))
    let classNames = try #require(spec.dataset.classNames)
    #expect(
      try spec.metrics.named(of: classNames) == [
        NamedMetric(name: "f1_square", metric: .f1(2)),
        NamedMetric(name: "recall_3", metric: .recall(1)),
      ])
    do {
      _ = try load(#"["f1_square", "f1_2"]"#)
      Issue.record("twice the same")
    } catch let error as SpecErrors {
      #expect(
        error.diagnostics.map(\.message) == [#""f1_2" is "f1_square" by another name"#])
    }
  }
}
