/// An average a of the weights w over a training. It is evaluated and kept in their place, while the
/// training itself goes on with w. Moving statistics are averaged with the rest.
public enum WeightAveraging: Hashable, Sendable {
  /// After each step `a = d·a + (1 − d)·w`, beginning with the first step's weights (Polyak and
  /// Juditsky 1992; Keras's use_ema, PyTorch's get_ema_multi_avg_fn).
  case exponential(decay: Float = 0.999)
  /// The mean of the weights at the ends of epochs, of those after the first so many (Izmailov et al.
  /// 2018; PyTorch's AveragedModel with its buffers).
  case stochastic(after: Int)

  /// Whether a takes in what w is after a step, counted from 1.
  public func includes(step: Int, stepsPerEpoch: Int) -> Bool {
    switch self {
    case .exponential: true
    case .stochastic(let after):
      step % stepsPerEpoch == 0 && step / stepsPerEpoch > after
    }
  }

  /// How often a has taken w in after so many steps.
  public func count(after step: Int, stepsPerEpoch: Int) -> Int {
    switch self {
    case .exponential: step
    case .stochastic(let after): max(0, step / stepsPerEpoch - after)
    }
  }
}

/// The average of the weights of a training.
public final class AveragedWeights: TeamWork {
  /// How often it has taken the weights in; with its values a checkpoint must hold it.
  public var count = 0

  private let averaging: WeightAveraging
  private let weights: Buffer
  private let averages: Buffer
  private let team: Team
  /// What the weights count for.
  private var share: Float = 1

  init(_ averaging: WeightAveraging, of weights: Buffer, team: Team, arena: Arena) {
    self.averaging = averaging
    self.weights = weights
    self.team = team
    averages = arena.floats(weights.count)
  }

  var values: UnsafeMutableBufferPointer<Float> { averages.all }

  /// Takes the weights in as they are.
  func take() {
    switch averaging {
    case .exponential(let decay): share = count == 0 ? 1 : 1 - decay
    case .stochastic: share = 1 / Float(count + 1)
    }
    count += 1
    team.run(self, phase: 0, tiles: (weights.count + Self.run - 1) / Self.run)
  }

  private static let run = 16_384

  /// a += share·(w − a) for one run of the weights.
  public func perform(phase: Int, tile index: Int, worker: Int) {
    let start = index * Self.run
    let count = min(Self.run, weights.count - start)
    let (w, a, share) = (weights.base + start, averages.base + start, share)
    if share == 1 {
      a.update(from: w, count: count)
    } else {
      for i in 0..<count { a[i] += share * (w[i] - a[i]) }
    }
  }

  /// Lets the weights and their average change places.
  func exchange() {
    let (w, a) = (weights.base, averages.base)
    for i in 0..<weights.count { (w[i], a[i]) = (a[i], w[i]) }
  }
}
