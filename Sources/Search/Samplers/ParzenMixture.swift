import ConvNet

/// A density over a search space: the mean of kernels around some configurations, and of a uniform
/// one, the prior.
///
///     p(x) = Σᵢ wᵢ · Π_d k_d(x_d; xᵢ_d),  d over the parameters that are active in x
///
/// On the unit cube, k_d is a normal density of deviation σ_d about the coordinate of configuration
/// i, cut off at 0 and 1; for whole numbers its mass in their cells; for a choice of m options
/// (1 + ε)/(1 + mε) for the same option and ε/(1 + mε) for each other, ε = 1/(number of kernels)
/// (Aitchison and Aitken 1976, as hyperopt and Optuna smooth it). It is uniform where configuration
/// i doesn't have the parameter: so conditional parameters are of one density with all others,
/// whose mass is 1.
struct ParzenMixture {
  let space: SearchSpace
  /// How many kernels there are, with the prior.
  let count: Int
  /// σ_d of each parameter.
  let deviations: [Double]

  /// The coordinates, or options, of each configuration; not a number where it has none: (n, P).
  private let centers: [Double]
  /// −ln(σ·√(2π)·mass in [0, 1]) of each: (n, P). Without σ·√(2π) for whole numbers.
  private let logScales: [Double]
  private let logWeights: [Double]

  /// - Parameters:
  ///   - deviations: σ_d, on the unit interval.
  ///   - priorWeight: the uniform kernel's weight, that of a configuration being 1.
  init(
    _ space: SearchSpace, around configurations: [Configuration], deviations: [Double],
    priorWeight: Double = 1
  ) {
    self.space = space
    self.deviations = deviations
    count = configurations.count + 1
    centers = configurations.flatMap { SearchPoint($0, in: space).coordinates }
    let parameters = space.parameters
    logScales = centers.enumerated().map { place, center in
      let (domain, deviation) = (
        parameters[place % parameters.count].domain, deviations[place % parameters.count]
      )
      if center.isNaN { return 0 }
      let mass =
        Elementary.normalDistribution((1 - center) / deviation)
        - Elementary.normalDistribution(-center / deviation)
      switch domain {
      case .choice: return 0
      case .integers: return -Elementary.log(mass)
      case .range: return -Elementary.log(mass * deviation * 2.506_628_274_631_000_5)
      }
    }
    let total = Elementary.log(Double(configurations.count) + priorWeight)
    logWeights =
      Array(repeating: -total, count: configurations.count)
      + [Elementary.log(priorWeight) - total]
  }

  /// ln p(x), a density on the unit cube for ranges and a probability for all others.
  func logDensity(_ point: SearchPoint) -> Double {
    let size = space.parameters.count
    var logs = logWeights
    let last = logs.count - 1
    for d in 0..<size where !point.coordinates[d].isNaN {
      let x = point.coordinates[d]
      let uniform = point.logUniform[d]
      logs[last] += uniform
      switch space.parameters[d].domain {
      case .choice(let options):
        let epsilon = 1 / Double(count)
        let scale = Elementary.log(1 + Double(options.count) * epsilon)
        let same = Elementary.log(1 + epsilon) - scale
        let other = Elementary.log(epsilon) - scale
        for i in 0..<last {
          let center = centers[i * size + d]
          logs[i] += center.isNaN ? uniform : (center == x ? same : other)
        }
      case .range:
        let inverse = 1 / deviations[d]
        for i in 0..<last {
          let z = (x - centers[i * size + d]) * inverse
          logs[i] += z.isNaN ? uniform : logScales[i * size + d] - 0.5 * z * z
        }
      case .integers:
        let inverse = 1 / deviations[d]
        let (low, high) = (point.low[d], point.high[d])
        for i in 0..<last {
          let center = centers[i * size + d]
          if center.isNaN {
            logs[i] += uniform
          } else {
            let mass = Self.normalMass((low - center) * inverse, (high - center) * inverse)
            logs[i] += logScales[i * size + d] + Elementary.log(max(mass, 1e-300))
          }
        }
      }
    }
    let largest = logs.max()!
    return largest + Elementary.log(logs.reduce(0) { $0 + Elementary.exp($1 - largest) })
  }

  /// Φ(b) − Φ(a), from the tail on whose side both lie.
  private static func normalMass(_ a: Double, _ b: Double) -> Double {
    a > 0
      ? Elementary.normalDistribution(-a) - Elementary.normalDistribution(-b)
      : Elementary.normalDistribution(b) - Elementary.normalDistribution(a)
  }

  /// A configuration drawn from the density: from one of its kernels.
  func sample(_ stream: inout RandomStream) -> Configuration {
    let size = space.parameters.count
    let prior = count - 1
    let priorProbability = Elementary.exp(logWeights[prior])
    var kernel = prior
    if stream.unit() >= priorProbability { kernel = stream.place(of: prior) }
    return space.configuration { d, domain in
      let center = kernel == prior ? .nan : centers[kernel * size + d]
      if center.isNaN { return domain.value(at: stream.unit()) }
      if case .choice(let options) = domain {
        let epsilon = 1 / Double(count)
        let other = Double(options.count) * epsilon / (1 + Double(options.count) * epsilon)
        return stream.unit() < other
          ? .option(stream.place(of: options.count)) : .option(Int(center))
      }
      var u = Double.nan
      // The centre lies inside, so at least 3 of 10 draws do.
      while !(0...1).contains(u) { u = center + deviations[d] * Double(stream.normal()) }
      return domain.value(at: u)
    }
  }
}

/// A configuration where densities are taken of it.
struct SearchPoint {
  /// The coordinate of a number, the place of an option; not a number where there is none.
  let coordinates: [Double]
  /// The cell of a whole number.
  let low, high: [Double]
  /// The logarithm of the uniform density (of the uniform probability of an option or integer).
  let logUniform: [Double]

  init(_ configuration: Configuration, in space: SearchSpace) {
    var (coordinates, low, high, logUniform) = ([Double](), [Double](), [Double](), [Double]())
    for (parameter, value) in zip(space.parameters, configuration.values) {
      guard let value else {
        coordinates.append(.nan)
        low.append(.nan)
        high.append(.nan)
        logUniform.append(0)
        continue
      }
      let cell = parameter.domain.cell(of: value)
      if case .option(let place) = value {
        coordinates.append(Double(place))
      } else {
        coordinates.append((cell.lowerBound + cell.upperBound) / 2)
      }
      low.append(cell.lowerBound)
      high.append(cell.upperBound)
      let width = cell.upperBound - cell.lowerBound
      if case .range = parameter.domain {
        logUniform.append(0)
      } else {
        logUniform.append(Elementary.log(max(width, 1e-300)))
      }
    }
    self.coordinates = coordinates
    self.low = low
    self.high = high
    self.logUniform = logUniform
  }
}
