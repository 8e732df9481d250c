import ConvNet
import Experiment
import Foundation
import Storage
import TestSupport
import Testing

@testable import Search
@testable import Sweep

@Suite struct ImportanceTests {
  private static let unit = Domain.range(lower: 0, upper: 1, scale: .linear)

  private static func choice(_ labels: String...) -> Domain {
    .choice(labels.map { .init(label: $0, value: JSONValue($0)) })
  }

  /// Observations of a function at random points; each value is uniform on its domain's own scale.
  private static func observations(
    _ count: Int, of space: SearchSpace, seed: UInt64 = 5,
    _ loss: ([Configuration.Value?]) -> Double?
  ) -> [Observation] {
    (0..<count).map { trial in
      var stream = RandomStream(seed: seed, purpose: .probe, sample: UInt32(trial))
      var values: [Configuration.Value?] = []
      for parameter in space.parameters {
        let u = Double(stream.uniform())
        if let condition = parameter.condition {
          guard case .option(let option)? = values[condition.parameter],
            condition.options.contains(option)
          else {
            values.append(nil)
            continue
          }
        }
        switch parameter.domain {
        case .choice(let options): values.append(.option(Int(u * Double(options.count))))
        case .range(let low, let high, .linear): values.append(.number(low + u * (high - low)))
        case .range(let low, let high, .log): values.append(.number(low * pow(high / low, u)))
        case .integers(let low, let high, _):
          values.append(.integer(low + Int(u * Double(high - low + 1))))
        }
      }
      return Observation(
        trial: trial, configuration: Configuration(values), loss: loss(values), budget: 1)
    }
  }

  private static func number(_ value: Configuration.Value?) -> Double {
    switch value {
    case .number(let number): number
    case .integer(let integer): Double(integer)
    case .option(let option): Double(option)
    case nil: 0
    }
  }

  /// a·x + b·y has the shares a² and b² of a² + b².
  @Test func ofAnAdditiveFunction() throws {
    let space = SearchSpace([
      Parameter("x", Self.unit), Parameter("y", Self.unit), Parameter("idle", Self.unit),
    ])
    let observations = Self.observations(2000, of: space) {
      3 * Self.number($0[0]) - Self.number($0[1])
    }
    let importance = try #require(Importance(of: observations, in: space))
    #expect(abs(importance.shares[0].fraction - 0.9) < 0.02)
    #expect(abs(importance.shares[1].fraction - 0.1) < 0.02)
    #expect(importance.shares[2].fraction < 0.005)
    #expect(importance.interactions < 0.03)
    #expect(importance.ranked.map(\.path) == ["x", "y", "idle"])
    #expect(importance.used == 2000)
  }

  /// sin x + 7 sin² y + 0.1 z⁴ sin x on [−π, π]³: the shares are 0.3139, 0.4424 and 0 (Ishigami and
  /// Homma 1990). Trees on some thousand points find a part of these in interactions.
  @Test func ofIshigamisFunction() throws {
    let domain = Domain.range(lower: -Double.pi, upper: .pi, scale: .linear)
    let space = SearchSpace(["x", "y", "z"].map { Parameter($0, domain) })
    let observations = Self.observations(2500, of: space) { values in
      let (x, y, z) = (Self.number(values[0]), Self.number(values[1]), Self.number(values[2]))
      return sin(x) + 7 * sin(y) * sin(y) + 0.1 * z * z * z * z * sin(x)
    }
    let importance = try #require(Importance(of: observations, in: space))
    #expect(abs(importance.shares[0].fraction - 0.3139) < 0.05)
    #expect(abs(importance.shares[1].fraction - 0.4424) < 0.1)
    #expect(importance.shares[2].fraction < 0.02)
    #expect(abs(importance.interactions - 0.2437) < 0.12)
  }

  @Test func onLogarithmicAndIntegerScales() throws {
    let space = SearchSpace([
      Parameter("rate", .range(lower: 1e-4, upper: 1, scale: .log)),
      Parameter("units", .integers(lower: 1, upper: 4, scale: .linear)),
      Parameter("filters", .integers(lower: 1, upper: 64, scale: .log)),
    ])
    // log₁₀ rate is uniform on [−4, 0] with the variance 16/12; units has (16 − 1)/12 = 15/12.
    let observations = Self.observations(2000, of: space) { values in
      log10(Self.number(values[0])) + Self.number(values[1])
    }
    let importance = try #require(Importance(of: observations, in: space))
    #expect(abs(importance.shares[0].fraction - 16.0 / 31) < 0.03)
    #expect(abs(importance.shares[1].fraction - 15.0 / 31) < 0.03)
    #expect(importance.shares[2].fraction < 0.01)
  }

