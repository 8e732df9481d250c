import Foundation
import TestSupport
import Testing

@testable import ConvNet
@testable import Experiment

/// A learning-rate range test, and what it suggests.
@Suite struct LearningRateRangeTests {
  /// Vectors of seven numbers and their classes, laid out so that they are shuffled into their order.
  private final class Samples: SampleSource {
    let sampleShape = Shape.vector(7)
    private let values: [Float]
    let labels: Labels
    private let places: [Int]

    init(_ values: [Float], _ labels: [Int], seed: UInt64) {
      self.values = values
      let order = Batches.order(of: labels.count, seed: seed, epoch: 1)
      let places = order.indices.sorted { order[$0] < order[$1] }
      self.places = places
      self.labels = Labels(places.map { labels[$0] })
    }

    var count: Int { labels.count }
    func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int) {
      for i in 0..<7 { destination[i] = values[7 * places[sample] + i] }
    }
  }

  private struct Cases: Decodable {
    struct Case: Decodable {
      let name: String
      let from, to: Double
      let steps: Int
      let diverged: Bool
      let rates, losses, smoothed, trend: [Double]
      let least, falling: Int
    }
    let momentum: Float
    let labels: [Int]
    let inputs: [Float]
    let initial: [String: [Float]]
    let cases: [Case]
  }

  /// The same test in PyTorch, its averages by SciPy and the lines fitted to its losses by NumPy
  /// (Fixtures/make_learning_rate_range.py).
  @Test(arguments: [1, 2]) func agreesWithPyTorch(threads: Int) throws {
    let url = Fixture.url("learning_rate_range.json")
    let fixture = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: url))
    BLAS.useOneThread()
    for c in fixture.cases {
      let network = try Trainer(
        NetworkDescription(
          input: .vector(7),
          layers: [
            .dense(DenseDescription(units: 6, activation: .tanh)),
            .dense(DenseDescription(units: 3)),
          ], classes: 3),
        optimizer: OptimizerDescription(
          rule: .sgd(
            SGDDescription(momentum: fixture.momentum, nesterov: false, convention: .pytorch)),
          learningRate: 1), batchSize: 4, seed: 1, team: try Team(threads: threads))
      for tensor in network.tensors {
        let values = try #require(fixture.initial[tensor.name])
        for (i, value) in zip(tensor.range, values) { network.parameters[i] = value }
      }
      network.weightsChanged()
      let range = LearningRateRange(
        network, on: Samples(fixture.inputs, fixture.labels, seed: 7), seed: 7,
        from: c.from, to: c.to, steps: c.steps)
      #expect(range.ending == (c.diverged ? .diverged : .complete), "\(c.name)")
      try #require(range.rows.count == c.rates.count, "\(c.name)")
      let trend = range.trend
      for (i, row) in range.rows.enumerated() {
        for (found, expected) in [
          (Double(row.learningRate), c.rates[i]), (row.loss, c.losses[i]),
          (row.smoothedLoss, c.smoothed[i]), (trend[i], c.trend[i]),
        ] {
          #expect(
            abs(found - expected) <= 1e-5 * expected,
            "\(c.name), step \(row.step): \(found), not \(expected)")
        }
      }
      #expect(range.least?.step == c.least, "\(c.name)")
      #expect(range.falling?.step == c.falling, "\(c.name)")
    }
  }

  /// A step for each twentieth of a decade from 10⁻⁴ on.
  static func rows(_ losses: [Double]) -> [LearningRateRange.Row] {
    losses.enumerated().map {
      LearningRateRange.Row(
        step: $0 + 1, learningRate: Float(1e-4 * Elementary.exp(Double($0) / 20 * 2.302585093)),
        loss: $1, smoothedLoss: $1)
    }
  }

  /// A loss that falls around one rate and rises around another, as a logistic function of the rate's
  /// logarithm.
  static func curve(fall: Double, rise: Double, count: Int = 120) -> [Double] {
    (0..<count).map {
      let x = Double($0) / 20
      let fallen = 1 / (1 + Elementary.exp(-6 * (x - fall)))
      let risen = 1 / (1 + Elementary.exp(-12 * (x - rise)))
      return 2.3 - 2 * fallen + 9 * risen
    }
  }

  /// Half of the fall is done in its middle, and not, as an average of what came before would have it,
  /// long after. Rates are tried from there to beyond the least.
  @Test func findsTheMiddleOfTheFall() throws {
    for (fall, rise) in [(1.5, 3.0), (2, 3.2), (2.5, 4)] {
      let losses = Self.curve(fall: fall, rise: rise)
      let range = LearningRateRange(rows: Self.rows(losses), ending: .diverged)
      func decades(_ rate: Double) -> Double { Elementary.log(rate / 1e-4) / 2.302585093 }
      let falling = decades(Double(try #require(range.falling).learningRate))
      #expect(abs(falling - fall) < 0.15, "\(fall), \(rise): \(falling)")
      let least = decades(Double(try #require(range.least).learningRate))
      let place = Double(losses.indices.min { losses[$0] < losses[$1] }!) / 20
      #expect(abs(least - place) < 0.2, "\(fall), \(rise): \(least), not \(place)")
      let tried = range.candidates.map(decades)
      #expect(abs(tried[0] - falling) < 1e-6)
      #expect(zip(tried, tried.dropFirst()).allSatisfy { abs($1 - $0 - 0.25) < 1e-6 })
      #expect(tried.last! > least + 0.45 && tried.last! < least + 0.76)
    }
  }

  /// One batch that is hard, or easy by luck, moves nothing far.
  @Test func isDeafToSingleLosses() throws {
    let losses = Self.curve(fall: 2, rise: 3.5)
    let plain = try #require(
      LearningRateRange(rows: Self.rows(losses), ending: .complete).falling)
    for place in stride(from: 3, to: 60, by: 4) {
      for factor in [0.3, 3] {
        var spoiled = losses
        spoiled[place] *= factor
        let range = LearningRateRange(rows: Self.rows(spoiled), ending: .complete)
        let step = try #require(range.falling?.step)
        #expect(abs(step - plain.step) <= 5, "\(place), \(factor): \(step), not \(plain.step)")
      }
    }
  }

  /// How far the loss has risen when it is stopped tells nothing of where it fell.
  @Test func isDeafToTheDivergence() throws {
    let losses = Self.curve(fall: 2, rise: 3.5)
    func candidates(_ losses: [Double]) -> [Double] {
      LearningRateRange(rows: Self.rows(losses), ending: .diverged).candidates
    }
    let far = losses.map { $0 > 2.3 ? 1e30 : $0 }
    #expect(!candidates(far).isEmpty && candidates(far) == candidates(losses))
  }

  @Test func whereNothingFalls() throws {
    let rising = LearningRateRange(
      rows: Self.rows((0..<40).map { 1 + Double($0) }), ending: .complete)
    #expect(rising.falling == nil)
    let flat = LearningRateRange(rows: Self.rows(Array(repeating: 2, count: 40)), ending: .complete)
    #expect(flat.candidates == [])
    let none = LearningRateRange(rows: [], ending: .notFinite)
    #expect(none.candidates == [] && none.least == nil && none.trend == [])
    #expect(none.csv == "step,learning_rate,loss,smoothed_loss,trend\n")
    for count in 1...4 {
      let few = LearningRateRange(
        rows: Self.rows((0..<count).map { 3 - Double($0) }), ending: .complete)
      #expect(few.least?.step == count)
    }
  }

  private func search(_ losses: [Double?]) -> LearningRateSearch {
    LearningRateSearch(
      range: LearningRateRange(rows: [], ending: .complete),
      trials: losses.enumerated().map {
        LearningRateSearch.RateTrial(learningRate: Double(1 << $0.offset), loss: $0.element)
      })
  }

  /// The middle of those that are as good as the best, but for a tenth, with no worse one between.
  @Test func suggestsTheMiddleOfTheBest() {
    #expect(search([2, 0.5, 0.32, 0.3, 0.31, 0.9, nil]).suggested == 8)
    #expect(search([2, 0.5, 0.32, 0.3, 0.9, nil]).suggested == 32.squareRoot())
    #expect(search([0.3, 0.31, 0.9, 0.3]).suggested == 2.squareRoot())
    #expect(search([nil, 0.31, 0.6, nil]).best.map(\.learningRate) == [2])
    #expect(search([0.9, 0.5, 0.3]).suggested == 4)
    #expect(search([nil, nil]).suggested == nil && search([]).suggested == nil)
    #expect(search([0.5, nil]).csv == "learning_rate,loss\n1.0,0.5\n2.0,\n")
  }

  /// Trained at one rate, it has no trend but its losses; what counts is how it ends.
  @Test func endsOfTrials() {
    let rows = (1...8).map {
      LearningRateRange.Row(step: $0, learningRate: 0.1, loss: Double(9 - $0), smoothedLoss: 1)
    }
    let range = LearningRateRange(rows: rows, ending: .complete)
    #expect(range.trend == rows.map(\.loss))
    #expect(range.finalLoss == 1.5)
    #expect(LearningRateRange(rows: rows, ending: .diverged).finalLoss == nil)
    #expect(LearningRateRange(rows: rows, ending: .interrupted(signal: 2)).signal == 2)
  }
}
