/// Trains many trials a little, the best of them more (Jamieson and Talwalkar, "Non-stochastic best
/// arm identification and hyperparameter optimization", AISTATS 2016).
///
/// The rungs are r, r·η, …, r·ηˢ⁻¹, R for the least r and the most R epochs, s = ⌊log_η(R/r)⌋. A
/// bracket's trials meet on each rung, so what is promoted doesn't depend on who came first.
public struct SuccessiveHalving: BracketRule, Hashable {
  public let minimumEpochs: Int
  public let maximumEpochs: Int
  public let eta: Int
  /// How many trials a bracket has.
  public let bracketSize: Int

  /// - Parameter bracketSize: ηˢ when nil, so that one trial reaches the last rung.
  /// - Precondition: 1 ≤ minimum ≤ maximum, η ≥ 2, bracket size ≥ 1.
  public init(minimumEpochs: Int = 1, maximumEpochs: Int, eta: Int = 3, bracketSize: Int? = nil) {
    precondition(minimumEpochs >= 1 && minimumEpochs <= maximumEpochs && eta >= 2)
    precondition(bracketSize ?? 1 >= 1)
    self.minimumEpochs = minimumEpochs
    self.maximumEpochs = maximumEpochs
    self.eta = eta
    self.bracketSize =
      bracketSize ?? power(eta, halvings(from: minimumEpochs, to: maximumEpochs, eta: eta))
  }

  /// The epochs at the end of each rung.
  public var rungs: [Int] {
    let s = halvings(from: minimumEpochs, to: maximumEpochs, eta: eta)
    return (0..<s).map { minimumEpochs * power(eta, $0) } + [maximumEpochs]
  }

  public func bracket(of trial: Int, total: Int) -> Bracket {
    precondition((0..<total).contains(trial))
    let start = trial / bracketSize * bracketSize
    return Bracket(
      trials: start..<start + min(bracketSize, total - start), rungs: rungs, eta: eta)
  }
}

/// ⌊log_η(R/r)⌋
func halvings(from minimum: Int, to maximum: Int, eta: Int) -> Int {
  var count = 0
  var ratio = maximum / minimum
  while ratio >= eta {
    ratio /= eta
    count += 1
  }
  return count
}

/// base^exponent
func power(_ base: Int, _ exponent: Int) -> Int { (0..<exponent).reduce(1) { p, _ in p * base } }
