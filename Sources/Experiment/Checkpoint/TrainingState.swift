import ConvNet

/// Where a run stands between two of its steps: with the weights and the optimizer's moments, all
/// that decides how it goes on. Random streams are keyed by epoch and step, so these are their
/// positions too.
struct TrainingState: Hashable, Sendable {
  enum Finish: String, Hashable, Sendable {
    case epochs
    case earlyStopping = "early_stopping"
  }

  /// The epoch that is being trained, from 1.
  var epoch = 1
  /// Steps done, over the whole run and in this epoch.
  var step = 0
  var stepInEpoch = 0
  /// Sums over the samples of this epoch's steps.
  var lossSum = 0.0
  var correct = 0
  var seen = 0
  /// What `reduce_on_plateau` remembers.
  var plateau = LearningRate.PlateauState()
  /// The best epoch so far, and the patience; nil where no figure is watched.
  var watch: EarlyStopping?
  /// Bytes of metrics.csv, and their digest; nil in checkpoints of earlier versions.
  var metricsLength = 0
  var metricsDigest: String?
  /// Why there is nothing left to train.
  var finish: Finish?

  /// Takes in what an epoch measured: what the schedule, the patience and the number of epochs make of
  /// it.
  /// - Parameter unwatched: epochs of which none is the best, nor counts for the patience.
  mutating func finishEpoch(
    _ row: EpochRow, _ learningRate: inout LearningRate, of epochs: Int, unwatched: Int = 0,
    stopsEarly: Bool
  ) -> EarlyStopping.Verdict? {
    if let monitor = learningRate.monitor { learningRate.finishEpoch(monitored: row[monitor]) }
    plateau = learningRate.plateau
    var verdict: EarlyStopping.Verdict?
    if row.epoch > unwatched {
      verdict = watch.map { watch!.observe(row[$0.monitor], epoch: row.epoch) }
    }
    if row.epoch == epochs { finish = .epochs }
    if verdict == .stop, stopsEarly { finish = .earlyStopping }
    return verdict
  }

  mutating func beginNextEpoch() {
    epoch += 1
    stepInEpoch = 0
    lossSum = 0
    correct = 0
    seen = 0
  }
}
