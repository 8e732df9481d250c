/// Whether two classifiers err equally often, judged on the same images (McNemar 1947).
///
/// Only the images count that one of them recognises and the other doesn't. If neither is better, of
/// those b + c each is equally likely to be either's: with k = min(b, c) and X binomial (b + c, ½), the
/// exact p is min(1, 2 P(X ≤ k)), and the mid-p, which is less conservative and keeps its level in
/// practice (Fagerland, Lydersen and Laake 2013), 2 P(X ≤ k) − P(X = k).
public struct McNemar: Hashable, Sendable {
  public let bothRight: Int
  /// Images that only the first recognises; b.
  public let firstOnly: Int
  /// Images that only the second recognises; c.
  public let secondOnly: Int
  public let bothWrong: Int
  public let exactP: Double
  public let midP: Double

  public init(bothRight: Int = 0, firstOnly: Int, secondOnly: Int, bothWrong: Int = 0) {
    precondition(firstOnly >= 0 && secondOnly >= 0)
    self.bothRight = bothRight
    self.firstOnly = firstOnly
    self.secondOnly = secondOnly
    self.bothWrong = bothWrong
    let least = min(firstOnly, secondOnly)
    let binomial = FairBinomial(trials: firstOnly + secondOnly)
    let tail = 2 * binomial.cumulative(least)
    exactP = min(1, tail)
    midP = min(1, tail - binomial.probability(of: least))
  }

  /// Counts what two classifiers made of the same images.
  /// - Precondition: the three are equally long.
  public init<Labels: Collection>(
    first: Labels, second: Labels, labels: Labels
  ) where Labels.Element: Equatable {
    precondition(first.count == labels.count && second.count == labels.count)
    var counts = [0, 0, 0, 0]
    for ((first, second), label) in zip(zip(first, second), labels) {
      counts[(first == label ? 0 : 2) + (second == label ? 0 : 1)] += 1
    }
    self.init(
      bothRight: counts[0], firstOnly: counts[1], secondOnly: counts[2], bothWrong: counts[3])
  }
}
