import ConvNet

/// Draws where good trials are dense and bad ones are not: the tree-structured Parzen estimator
/// (Bergstra et al., "Algorithms for hyper-parameter optimization", NIPS 2011), its densities over
/// all parameters at once (Falkner, Klein and Hutter, "BOHB", ICML 2018).
///
/// The trials of the cohort are split into the good, those of the lowest losses, and the bad. Of
/// some candidates drawn from the density l of the good, the one with the largest l(x)/g(x) is
/// taken, g being the density of the bad; candidates that were tried already come last.
///
/// - Trials that failed are bad. So are the pending ones, the constant liar of parallel Bayesian
///   optimisation, so that proposals made at the same time differ.
/// - Where the sweep stops trials early, the good are of the largest budget that enough trials were
///   given, as in BOHB one more than there are parameters; those that were given less are bad.
/// - A conditional parameter is of the one density: see `ParzenMixture`.
public struct TPESampler: Sampler {
  public struct Options: Hashable, Sendable {
    /// How many trials are spread by `SobolSampler` before there is a model.
    public var startup = 10
    /// How many candidates are drawn from the density of the good.
    public var candidates = 24
    /// The share of trials that are good.
    public var goodFraction = 0.1
    /// The most trials that are good.
    public var maximumGood = 25
    /// The weight of the uniform kernel in each density; that of a trial is 1.
    public var priorWeight = 1.0
    /// What σ is as a multiple of the trials' spread times n^(−1/(d + 4)).
    public var bandwidth = 0.7

    public init() {}
  }

  public let space: SearchSpace
  public let seed: UInt64
  public let options: Options

  public init(space: SearchSpace, seed: UInt64, options: Options = Options()) {
    self.space = space
    self.seed = seed
    self.options = options
  }

  public func configuration(
    trial: Int, observations: [Observation], pending: [Configuration]
  ) -> Configuration {
    let split = QuantileSplit(observations, enough: space.parameters.count + 1, options: options)
    guard trial >= options.startup, let split else {
      return SobolSampler(space: space, seed: seed).configuration(trial: trial)
    }
    let good = mixture(split.good)
    let bad = mixture(split.bad + pending)
    let tried = Set(observations.map(\.configuration) + pending)
    var stream = RandomStream.search(.parzen, seed: seed, trial: trial)
    var best: (configuration: Configuration, isNew: Bool, score: Double)?
    for _ in 0..<options.candidates {
      let candidate = good.sample(&stream)
      let point = SearchPoint(candidate, in: space)
      let score = good.logDensity(point) - bad.logDensity(point)
      let isNew = !tried.contains(candidate)
      if let best, (isNew ? 1 : 0, score) <= (best.isNew ? 1 : 0, best.score) { continue }
      best = (candidate, isNew, score)
    }
    return best!.configuration
  }

  private func mixture(_ configurations: [Configuration]) -> ParzenMixture {
    ParzenMixture(
      space, around: configurations, deviations: deviations(configurations),
      priorWeight: options.priorWeight)
  }

  /// σ_d = b·s_d·n^(−1/(d + 4)), Scott's rule with the deviation s_d of the n trials that have the
  /// parameter (a uniform variable's variance, 1/12, counts as much as one of them), at least 0.01.
  private func deviations(_ configurations: [Configuration]) -> [Double] {
    let size = space.parameters.count
    let points = configurations.map { SearchPoint($0, in: space).coordinates }
    return (0..<size).map { d in
      let values = points.lazy.map { $0[d] }.filter { !$0.isNaN }
      let n = Double(values.count)
      let mean = values.reduce(0, +) / max(n, 1)
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      let spread = ((squares + 1.0 / 12) / (n + 1)).squareRoot()
      let rate = Elementary.exp(-Elementary.log(max(n, 1)) / Double(size + 4))
      return max(options.bandwidth * spread * rate, 0.01)
    }
  }
}

/// The good and the bad trials of a cohort.
struct QuantileSplit {
  let good: [Configuration]
  let bad: [Configuration]

  /// Nil when fewer than two trials came to a loss.
  ///
  /// - Parameter enough: how many trials of a budget there have to be for the good to be of it.
  init?(_ observations: [Observation], enough: Int, options: TPESampler.Options) {
    let finished = observations.filter { $0.loss.map { !$0.isNaN } ?? false }
    guard finished.count >= 2 else { return nil }
    let budget = finished.map(\.budget).sorted(by: >)[min(enough, finished.count) - 1]
    // Those of that budget by their losses, then those of less, the longest first.
    let order = finished.sorted {
      (-min($0.budget, budget), $0.loss!, $0.trial) < (-min($1.budget, budget), $1.loss!, $1.trial)
    }
    let full = order.prefix { $0.budget >= budget }
    let share = Int((options.goodFraction * Double(observations.count)).rounded(.up))
    let count = min(max(share, 1), options.maximumGood, full.count)
    good = order.prefix(count).map(\.configuration)
    bad =
      order.dropFirst(count).map(\.configuration)
      + observations.filter { $0.loss.map(\.isNaN) ?? true }.map(\.configuration)
  }
}
