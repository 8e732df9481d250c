/// An average a of the weights w over a training. It is evaluated and kept in their place, while the
/// training itself goes on with w. Moving statistics are averaged with the rest.
public enum WeightAveraging: Hashable, Sendable {
  /// After each step `a = d·a + (1 − d)·w`, beginning with the first step's weights (Polyak and
  /// Juditsky 1992; Keras's use_ema, PyTorch's get_ema_multi_avg_fn).
  case exponential(decay: Float)
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

extension Network {
  /// Takes the weights as they are into their average.
  public func average() {
    guard let averaging = optimizer.averaging else {
      preconditionFailure("this optimizer averages no weights")
    }
    switch averaging {
    case .exponential(let decay): current.averageShare = averageCount == 0 ? 1 : 1 - decay
    case .stochastic: current.averageShare = 1 / Float(averageCount + 1)
    }
    averageCount += 1
    team.run(
      self, phase: Self.averagePhase, tiles: (weights.count + Self.averageRun - 1) / Self.averageRun
    )
  }

  static let averagePhase = -5
  private static let averageRun = 16_384

  /// a += share·(w − a) for one run of the weights.
  func average(run index: Int) {
    let start = index * Self.averageRun
    let count = min(Self.averageRun, weights.count - start)
    let (w, a, share) = (weights.base + start, averages.base + start, current.averageShare)
    if share == 1 {
      a.update(from: w, count: count)
    } else {
      for i in 0..<count { a[i] += share * (w[i] - a[i]) }
    }
  }

  /// Lets the weights and their average change places, if there is an average yet. To be called in
  /// pairs around an evaluation.
  public func exchangeAverage() {
    guard averageCount > 0 else { return }
    let (w, a) = (weights.base, averages.base)
    for i in 0..<weights.count { (w[i], a[i]) = (a[i], w[i]) }
    weightsChanged()
  }
}
