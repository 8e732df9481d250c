import Experiment
import Search
import Storage

/// What `checkTrials` has looked at.
public struct TrialCheck: Hashable, Sendable {
  /// How many configurations were built.
  public let count: Int
  public let coverage: Coverage
  /// Of them, the one whose batch norms' moving statistics are left most of their beginning; nil where
  /// none has any that doesn't correct for it.
  public let leastMoved: ExperimentSpec?

  public enum Coverage: Hashable, Sendable {
    /// The very trials.
    case everyTrial
    /// Every combination of options and of the ends of intervals, since the trials aren't known
    /// beforehand, or are too many.
    case everyCombination
    /// The same, with real intervals at their middle, their ends one at a time.
    case everyStructure
    /// So many, spread over the combinations, of which there are more than can be looked at.
    case spread
  }

  /// The most trials that are built one by one; of more, combinations are.
  static let trialLimit = 20_000
  /// The most combinations that are built.
  static let combinationLimit = 4096
}

extension LoadedSweep {
  /// Builds every trial's experiment before the first one trains: its keys, what they say about each
  /// other, its network's shapes and sizes. What a grid, random or Sobol search tries is known; of
  /// what others may try, all combinations of options and ends are built, as far as they can be.
  ///
  /// - Throws: what is wrong, where it was written, with the values that cause it.
  public func checkTrials() throws(SpecErrors) -> TrialCheck {
    var checker = TrialChecker(template, spec.space)
    let coverage: TrialCheck.Coverage
    if !spec.sampler.usesResults, spec.trials <= TrialCheck.trialLimit,
      let sampler = spec.makeSampler()
    {
      coverage = .everyTrial
      for trial in 0..<spec.trials where !checker.isFull {
        checker.check(sampler.configuration(trial: trial, observations: [], pending: []))
      }
    } else {
      let grid: Grid?
      (grid, coverage) = Self.combinations(of: spec.space)
      if let grid {
        let count = min(grid.count, TrialCheck.combinationLimit)
        for place in 0..<count where !checker.isFull {
          checker.check(grid[Self.spread(place, of: count, over: grid.count)])
        }
      } else {
        checker.checkEachValue()
      }
    }
    guard checker.problems.isEmpty else {
      var reading = reading
      reading.report(checker.problems)
      throw reading.errors
    }
    return TrialCheck(
      count: checker.count, coverage: coverage, leastMoved: checker.leastMoved)
  }

  private static func combinations(of space: SearchSpace) -> (Grid?, TrialCheck.Coverage) {
    func grid(realPoints: Int) -> Grid? {
      let parameters = space.parameters.map { parameter in
        let points: Int? =
          switch parameter.domain {
          case .choice: nil
          case .range: realPoints
          case .integers: 2
          }
        return Parameter(
          parameter.path, parameter.domain, when: parameter.condition, points: points)
      }
      return Grid(SearchSpace(parameters))
    }
    let limit = TrialCheck.combinationLimit
    if let all = grid(realPoints: 2), all.count <= limit { return (all, .everyCombination) }
    guard let structures = grid(realPoints: 1) else { return (nil, .spread) }
    return (structures, structures.count <= limit ? .everyStructure : .spread)
  }

  /// Place i of n, spread over 0..<total.
  private static func spread(_ place: Int, of count: Int, over total: Int) -> Int {
    if count == total { return place }
    let (high, low) = total.multipliedFullWidth(by: place)
    return count.dividingFullWidth((high, low)).quotient
  }
}
