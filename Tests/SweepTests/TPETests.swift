import ConvNet
import Foundation
import Testing

@testable import Search
@testable import Sweep

@Suite struct TPETests {
  static let members = (0..<6).map {
    RandomSampler(space: mixedSpace, seed: 8).configuration(trial: $0)
  }
  static let deviations = [0.1, 0.2, 0.15, 0.1, 0.3, 0.05]
  static let mixture = ParzenMixture(
    mixedSpace, around: members, deviations: deviations, priorWeight: 1)

  /// The density as its formula reads, with the C library's functions.
  static func plainDensity(_ configuration: Configuration) -> Double {
    func distribution(_ x: Double) -> Double { 0.5 * erfc(-x / 2.squareRoot()) }
    let epsilon = 1.0 / 7
    var sum = 0.0
    for member in members + [nil] {
      var product = 1.0
      for (d, parameter) in mixedSpace.parameters.enumerated() {
        guard let value = configuration.values[d] else { continue }
        let cell = parameter.domain.cell(of: value)
        let u = parameter.domain.coordinate(of: value)
        let other = member?.values[d]
        let (mean, deviation) = (other.map(parameter.domain.coordinate), deviations[d])
        switch parameter.domain {
        case .choice(let options):
          let m = Double(options.count)
          product *=
            other == nil
            ? 1 / m : ((other == value ? 1 : 0) + epsilon) / (1 + m * epsilon)
        case .range:
          guard let mean else { continue }
          let mass = distribution((1 - mean) / deviation) - distribution(-mean / deviation)
          let z = (u - mean) / deviation
          product *= Foundation.exp(-z * z / 2) / (2 * Double.pi).squareRoot() / deviation / mass
        case .integers:
          guard let mean else {
            product *= cell.upperBound - cell.lowerBound
            continue
          }
          let mass = distribution((1 - mean) / deviation) - distribution(-mean / deviation)
          product *=
            (distribution((cell.upperBound - mean) / deviation)
              - distribution((cell.lowerBound - mean) / deviation)) / mass
        }
      }
      sum += product / 7
    }
    return sum
  }

  @Test func densityFollowsItsFormula() {
    for trial in 0..<200 {
      let configuration = RandomSampler(space: mixedSpace, seed: 21).configuration(trial: trial)
      let density = Foundation.exp(
        Self.mixture.logDensity(SearchPoint(configuration, in: mixedSpace)))
      let plain = Self.plainDensity(configuration)
      #expect(abs(density - plain) < 1e-9 * plain)
    }
  }

  /// The mean of density over the uniform density, at uniform points, is the whole mass.
  @Test func densityHasMassOne() {
    var sum = 0.0
    let count = 4000
    let sampler = SobolSampler(space: mixedSpace, seed: 2)
    for trial in 0..<count {
      let point = SearchPoint(sampler.configuration(trial: trial), in: mixedSpace)
      let uniform = point.logUniform.reduce(0, +)
      sum += Foundation.exp(Self.mixture.logDensity(point) - uniform)
    }
    #expect(abs(sum / Double(count) - 1) < 0.03)
  }

  /// Draws follow the density: the mean of uniform/density over them is the mass of the space.
  @Test func drawsFollowTheDensity() {
    var stream = RandomStream(seed: 4, purpose: .probe)
    var sum = 0.0
    let count = 4000
    for _ in 0..<count {
      let configuration = Self.mixture.sample(&stream)
      #expect(mixedSpace.contains(configuration))
      let point = SearchPoint(configuration, in: mixedSpace)
      sum += Foundation.exp(point.logUniform.reduce(0, +) - Self.mixture.logDensity(point))
    }
    #expect(abs(sum / Double(count) - 1) < 0.05)
  }

  private func observation(_ trial: Int, _ loss: Double?, _ budget: Int = 9) -> Observation {
    Observation(
      trial: trial, configuration: Configuration([.integer(trial)]), loss: loss, budget: budget)
  }

  private func trials(_ configurations: [Configuration]) -> [Int] {
    configurations.map {
      if case .integer(let k)? = $0.values[0] { k } else { -1 }
    }
  }

  @Test func splitsByLoss() throws {
    var options = TPESampler.Options()
    options.goodFraction = 0.25
    let losses: [Double?] = [5, 3, nil, 4, 1, .nan, 3, 9]
    let split = try #require(
      QuantileSplit(
        losses.enumerated().map { observation($0.offset, $0.element) }, enough: 2, options: options)
    )
    #expect(trials(split.good) == [4, 1])
    #expect(trials(split.bad) == [6, 3, 0, 7, 2, 5])
    #expect(
      QuantileSplit([observation(0, nil), observation(1, 2)], enough: 2, options: options) == nil)
  }

  @Test func takesTheLargestBudgetThatEnoughWereGiven() throws {
    var options = TPESampler.Options()
    options.goodFraction = 0.25
    // Three trials of 9 epochs are too few: those of 3 and 9 are compared, those of 1 are bad.
    let given: [(Double, Int)] = [
      (0.1, 1), (0.6, 9), (0.4, 3), (0.3, 9), (0.5, 3), (0.0, 1), (0.7, 9), (0.9, 1),
    ]
    let observations = given.enumerated().map {
      observation($0.offset, $0.element.0, $0.element.1)
    }
    let split = try #require(QuantileSplit(observations, enough: 4, options: options))
    #expect(trials(split.good) == [3, 2])
    #expect(trials(split.bad) == [4, 1, 6, 5, 0, 7])
  }
}
