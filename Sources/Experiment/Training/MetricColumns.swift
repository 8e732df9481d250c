import ConvNet
import Storage

/// What the images that a run looks at without training on them come to.
struct MeasuredImages {
  let result: EvaluationResult
  /// The figures that the spec asks for, in its order; nil for one that has no value.
  let metrics: [Double?]

  init(
    _ inference: Inference, _ source: any SampleSource, loss: LossDescription,
    _ metrics: [NamedMetric]
  ) {
    let range = 0..<source.count
    guard !metrics.isEmpty else {
      result = inference.evaluate(source, range: range, loss: loss)
      self.metrics = []
      return
    }
    let classification: Classification
    (result, classification) = inference.classify(
      source, range: range, loss: loss,
      keepsProbabilities: metrics.contains(where: \.metric.needsProbabilities))
    // Scores that aren't numbers have no order; the loss tells.
    guard result.lossSum.isFinite else {
      self.metrics = metrics.map { _ in nil }
      return
    }
    self.metrics = metrics.map { classification[$0.metric] }
  }
}

extension EpochRow {
  /// The header of a metrics.csv with the columns that a spec asks for.
  static func header(with metrics: [MetricName]) -> String {
    CSV.row(names + metrics.map { "val_\($0.text)" })
  }

  /// A row with the values of those columns; none where nothing was validated.
  func csv(with metrics: [MetricName], _ values: [Double?]?) -> String {
    CSV.row(fields + (values ?? metrics.map { _ in nil }).map { $0?.description ?? "" })
  }
}
