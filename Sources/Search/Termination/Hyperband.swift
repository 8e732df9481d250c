/// Successive halving with several ratios of trials to epochs, in turn (Li et al., "Hyperband: a
/// novel bandit-based approach to hyperparameter optimization", JMLR 2018).
///
/// With s_max = ⌊log_η(R/r)⌋, bracket s of s_max, …, 0 has n = ⌊(s_max + 1)/(s + 1)⌋·ηˢ trials on
/// the rungs R·η⁻ˢ, …, R·η⁻¹, R (rounded down), as in table 1 of the paper: R = 81 and η = 3 give
/// 81, 27, 9, 6 and 5 trials that begin with 1, 3, 9, 27 and 81 epochs. After bracket 0 the cycle
/// begins again.
public struct Hyperband: BracketRule, Hashable {
  public let minimumEpochs: Int
  public let maximumEpochs: Int
  public let eta: Int

  /// - Precondition: 1 ≤ minimum ≤ maximum, η ≥ 2.
  public init(minimumEpochs: Int = 1, maximumEpochs: Int, eta: Int = 3) {
    precondition(minimumEpochs >= 1 && minimumEpochs <= maximumEpochs && eta >= 2)
    self.minimumEpochs = minimumEpochs
    self.maximumEpochs = maximumEpochs
    self.eta = eta
  }

  /// One cycle of brackets: how many trials each has, and its rungs.
  public var cycle: [(trials: Int, rungs: [Int])] {
    let most = halvings(from: minimumEpochs, to: maximumEpochs, eta: eta)
    return (0...most).reversed().map { s in
      (
        trials: (most + 1) / (s + 1) * power(eta, s),
        rungs: (0...s).map { maximumEpochs / power(eta, s - $0) }
      )
    }
  }

  public func bracket(of trial: Int, total: Int) -> Bracket {
    precondition((0..<total).contains(trial))
    let cycle = cycle
    let length = cycle.reduce(0) { $0 + $1.trials }
    var start = trial / length * length
    var place = 0
    while trial >= start + cycle[place].trials {
      start += cycle[place].trials
      place += 1
    }
    let end = start + min(cycle[place].trials, total - start)
    return Bracket(trials: start..<end, rungs: cycle[place].rungs, eta: eta)
  }
}
