import Foundation
import TestSupport
import Testing

@testable import Statistics

/// Against SciPy, scikit-learn and alibi-detect; the scripts in `Fixtures/` made the numbers.
@Suite struct DriftTests {
  private struct Drift: Decodable {
    struct Smirnov: Decodable {
      let n, m: Int
      let power, distance, exact: Double
      let asymptotic, levels: Double?
    }
    struct Counts: Decodable {
      let first, second: [Int]
      let statistic, p: Double
      let degrees: Int
    }
    struct Wilson: Decodable {
      let successes, trials: Int
      let low, high: Double
    }
    struct Pearson: Decodable { let power, x, tail: Double }
    struct Distances: Decodable {
      let mean, covariance, distances: [Double]
      let points: [[Float]]
    }
    struct Logistic: Decodable {
      let rows, weights, coefficients: [Double]
      let happened: [Bool]
    }
    struct Temperature: Decodable {
      let scores: [Float]
      let labels: [Int]
      let temperature: Double
    }
    let kolmogorovSmirnov: [Smirnov]
    let counts: [Counts]
    let wilson: [Wilson]
    let pearson: [Pearson]
    let mahalanobis: Distances
    let logistic: Logistic
    let temperature: Temperature
  }
  private struct Discrepancies: Decodable {
    struct Case: Decodable {
      let n, m, width: Int
      let power, sigma, squared, p: Double
    }
    let permutations: Int
    let cases: [Case]
  }

  private static let drift = Result { try Fixture.load("drift", as: Drift.self) }

  /// The generator of make_drift.py.
  private func draw(_ count: Int, _ a: Int, _ b: Int, _ power: Double) -> [Double] {
    (1...count).map { pow(Double((a * $0 + b) % 10007) / 10007, power) }
  }

  /// By hand: corners of a triangle, what lies in it, beside it and beyond it.
  @Test func mixturesOfPoints() {
    let corners: [[Double]] = [[0, 0], [4, 0], [0, 4]]
    func mixture(_ z: [Double], of rows: [[Double]], gain: Double = 0) -> MeanMixture {
      MeanMixture(of: z, from: rows) { _ in gain }
    }
    func expect(
      _ found: MeanMixture, _ parts: [(Int, Double)], rest: Double, line: Int = #line
    ) {
      #expect(found.parts.map(\.index) == parts.map(\.0), "line \(line)")
      for (part, (_, weight)) in zip(found.parts, parts) {
        #expect(abs(part.weight - weight) < 1e-14, "line \(line): \(found)")
      }
      #expect(abs(found.rest - rest) < 1e-13, "line \(line): \(found)")
    }
    expect(mixture([1, 1], of: corners), [(0, 0.5), (1, 0.25), (2, 0.25)], rest: 0)
    expect(mixture([2, -1], of: corners), [(0, 0.5), (1, 0.5)], rest: 1)
    expect(mixture([1, -1], of: corners), [(0, 0.75), (1, 0.25)], rest: 1)
    expect(mixture([5, 5], of: corners), [(1, 0.5), (2, 0.5)], rest: 18)
    expect(mixture([5, 5], of: corners, gain: 10), [(1, 1)], rest: 26)
    expect(mixture([-1, -3], of: corners), [(0, 1)], rest: 10)
    // What is there twice is found once.
    expect(mixture([1, 0], of: [[0, 0], [0, 0], [2, 0]]), [(0, 0.5), (2, 0.5)], rest: 0)
    expect(mixture([7, 8], of: [[7, 5]]), [(0, 1)], rest: 9)
  }

