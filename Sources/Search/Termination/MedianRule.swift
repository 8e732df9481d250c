/// Stops a trial that does worse than half of those before it (Golovin et al., "Google Vizier: a
/// service for black-box optimization", KDD 2017, section 3.2.2).
public struct MedianRule: Hashable, Sendable {
  /// No trial is stopped before it has been trained for more than so many epochs.
  public let warmupEpochs: Int
  /// No trial is stopped while fewer trials of its cohort have reached the epoch.
  public let minimumCohort: Int

  /// - Precondition: `warmupEpochs` ≥ 0, `minimumCohort` ≥ 1.
  public init(warmupEpochs: Int = 1, minimumCohort: Int = 5) {
    precondition(warmupEpochs >= 0 && minimumCohort >= 1)
    self.warmupEpochs = warmupEpochs
    self.minimumCohort = minimumCohort
  }

  /// The median of the cohort's running averages (l₁ + … + l_e)/e at an epoch e, above which the best
  /// of a trial's losses may not be; nil where the rule has no say.
  ///
  /// - Parameter cohort: the losses of each trial of its cohort, from epoch 1 on; those that ended
  ///   before e, or have a loss up to e that isn't finite, have no say.
  public func threshold(epoch: Int, cohort: [[Double]]) -> Double? {
    guard epoch > warmupEpochs else { return nil }
    let averages = cohort.compactMap { other -> Double? in
      guard other.count >= epoch else { return nil }
      let sum = other.prefix(epoch).reduce(0, +)
      return sum.isFinite ? sum / Double(epoch) : nil
    }
    .sorted()
    guard averages.count >= minimumCohort else { return nil }
    let middle = averages.count / 2
    return averages.count % 2 == 1
      ? averages[middle] : (averages[middle - 1] + averages[middle]) / 2
  }

  /// Whether a trial ends after its latest epoch e: when the best of its losses is above the median
  /// of the cohort's running averages (l₁ + … + l_e)/e.
  ///
  /// - Parameters:
  ///   - losses: the trial's, epochs 1 to e. One that is not a number counts as infinite.
  ///   - cohort: as for `threshold(epoch:cohort:)`.
  public func stops(losses: [Double], cohort: [[Double]]) -> Bool {
    guard let median = threshold(epoch: losses.count, cohort: cohort) else { return false }
    let best = losses.lazy.map { $0.isNaN ? .infinity : $0 }.min()!
    return best > median
  }
}
