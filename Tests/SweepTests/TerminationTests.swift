import Testing

@testable import Search
@testable import Sweep

@Suite struct TerminationTests {
  @Test func halvesInRungs() {
    let halving = SuccessiveHalving(maximumEpochs: 9)
    #expect(halving.rungs == [1, 3, 9])
    #expect(halving.bracketSize == 9)
    #expect(halving.bracket(of: 0, total: 30).sizes == [9, 3, 1])
    #expect(halving.bracket(of: 17, total: 30).trials == 9..<18)
    #expect(halving.bracket(of: 28, total: 30).trials == 27..<30)
    #expect(halving.bracket(of: 28, total: 30).sizes == [3, 1, 1])
    #expect(SuccessiveHalving(minimumEpochs: 2, maximumEpochs: 20, eta: 3).rungs == [2, 6, 20])
    #expect(SuccessiveHalving(minimumEpochs: 5, maximumEpochs: 9).rungs == [9])
    #expect(SuccessiveHalving(maximumEpochs: 10, eta: 2, bracketSize: 13).rungs == [1, 2, 4, 10])
    #expect(
      SuccessiveHalving(maximumEpochs: 10, eta: 2, bracketSize: 13).bracket(of: 0, total: 13).sizes
        == [13, 6, 3, 1])
  }

  @Test func promotesTheBest() {
    let bracket = SuccessiveHalving(maximumEpochs: 9).bracket(of: 9, total: 30)
    let losses: [Double?] = [0.5, 0.3, nil, 0.2, 0.3, .nan, 0.9, 0.3, 0.6]
    let results = losses.enumerated().map { (trial: 9 + $0.offset, loss: $0.element) }
    #expect(bracket.promoted(of: results, rung: 0) == [10, 12, 13])
    #expect(bracket.promoted(of: results.reversed(), rung: 0) == [10, 12, 13])
    #expect(bracket.promoted(of: [(10, 0.2), (12, 0.2), (13, 0.3)], rung: 1) == [10])
    #expect(bracket.promoted(of: [(10, 0.2)], rung: 2) == [])
    #expect(bracket.promoted(of: [(10, nil), (12, nil), (13, nil)], rung: 1) == [])
    #expect(bracket.promoted(of: [(10, nil), (12, 5), (13, nil), (14, 6)], rung: 0) == [12])
    #expect(bracket.promoted(of: [(3, 1), (4, .infinity)], rung: 0) == [3])
  }

  /// Table 1 of Li et al. 2018: R = 81, η = 3.
  @Test func followsHyperbandsTable() {
    let hyperband = Hyperband(maximumEpochs: 81)
    let table: [(sizes: [Int], rungs: [Int])] = [
      ([81, 27, 9, 3, 1], [1, 3, 9, 27, 81]), ([27, 9, 3, 1], [3, 9, 27, 81]),
      ([9, 3, 1], [9, 27, 81]), ([6, 2], [27, 81]), ([5], [81]),
    ]
    var start = 0
    for cycle in 0..<2 {
      for row in table {
        let end = start + row.sizes[0]
        for trial in [start, end - 1] {
          let bracket = hyperband.bracket(of: trial, total: 1000)
          #expect(bracket.trials == start..<end)
          #expect(bracket.sizes == row.sizes)
          #expect(bracket.rungs == row.rungs)
        }
        start = end
      }
      #expect(start == 128 * (cycle + 1))
    }
    #expect(hyperband.bracket(of: 85, total: 90).trials == 81..<90)
    #expect(Hyperband(minimumEpochs: 3, maximumEpochs: 10).cycle.map(\.rungs) == [[3, 10], [10]])
  }

  @Test func stopsWhatIsWorseThanTheMedian() {
    let rule = MedianRule(warmupEpochs: 1, minimumCohort: 3)
    // Running averages after two epochs: 0.5, 0.6, 0.9.
    let cohort = [[0.6, 0.4, 0.1], [0.8, 0.4], [1.0, 0.8, 0.7], [0.1]]
    #expect(!rule.stops(losses: [9], cohort: cohort))
    #expect(!rule.stops(losses: [0.9, 0.6], cohort: cohort))
    #expect(rule.stops(losses: [0.9, 0.61], cohort: cohort))
    #expect(!rule.stops(losses: [0.6, 0.9], cohort: cohort))
    #expect(rule.stops(losses: [.nan, .nan], cohort: cohort))
    #expect(!rule.stops(losses: [0.9, 0.9, 0.9], cohort: cohort))
    #expect(!rule.stops(losses: [9, 9], cohort: [[1, 1], [1, 1], [1, .nan]]))
    // An even number has the mean of the two in the middle: (0.5 + 0.6)/2.
    #expect(
      !MedianRule(minimumCohort: 2).stops(losses: [1, 0.55], cohort: [[0.5, 0.5], [0.6, 0.6]]))
    #expect(
      MedianRule(minimumCohort: 2).stops(losses: [1, 0.56], cohort: [[0.5, 0.5], [0.6, 0.6]]))
  }
}

