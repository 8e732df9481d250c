/// What an evaluation found.
public struct EvaluationResult: Sendable {
  /// Of the samples' losses, added in order.
  public let lossSum: Double
  public let correct: Int
  public let count: Int

  public var loss: Double { lossSum / Double(count) }
  public var accuracy: Double { Double(correct) / Double(count) }
}

extension Network {
  /// Loss and accuracy over some samples, without dropout and with moving statistics.
  ///
  /// Tiles begin at multiples of their size of the source, wherever the range begins, so that a
  /// sample's result does not depend on the range it is evaluated in.
  /// - Parameters:
  ///   - predictions: takes each sample's most likely class, `range.count` of them.
  ///   - scores: takes each sample's scores of the classes, (range.count, classes).
  public func evaluate(
    _ source: any SampleSource, range: Range<Int>,
    predictions output: UnsafeMutableBufferPointer<UInt8>? = nil,
    scores: UnsafeMutableBufferPointer<Float>? = nil
  ) -> EvaluationResult {
    if let scores { precondition(scores.count == range.count * loss.classes) }
    current.scores = scores?.baseAddress
    defer { current.scores = nil }
    precondition(source.sampleShape == plan.description.input)
    precondition(range.lowerBound >= 0 && range.upperBound <= source.count)
    reserve(range.count)
    current.source = source
    current.epoch = 0
    current.isTraining = false
    current.count = range.count
    current.firstSample = range.lowerBound
    current.firstOfTiles = range.lowerBound / inferenceTile * inferenceTile
    let tiles = Tile.count(of: range.upperBound - current.firstOfTiles, size: inferenceTile)
    team.run(self, phase: Self.inferencePhase, tiles: range.isEmpty ? 0 : tiles)
    var lossSum = 0.0
    var correct = 0
    for i in 0..<range.count {
      lossSum += Double(losses.base[i])
      if Int(predictions[i]) == source.label(of: range.lowerBound + i) { correct += 1 }
      output?[i] = predictions[i]
    }
    return EvaluationResult(lossSum: lossSum, correct: correct, count: range.count)
  }

  private func reserve(_ count: Int) {
    guard count > losses.count else { return }
    do {
      let arena = try Arena(bytes: Self.evaluationBytes(count))
      losses = arena.floats(count)
      predictions = arena.take(UInt8.self, count)
      evaluationMemory = arena
    } catch {
      OutOfMemory.end(bytes: error.bytes)
    }
  }

  /// Bytes that it takes to evaluate more samples at once than a batch has.
  static func evaluationBytes(_ count: Int) -> Int {
    let arena = Arena()
    _ = arena.floats(count)
    _ = arena.take(UInt8.self, count)
    return arena.bytes
  }

  func infer(_ index: Int, worker: Int) {
    let start = current.firstOfTiles + index * inferenceTile
    let low = max(current.firstSample, start)
    let high = min(current.firstSample + current.count, start + inferenceTile)
    let tile = Tile(
      index: index, size: inferenceTile, count: high - low, worker: worker, isTraining: false,
      step: current.step)
    perform(inference, tile, first: low - current.firstSample)
  }
}
