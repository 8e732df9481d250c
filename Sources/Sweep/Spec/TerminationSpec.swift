/// The rule that ends trials before their last epoch.
public enum TerminationSpec: Hashable, Sendable {
  /// Of each bracket of trials, the best 1/eta go on at every rung: `minEpochs`, `minEpochs`·eta and
  /// so on up to the last epoch (Jamieson and Talwalkar 2016). Rungs wait for the whole bracket.
  case successiveHalving(minEpochs: Int, eta: Int, bracket: Int)
  /// Brackets of halving that begin with ever fewer trials and ever more epochs, over and over (Li
  /// et al. 2018).
  case hyperband(minEpochs: Int, eta: Int)
  /// Ends a trial whose best so far is worse than the median of its cohort's running means (Golovin
  /// et al. 2017).
  case median(warmupEpochs: Int, startupTrials: Int)

  /// As specs write it.
  public var name: String {
    switch self {
    case .successiveHalving: "successive_halving"
    case .hyperband: "hyperband"
    case .median: "median"
    }
  }
}
