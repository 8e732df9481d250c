import TestSupport
import Testing

@testable import Statistics

/// The power of t tests, beside simulations, SciPy and statsmodels (Fixtures/make_power.py,
/// make_statistics.py).
@Suite struct PowerTests {
  private struct Cases: Decodable {
    struct Group: Decodable {
      let count: Int
      let deviation: Double
      var group: Power.Group { Power.Group(count: count, deviation: deviation) }
    }
    struct Welch: Decodable {
      let first, second: Group
      let difference, alpha, exact, simulated: Double
      let student: Double?
    }
    struct Pairs: Decodable {
      let n: Int
      let effect, alpha, exact, simulated: Double
    }
    struct More: Decodable {
      let first, second: Group
      let difference, alpha, power, simulated: Double
      let more: Int
    }
    struct Holm: Decodable { let values, levels: [Double] }
    let draws: Int
    let welch: [Welch]
    let pairs: [Pairs]
    let more: [More]
    let holm: [Holm]
  }

  private let fixture: Cases

  init() throws {
    fixture = try Fixture.load("power", as: Cases.self)
  }

  /// Whether a share of the draws is that of a probability, but for four deviations of such a share.
  private func isShare(_ share: Double, of probability: Double) -> Bool {
    let variance = probability * (1 - probability) / Double(fixture.draws)
    return abs(share - probability) <= 4 * variance.squareRoot() + 1e-9
  }

  @Test func ofWelchsTest() {
    for c in fixture.welch {
      let power = Power.welch(
        c.first.group, c.second.group, difference: c.difference, alpha: c.alpha)
      expectNear(power, c.exact, relative: 1e-8, "\(c)")
      #expect(isShare(c.simulated, of: power), "\(c): \(power)")
      let turned = Power.welch(
        c.second.group, c.first.group, difference: -c.difference, alpha: c.alpha)
      expectNear(turned, power, relative: 1e-8, "\(c), turned")
      // Welch's test gives a little away where Student's may be taken, ever less with more values.
      if let student = c.student, c.first.count >= 10 {
        #expect(abs(power - student) < 0.005, "\(c): \(power)")
      }
    }
  }

  @Test func ofThePairedTest() throws {
    for c in fixture.pairs {
      let power = Power.paired(pairs: c.n, effect: c.effect, alpha: c.alpha)
      expectNear(power, c.exact, relative: 1e-8, "\(c)")
      #expect(isShare(c.simulated, of: power), "\(c): \(power)")
    }
    for c in try StatisticsFixture.statistics.get().power {
      expectNear(
        Power.paired(pairs: c.n, effect: c.effect, alpha: c.alpha), c.paired, relative: 1e-8,
        "n \(c.n), d \(c.effect), α \(c.alpha)")
      // Student's test of independent samples, which Welch's nears with more values.
      if c.n >= 12 {
        let unit = Power.Group(count: c.n, deviation: 1)
        let power = Power.welch(unit, unit, difference: c.effect, alpha: c.alpha)
        #expect(abs(power - c.independent) < 0.01, "n \(c.n), d \(c.effect), α \(c.alpha)")
      }
    }
  }

  @Test func valuesNeeded() throws {
    for c in fixture.more {
      let more = Power.moreNeeded(
        c.first.group, c.second.group, difference: c.difference, alpha: c.alpha, power: c.power)
      #expect(more == c.more, "\(c)")
      // As many are enough, by simulation too.
      #expect(c.simulated > c.power - 0.005, "\(c)")
    }
    let unit = Power.Group(count: 2, deviation: 1)
    #expect(Power.moreNeeded(unit, unit, difference: 1e9) == 0)
    #expect(Power.moreNeeded(unit, unit, difference: 1e-6) == nil)
    let thousands = Power.moreNeeded(unit, unit, difference: 0.01)
    // About 2 (z₁₋α/₂ + z₁₋β)² σ²/Δ² each, where there are many.
    #expect(thousands.map { abs($0 - 156_979) < 10 } == true, "\(thousands ?? -1)")
    for c in try StatisticsFixture.statistics.get().needed {
      #expect(
        Power.pairsNeeded(effect: c.effect, alpha: c.alpha, power: c.power) == c.paired,
        "d \(c.effect)")
    }
    #expect(Power.pairsNeeded(effect: 1e-6) == nil)
    #expect(Power.pairsNeeded(effect: 1e9) == 2)
  }

  @Test func levelsOfHolmsCorrection() {
    for c in fixture.holm {
      for (level, expected) in zip(Holm.levels(c.values, alpha: 0.05), c.levels) {
        expectNear(level, expected, relative: 1e-9, "\(c.values)")
      }
    }
    #expect(Holm.levels([], alpha: 0.05) == [])
  }
}
