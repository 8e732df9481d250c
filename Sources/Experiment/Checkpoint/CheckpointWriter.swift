import ConvNet
import Storage

/// Writes a run's checkpoints: all that are asked for; or, where an epoch may be over in less time than they
/// take, no more than a twentieth of the time, since what is trained again after a kill comes to the same.
struct CheckpointWriter {
  private let folder: RunFolder
  private let isSparing: Bool
  /// The weights of the best epoch, still to be written.
  private var best: (model: Model, epoch: Int)?
  /// How long the last checkpoint took, and the time since.
  private var cost = 0.0
  private var clock = Stopwatch()

  init(_ folder: RunFolder, isSparing: Bool) {
    self.folder = folder
    self.isSparing = isSparing
  }

  /// Keeps the weights as they are as those of the best epoch.
  mutating func keepBest(_ trainer: Trainer, epoch: Int) throws {
    if isSparing {
      best = (trainer.model, epoch)
    } else {
      try Checkpoint.saveWeights(trainer, epoch: epoch, to: folder.best)
    }
  }

  /// - Parameter isNeeded: whether the run may end here.
  mutating func save(_ state: TrainingState, _ trainer: Trainer, isNeeded: Bool) throws {
    guard !isSparing || isNeeded || clock.seconds >= 20 * cost else { return }
    let watch = Stopwatch()
    // The last checkpoint tells which epoch is the best, so that its weights come first.
    if let best { try Checkpoint.saveWeights(best.model, epoch: best.epoch, to: folder.best) }
    best = nil
    try Checkpoint.save(state, trainer, to: folder.last)
    cost = watch.seconds
    clock = Stopwatch()
  }
}
