/// What one training step found, before its update.
public struct StepResult: Sendable {
  /// Of the batch's cross-entropies.
  public let lossSum: Double
  public let correct: Int
  /// Whether the loss was finite. If not, nothing was updated.
  public let isFinite: Bool
}

extension Network: TeamWork {
  /// One step: forward, loss, backward, update.
  ///
  /// - Parameters:
  ///   - samples: the batch, at most `batchSize` of the source's samples.
  ///   - epoch: keys the source's augmentation.
  ///   - step: from 1 over the whole run; keys dropout and Adam's bias correction.
  public func trainStep(
    _ source: any SampleSource, samples: UnsafeBufferPointer<Int32>, epoch: Int, step: Int,
    learningRate: Float
  ) -> StepResult {
    precondition(!samples.isEmpty && samples.count <= batchSize)
    precondition(source.sampleShape == plan.description.input)
    for (i, sample) in samples.enumerated() { sampleList[i] = sample }
    current.source = source
    current.epoch = epoch
    current.step = step
    current.isTraining = true
    current.count = samples.count
    for (index, phase) in training.enumerated() {
      switch phase {
      case .tiles(_, let size):
        team.run(self, phase: index, tiles: Tile.count(of: samples.count, size: size))
      case .settle(let layer): coupled(layer).settle(batch: samples.count)
      case .settleBackward(let layer): coupled(layer).settleBackward(batch: samples.count)
      }
    }
    var lossSum = 0.0
    var correct = 0
    for i in 0..<samples.count {
      lossSum += Double(losses.base[i])
      if Int(predictions[i]) == source.label(of: Int(samples[i])) { correct += 1 }
    }
    guard lossSum.isFinite else {
      return StepResult(lossSum: lossSum, correct: correct, isFinite: false)
    }
    for layer in layers { (layer.layer as? any BatchCoupledLayer)?.commit() }
    current.update = OptimizerStep(optimizer, learningRate: learningRate, step: step)
    team.run(self, phase: Self.updatePhase, tiles: updateTiles.count)
    return StepResult(lossSum: lossSum, correct: correct, isFinite: true)
  }

  static let updatePhase = -1
  static let inferencePhase = -2

  private func coupled(_ layer: Int) -> any BatchCoupledLayer {
    layers[layer].layer as! any BatchCoupledLayer
  }

  public func perform(phase: Int, tile index: Int, worker: Int) {
    switch phase {
    case Self.updatePhase: update(updateTiles[index], worker: worker)
    case Self.inferencePhase: infer(index, worker: worker)
    default:
      guard case .tiles(let operations, let size) = training[phase] else {
        preconditionFailure("only tiles are shared out")
      }
      let tile = Tile(
        index: index, size: size, batch: current.count, worker: worker, step: current.step)
      perform(operations, tile, first: tile.first)
    }
  }

  func perform(_ operations: [Operation], _ tile: Tile, first: Int) {
    for operation in operations {
      let start = profile?.now() ?? 0
      switch operation {
      case .fill: fill(tile, first: first)
      case .forward(let layer): layers[layer].layer.forward(tile)
      case .gather(let layer): coupled(layer).gather(tile)
      case .loss: loss(tile, first: first)
      case .gatherBackward(let layer): coupled(layer).gatherBackward(tile)
      case .backward(let layer): layers[layer].layer.backward(tile)
      }
      profile?.add(operation, since: start, worker: tile.worker)
    }
  }

  private func fill(_ tile: Tile, first: Int) {
    let source = current.source!
    let values = input.values(of: tile)
    for i in 0..<tile.count {
      let sample = tile.isTraining ? Int(sampleList[first + i]) : current.firstSample + first + i
      source.fill(
        values + i * input.size, sample: sample, epoch: current.epoch, worker: tile.worker)
    }
  }

  private func loss(_ tile: Tile, first: Int) {
    let source = current.source!
    let values = logits.values(of: tile)
    let gradients = logits.gradients(of: tile)
    let scale = 1 / Float(current.count)
    for i in 0..<tile.count {
      let sample = tile.isTraining ? Int(sampleList[first + i]) : current.firstSample + first + i
      let label = source.label(of: sample)
      let probabilities = gradients + i * loss.classes
      let (value, prediction) = loss.loss(
        values + i * loss.classes, label: label, probabilities: probabilities)
      losses.base[first + i] = value
      predictions[first + i] = UInt8(truncatingIfNeeded: prediction)
      if tile.isTraining { loss.gradient(probabilities, label: label, scale: scale) }
    }
  }

  /// After a step whose loss was not finite: the first layer whose output is not, as
  /// "model[2] (conv2d)"; nil when all are, so that the loss itself overflowed.
  public func firstNonFiniteLayer() -> String? {
    precondition(current.isTraining)
    for (place, layer) in layers.enumerated() {
      for index in 0..<Tile.count(of: current.count) {
        let tile = Tile(
          index: index, size: Tile.size, batch: current.count, worker: 0, step: current.step)
        perform([.fill] + (0...place).map { .forward($0) }, tile, first: tile.first)
        let values = layer.output.values(of: tile)
        for i in 0..<tile.count * layer.output.size where !values[i].isFinite {
          let layer = plan.layers[layer.place]
          return "\(layer.place) (\(layer.kind))"
        }
      }
    }
    return nil
  }
}
