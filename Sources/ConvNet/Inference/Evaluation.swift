/// What an evaluation found.
public struct EvaluationResult: Sendable {
  /// Of the samples' losses, added in order.
  public let lossSum: Double
  public let correct: Int
  public let count: Int

  public var loss: Double { lossSum / Double(count) }
  public var accuracy: Double { Double(correct) / Double(count) }
}

extension Inference {
  /// Loss and accuracy over some samples whose classes are known.
  /// - Parameters:
  ///   - predictions: takes each sample's most likely class, `range.count` of them.
  ///   - scores: takes each sample's scores of the classes, (range.count, classes).
  public func evaluate(
    _ source: any SampleSource, range: Range<Int>, loss description: LossDescription,
    predictions output: UnsafeMutableBufferPointer<UInt8>? = nil,
    scores: UnsafeMutableBufferPointer<Float>? = nil
  ) -> EvaluationResult {
    let classes = plan.description.classes
    let loss = LossFunction(description, classes: classes)
    if let scores { precondition(scores.count == range.count * classes) }
    let losses = Buffer(range.count)
    let scratch = Buffer(team.count * classes)
    var predictions = [UInt8](repeating: 0, count: range.count)
    predictions.withUnsafeMutableBufferPointer { predictions in
      let predictions = predictions.baseAddress
      forEachTile(of: source, range: range) { tile in
        for (i, sample) in tile.samples.enumerated() {
          let place = sample - range.lowerBound
          let values = tile.values + i * classes
          let (value, prediction) = loss.loss(
            values, label: source.label(of: sample),
            scratch: scratch.base + tile.worker * classes)
          losses.base[place] = value
          predictions![place] = UInt8(truncatingIfNeeded: prediction)
          if let scores = scores?.baseAddress {
            (scores + place * classes).update(from: values, count: classes)
          }
        }
      }
    }
    var (lossSum, correct) = (0.0, 0)
    for i in 0..<range.count {
      lossSum += Double(losses.base[i])
      if Int(predictions[i]) == source.label(of: range.lowerBound + i) { correct += 1 }
      output?[i] = predictions[i]
    }
    return EvaluationResult(lossSum: lossSum, correct: correct, count: range.count)
  }

  /// Bytes that an evaluation of so many samples takes besides.
  static func evaluationBytes(_ count: Int, classes: Int, workers: Int) -> Int {
    ByteCount.sum(
      ByteCount.product(MemoryLayout<Float>.stride + 1, count),
      ByteCount.product(MemoryLayout<Float>.stride, workers, classes))
  }
}
