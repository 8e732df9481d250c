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
  /// Bytes of metrics.csv.
  var metricsLength = 0
  /// Why there is nothing left to train.
  var finish: Finish?

  mutating func beginNextEpoch() {
    epoch += 1
    stepInEpoch = 0
    lossSum = 0
    correct = 0
    seen = 0
  }
}
