import ConvNet

/// Trains a population side by side; after each generation the worst go on from the weights of the
/// best, with hyperparameters near theirs (Jaderberg et al., "Population based training of neural
/// networks", 2017).
public struct PopulationBasedTraining: Hashable, Sendable {
  public let space: SearchSpace
  public let seed: UInt64
  /// How many members there are.
  public let population: Int
  /// The share of members that are replaced, and the share of those that they are replaced by.
  public let truncation: Double
  /// How likely a hyperparameter is drawn anew instead of being perturbed.
  public let resampling: Double
  /// What a number is multiplied by, one of the two with equal chances.
  public static let factors = (0.8, 1.2)

  /// - Precondition: `population` ≥ 2, 0 < `truncation` ≤ ½, 0 ≤ `resampling` ≤ 1.
  public init(
    space: SearchSpace, seed: UInt64, population: Int, truncation: Double = 0.2,
    resampling: Double = 0.25
  ) {
    precondition(population >= 2)
    precondition(truncation > 0 && truncation <= 0.5 && (0...1).contains(resampling))
    self.space = space
    self.seed = seed
    self.population = population
    self.truncation = truncation
    self.resampling = resampling
  }

  /// The hyperparameters that a member begins with.
  public func beginning(member: Int) -> Configuration {
    RandomSampler(space: space, seed: seed).configuration(trial: member)
  }

  /// Whom each member goes on from after a generation: itself, or, for the worst ⌊truncation·P⌋ (at
  /// least one) and for all that failed, one drawn from as many of the best.
  ///
  /// - Parameter losses: each member's at the end of the generation; nil or not a number for one
  ///   that failed. Of equal losses the earlier member's is the better.
  /// - Returns: for each member the one whose weights it takes. All stay when all have failed.
  public func sources(losses: [Double?], generation: Int) -> [Int] {
    precondition(losses.count == population)
    let ranking = ranked(losses.enumerated().map { (trial: $0.offset, loss: $0.element) })
    var sources = Array(0..<population)
    guard !ranking.isEmpty else { return sources }
    let count = max(1, Int(truncation * Double(population)))
    let best = ranking.prefix(count)
    var isWorst = Array(repeating: true, count: population)
    for member in ranking.prefix(population - count) { isWorst[member] = false }
    for member in 0..<population where isWorst[member] && best.first != member {
      var stream = stream(.exploitation, generation: generation, member: member)
      sources[member] = best[best.startIndex + stream.place(of: best.count)]
    }
    return sources
  }

  /// Hyperparameters near those of the member that was copied.
  ///
  /// Each of `parameters` is drawn anew with probability `resampling`; else a number is multiplied
  /// by 0.8 or 1.2 (a whole number moves by at least 1), within its bounds, and a choice moves to
  /// the option before or after, if there is one. A parameter that only now matters is drawn.
  ///
  /// - Parameter parameters: the places of those that may change while weights are kept; all others
  ///   keep their values. Nil for all.
  public func explored(
    _ configuration: Configuration, generation: Int, member: Int, parameters: [Int]? = nil
  ) -> Configuration {
    var stream = stream(.exploration, generation: generation, member: member)
    // Three draws for each parameter, used or not, so that none shifts another.
    let draws = space.parameters.map { _ in
      (isNew: stream.unit() < resampling, new: stream.unit(), goesUp: stream.unit() >= 0.5)
    }
    return space.configuration { place, domain in
      let draw = draws[place]
      guard let value = configuration.values[place] else { return domain.value(at: draw.new) }
      guard parameters?.contains(place) ?? true else { return value }
      return draw.isNew ? domain.value(at: draw.new) : domain.perturbed(value, up: draw.goesUp)
    }
  }

  private func stream(_ use: SearchUse, generation: Int, member: Int) -> RandomStream {
    RandomStream.search(use, seed: seed, trial: generation * population + member)
  }
}

extension Domain {
  fileprivate func perturbed(_ value: Configuration.Value, up: Bool) -> Configuration.Value {
    let (down, upward) = PopulationBasedTraining.factors
    let factor = up ? upward : down
    switch (self, value) {
    case (.choice(let options), .option(let place)):
      return .option(min(max(place + (up ? 1 : -1), 0), options.count - 1))
    case (.range(let lower, let upper, _), .number(let x)):
      let moved = (x * factor).rounded(toDigits: 6, of: x)
      return .number(min(max(moved, lower), upper))
    case (.integers(let lower, let upper, _), .integer(let k)):
      let moved = (Double(k) * factor).rounded()
      // A negative number grows when it is multiplied by 0.8.
      let grows = up == (k >= 0)
      let next = moved == Double(k) ? k + (grows ? 1 : -1) : Int(moved)
      return .integer(min(max(next, lower), upper))
    default: preconditionFailure("a value of another domain")
    }
  }
}
