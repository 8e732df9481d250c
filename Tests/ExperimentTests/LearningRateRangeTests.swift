import Foundation
import Testing

@testable import ConvNet
@testable import Experiment

/// A learning-rate range test, and what it suggests.
@Suite struct LearningRateRangeTests {
  /// Vectors of seven numbers and their classes, laid out so that they are shuffled into their order.
  private final class Samples: SampleSource {
    let sampleShape = Shape.vector(7)
    private let values: [Float]
    private let labels: [Int]
    private let places: [Int]

    init(_ values: [Float], _ labels: [Int], seed: UInt64) {
      self.values = values
      self.labels = labels
      let order = Run.shuffledOrder(seed: seed, epoch: 1, count: labels.count)
      places = order.indices.sorted { order[$0] < order[$1] }
    }

    var count: Int { labels.count }
    func label(of sample: Int) -> Int { labels[places[sample]] }
    func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int) {
      for i in 0..<7 { destination[i] = values[7 * places[sample] + i] }
    }
  }

  private struct Fixture: Decodable {
    struct Case: Decodable {
      let name: String
      let from, to: Double
      let steps: Int
      let diverged: Bool
      let rates, losses, smoothed: [Double]
      let least, steepest: Int
    }
    let momentum: Float
    let labels: [Int]
    let inputs: [Float]
    let initial: [String: [Float]]
    let cases: [Case]
  }

  /// The same test in PyTorch, its averages by SciPy and its slopes by NumPy
  /// (Fixtures/make_learning_rate_range.py).
  @Test(arguments: [1, 2]) func agreesWithPyTorch(threads: Int) throws {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/learning_rate_range.json")
    let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
    BLAS.useOneThread()
    for c in fixture.cases {
      let network = try Network(
        NetworkDescription(
          input: .vector(7),
          layers: [
            .dense(DenseDescription(units: 6, activation: .tanh)),
            .dense(DenseDescription(units: 3)),
          ], classes: 3),
        optimizer: OptimizerDescription(
          rule: .sgd(momentum: fixture.momentum, nesterov: false, convention: .pytorch),
          learningRate: 1), batchSize: 4, seed: 1, team: try Team(threads: threads))
      for tensor in network.tensors {
        let values = try #require(fixture.initial[tensor.name])
        for (i, value) in zip(tensor.range, values) { network.parameters[i] = value }
      }
      network.weightsChanged()
      let range = LearningRateRange(
        network, on: Samples(fixture.inputs, fixture.labels, seed: 7), batchSize: 4, seed: 7,
        from: c.from, to: c.to, steps: c.steps)
      #expect(range.ending == (c.diverged ? .diverged : .complete), "\(c.name)")
      try #require(range.rows.count == c.rates.count, "\(c.name)")
      for (i, row) in range.rows.enumerated() {
        for (found, expected) in [
          (Double(row.learningRate), c.rates[i]), (row.loss, c.losses[i]),
          (row.smoothedLoss, c.smoothed[i]),
        ] {
          #expect(
            abs(found - expected) <= 1e-5 * expected,
            "\(c.name), step \(row.step): \(found), not \(expected)")
        }
      }
      #expect(range.least?.step == c.least, "\(c.name)")
      #expect(range.steepest?.step == c.steepest, "\(c.name)")
    }
  }

  static func rows(_ losses: [Double]) -> [LearningRateRange.Row] {
    losses.enumerated().map {
      LearningRateRange.Row(
        step: $0 + 1, learningRate: Float($0 + 1) / 64, loss: $1, smoothedLoss: $1)
    }
  }

  @Test func steepestDescentAndLeastLoss() throws {
    let falling = LearningRateRange(
      rows: Self.rows([2, 2, 2, 1.9, 1.8, 1.3, 0.9, 0.8, 0.9, 2, 4]), ending: .diverged)
    #expect(falling.steepest?.step == 6)
    #expect(falling.least?.step == 8)
    // A fall after the least loss is none that counts.
    let later = LearningRateRange(
      rows: Self.rows([2, 2, 2, 1.9, 1.8, 1.6, 1.5, 1.5, 1.6, 9, 3, 2]), ending: .complete)
    #expect(later.steepest?.step == 5 || later.steepest?.step == 6)
    let rising = LearningRateRange(rows: Self.rows([1, 2, 3, 4, 5]), ending: .complete)
    #expect(rising.steepest == nil)
    #expect(rising.least?.step == 1)
    let none = LearningRateRange(rows: [], ending: .notFinite)
    #expect(none.steepest == nil && none.least == nil)
    #expect(none.csv == "step,learning_rate,loss,smoothed_loss\n")
    for count in 1...4 {
      let few = LearningRateRange(
        rows: Self.rows((0..<count).map { 3 - Double($0) }), ending: .complete)
      #expect(few.least?.step == count)
    }
  }
}
