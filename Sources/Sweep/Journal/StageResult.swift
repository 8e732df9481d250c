import Experiment

/// One piece of a sweep's work: a trial with one of its seeds, trained up to where its stage ends.
/// Trials that nothing can end early have one stage; successive halving has one for each rung.
public struct StageID: Hashable, Sendable, Comparable {
  public let trial: Int
  public let seed: UInt64
  public let stage: Int

  public init(trial: Int, seed: UInt64, stage: Int) {
    self.trial = trial
    self.seed = seed
    self.stage = stage
  }

  public static func < (a: StageID, b: StageID) -> Bool {
    (a.trial, a.seed, a.stage) < (b.trial, b.seed, b.stage)
  }
}

/// What a stage came to: what decides how the sweep goes on, and nothing that depends on when or
/// where it ran.
public struct StageResult: Hashable, Sendable {
  public enum Status: String, Hashable, Sendable, CaseIterable {
    /// Trained up to the end of a stage that others may follow.
    case reached
    /// The training is over, by its epochs or by early stopping.
    case completed
    /// Ended early because other trials were better.
    case stopped
    /// The loss stopped being finite.
    case diverged
    /// Could not be run: a network that doesn't fit, a full disk.
    case failed
    /// The process that ran it died.
    case crashed

    /// Whether the trial has figures to be judged by.
    public var isSound: Bool { self == .reached || self == .completed || self == .stopped }
    /// Whether another attempt may give another result.
    public var isWorthRetrying: Bool { self == .failed || self == .crashed }
  }

  public var id: StageID
  public var status: Status
  /// Why there is no more: `epochs`, `early_stopping`, `median`, or a sentence.
  public var reason: String
  /// The sweep's metric by epoch, of all the trial's epochs so far.
  public var curve: [Double]
  /// The epoch in which the metric was best, and the last.
  public var best: EpochRow?
  public var last: EpochRow?
  /// SHA-256 over what decides the result: the resolved spec, the dataset and the kernel.
  public var key: String

  public init(
    id: StageID, status: Status, reason: String, curve: [Double] = [], best: EpochRow? = nil,
    last: EpochRow? = nil, key: String = ""
  ) {
    self.id = id
    self.status = status
    self.reason = reason
    self.curve = curve
    self.best = best
    self.last = last
    self.key = key
  }

  /// The best of the first epochs' figures; nil when there is none to judge by.
  public func value(epochs: Int?, maximizes: Bool) -> Double? {
    guard status.isSound else { return nil }
    let seen = curve.prefix(epochs ?? curve.count)
    return maximizes ? seen.max() : seen.min()
  }
}
