/// What an evaluation found.
public struct EvaluationResult: Sendable {
  /// Of the samples' losses, added in order.
  public let lossSum: Double
  public let correct: Int
  /// What each sample was taken for, its most likely class.
  public let predictions: Labels

  public var count: Int { predictions.count }
  public var loss: Double { lossSum / Double(count) }
  public var accuracy: Double { Double(correct) / Double(count) }
}

extension ScoringNetwork {
  /// Loss and accuracy over some samples whose classes are known.
  /// - Parameter scores: takes each sample's scores of the classes, (range.count, classes).
  public func evaluate(
    _ source: any SampleSource, range: Range<Int>, loss description: LossDescription,
    scores: UnsafeMutableBufferPointer<Float>? = nil
  ) -> EvaluationResult {
    let classes = classes
    if let scores { precondition(scores.count == range.count * classes) }
    return evaluate(source, range: range, loss: description, together: range.count) {
      (samples, values) in
      guard let scores = scores?.baseAddress else { return }
      (scores + (samples.lowerBound - range.lowerBound) * classes).update(
        from: values, count: samples.count * classes)
    } then: { _ in
    }
  }

  /// The same, and how the samples were classified. The scores of all samples are never in memory at
  /// once, unless the classification keeps their probabilities.
  /// - Parameter keepsProbabilities: whether areas under curves are going to be asked for.
  public func classify(
    _ source: any SampleSource, range: Range<Int>, loss: LossDescription,
    keepsProbabilities: Bool = false
  ) -> (EvaluationResult, Classification) {
    let classes = classes
    let labels = source.labels
    var classification = Classification(classes: classes, keepsProbabilities: keepsProbabilities)
    let together = min(range.count, max(Self.scoresTogether / classes, 1))
    var scores = [Float](repeating: 0, count: together * classes)
    let result = scores.withUnsafeMutableBufferPointer { scores in
      let base = scores.baseAddress
      return evaluate(source, range: range, loss: loss, together: together) { samples, values in
        let place = (samples.lowerBound - range.lowerBound) % together
        (base! + place * classes).update(from: values, count: samples.count * classes)
      } then: { samples in
        classification.append(
          scores: UnsafeMutableBufferPointer(rebasing: scores[..<(samples.count * classes)]),
          labels: labels[samples])
      }
    }
    return (result, classification)
  }

  /// Scores that are looked at together: 16 MB.
  private static var scoresTogether: Int { 1 << 22 }

  /// - Parameters:
  ///   - together: how many samples are between two calls of `then`, at the most.
  ///   - each: takes the scores of some samples, (samples.count, classes), on any worker.
  ///   - then: is called with those that were evaluated since it was last called.
  private func evaluate(
    _ source: any SampleSource, range: Range<Int>, loss description: LossDescription,
    together: Int, each: (Range<Int>, UnsafePointer<Float>) -> Void,
    then: (Range<Int>) -> Void
  ) -> EvaluationResult {
    let classes = classes
    let loss = LossFunction(description, classes: classes)
    let labels = source.labels
    let losses = Buffer(range.count)
    let scratch = Buffer(team.count * classes)
    let predictions = Labels(count: range.count) { predictions in
      var start = range.lowerBound
      while start < range.upperBound {
        let part = start..<min(range.upperBound, start + together)
        forEachTile(of: source, range: part) { tile in
          for (i, sample) in tile.samples.enumerated() {
            let place = sample - range.lowerBound
            let (value, prediction) = loss.loss(
              tile.values + i * classes, of: sample, in: labels,
              scratch: scratch.base + tile.worker * classes)
            losses.base[place] = value
            predictions[place] = UInt16(truncatingIfNeeded: prediction)
          }
          each(tile.samples, tile.values)
        }
        then(part)
        start = part.upperBound
      }
    }
    var (lossSum, correct) = (0.0, 0)
    for i in 0..<range.count {
      lossSum += Double(losses.base[i])
      if predictions[i] == labels[range.lowerBound + i] { correct += 1 }
    }
    return EvaluationResult(lossSum: lossSum, correct: correct, predictions: predictions)
  }
}

extension Inference {
  /// Bytes that an evaluation of so many samples takes besides.
  static func evaluationBytes(_ count: Int, classes: Int, workers: Int) -> Int {
    ByteCount.sum(
      ByteCount.product(MemoryLayout<Float>.stride + MemoryLayout<UInt16>.stride, count),
      ByteCount.product(MemoryLayout<Float>.stride, workers, classes))
  }
}