  @Test func kolmogorovSmirnovIsSciPys() throws {
    for c in try Self.drift.get().kolmogorovSmirnov {
      var (first, second) = (draw(c.n, 3571, 17, c.power), draw(c.m, 2999, 5, 1))
      if let levels = c.levels {
        first = first.map { ($0 * levels).rounded(.toNearestOrEven) }
        second = second.map { ($0 * levels).rounded(.toNearestOrEven) }
      }
      let test = KolmogorovSmirnov(first, second)
      expectNear(test.distance, c.distance, relative: 1e-12, "D of \(c)")
      // SciPy's own sum of paths loses digits of what is small.
      expectNear(test.p, c.exact, relative: c.exact < 1e-9 ? 1e-6 : 1e-9, "p of \(c)")
      if let asymptotic = c.asymptotic, asymptotic > 1e-9, c.n >= 200 {
        // Theirs has the distribution of one sample, ours Stephens's correction: near, not the same.
        let ours = KolmogorovSmirnov.asymptotic(c.n, c.m, distance: c.distance)
        #expect(abs(ours - asymptotic) < 0.02, "\(c): \(ours)")
      }
    }
    #expect(KolmogorovSmirnov([1, 2, 3], [1, 2, 3]) == KolmogorovSmirnov([3, 1, 2], [1, 3, 2]))
    #expect(KolmogorovSmirnov([1, 2, 3], [1, 2, 3]).p == 1)
    // What is tolerated is not counted: of 20 and 30 values at 0.3, 0.1 is left of 0.3 with 0.2.
    let (first, second) = (draw(20, 3571, 17, 1.5).sorted(), draw(30, 2999, 5, 1).sorted())
    let tolerant = KolmogorovSmirnov(sorted: first, second, tolerance: 0.2)
    #expect(tolerant.distance == 0.3 && tolerant.p == KolmogorovSmirnov.exact(20, 30, atLeast: 60))
    #expect(KolmogorovSmirnov(sorted: first, second, tolerance: 0.31).p == 1)
    // Of 2 of n paths all values of one come first.
    expectNear(KolmogorovSmirnov([1, 2], [3, 4]).p, 2.0 / 6, "apart")
  }

  @Test func countsAreSciPys() throws {
    for c in try Self.drift.get().counts {
      let test = CountsTest(c.first, c.second, pools: false)
      expectNear(test.statistic, c.statistic, relative: 1e-12, "chi-squared of \(c)")
      #expect(test.degrees == c.degrees)
      expectNear(test.p, c.p, relative: 1e-9, "p of \(c)")
    }
    // Three rare classes of which ten requests would have less than five, together with a fourth.
    let pooled = CountsTest([1, 0, 1, 20, 30], [10, 12, 9, 210, 300])
    #expect(pooled.pooled == 4 && pooled.degrees == 1 && pooled.p > 0.3, "\(pooled)")
    #expect(CountsTest([5, 0], [100, 0]).p == 1)
  }

