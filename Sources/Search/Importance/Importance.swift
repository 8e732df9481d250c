import ConvNet
import Statistics

/// How much each parameter of a sweep matters: functional analysis of variance over a random forest
/// (fANOVA; Hutter, Hoos and Leyton-Brown, "An efficient approach for assessing hyperparameter
/// importance", ICML 2014).
///
/// 64 regression trees are grown to their full depth, each on a bootstrap sample of at most 2,048 of
/// the observations. A parameter's share is the part of a tree's variance over the whole space that
/// its main effect explains, the mean over the trees; what all main effects leave over is due to
/// interactions. Every parameter counts as uniform on its own scale. A conditional parameter explains
/// something only where its condition holds (see `RegressionTree`).
public struct Importance: Hashable, Sendable {
  /// How reports name what was done.
  public static let method = "fANOVA of \(trees) trees (Hutter et al. 2014)"
  static let trees = 64
  /// The most observations that a tree is grown on.
  static let largestSample = 2048
  /// The fewest observations that say anything.
  static let fewest = 4
  /// How many observations a budget must have reached to be told apart from lower ones.
  static let fewestOfBudget = 20

  public struct Share: Hashable, Sendable {
    /// The parameter's place in the space.
    public let parameter: Int
    public let path: String
    /// Of the variance, in 0...1.
    public let fraction: Double
    /// Of the fraction from tree to tree.
    public let deviation: Double
  }

  /// In the order of the space's parameters.
  public let shares: [Share]
  /// The part of the variance that no parameter explains by itself.
  public let interactions: Double
  /// Of that part from tree to tree.
  public let interactionsDeviation: Double
  /// How many observations it rests on: those with a loss that were trained for at least `budget`
  /// epochs.
  public let used: Int
  /// The greatest number of epochs that 20 observations reached, or the least of all.
  public let budget: Int

  /// The shares from the greatest to the least.
  public var ranked: [Share] {
    shares.sorted { ($1.fraction, $0.parameter) < ($0.fraction, $1.parameter) }
  }

  /// Nil when there are fewer than four observations with a loss, or all losses are equal.
  ///
  /// Failed trials don't count. Losses after few epochs are worse than those after many whatever the
  /// parameters, so trials that were stopped early don't count either, as far as 20 others are left.
  public init?(of observations: [Observation], in space: SearchSpace, seed: UInt64 = 1) {
    let finished = observations.filter { $0.loss?.isFinite ?? false }
    let budgets = finished.map(\.budget).sorted(by: >)
    guard let least = budgets.last, budgets.count >= Self.fewest, !space.parameters.isEmpty
    else { return nil }
    let budget = budgets.count >= Self.fewestOfBudget ? budgets[Self.fewestOfBudget - 1] : least
    let kept = finished.filter { $0.budget >= budget }
    let mean = kept.reduce(0) { $0 + $1.loss! } / Double(kept.count)
    let targets = kept.map { $0.loss! - mean }
    guard let first = targets.first, targets.contains(where: { $0 != first }) else { return nil }

    let box = UnitBox(space)
    let columns = space.parameters.indices.map { d in
      kept.map { box.coordinate(of: $0.configuration.values[d], along: d) }
    }
    let drawn = min(kept.count, Self.largestSample)
    var fractions: [[Double]] = []
    for tree in 0..<Self.trees {
      var stream = RandomStream(seed: seed, purpose: .importance, epoch: UInt32(tree))
      var counts = [Int32](repeating: 0, count: kept.count)
      for _ in 0..<drawn { counts[Int(stream.below(UInt32(kept.count)))] += 1 }
      let samples = counts.indices.filter { counts[$0] > 0 }
      let grown = RegressionTree(
        box, columns: columns.map { column in samples.map { column[$0] } },
        targets: samples.map { targets[$0] }, weights: samples.map { Double(counts[$0]) })
      let parts = VarianceDecomposition(grown, box)
      if parts.total > 0 { fractions.append(parts.mainEffects.map { $0 / parts.total }) }
    }
    guard !fractions.isEmpty else { return nil }
    shares = space.parameters.indices.map { d in
      let sample = Sample(fractions.map { $0[d] })
      return Share(
        parameter: d, path: space.parameters[d].path, fraction: sample.mean,
        deviation: sample.deviation ?? 0)
    }
    interactions = max(0, 1 - shares.reduce(0) { $0 + $1.fraction })
    interactionsDeviation =
      Sample(fractions.map { max(0, 1 - $0.reduce(0, +)) }).deviation ?? 0
    used = kept.count
    self.budget = budget
  }
}
