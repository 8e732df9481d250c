import ConvNet

/// A learning-rate range test (Smith 2017): an experiment's network is trained from its beginning
/// while the rate rises exponentially from step to step, until the loss has gone up again. A pure
/// function of the spec and the data, as a run is.
public struct LearningRateRange: Sendable {
  public struct Row: Hashable, Sendable {
    /// Counted from 1.
    public let step: Int
    public let learningRate: Float
    /// The mean loss of the step's batch, before its update.
    public let loss: Double
    /// Their exponential average with factor 0.98, corrected for its bias: Σ 0.98^(n−i)·0.02·lossᵢ /
    /// (1 − 0.98ⁿ).
    public let smoothedLoss: Double
  }

  public enum Ending: Hashable, Sendable {
    case complete
    /// The smoothed loss was more than four times its least.
    case diverged
    /// A loss was not a number.
    case notFinite
    case interrupted(signal: Int32)
  }

  public let rows: [Row]
  public let ending: Ending

  private static let factor = 0.98

  /// - Parameters:
  ///   - from: the rate of the first step; `to` is that of the last.
  ///   - steps: how many there are at most, at least two.
  public init(
    _ spec: ExperimentSpec, data: RunData, threads: Int, from: Double, to: Double, steps: Int
  ) throws {
    self.init(
      try Network(spec, trainedOn: data, team: try Team(threads: threads)), on: data.train,
      batchSize: spec.training.batchSize * spec.optimizer.accumulation, seed: spec.seed,
      from: from, to: to, steps: steps)
  }

  /// - Parameter seed: decides the order of the images.
  init(
    _ network: Network, on source: any SampleSource, batchSize: Int, seed: UInt64, from: Double,
    to: Double, steps: Int
  ) {
    precondition(from > 0 && from < to && steps >= 2)
    let images = source.count
    let growth = Elementary.log(to / from) / Double(steps - 1)
    var rows: [Row] = []
    var (average, weight, least) = (0.0, 1.0, Double.infinity)
    var (epoch, first) = (1, 0)
    var order = Run.shuffledOrder(seed: seed, epoch: epoch, count: images)
    var ending = Ending.complete
    for step in 1...steps {
      if first >= images {
        (epoch, first) = (epoch + 1, 0)
        order = Run.shuffledOrder(seed: seed, epoch: epoch, count: images)
      }
      let batch = first..<min(first + batchSize, images)
      first = batch.upperBound
      let rate = Float(from * Elementary.exp(growth * Double(step - 1)))
      let result = order.withUnsafeBufferPointer {
        network.trainStep(
          source, samples: UnsafeBufferPointer(rebasing: $0[batch]), epoch: epoch, step: step,
          learningRate: rate)
      }
      guard result.isFinite else {
        ending = .notFinite
        break
      }
      let loss = result.lossSum / Double(batch.count)
      average = Self.factor * average + (1 - Self.factor) * loss
      weight *= Self.factor
      let smoothed = average / (1 - weight)
      rows.append(Row(step: step, learningRate: rate, loss: loss, smoothedLoss: smoothed))
      least = min(least, smoothed)
      if smoothed > 4 * least {
        ending = .diverged
        break
      }
      if let signal = Interruption.signal {
        ending = .interrupted(signal: signal)
        break
      }
    }
    self.rows = rows
    self.ending = ending
  }

  init(rows: [Row], ending: Ending) {
    self.rows = rows
    self.ending = ending
  }

  public var csv: String {
    rows.reduce("step,learning_rate,loss,smoothed_loss\n") {
      $0 + "\($1.step),\($1.learningRate),\($1.loss),\($1.smoothedLoss)\n"
    }
  }

  /// The row of the least smoothed loss, the first of equals.
  public var least: Row? { rows.min { $0.smoothedLoss < $1.smoothedLoss } }

  /// Where the smoothed loss falls fastest by the logarithm of the rate: the least central difference
  /// over the rows up to the least loss, the first tenth left out, where the average is of few; nil
  /// where it never falls.
  public var steepest: Row? {
    guard let least, let end = rows.firstIndex(of: least) else { return nil }
    let start = max(1, rows.count / 10)
    var best: (slope: Double, row: Row)?
    for i in start..<max(start, min(end, rows.count - 1)) {
      let slope = rows[i + 1].smoothedLoss - rows[i - 1].smoothedLoss
      if slope < best?.slope ?? 0 { best = (slope, rows[i]) }
    }
    return best?.row
  }
}
