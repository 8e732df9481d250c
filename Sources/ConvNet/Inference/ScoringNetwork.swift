/// What gives the scores of classes: `Inference` in floats, `QuantizedInference` in integers.
public protocol ScoringNetwork: AnyObject {
  var classes: Int { get }
  var team: Team { get }
  /// Calls `body` with the scores of some samples after others, on any worker.
  func forEachTile(
    of source: any ImageSamples, range: Range<Int>, _ body: (TileScores) -> Void)
}

/// The scores of some samples that one worker has worked out.
public struct TileScores {
  /// (samples.count, classes), or what is kept of them
  public let values: UnsafePointer<Float>
  public let samples: Range<Int>
  public let worker: Int

  package init(values: UnsafePointer<Float>, samples: Range<Int>, worker: Int) {
    self.values = values
    self.samples = samples
    self.worker = worker
  }
}

extension ScoringNetwork {
  /// The scores of the classes (logits) of some samples, (range.count, classes), in `scores`.
  public func scores(
    of source: any ImageSamples, range: Range<Int>, into scores: UnsafeMutableBufferPointer<Float>
  ) {
    let classes = classes
    precondition(scores.count == range.count * classes)
    guard let base = scores.baseAddress else { return }
    forEachTile(of: source, range: range) { tile in
      (base + (tile.samples.lowerBound - range.lowerBound) * classes).update(
        from: tile.values, count: tile.samples.count * classes)
    }
  }

  /// The probabilities of the classes, p = softmax(z) of the scores z, (source.count, classes).
  public func probabilities(of source: any ImageSamples) -> [Float] {
    var values = [Float](repeating: 0, count: source.count * classes)
    values.withUnsafeMutableBufferPointer { values in
      scores(of: source, range: 0..<source.count, into: values)
      makeProbabilities(of: values)
    }
    return values
  }

  /// Puts the probabilities of the classes in the place of the scores of some samples, (N, classes).
  public func makeProbabilities(of scores: UnsafeMutableBufferPointer<Float>) {
    for row in stride(from: 0, to: scores.count, by: classes) {
      _ = softmax(scores.baseAddress! + row, to: scores.baseAddress! + row, count: classes)
    }
  }
}
