import ConvNet

extension Metric {
  /// Whether `value` betters `best` by more than `minDelta`. Any number betters none; NaN nothing.
  func isImprovement(_ value: Double, over best: Double?, minDelta: Double = 0) -> Bool {
    guard let best else { return !value.isNaN }
    return growsBetter ? value - minDelta > best : value + minDelta < best
  }
}

/// Ends a run whose monitored figure has stopped getting better, as Keras's `EarlyStopping` does:
/// after `patience` epochs in a row none of which bettered the best by more than `minDelta`, but
/// never after the first epoch.
public struct EarlyStopping: Hashable, Sendable {
  public let monitor: Metric
  public let patience: Int
  public let minDelta: Double
  /// The best value so far, and the epoch (from 1) that gave it.
  public var best: Double?
  public var bestEpoch = 0
  /// Epochs since then.
  public var waited = 0

  public init(monitor: Metric, patience: Int, minDelta: Double = 0) {
    self.monitor = monitor
    self.patience = patience
    self.minDelta = minDelta
  }

  public enum Verdict: Sendable { case improved, wait, stop }

  /// Takes the figure of `epoch`, counted from 1; nil where it has none, which is no improvement.
  public mutating func observe(_ value: Double?, epoch: Int) -> Verdict {
    waited += 1
    if let value, monitor.isImprovement(value, over: best, minDelta: minDelta) {
      best = value
      bestEpoch = epoch
      waited = 0
      return .improved
    }
    return waited >= patience && epoch > 1 ? .stop : .wait
  }
}
