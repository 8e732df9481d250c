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
    let (evaluation, classification) = inference.classify(
      source, range: range, loss: loss,
      keepsProbabilities: metrics.contains(where: \.metric.kind.needsProbabilities))
    result = evaluation
    // Scores that aren't numbers have no order; the loss tells.
    self.metrics = metrics.map {
      MeasuredMetric(
        name: $0.name, value: evaluation.lossSum.isFinite ? classification[$0.metric] : nil)
    }
  }
}
