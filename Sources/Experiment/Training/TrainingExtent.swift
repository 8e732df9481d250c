import ConvNet

/// How long a training is, which bounds every counter of its state.
struct TrainingExtent {
  let epochs: Int
  let images: Int
  /// Images of a step; the last step of an epoch takes what is left over.
  let batchSize: Int
  let stepsPerEpoch: Int
  let averaging: WeightAveraging?
  /// Epochs of which none is the best, nor counts for the patience: before pruning is done.
  let unwatched: Int

  init(_ spec: ExperimentSpec, images: Int) {
    epochs = spec.training.epochs
    self.images = images
    batchSize = spec.training.batchSize * spec.optimizer.accumulation
    averaging = spec.optimizer.averaging
    stepsPerEpoch = (images + batchSize - 1) / batchSize
    unwatched = spec.pruning?.unfinishedEpochs(stepsPerEpoch: stepsPerEpoch) ?? 0
  }
}

extension TrainingState {
  /// What can't be in a state that was read back, as a sentence; nil where all of it can.
  ///
  /// - Parameters:
  ///   - averages: how often the average has taken the weights in.
  ///   - isInherited: whether other values of the spec may have led here, as where a population hands
  ///     its checkpoints on: then steps may have been of other sizes.
  func flaw(in extent: TrainingExtent, averages: Int, isInherited: Bool) -> String? {
    let perEpoch = extent.stepsPerEpoch
    guard (1...extent.epochs + 1).contains(epoch) else {
      return "epoch is \(epoch), in a training of \(extent.epochs)"
    }
    guard (0..<perEpoch).contains(stepInEpoch) else {
      return "step_in_epoch is \(stepInEpoch), in epochs of \(perEpoch) steps"
    }
    let done = epoch - 1
    let expected = done * perEpoch + stepInEpoch
    guard
      isInherited
        ? (done + stepInEpoch...done * extent.images + stepInEpoch).contains(step)
        : step == expected
    else {
      return "step is \(step), but \(done) epochs and \(stepInEpoch) steps of the next are "
        + "\(expected)"
    }
    guard seen == stepInEpoch * extent.batchSize else {
      return "seen is \(seen), but \(stepInEpoch) steps of \(extent.batchSize) images are "
        + "\(stepInEpoch * extent.batchSize)"
    }
    guard (0...seen).contains(correct) else {
      return "correct is \(correct), of \(seen) images seen"
    }
    guard lossSum.isFinite, seen > 0 || lossSum == 0 else {
      return "loss_sum is \(lossSum), over \(seen) images seen"
    }
    guard (0...1).contains(plateau.factor) else {
      return "plateau_factor is \(plateau.factor), not from 0 to 1"
    }
    guard !plateau.best.isInfinite, plateau.best.isNaN || done > 0 else {
      return "plateau_best is \(plateau.best) after \(done) epochs"
    }
    guard plateau.wait <= done else {
      return "plateau_wait is \(plateau.wait) after \(done) epochs"
    }
    if let watch {
      guard watch.bestEpoch <= done, (watch.best != nil) == (watch.bestEpoch > 0) else {
        return "best_epoch is \(watch.bestEpoch) after \(done) epochs"
      }
      guard watch.best?.isFinite ?? true else {
        return "best_value is \(watch.best!), not a finite number"
      }
      guard watch.waited == done - max(watch.bestEpoch, min(done, extent.unwatched)) else {
        return "waited is \(watch.waited), with the best epoch \(watch.bestEpoch) of \(done)"
      }
    }
    let isAtEnd = done == extent.epochs
    guard finish == nil ? !isAtEnd : stepInEpoch == 0 && done > 0,
      finish != .epochs || isAtEnd
    else {
      return "finish is \(finish?.rawValue ?? "not said") after \(done) of \(extent.epochs) epochs "
        + "and \(stepInEpoch) steps"
    }
    let taken = extent.averaging?.count(after: step, stepsPerEpoch: perEpoch) ?? 0
    let isSound =
      isInherited && extent.averaging != nil ? averages <= step : averages == taken
    guard isSound else {
      return extent.averaging == nil
        ? "averages is \(averages), but the spec averages no weights"
        : "averages is \(averages), but after \(step) steps it is \(taken)"
    }
    return nil
  }

  /// What the epochs of metrics.csv, by the rules of the spec, don't lead to; nil where they lead here.
  func flaw(
    after rows: [EpochRow], from beginning: TrainingState, _ rate: LearningRate,
    in extent: TrainingExtent, stopsEarly: Bool
  ) -> String? {
    var (led, rate) = (beginning, rate)
    for (place, row) in rows.enumerated() {
      guard row.epoch == place + 1, row.step == row.epoch * extent.stepsPerEpoch else {
        return "row \(place + 1) of metrics.csv is of epoch \(row.epoch) and step \(row.step)"
      }
      guard led.finish == nil else { return "metrics.csv goes on after the training's end" }
      _ = led.finishEpoch(
        row, &rate, of: extent.epochs, unwatched: extent.unwatched, stopsEarly: stopsEarly)
      led.epoch += 1
    }
    func difference(_ key: String, _ value: some CustomStringConvertible, _ other: String)
      -> String?
    {
      value.description == other ? nil : "\(key) is \(value), but metrics.csv leads to \(other)"
    }
    return difference("epoch", epoch, "\(led.epoch)")
      ?? difference("plateau_factor", plateau.factor, "\(led.plateau.factor)")
      ?? difference("plateau_best", plateau.best, "\(led.plateau.best)")
      ?? difference("plateau_wait", plateau.wait, "\(led.plateau.wait)")
      ?? difference("plateau_cooldown", plateau.cooldown, "\(led.plateau.cooldown)")
      ?? difference("best_value", text(watch?.best), text(led.watch?.best))
      ?? difference("best_epoch", text(watch?.bestEpoch), text(led.watch?.bestEpoch))
      ?? difference("waited", text(watch?.waited), text(led.watch?.waited))
      ?? difference("finish", text(finish?.rawValue), text(led.finish?.rawValue))
  }

  private func text(_ value: (some CustomStringConvertible)?) -> String {
    value?.description ?? "nothing"
  }
}