@Suite struct TerminationPopulationTests {
  let training = PopulationBasedTraining(space: mixedSpace, seed: 5, population: 10)

  @Test func replacesTheWorstByTheBest() {
    let losses: [Double?] = [5, 1, 9, 4, 0, 8, nil, 3, 2, 7]
    var targets: Set<Int> = []
    for generation in 0..<40 {
      let sources = training.sources(losses: losses, generation: generation)
      #expect(sources == training.sources(losses: losses, generation: generation))
      for member in 0..<10 where member != 2 && member != 6 { #expect(sources[member] == member) }
      for member in [2, 6] {
        #expect([1, 4].contains(sources[member]))
        targets.insert(sources[member])
      }
    }
    #expect(targets == [1, 4])
    let failed: [Double?] = [nil, nil, nil, nil, nil, nil, nil, nil, nil, 3]
    #expect(training.sources(losses: failed, generation: 0) == Array(repeating: 9, count: 10))
    let allFailed: [Double?] = Array(repeating: nil, count: 10)
    #expect(training.sources(losses: allFailed, generation: 0) == Array(0..<10))
  }

  @Test func exploresWithinBounds() {
    var (kept, perturbed, drawn) = (0, 0, 0)
    for member in 0..<10 {
      var configuration = training.beginning(member: member)
      for generation in 1..<60 {
        let next = training.explored(configuration, generation: generation, member: member)
        #expect(mixedSpace.contains(next))
        #expect(
          next == training.explored(configuration, generation: generation, member: member))
        guard case .number(let old) = configuration.values[1],
          case .number(let new) = next.values[1]
        else { return }
        let ratio = new / old
        if abs(ratio - 0.8) < 1e-4 || abs(ratio - 1.2) < 1e-4 {
          perturbed += 1
        } else if new == old {
          kept += 1
        } else {
          drawn += 1
        }
        configuration = next
      }
    }
    #expect(perturbed + kept + drawn == 590)
    // A quarter is drawn anew; those cut off at a bound are counted with them.
    #expect((0.18...0.40).contains(Double(drawn) / 590))
  }

  @Test func keepsWhatMayNotChange() {
    let configuration = training.beginning(member: 0)
    for generation in 0..<50 {
      let next = training.explored(
        configuration, generation: generation, member: 0, parameters: [1])
      var same = next
      same.values[1] = configuration.values[1]
      #expect(same == configuration)
    }
  }

  @Test func movesWholeNumbersByOneAtLeast() {
    let space = SearchSpace([Parameter("k", .integers(lower: 1, upper: 3, scale: .linear))])
    let training = PopulationBasedTraining(space: space, seed: 1, population: 2, resampling: 0)
    let seen = Set(
      (0..<40).map {
        training.explored(Configuration([.integer(2)]), generation: $0, member: 0).values[0]
      })
    #expect(seen == [.integer(1), .integer(3)])
  }
}
