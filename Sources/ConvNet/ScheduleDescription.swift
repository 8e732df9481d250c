/// A learning rate over time, as a factor of the optimizer's own. Time is counted in epochs, with
/// the fraction of the current one: τ = step / steps per epoch.
public enum Schedule: Hashable, Sendable {
  case constant
  /// factor^⌊τ / every⌋ (PyTorch's StepLR when `every` is whole and τ counts epochs).
  case step(every: Int, factor: Double)
  /// decay^τ, with τ rounded down to whole epochs when `staircase` (Keras's ExponentialDecay).
  case exponential(decay: Double, staircase: Bool)
  /// final + (1 − final)·½(1 + cos(π·min(τ/epochs, 1))) (Loshchilov and Hutter 2017, one period).
  case cosine(epochs: Double, final: Double)
  /// Multiplied by `factor` when the monitored value has not bettered its best by more than
  /// `minDelta` for `patience` epochs; then `cooldown` epochs of rest (Keras's ReduceLROnPlateau).
  case reduceOnPlateau(PlateauDescription)
}

public struct PlateauDescription: Hashable, Sendable {
  public var monitor: String
  public var factor: Double
  public var patience: Int
  public var minDelta: Double
  public var cooldown: Int
  /// The least learning rate (not a factor).
  public var minimum: Double
  public init(
    monitor: String = "val_loss", factor: Double = 0.1, patience: Int = 10,
    minDelta: Double = 1e-4, cooldown: Int = 0, minimum: Double = 0
  ) {
    self.monitor = monitor
    self.factor = factor
    self.patience = patience
    self.minDelta = minDelta
    self.cooldown = cooldown
    self.minimum = minimum
  }
}

/// A linear rise of the factor from `from` to 1 over the first `epochs`, over any schedule, which
/// begins when the warm-up ends.
public struct Warmup: Hashable, Sendable {
  public var epochs: Double
  public var from: Double
  public init(epochs: Double, from: Double = 0) {
    self.epochs = epochs
    self.from = from
  }
}
