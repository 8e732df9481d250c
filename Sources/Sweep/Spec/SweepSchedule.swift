import Experiment
import Search

// Which trials belong together, and which a trial may look at.

extension SweepSpec {
  /// How trials are put into brackets; nil where each is trained by itself.
  public var brackets: (any BracketRule)? {
    switch termination {
    case .successiveHalving(let minEpochs, let eta, let bracket):
      SuccessiveHalving(
        minimumEpochs: minEpochs, maximumEpochs: epochs, eta: eta, bracketSize: bracket)
    case .hyperband(let minEpochs, let eta):
      Hyperband(minimumEpochs: minEpochs, maximumEpochs: epochs, eta: eta)
    case .median, nil: nil
    }
  }

  /// How many of the first trials a trial is chosen, and judged by the median rule, from the results
  /// of: its cohort is 0..<n. The others before it are pending.
  ///
  /// n = i − lag + 1, so that the last of them is trial i − lag. Where trials come in brackets or
  /// generations, i is the first trial of its own, and n is rounded down to whole ones: with a lag
  /// of 1 the cohort is all those before. It is 0 where results aren't looked at.
  public func cohort(of trial: Int) -> Int {
    if case .populationBased(let options) = sampler {
      return trial / options.population * options.population
    }
    if let brackets {
      guard sampler.usesResults else { return 0 }
      let first = brackets.bracket(of: trial, total: trials).trials.lowerBound
      let reach = max(0, first - lag + 1)
      return reach == 0 ? 0 : brackets.bracket(of: reach, total: trials).trials.lowerBound
    }
    if termination == nil, !sampler.usesResults { return 0 }
    return max(0, trial - lag + 1)
  }

  /// The seeds that the winner is run with again: the first `confirm` after the greatest of `seeds`,
  /// none of which is among them.
  public var confirmationSeeds: [UInt64] {
    var fresh: [UInt64] = []
    var next = seeds.max() ?? 0
    while fresh.count < confirm {
      next &+= 1
      if !seeds.contains(next) { fresh.append(next) }
    }
    return fresh
  }

  /// What chooses the trials; nil for population-based training, which `makePopulation` does.
  public func makeSampler() -> (any Sampler)? {
    switch sampler {
    case .grid: Grid(space).map(GridSampler.init)
    case .random: RandomSampler(space: space, seed: seed)
    case .sobol: SobolSampler(space: space, seed: seed)
    case .tpe(let options): TPESampler(space: space, seed: seed, options: options)
    case .gaussianProcess(let options):
      GaussianProcessSampler(space: space, seed: seed, options: options)
    case .populationBased: nil
    }
  }

  /// The rule of population-based training; nil for other samplers.
  public func makePopulation() -> PopulationBasedTraining? {
    guard case .populationBased(let options) = sampler else { return nil }
    return PopulationBasedTraining(
      space: space, seed: seed, population: options.population, truncation: options.truncation,
      resampling: options.resampling)
  }
}
