/// What one training step found, before its update.
public struct StepResult: Sendable {
  /// Of the losses of the batch's samples.
  public let lossSum: Double
  public let correct: Int
  /// Whether the loss was finite. If not, nothing was updated.
  public let isFinite: Bool
}

extension Trainer: TeamWork {
  /// One step: forward, loss, backward, update.
  ///
  /// - Parameters:
  ///   - samples: the batch, at most `batchSize` of the source's samples, or so many times as many as
  ///     the optimizer accumulates.
  ///   - epoch: keys the source's augmentation.
  ///   - step: from 1 over the whole run; keys dropout and Adam's bias correction.
  ///   - momentum: instead of the optimizer's own, where a schedule cycles it.
  public func trainStep(
    _ source: any SampleSource, samples: UnsafeBufferPointer<Int32>, epoch: Int, step: Int,
    learningRate: Float, momentum: Float? = nil
  ) -> StepResult {
    let passes = updater.optimizer.accumulation
    let limit = batchSize * passes
    precondition(!samples.isEmpty && samples.count <= limit)
    precondition(source.sampleShape == sampleShape)
    current.source = source
    current.labels = source.labels
    current.epoch = epoch
    current.total = samples.count
    updater.begin(step: step)
    var (lossSum, correct) = (0.0, 0)
    for first in stride(from: 0, to: samples.count, by: batchSize) {
      let end = min(first + batchSize, samples.count)
      for i in first..<end { sampleList[i - first] = samples[i] }
      current.count = end - first
      // No two passes of a run draw the same numbers.
      current.step = (step - 1) * passes + first / batchSize + 1
      forwardAndBack()
      for i in 0..<current.count {
        lossSum += Double(losses.base[i])
        if Int(predictions[i]) == countedLabel(of: i) { correct += 1 }
      }
      guard lossSum.isFinite else {
        return StepResult(lossSum: lossSum, correct: correct, isFinite: false)
      }
      batchesKept += 1
      for layer in layers {
        (layer.layer as? any BatchKeepingLayer)?.commit(count: batchesKept, batch: current.count)
      }
      updater.takePass(
        count: current.count, of: samples.count, isFirst: first == 0, isLast: end == samples.count)
    }
    updater.update(step: step, learningRate: learningRate, momentum: momentum) { forwardAndBack() }
    return StepResult(lossSum: lossSum, correct: correct, isFinite: true)
  }

  /// A pass up to the update: what the parameters' gradients are made of is left with the layers.
  private func forwardAndBack() {
    current.mix = mixer?.draw(pass: current.step)
    for (index, phase) in phases.enumerated() {
      switch phase {
      case .tiles(_, let size):
        team.run(self, phase: index, tiles: Tile.count(of: current.count, size: size))
      case .settle(let layer): coupled(layer).settle(batch: current.count)
      case .settleBackward(let layer): coupled(layer).settleBackward(batch: current.count)
      }
    }
  }

  private func coupled(_ layer: Int) -> any BatchCoupledLayer {
    layers[layer].layer as! any BatchCoupledLayer
  }

  public func perform(phase: Int, tile index: Int, worker: Int) {
    guard case .tiles(let operations, let size) = phases[phase] else {
      preconditionFailure("only tiles are shared out")
    }
    let tile = Tile(
      index: index, size: size, batch: current.count, worker: worker, step: current.step)
    perform(operations, tile)
  }

  func perform(_ operations: [Operation], _ tile: Tile) {
    for operation in operations {
      let start = profile?.now() ?? 0
      switch operation {
      case .fill: fill(tile)
      case .teach: teach(tile)
      case .forward(let layer): layers[layer].layer.forward(tile)
      case .gather(let layer): coupled(layer).gather(tile)
      case .loss: loss(tile)
      case .gatherBackward(let layer): coupled(layer).gatherBackward(tile)
      case .backward(let layer): layers[layer].layer.backward(tile)
      }
      profile?.add(operation, since: start, worker: tile.worker)
    }
  }

  private func fill(_ tile: Tile) {
    let source = current.source!
    let values = input.values(of: tile)
    for i in 0..<tile.count {
      source.fill(
        values + i * input.size, sample: Int(sampleList[tile.first + i]), epoch: current.epoch,
        worker: tile.worker)
    }
    distillation?.take(values, of: tile)
    if readsImages {
      answering.normalizer?.apply(values, count: tile.count, worker: tile.worker)
    }
    if let mix = current.mix { mixer!.mix(values, by: mix, tile) }
  }

  private func teach(_ tile: Tile) {
    distillation?.teach(tile) { images in
      if let mix = current.mix { mixer!.mix(images, by: mix, tile) }
    }
  }

  /// The class that a sample of the batch is counted as, the one of a mixed sample's two that has the
  /// larger part.
  private func countedLabel(of place: Int) -> Int {
    let own = current.labels[Int(sampleList[place])]
    guard let mix = current.mix else { return own }
    return mix.dominant(own, current.labels[partner(of: place, mix)])
  }

  /// The sample that gives the one at a place its other part.
  private func partner(of place: Int, _ mix: BatchMix) -> Int {
    Int(sampleList[mix.partner(of: place, batch: current.count)])
  }

  private func loss(_ tile: Tile) {
    let labels = current.labels
    let values = logits.values(of: tile)
    let gradients = logits.gradients(of: tile)
    let scale = 1 / Float(current.total)
    for i in 0..<tile.count {
      let place = tile.first + i
      let sample = Int(sampleList[place])
      let (scores, scratch) = (values + i * loss.classes, gradients + i * loss.classes)
      var (value, prediction) = loss.loss(scores, of: sample, in: labels, scratch: scratch)
      loss.gradient(scores, of: sample, in: labels, scratch: scratch, scale: scale)
      if let mix = current.mix {
        loss.mix(
          &value, scratch, scores, with: partner(of: place, mix), in: labels, share: mix.share,
          scale: scale, scratch: mixer!.scratch(of: tile.worker))
      }
      distillation?.mix(
        &value, scratch, scores, of: place, scale: scale, worker: tile.worker)
      losses.base[place] = value
      predictions[place] = Int32(truncatingIfNeeded: prediction)
    }
  }

  /// After a step whose loss was not finite: the first layer whose output is not, as
  /// "model[2] (conv2d)"; nil when all are, so that the loss itself overflowed.
  public func firstNonFiniteLayer() -> String? {
    for (place, layer) in layers.enumerated() {
      for index in 0..<Tile.count(of: current.count) {
        let tile = Tile(
          index: index, size: Tile.size, batch: current.count, worker: 0, step: current.step)
        perform([.fill] + (0...place).map { .forward($0) }, tile)
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
