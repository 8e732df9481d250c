import ConvNet
import Datasets
import Storage

/// summary.json: what a run came to. It holds no times, so that it is reproducible to the byte.
public struct Summary: Hashable, Sendable {
  /// Which weights were tested.
  public enum Weights: String, Hashable, Sendable, CaseIterable { case best, last }

  /// An expectation of the spec, and whether the run kept it.
  public struct Check: Hashable, Sendable {
    public let expectation: Expectation
    /// Nil where the metric has no value, which keeps no bound.
    public let value: Double?
    public var isMet: Bool {
      guard let value else { return false }
      return value >= expectation.min ?? -.infinity && value <= expectation.max ?? .infinity
    }

    /// "test_accuracy 0.9712 is below the 0.985 expected"
    public var description: String {
      let name = expectation.figure.name
      guard let value else { return "\(name) has no value" }
      if let min = expectation.min, !(value >= min) {
        return "\(name) \(Bounds.text(value)) is below the \(Bounds.text(min)) expected"
      }
      if let max = expectation.max, !(value <= max) {
        return "\(name) \(Bounds.text(value)) is above the \(Bounds.text(max)) expected"
      }
      return "\(name) \(Bounds.text(value)) is as expected"
    }
  }

  /// Nil where the spec reads no test images.
  public var testLoss: Double?
  public var testAccuracy: Double?
  /// What the spec asks for besides.
  public var testMetrics: [MeasuredMetric] = []
  /// What several views of each test image come to, where the spec asks for them.
  public var averaged: AveragedViews?
  /// Nil where it didn't learn to answer in integers.
  public var integers: Integers?
  /// Nil where no weights were made 0.
  public var zeros: Zeros?
  /// Which weights were tested, or would have been.
  public var testedWeights: Weights
  /// Why training ended: "epochs" or "early_stopping".
  public var stopReason: String
  /// The figures of the last epoch, and of the one whose weights were tested.
  public var last: EpochRow
  public var tested: EpochRow
  /// What was watched, its best value and the epoch that gave it.
  public var monitor: Metric?
  public var best: Double?
  public var bestEpoch: Int?
  public var parameters: Int
  /// Digests of the weights at the end, and of those of the best epoch.
  public var weightsDigest: String
  public var bestWeightsDigest: String?
  /// That of metrics.csv.
  public var metricsDigest: String
  public var dataset: String
  /// The dataset whose test images were used, if another.
  public var testDataset: String?
  public var standsInFor: String?
  /// Those of the spec; none when other data stood in, of which nothing was expected.
  public var checks: [Check] = []

  public var isAsExpected: Bool { checks.allSatisfy(\.isMet) }

  subscript(metric: Metric) -> Double? {
    switch metric {
    case .testLoss: testLoss
    case .testAccuracy: testAccuracy
    default:
      metric.part == .test
        ? testMetrics.first { $0.name == metric.name }?.value : tested[metric]
    }
  }

  var json: JSONValue {
    var json = common
    for (key, metrics) in [("test_metrics", testMetrics), ("val_metrics", tested.metrics)]
    where !metrics.isEmpty {
      var figures = JSONObject()
      for figure in metrics {
        figures[figure.name.text] = figure.value.map { JSONValue($0) } ?? .null
      }
      json[key] = .object(figures)
    }
    if let averaged { json["test_time_augmentation"] = averaged.json }
    for member in zeros?.json.members ?? [] { json[member.key] = member.value }
    for member in integers?.json.members ?? [] { json[member.key] = member.value }
    return json
  }

  private var common: JSONValue {
    [
      "test_accuracy": testAccuracy.map { JSONValue($0) } ?? .null,
      "test_loss": testLoss.map { JSONValue($0) } ?? .null,
      "tested_weights": JSONValue(testedWeights.rawValue),
      "epochs": JSONValue(last.epoch),
      "steps": JSONValue(last.step),
      "stop_reason": JSONValue(stopReason),
      "monitor": JSONValue(monitor?.rawValue),
      "best_value": best.map { JSONValue($0) } ?? .null,
      "best_epoch": JSONValue(bestEpoch),
      "train_loss": JSONValue(tested.trainLoss),
      "train_accuracy": JSONValue(tested.trainAccuracy),
      "val_loss": tested.valLoss.map { JSONValue($0) } ?? .null,
      "val_accuracy": tested.valAccuracy.map { JSONValue($0) } ?? .null,
      "parameters": JSONValue(parameters),
      "weights_sha256": JSONValue(weightsDigest),
      "best_weights_sha256": JSONValue(bestWeightsDigest),
      "metrics_sha256": JSONValue(metricsDigest),
      "dataset": JSONValue(dataset),
      "test_dataset": JSONValue(testDataset),
      "stands_in_for": JSONValue(standsInFor),
      "expected": .array(
        checks.filter { $0.expectation.figure != .microseconds }.map {
          [
            "metric": JSONValue($0.expectation.figure.name),
            "min": $0.expectation.min.map { JSONValue($0) } ?? .null,
            "max": $0.expectation.max.map { JSONValue($0) } ?? .null,
            "value": $0.value.map { JSONValue($0) } ?? .null,
            "met": JSONValue($0.isMet),
          ]
        }),
    ]
  }
}