  @Test func theMeanDiscrepancyIsAlibiDetects() throws {
    let fixture = try Fixture.load("discrepancy", as: Discrepancies.self)
    for c in fixture.cases {
      func vectors(_ count: Int, _ start: Int, _ power: Double) -> [Float] {
        (start + 1...start + count).flatMap { i in
          (0..<c.width).map { j in
            let number = ((3571 + 14 * j) * i * i + (2999 + 6 * j) * i + 17) % 10007
            return Float(pow(Double(number) / 10007, power))
          }
        }
      }
      var random = SplitMix(state: 1)
      let test = MeanDiscrepancy(
        vectors(c.n, 0, c.power), vectors(c.m, 500, 1), width: c.width, bandwidth: c.sigma,
        permutations: 2000
      ) { _, order in order.shuffle(using: &random) }
      // Theirs is of single precision.
      #expect(abs(test.squared - c.squared) < 2e-6, "\(c): \(test.squared)")
      // Five deviations of both shares.
      let variance = max(c.p * (1 - c.p), 1e-4) * (1 / 2000.0 + 1 / Double(fixture.permutations))
      #expect(abs(test.permutationP - c.p) < 5 * variance.squareRoot() + 1e-3, "\(c): \(test)")
      #expect(test.p <= test.permutationP)
      if c.p > 0.02 { #expect(test.p == test.permutationP) }
    }
  }

  /// By hand: with vectors of one number and a kernel that hardly reaches, only equal vectors count.
  @Test func aSmallDiscrepancyByHand() {
    let test = MeanDiscrepancy(
      [0, 0, 100], [200, 200], width: 1, bandwidth: 1, permutations: 99
    ) { _, _ in }
    // 2/(3·2) within the first, 2/(2·1) within the second, nothing across.
    expectNear(test.squared, 1.0 / 3 + 1, relative: 1e-6, "MMD²")
    #expect(test.permutationP == 1)
  }

  @Test func theTailIsPearsons() throws {
    for c in try Self.drift.get().pearson {
      let tail = MeanDiscrepancy.pearsonTail(c.x, of: draw(999, 3571, 17, c.power))
      if c.tail == 0 {
        #expect(tail < 1e-12)
      } else {
        expectNear(tail, c.tail, relative: 1e-7, "tail of \(c)")
      }
    }
  }

  @Test func wilsonsIntervalIsSciPys() throws {
    for c in try Self.drift.get().wilson {
      let interval = Proportion(c.successes, of: c.trials).interval()
      expectNear(interval.low, c.low, relative: 1e-9, "low of \(c)")
      expectNear(interval.high, c.high, relative: 1e-9, "high of \(c)")
    }
  }

  @Test func mahalanobisIsSciPys() throws {
    let c = try Self.drift.get().mahalanobis
    let centre = Mahalanobis(mean: c.mean, covariance: c.covariance)
    for (point, distance) in zip(c.points, c.distances) {
      expectNear(centre.distance(point), distance, relative: 1e-6, "distance")
    }
    // What never varied divides by nothing.
    let flat = Mahalanobis(mean: [1, 2], covariance: [0, 0, 0, 0])
    #expect(flat.distance([1, 2]) == 0 && flat.distance([4, 6]) == 5)
  }

  @Test func logisticRegressionIsScikitLearns() throws {
    let c = try Self.drift.get().logistic
    let fit = LogisticFit(
      rows: c.rows, width: 3, happened: c.happened, weights: c.weights, penalty: 1)
    for (ours, theirs) in zip(fit.coefficients, c.coefficients) {
      expectNear(ours, theirs, relative: 1e-5, "coefficient")
    }
    // What happens always has no largest likelihood but for the penalty.
    let sure = LogisticFit(
      rows: [1, 1, 1, 2], width: 2, happened: [true, true], weights: [1, 1])
    #expect(sure.coefficients.allSatisfy(\.isFinite) && sure.probability([1, 1]) > 0.9)
  }

  @Test func theTemperatureIsSciPys() throws {
    let c = try Self.drift.get().temperature
    let fit = TemperatureScaling(scores: c.scores, labels: c.labels)
    expectNear(fit.temperature, c.temperature, relative: 1e-4, "temperature")
    let halved = TemperatureScaling(temperature: 2)
    // √0.81 : √0.09 : √0.01 : …
    expectNear(
      halved.confidence(ofProbabilities: [0.81, 0.09, 0.1]),
      0.9 / (0.9 + 0.3 + 0.1.squareRoot()), relative: 1e-6, "confidence")
  }

  @Test func calibrationErrorByHand() {
    let answers = [(0.95, true), (0.95, true), (0.95, false), (0.95, true), (0.31, false)]
    var random = SplitMix(state: 7)
    let error = CalibrationError(answers.map { (confidence: $0.0, isRight: $0.1) }) { bound in
      Int.random(in: 0..<bound, using: &random)
    }
    // |3 − 3.8|/5 and |0 − 0.31|/5.
    expectNear(error.value, (0.8 + 0.31) / 5, "error")
    #expect(error.interval.low <= error.interval.high && error.interval.low >= 0)
  }

  /// The index of what is as the reference is mostly below `chance`; that of half as many in each tenth
  /// is by its formula.
  @Test func populationStability() {
    let reference = (0..<1000).map { Double($0) }
    let same = PopulationStability(sorted: reference, window: reference)
    #expect(same.index == 0 && same.reference.count == 10)
    var random = SplitMix(state: 3)
    let below = (0..<400).count { _ in
      let window = (0..<200).map { _ in Double.random(in: 0..<1000, using: &random) }
      let psi = PopulationStability(sorted: reference, window: window)
      return psi.index < psi.chance
    }
    // 380 of 400, five deviations aside.
    #expect((358...400).contains(below), "\(below)")
    let upper = PopulationStability(sorted: reference, window: (500..<1000).map { Double($0) })
    // 0.5 in 505 where there was a tenth, and twice as much where there still is.
    let (none, double, tenth) = (0.5 / 505, 100.5 / 505, 100.5 / 1005)
    let expected =
      5 * (none - tenth) * log(none / tenth) + 5 * (double - tenth) * log(double / tenth)
    expectNear(upper.index, expected, relative: 1e-9, "index")
    #expect(PopulationStability(sorted: [1, 1, 1], window: [1, 2]).index >= 0)
  }

  @Test func whatIsSpentSumsToAlpha() {
    let spent = (1...100_000).reduce(0.0) { $0 + AlphaSpending.level(look: $1, alpha: 0.01) }
    #expect(spent <= 0.01 && spent > 0.00999)
    #expect(AlphaSpending.level(look: 1, alpha: 0.01) == 0.005)
  }

  /// Windows from the reference's own distribution are told to be others as often as said, at most.
  @Test func smirnovKeepsItsLevel() {
    var random = SplitMix(state: 11)
    func sample(_ count: Int) -> [Double] {
      (0..<count).map { _ in Double.random(in: 0..<1, using: &random) }
    }
    var alarms = 0
    for _ in 0..<1000 where KolmogorovSmirnov(sample(50), sample(300)).p <= 0.05 { alarms += 1 }
    // 50 of 1,000, five deviations aside.
    #expect((16...84).contains(alarms), "\(alarms)")
  }
}

/// A small generator for tests (Steele, Lea and Flood 2014).
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
