import ConvNet
import Storage

/// A learning rate for a spec: a range test shows between which rates the loss falls, and short
/// trainings from the beginning, each at one rate, tell how well those learn. Where an optimizer finds
/// its own steps first, as Adadelta does, a rising rate alone would show what is too much for it later.
public struct LearningRateSearch: Sendable {
  /// A short training at one rate.
  public struct RateTrial: Hashable, Sendable {
    public let learningRate: Double
    /// The mean of its last quarter's losses; nil where it diverged.
    public let loss: Double?
  }

  public let range: LearningRateRange
  /// A quarter of a decade apart, from where half of the range's fall is done to three quarters of a
  /// decade above its least; none where the loss doesn't fall.
  public let trials: [RateTrial]
  /// Of the signal that ended it.
  public let signal: Int32?

  /// - Parameters:
  ///   - from: the rate of the range test's first step; `to` is that of its last.
  ///   - steps: how many it has at most; a trial has half as many.
  public init(
    _ spec: ExperimentSpec, data: RunData, threads: Int, from: Double, to: Double, steps: Int
  ) throws {
    func train(from: Double, to: Double, steps: Int) throws -> LearningRateRange {
      try LearningRateRange(
        spec, data: data, threads: threads, from: from, to: to, steps: steps)
    }
    range = try train(from: from, to: to, steps: steps)
    var trials: [RateTrial] = []
    var signal = range.signal
    for rate in range.candidates where signal == nil {
      let trial = try train(from: rate, to: rate, steps: steps / 2)
      signal = trial.signal
      if signal == nil { trials.append(RateTrial(learningRate: rate, loss: trial.finalLoss)) }
    }
    self.trials = trials
    self.signal = signal
  }

  init(range: LearningRateRange, trials: [RateTrial]) {
    self.range = range
    self.trials = trials
    signal = nil
  }

  /// The trials around the best whose losses are at most a tenth above its own: those between which
  /// the noise of batches can't choose.
  public var best: [RateTrial] {
    guard let least = trials.compactMap(\.loss).min() else { return [] }
    let isGood = trials.map { $0.loss.map { $0 <= 1.1 * least } ?? false }
    let place = trials.firstIndex { $0.loss == least }!
    let low = isGood[..<place].lastIndex(of: false).map { $0 + 1 } ?? 0
    let high = isGood[place...].firstIndex(of: false) ?? trials.count
    return Array(trials[low..<high])
  }

  /// The middle of the best, by the logarithm; nil where the loss doesn't fall.
  public var suggested: Double? {
    guard let first = best.first, let last = best.last else { return nil }
    return (first.learningRate * last.learningRate).squareRoot()
  }

  public var csv: String {
    CSV.text(
      [["learning_rate", "loss"]] + trials.map { CSV.fields($0.learningRate, $0.loss) })
  }
}