  @Test func ofChoices() throws {
    // The options' losses 0, 3 and 1, not in their order, have the variance 14/9; x has 1/12.
    let space = SearchSpace([Parameter("c", Self.choice("a", "b", "c")), Parameter("x", Self.unit)])
    let losses = [0.0, 3, 1]
    let observations = Self.observations(1500, of: space) { values in
      guard case .option(let option)? = values[0] else { return nil }
      return losses[option] + 2 * Self.number(values[1])
    }
    let importance = try #require(Importance(of: observations, in: space))
    let whole = 14.0 / 9 + 4.0 / 12
    #expect(abs(importance.shares[0].fraction - 14.0 / 9 / whole) < 0.03)
    #expect(abs(importance.shares[1].fraction - 4.0 / 12 / whole) < 0.03)
  }

  /// With c ∈ {a, b}, and y only where c is b: f = y there, ½ elsewhere. c explains nothing, y by itself
  /// half its effect: ¼·V(y) of ½·V(y).
  @Test func ofConditionalParameters() throws {
    let space = SearchSpace([
      Parameter("c", Self.choice("a", "b")),
      Parameter("y", Self.unit, when: Condition(parameter: 0, options: [1])),
      Parameter("x", Self.unit),
    ])
    let observations = Self.observations(2000, of: space) { values in
      values[1] == nil ? 0.5 : Self.number(values[1])
    }
    let importance = try #require(Importance(of: observations, in: space))
    #expect(importance.shares[0].fraction < 0.02)
    #expect(abs(importance.shares[1].fraction - 0.5) < 0.05)
    #expect(importance.shares[2].fraction < 0.02)
    #expect(abs(importance.interactions - 0.5) < 0.06)
  }

  @Test func aChoiceOfManyOptions() throws {
    let labels = (0..<100).map { Domain.Option(label: "\($0)", value: JSONValue($0)) }
    let space = SearchSpace([
      Parameter("many", .choice(labels)),
      Parameter("y", Self.unit, when: Condition(parameter: 0, options: Array(50..<100))),
    ])
    let observations = Self.observations(2000, of: space) { values in
      Self.number(values[0]) / 100 + (values[1] == nil ? 0 : 0.1 * Self.number(values[1]))
    }
    let importance = try #require(Importance(of: observations, in: space))
    #expect(importance.shares[0].fraction > 0.95)
  }

