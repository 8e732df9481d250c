import ConvNet
import Datasets
import Storage
import Testing

@testable import Experiment

/// Metrics of one class, by its name or its number.
struct MetricNameTests {
  private let shapes = ["circle", "square", "macro", "1", "T-shirt/top"]

  @Test func namesGoBeforeNumbers() throws {
    let cases: [(text: String, kind: String, number: Int?)] = [
      ("f1_square", "f1", 1), ("roc_auc_circle", "roc_auc", 0),
      ("precision_T-shirt/top", "precision", 4), ("recall_1", "recall", 3),
      ("recall_0", "recall", 0), ("f1_macro", "f1", nil), ("ece", "ece", nil),
      ("top_2_accuracy", "top_k_accuracy", 2),
    ]
    for (text, kind, number) in cases {
      let metric = try #require(MetricName(text)?.metric(of: shapes), "\(text)")
      #expect(metric.kind.name == kind && metric.number == number, "\(text)")
    }
    for text in ["f1_5", "f1_triangle", "loss", "accuracy"] {
      #expect(try #require(MetricName(text)).metric(of: shapes) == nil, "\(text)")
    }
    for text in ["f1_", "f1", "f2_square", "f1_a,b", "f1_a\"b", "f1_a\nb", "top_0_accuracy", ""] {
      #expect(MetricName(text) == nil, "\(text)")
    }
  }

  @Test func refusalsSayWhatThereIs() {
    let message = #""f1_sqare": no class is called "sqare"; did you mean "square"?"#
    #expect(throws: DatasetError(.invalid, "metrics: \(message)")) {
      try [MetricName("ece")!, MetricName("f1_sqare")!].named(of: shapes)
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
      try spec.metrics.named(of: classNames).map { "\($0.name.text) \($0.metric.number ?? -1)" }
        == ["f1_square 2", "recall_3 1"])
    do {
      _ = try load(#"["f1_square", "f1_2"]"#)
      Issue.record("twice the same")
    } catch let error as SpecErrors {
      #expect(
        error.diagnostics.map(\.message) == [#""f1_2" is "f1_square" by another name"#])
    }
  }
}
