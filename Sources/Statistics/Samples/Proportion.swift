/// How often something happens, of so many trials.
public struct Proportion: Hashable, Sendable {
  public let successes: Int
  public let trials: Int

  public init(_ successes: Int, of trials: Int) {
    precondition(trials > 0 && (0...trials).contains(successes))
    self.successes = successes
    self.trials = trials
  }

  public var value: Double { Double(successes) / Double(trials) }

  /// Wilson's interval (1927), which holds the probability with confidence about 1 − α, also near 0 and 1:
  /// (p + z²/2n ± z √(p(1 − p)/n + z²/4n²)) / (1 + z²/n).
  public func interval(alpha: Double = 0.05) -> Interval {
    let (n, z) = (Double(trials), -StandardNormal.quantile(alpha / 2))
    let shrink = 1 + z * z / n
    let middle = (value + z * z / (2 * n)) / shrink
    let reach = z * (value * (1 - value) / n + z * z / (4 * n * n)).squareRoot() / shrink
    return Interval(
      successes == 0 ? 0 : max(0, middle - reach),
      successes == trials ? 1 : min(1, middle + reach))
  }
}