  @Test func agreesLooselyWithOptuna() throws {
    struct File: Decodable {
      struct Case: Decodable {
        struct Parameter: Decodable {
          let path: String
          let choice: [String]?
          let low, high: Double?
          let whole: Bool?
          let share: Double
        }
        struct Trial: Decodable {
          let values: [Double]
          let loss: Double
        }
        let name: String
        let parameters: [Parameter]
        let trials: [Trial]
      }
      let cases: [Case]
    }
    for c in try Fixture.load("importance", as: File.self).cases {
      let space = SearchSpace(
        c.parameters.map { parameter in
          let domain: Domain =
            if let labels = parameter.choice {
              .choice(labels.map { .init(label: $0, value: JSONValue($0)) })
            } else if parameter.whole! {
              .integers(lower: Int(parameter.low!), upper: Int(parameter.high!), scale: .linear)
            } else {
              .range(lower: parameter.low!, upper: parameter.high!, scale: .linear)
            }
          return Parameter(parameter.path, domain)
        })
      let observations = c.trials.enumerated().map { (number, trial) -> Observation in
        let values = zip(space.parameters, trial.values).map {
          (parameter, value) -> Configuration.Value? in
          switch parameter.domain {
          case .choice: .option(Int(value))
          case .range: .number(value)
          case .integers: .integer(Int(value))
          }
        }
        return Observation(
          trial: number, configuration: Configuration(values), loss: trial.loss, budget: 1)
      }
      let importance = try #require(Importance(of: observations, in: space))
      for (share, parameter) in zip(importance.shares, c.parameters) {
        #expect(
          abs(share.fraction - parameter.share) < 0.05,
          "\(c.name), \(share.path): \(share.fraction), Optuna \(parameter.share)")
      }
    }
  }

  /// On a full grid a fully grown tree is the table itself, whose decomposition is plain sums.
  @Test func ofATableAsPlainSums() {
    let places = [0.05, 0.2, 0.5, 0.6, 0.95]
    var stream = RandomStream(seed: 3, purpose: .probe)
    var columns: [[Double]] = [[], []]
    var losses: [Double] = []
    for x in places {
      for option in 0..<3 {
        columns[0].append(x)
        columns[1].append(Double(option))
        losses.append(Double(stream.uniform()))
      }
    }
    let space = SearchSpace([Parameter("x", Self.unit), Parameter("c", Self.choice("a", "b", "c"))])
    let box = UnitBox(space)
    let tree = RegressionTree(
      box, columns: columns, targets: losses, weights: losses.map { _ in 1 })
    #expect(tree.leaves.count == 15)
    let parts = VarianceDecomposition(tree, box)

    let edges = [0, 0.125, 0.35, 0.55, 0.775, 1]
    let widths = zip(edges, edges.dropFirst()).map { $1 - $0 }
    func loss(_ i: Int, _ option: Int) -> Double { losses[3 * i + option] }
    var mean = 0.0
    for i in 0..<5 { for o in 0..<3 { mean += widths[i] / 3 * loss(i, o) } }
    var total = 0.0
    for i in 0..<5 { for o in 0..<3 { total += widths[i] / 3 * pow(loss(i, o) - mean, 2) } }
    let first = (0..<5).reduce(0.0) { sum, i in
      sum + widths[i] * pow((loss(i, 0) + loss(i, 1) + loss(i, 2)) / 3 - mean, 2)
    }
    let second = (0..<3).reduce(0.0) { sum, o in
      sum + pow((0..<5).reduce(0.0) { $0 + widths[$1] * loss($1, o) } - mean, 2) / 3
    }
    expectNear(parts.total, total, relative: 1e-12, "total")
    expectNear(parts.mainEffects[0], first, relative: 1e-12, "x")
    expectNear(parts.mainEffects[1], second, relative: 1e-12, "c")
  }

  /// A tree's first split leaves the least sum of squares of all.
  @Test func splitsWhereAPlainSearchDoes() {
    for seed in 0..<20 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .probe)
      let count = 40
      let columns = (0..<3).map { _ in (0..<count).map { _ in Double(stream.uniform()) } }
      let losses = (0..<count).map { _ in Double(stream.uniform()) }
      let weights = (0..<count).map { _ in Double(1 + stream.below(3)) }
      func squares(_ samples: [Int]) -> Double {
        let weight = samples.reduce(0) { $0 + weights[$1] }
        let mean = samples.reduce(0) { $0 + weights[$1] * losses[$1] } / weight
        return samples.reduce(0) { $0 + weights[$1] * pow(losses[$1] - mean, 2) }
      }
      var best = (squares: Double.infinity, dimension: 0, threshold: 0.0)
      for d in 0..<3 {
        let sorted = columns[d].sorted()
        for (a, b) in zip(sorted, sorted.dropFirst()) {
          let left = (0..<count).filter { columns[d][$0] <= a }
          let right = (0..<count).filter { columns[d][$0] > a }
          let sum = squares(left) + squares(right)
          if sum < best.squares { best = (sum, d, 0.5 * (a + b)) }
        }
      }
      let space = SearchSpace(["a", "b", "c"].map { Parameter($0, Self.unit) })
      let tree = RegressionTree(
        UnitBox(space), columns: columns, targets: losses, weights: weights)
      // No leaf reaches over the first split.
      #expect(
        tree.leaves.allSatisfy {
          $0.high[best.dimension] <= best.threshold || $0.low[best.dimension] >= best.threshold
        })
      #expect(tree.leaves.count == count)
    }
  }

  @Test func whatItDoesNotSay() {
    let space = SearchSpace([Parameter("x", Self.unit)])
    let few = Self.observations(3, of: space) { Self.number($0[0]) }
    #expect(Importance(of: few, in: space) == nil)
    let equal = Self.observations(50, of: space) { _ in 1 }
    #expect(Importance(of: equal, in: space) == nil)
    let failed = Self.observations(50, of: space) { _ in nil }
    #expect(Importance(of: failed, in: space) == nil)
    let infinite = Self.observations(50, of: space) { _ in .infinity }
    #expect(Importance(of: infinite, in: space) == nil)
    #expect(Importance(of: few, in: SearchSpace([])) == nil)
  }

  @Test func isAFunctionOfItsArguments() throws {
    let space = SearchSpace([Parameter("x", Self.unit), Parameter("y", Self.unit)])
    let observations = Self.observations(100, of: space) {
      Self.number($0[0]) * Self.number($0[1])
    }
    let one = try #require(Importance(of: observations, in: space, seed: 1))
    #expect(one == Importance(of: observations, in: space, seed: 1))
    #expect(one != Importance(of: observations, in: space, seed: 2))
  }

  /// Trials that were stopped early don't count while 20 others are left.
  @Test func countsTheLongestTrials() throws {
    let space = SearchSpace([Parameter("x", Self.unit), Parameter("y", Self.unit)])
    func trials(long: Int) -> [Observation] {
      Self.observations(60, of: space) { Self.number($0[0]) }.map {
        Observation(
          trial: $0.trial, configuration: $0.configuration,
          loss: $0.trial < long ? $0.loss : 5 * Self.number($0.configuration.values[1]),
          budget: $0.trial < long ? 9 : 1)
      }
    }
    let enough = try #require(Importance(of: trials(long: 25), in: space))
    #expect(enough.used == 25 && enough.budget == 9)
    #expect(enough.ranked[0].path == "x")
    let few = try #require(Importance(of: trials(long: 19), in: space))
    #expect(few.used == 60 && few.budget == 1)
  }
}
