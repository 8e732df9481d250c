/// Whether differences of pairs are symmetric about zero, by the sum of the ranks of those that are
/// positive (Wilcoxon 1945): the test that does without normality.
///
/// Differences of zero are left out, equal magnitudes share the mean of their ranks. Up to `exactLimit`
/// differences the distribution is enumerated, ties and all; beyond, it is taken as normal with the
/// variance corrected for ties.
public struct WilcoxonSignedRank: Hashable, Sendable {
  static let exactLimit = 100

  /// The differences that are not zero.
  public let count: Int
  /// The sum of the ranks of the positive ones.
  public let positiveRanks: Double
  /// Two-sided.
  public let p: Double

  public init(ofDifferences differences: [Double]) {
    let kept = differences.filter { $0 != 0 }
    count = kept.count
    // Twice the rank is whole, whatever the ties.
    let (doubled, tieCubes) = Self.doubledRanks(kept.map(abs))
    let positive = zip(kept, doubled).reduce(0) { $0 + ($1.0 > 0 ? $1.1 : 0) }
    positiveRanks = Double(positive) / 2
    let total = count * (count + 1)  // Of the doubled ranks.
    let lesser = min(positive, total - positive)
    if count == 0 {
      p = 1
    } else if count <= Self.exactLimit {
      // probabilities[s]: that the doubled ranks of the positive ones sum to s.
      var probabilities = [Double](repeating: 0, count: total + 1)
      probabilities[0] = 1
      var reached = 0
      for rank in doubled {
        reached += rank
        for sum in stride(from: reached, through: 0, by: -1) {
          probabilities[sum] =
            0.5 * (probabilities[sum] + (sum >= rank ? probabilities[sum - rank] : 0))
        }
      }
      p = min(1, 2 * probabilities[0...lesser].reduce(0, +))
    } else {
      let n = Double(count)
      let variance = n * (n + 1) * (2 * n + 1) / 24 - tieCubes / 48
      let z = (Double(lesser) / 2 - n * (n + 1) / 4) / variance.squareRoot()
      p = min(1, 2 * StandardNormal.cumulative(z))
    }
  }

  /// Twice the rank of each value, and Σ (t³ − t) over groups of t equal ones.
  private static func doubledRanks(_ values: [Double]) -> (ranks: [Int], tieCubes: Double) {
    let order = values.indices.sorted { (values[$0], $0) < (values[$1], $1) }
    var ranks = [Int](repeating: 0, count: values.count)
    var tieCubes = 0.0
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for place in start..<end { ranks[order[place]] = start + 1 + end }
      let t = Double(end - start)
      tieCubes += t * t * t - t
      start = end
    }
    return (ranks, tieCubes)
  }
}
