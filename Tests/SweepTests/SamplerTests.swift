import ConvNet
import Testing

@testable import Search
@testable import Sweep

@Suite struct SamplerTests {
  /// Runs trials of a made-up loss, each shown the results of trials 0…i − lag, as a sweep does.
  static func run(
    _ sampler: some Sampler, space: SearchSpace, trials: Int, lag: Int = 1,
    loss: (Int, Configuration) -> Double? = SamplerTests.loss
  ) -> [Configuration] {
    var configurations: [Configuration] = []
    var observations: [Observation] = []
    for trial in 0..<trials {
      let known = max(0, trial - lag + 1)
      let next = sampler.configuration(
        trial: trial, observations: Array(observations.prefix(known)),
        pending: Array(configurations[min(known, configurations.count)...]))
      configurations.append(next)
      observations.append(
        Observation(trial: trial, configuration: next, loss: loss(trial, next), budget: 9))
    }
    return configurations
  }

  /// Low for a learning rate of 0.01 and a batch of 64; the largest learning rates fail.
  static func loss(_ trial: Int, _ configuration: Configuration) -> Double? {
    let u = mixedSpace.coordinates(of: configuration)
    if u[1]! > 0.95 { return nil }
    let rate = u[1]! - 2.0 / 3
    let batch = u[5]! - 0.4
    return rate * rate + batch * batch + (configuration.values[0] == .option(1) ? 0 : 0.3)
  }

  static func samplers(seed: UInt64) -> [any Sampler] {
    [
      RandomSampler(space: mixedSpace, seed: seed), SobolSampler(space: mixedSpace, seed: seed),
      TPESampler(space: mixedSpace, seed: seed),
      GaussianProcessSampler(space: mixedSpace, seed: seed, options: .small),
    ]
  }

  @Test func staysInTheSpaceAndRepeatsItself() {
    BLAS.useOneThread()
    let others = Self.samplers(seed: 2)
    for (sampler, other) in zip(Self.samplers(seed: 1), others) {
      let first = Self.run(sampler, space: mixedSpace, trials: 16, lag: 3)
      #expect(first.allSatisfy(mixedSpace.contains))
      #expect(Self.run(sampler, space: mixedSpace, trials: 16, lag: 3) == first)
      #expect(Self.run(other, space: mixedSpace, trials: 16, lag: 3) != first)
    }
  }

  @Test func proposesDifferentTrialsAtOnce() {
    BLAS.useOneThread()
    for sampler in Self.samplers(seed: 1).suffix(2) {
      let configurations = Self.run(sampler, space: mixedSpace, trials: 22, lag: 8)
      #expect(Set(configurations).count == 22)
    }
  }

  @Test func modelsFindTheGoodRegion() {
    BLAS.useOneThread()
    func mean(_ sampler: some Sampler, trials: Int) -> Double {
      let last = Self.run(sampler, space: mixedSpace, trials: trials).suffix(10)
      return last.reduce(0) { $0 + (Self.loss(0, $1) ?? 1) } / 10
    }
    let random = mean(RandomSampler(space: mixedSpace, seed: 3), trials: 100)
    #expect(mean(TPESampler(space: mixedSpace, seed: 3), trials: 60) < 0.5 * random)
    #expect(
      mean(GaussianProcessSampler(space: mixedSpace, seed: 3, options: .small), trials: 30) < 0.5
        * random)
  }

  @Test func survivesWhatCannotBeModelled() {
    BLAS.useOneThread()
    let losses: [(String, (Int, Configuration) -> Double?)] = [
      ("all fail", { _, _ in nil }), ("all equal", { _, _ in 0.5 }),
      ("not numbers", { trial, _ in trial % 2 == 0 ? .nan : Double(trial) }),
      ("huge", { trial, _ in trial % 2 == 0 ? 1e300 : 1e-300 }),
      ("infinite", { trial, _ in trial % 3 == 0 ? 0.1 : .infinity }),
    ]
    let empty = SearchSpace([])
    let one = SearchSpace([Parameter("p", .labels("only"))])
    for (_, loss) in losses {
      for sampler in Self.samplers(seed: 1) {
        let found = Self.run(sampler, space: mixedSpace, trials: 13, loss: loss)
        #expect(found.allSatisfy(mixedSpace.contains))
      }
    }
    for space in [empty, one] {
      for sampler in [
        TPESampler(space: space, seed: 1), GaussianProcessSampler(space: space, seed: 1),
      ] as [any Sampler] {
        let found = Self.run(sampler, space: space, trials: 13) { trial, _ in Double(trial) }
        #expect(found.allSatisfy(space.contains))
      }
    }
  }

  /// While there are untried ones left, no configuration comes twice once there is a model.
  @Test func prefersWhatIsUntried() {
    BLAS.useOneThread()
    let space = SearchSpace([
      Parameter("a", .labels("1", "2", "3", "4", "5")),
      Parameter("b", .integers(lower: 1, upper: 4, scale: .linear)),
    ])
    var options = TPESampler.Options()
    options.startup = 5
    var process = GaussianProcessSampler.Options.small
    process.startup = 5
    for sampler in [
      TPESampler(space: space, seed: 1, options: options),
      GaussianProcessSampler(space: space, seed: 1, options: process),
    ] as [any Sampler] {
      let found = Self.run(sampler, space: space, trials: 14) { trial, configuration in
        configuration.values[0] == .option(1) ? 0 : 1
      }
      let modelled = found[5...]
      let start = Set(found[..<5])
      #expect(Set(modelled).count == modelled.count)
      #expect(start.isDisjoint(with: modelled))
    }
  }
}

extension GaussianProcessSampler.Options {
  /// Less work, for tests that aren't optimised.
  static var small: Self {
    var options = Self()
    options.candidates = 64
    options.starts = 2
    return options
  }
}
