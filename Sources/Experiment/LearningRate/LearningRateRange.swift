import ConvNet
import Datasets
import Storage

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
  /// The losses without their noise, and without the lag of an average of those before: at each step
  /// the middle of a line fitted to the losses around it, which weigh e^(−d²/2b²) at a distance d of
  /// the logarithms of the rates, b a quarter of a decade (local linear regression; Cleveland 1979). A
  /// loss above the mean of the first tenth counts as that: how far it has diverged tells nothing.
  /// Where the rate doesn't rise, the losses themselves.
  public let trend: [Double]

  private static let factor = 0.98

  /// - Parameters:
  ///   - from: the rate of the first step; `to` is that of the last.
  ///   - steps: how many there are at most, at least two.
  public init(
    _ spec: ExperimentSpec, data: RunData, threads: Int, from: Double, to: Double, steps: Int
  ) throws {
    let trainer = try Trainer(spec, trainedOn: data, team: try Team(threads: threads))
    self.init(
      trainer, on: try trainer.read(data.train), seed: spec.seed, from: from, to: to, steps: steps)
  }

  /// - Parameter seed: decides the order of the images.
  init(
    _ trainer: Trainer, on source: any SampleSource, seed: UInt64, from: Double, to: Double,
    steps: Int
  ) {
    precondition(from > 0 && from <= to && steps >= 2)
    let growth = Elementary.log(to / from) / Double(steps - 1)
    var rows: [Row] = []
    var (average, weight, least) = (0.0, 1.0, Double.infinity)
    var batches = Batches(of: source.count, size: trainer.imagesPerStep, seed: seed)
    var ending = Ending.complete
    for step in 1...steps {
      let batch = batches.take()
      let rate = Float(from * Elementary.exp(growth * Double(step - 1)))
      let result = trainer.train(on: batch, of: source, learningRate: rate)
      guard result.isFinite else {
        ending = .notFinite
        break
      }
      let loss = result.lossSum / Double(batch.samples.count)
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
    self.init(rows: rows, ending: ending)
  }

  init(rows: [Row], ending: Ending) {
    self.rows = rows
    self.ending = ending
    trend = Self.trend(of: rows)
  }

  public var csv: String {
    CSV.text(
      [["step", "learning_rate", "loss", "smoothed_loss", "trend"]]
        + zip(rows, trend).map { row, trend in
          CSV.fields(row.step, row.learningRate, row.loss, row.smoothedLoss, trend)
        })
  }

  private static func trend(of rows: [Row]) -> [Double] {
    let losses = bounded(rows)
    guard let first = rows.first, let last = rows.last, last.learningRate > first.learningRate
    else { return losses }
    let ratio = Double(last.learningRate) / Double(first.learningRate)
    let decades = Elementary.log(ratio) / Elementary.log(10)
    let width = 0.25 * Double(rows.count - 1) / decades  // In steps.
    let reach = min(rows.count, Int(6 * width) + 1)
    let weights = (0...reach).map {
      Elementary.exp(-0.5 * (Double($0) / width) * (Double($0) / width))
    }
    return rows.indices.map { i in
      // Σ w dᵏ and Σ w dᵏ·loss.
      var (s0, s1, s2, t0, t1) = (0.0, 0.0, 0.0, 0.0, 0.0)
      for j in max(0, i - reach)...min(rows.count - 1, i + reach) {
        let (d, weight) = (Double(j - i), weights[abs(j - i)])
        s0 += weight
        s1 += weight * d
        s2 += weight * d * d
        t0 += weight * losses[j]
        t1 += weight * d * losses[j]
      }
      let determinant = s0 * s2 - s1 * s1
      return determinant > 0 ? (s2 * t0 - s1 * t1) / determinant : losses[i]
    }
  }

  /// The losses, none above the mean of the first tenth.
  private static func bounded(_ rows: [Row]) -> [Double] {
    let first = max(1, rows.count / 10)
    let beginning = rows.prefix(first).reduce(0) { $0 + $1.loss } / Double(first)
    return rows.map { min($0.loss, beginning) }
  }

  /// The row of the least of the trend, the first of equals.
  public var least: Row? {
    trend.indices.min { trend[$0] < trend[$1] }.map { rows[$0] }
  }

  /// Where half of the fall is done: the first row from which on, to the least, the trend is nearer to
  /// its least than to its greatest before that. Nil where it falls by less than twice the deviation of
  /// the losses from it, as the noise of batches alone may.
  public var falling: Row? {
    guard let least = trend.indices.min(by: { trend[$0] < trend[$1] }) else { return nil }
    let greatest = trend[...least].max()!
    let half = (greatest + trend[least]) / 2
    let squares = zip(Self.bounded(rows)[...least], trend).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    let noise = (squares / Double(least + 1)).squareRoot()
    guard greatest - trend[least] > max(2 * noise, 1e-9 * greatest) else { return nil }
    return trend[...least].lastIndex { $0 >= half }.map { rows[$0 + 1] }
  }

  /// Rates to be tried, a quarter of a decade apart: from where half of the fall is done, which more
  /// steps move to the left, to three quarters of a decade above the least, which they move to the left
  /// too; none where the loss doesn't fall.
  var candidates: [Double] {
    guard let falling, let least else { return [] }
    let quarter = Elementary.exp(Elementary.log(10.0) / 4)
    let highest = Double(least.learningRate) * quarter * quarter * quarter
    var rates = [Double(falling.learningRate)]
    while rates.last! * quarter <= highest * 1.001 { rates.append(rates.last! * quarter) }
    return rates
  }

  /// The mean of the last quarter's losses; nil where not all steps were done.
  var finalLoss: Double? {
    guard ending == .complete, !rows.isEmpty else { return nil }
    let last = rows.suffix(max(1, rows.count / 4))
    return last.reduce(0) { $0 + $1.loss } / Double(last.count)
  }

  /// The signal that ended it.
  var signal: Int32? {
    if case .interrupted(let signal) = ending { signal } else { nil }
  }
}
