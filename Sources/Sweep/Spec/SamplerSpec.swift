import Search

/// How configurations are chosen, with the options of each way.
public enum SamplerSpec: Hashable, Sendable {
  /// Every combination, the last parameter varying fastest.
  case grid
  /// Independent draws (Bergstra and Bengio 2012).
  case random
  /// A scrambled low-discrepancy sequence (Sobol 1967; directions of Joe and Kuo 2008).
  case sobol
  /// Tree-structured Parzen estimators (Bergstra et al. 2011; multivariate: Falkner et al. 2018).
  case tpe(TPESampler.Options)
  /// Gaussian process with expected improvement (Jones et al. 1998; Snoek et al. 2012).
  case gaussianProcess(GaussianProcessSampler.Options)
  /// Population-based training (Jaderberg et al. 2017). Trial g·population + m is member m of
  /// generation g.
  case populationBased(PopulationBased)

  public struct PopulationBased: Hashable, Sendable {
    /// How many members are trained side by side.
    public var population: Int
    /// Epochs between two rounds of exploiting and exploring.
    public var interval: Int
    /// The share of the worst that copies, and of the best that is copied.
    public var truncation: Double
    /// How likely an explored parameter is drawn anew rather than perturbed.
    public var resampling: Double
    public init(
      population: Int = 8, interval: Int = 1, truncation: Double = 0.2, resampling: Double = 0.25
    ) {
      self.population = population
      self.interval = interval
      self.truncation = truncation
      self.resampling = resampling
    }
  }

  /// As specs write it.
  public var name: String {
    switch self {
    case .grid: "grid"
    case .random: "random"
    case .sobol: "sobol"
    case .tpe: "tpe"
    case .gaussianProcess: "gp"
    case .populationBased: "pbt"
    }
  }

  /// Whether it looks at the results of earlier trials.
  public var usesResults: Bool {
    switch self {
    case .grid, .random, .sobol: false
    case .tpe, .gaussianProcess, .populationBased: true
    }
  }
}
