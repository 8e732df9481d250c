import ConvNet

/// What the images that a run looks at without training on them come to.
struct MeasuredImages {
  let result: EvaluationResult
  /// The figures that the spec asks for, in its order.
  let metrics: [MeasuredMetric]

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
    let classes = inference.plan.description.classes
    let needsScores = metrics.contains { $0.metric.kind.needs == .scores }
    var predictions = [UInt8](repeating: 0, count: range.count)
    var scores = [Float](repeating: 0, count: needsScores ? range.count * classes : 0)
    result = predictions.withUnsafeMutableBufferPointer { predictions in
      scores.withUnsafeMutableBufferPointer {
        inference.evaluate(
          source, range: range, loss: loss, predictions: predictions,
          scores: needsScores ? $0 : nil)
      }
    }
    // Scores that aren't numbers have no order; the loss tells.
    guard result.lossSum.isFinite else {
      self.metrics = metrics.map { MeasuredMetric(name: $0.name, value: nil) }
      return
    }
    let labels = range.map { UInt8(source.label(of: $0)) }
    let classification =
      needsScores
      ? Classification(scores: scores, labels: labels, classes: classes)
      : Classification(predictions: predictions, labels: labels, classes: classes)
    self.metrics = metrics.map {
      MeasuredMetric(name: $0.name, value: classification[$0.metric])
    }
  }
}
