import TestSupport
import Testing

@testable import ConvNet

/// What is done to the gradient before an update, and to the weights after it, over fifty steps of a
/// small network, against the same steps in PyTorch or Keras.
@Suite struct RecipeTests {
  typealias Fixtures = Fixture.Training<Case>

  struct Case: Decodable {
    let name: String
    let learningRate, momentum: Float
    let clipNorm, clipValue, ema, sam: Float?
    let swaEvery, swaAfter, accumulation: Int?
    /// Muon's.
    let nesterov: Bool?
    let factors: [String: Float]?
    let losses: [Double]
    let final: [String: Fixture.Tensor]
    let average: [String: Fixture.Tensor]?

    var optimizer: OptimizerDescription {
      let averaging: WeightAveraging? =
        if let ema {
          .exponential(decay: ema)
        } else {
          swaAfter.map { .stochastic(after: $0 / swaEvery!) }
        }
      return OptimizerDescription(
        rule: nesterov.map { .muon(MuonDescription(momentum: momentum, nesterov: $0)) }
          ?? .sgd(SGDDescription(momentum: momentum, nesterov: false, convention: .pytorch)),
        learningRate: learningRate,
        clipping: GradientClipping(value: clipValue, norm: clipNorm), averaging: averaging,
        accumulation: accumulation ?? 1, sharpness: sam,
        layerFactors: (factors ?? [:]).sorted { $0.key < $1.key }.map { .init($0.key, $0.value) })
    }
  }

  static let names = [
    "plain", "clip_norm", "clip_value", "clip_norm and clip_value", "ema", "swa", "accumulation",
    "muon", "muon without nesterov", "muon of keras", "frozen and slow", "sam",
  ]

  static let layers: [LayerDescription] = [
    .dense(DenseDescription(units: 6, activation: .tanh)), .dense(DenseDescription(units: 3)),
  ]

  private func run(
    _ c: Case, _ fixture: Fixtures, threads: Int
  ) throws -> (network: Trainer, losses: [Double]) {
    let network = try Trainer(
      NetworkDescription(input: .vector(7), layers: Self.layers, classes: 3),
      optimizer: c.optimizer, batchSize: 4, seed: 1, team: team(threads))
    for (name, tensor) in fixture.initial { network.set(name, to: tensor.floats) }
    network.weightsChanged()
    let source = GivenSource(.vector(7), fixture.inputs.floats, labels: fixture.labels)
    var losses: [Double] = []
    for step in 0..<50 {
      let count = 4 * (c.accumulation ?? 1) - (step % 7 == 6 ? 1 : 0)
      let result = network.trainStep(
        source, samples: (0..<count).map { (5 * step + $0) % 12 }, step: step + 1,
        learningRate: c.learningRate)
      losses.append(result.lossSum / Double(count))
      // The fixture's swa_after is counted in steps of swa_every.
      let epoch = c.swaEvery ?? 1
      if c.swaAfter.map({ step + 1 > $0 && (step + 1 - $0) % epoch == 0 }) ?? (c.ema != nil) {
        network.average()
      }
    }
    return (network, losses)
  }

  @Test(arguments: names) func fiftySteps(_ name: String) throws {
    let fixture = try Fixture.load("recipes", as: Fixtures.self)
    let c = try #require(fixture.cases.first { $0.name == name })
    let (network, losses) = try run(c, fixture, threads: 2)
    expectLosses(losses, c.losses)
    for (name, tensor) in c.final {
      expectClose(Array(network.tensor(name)), tensor.values, within: 1e-5, name)
    }
    guard let average = c.average else { return }
    let trained = bits(network.parameters)
    network.withAverage {
      for (name, tensor) in average {
        expectClose(
          Array(network.tensor(name)), tensor.values, within: 1e-5, "average of \(name)")
      }
    }
    #expect(bits(network.parameters) == trained)
  }

  @Test(arguments: names) func threadsChangeNothing(_ name: String) throws {
    let fixture = try Fixture.load("recipes", as: Fixtures.self)
    let c = try #require(fixture.cases.first { $0.name == name })
    func trace(threads: Int) throws -> [[UInt32]] {
      let network = try run(c, fixture, threads: threads).network
      return [bits(network.parameters)] + network.updater.state.map { bits($0.values) }
    }
    let one = try trace(threads: 1)
    #expect(try trace(threads: 2) == one)
    #expect(try trace(threads: 4) == one)
  }

  /// A recipe does something: none of them ends where the plain one does.
  @Test func recipesMatter() throws {
    let fixture = try Fixture.load("recipes", as: Fixtures.self)
    let plain = try #require(fixture.cases.first { $0.name == "plain" })
    for c in fixture.cases where c.name != "plain" && c.average == nil {
      let difference = zip(
        c.final["dense_0/kernel"]!.values, plain.final["dense_0/kernel"]!.values
      ).map { abs($0 - $1) }.max()!
      #expect(difference > 1e-3, "\(c.name)")
    }
  }

  static let networks = DeterminismTests.cases

  /// The norm over a network of many tiles, of every kind of gradient, is the same with any threads.
  @Test(arguments: networks) func clippingOfWholeNetworks(_ c: DeterminismTests.Case) throws {
    var c = c
    c.optimizer.clipping = GradientClipping(value: 0.02, norm: 0.5)
    c.optimizer.averaging = .exponential(decay: 0.75)
    let source = GivenSource.random(c.input, count: 40, classes: 10)
    func trace(threads: Int) throws -> [[UInt32]] {
      let network = try c.network(batch: 20, threads: threads)
      for step in 1...3 {
        network.trainStep(
          source, samples: (0..<20).map { ($0 * 7 + step) % 40 }, step: step, learningRate: 0.01)
        network.average()
      }
      return [bits(network.parameters)] + network.updater.state.map { bits($0.values) }
    }
    let one = try trace(threads: 1)
    #expect(try trace(threads: 2) == one)
    #expect(try trace(threads: 4) == one)
  }

  /// Where the bound is not reached, clipping changes no bit, though the update takes two phases.
  @Test(arguments: networks) func wideBoundsChangeNothing(_ c: DeterminismTests.Case) throws {
    let source = GivenSource.random(c.input, count: 40, classes: 10)
    func trace(_ clipping: GradientClipping) throws -> [UInt32] {
      var c = c
      c.optimizer.clipping = clipping
      let network = try c.network(batch: 20, threads: 2)
      for step in 1...3 {
        network.trainStep(
          source, samples: Array(0..<20), step: step, learningRate: 0.01)
      }
      return bits(network.parameters)
    }
    let plain = try trace(GradientClipping())
    #expect(try trace(GradientClipping(norm: 1e6)) == plain)
    #expect(try trace(GradientClipping(value: 1e6)) == plain)
  }
}
