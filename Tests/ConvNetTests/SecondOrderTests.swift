import TestSupport
import Testing

@testable import ConvNet

/// Shampoo and K-FAC over fifty steps of a small network, against Shi et al.'s own Shampoo and the
/// factors and inverses of curvlinops.
@Suite struct SecondOrderTests {
  typealias Fixtures = Fixture.Training<Case>

  struct Case: Decodable {
    let name: String
    let learningRate: Float
    let shampoo: Preconditioning?
    let kfac: Curvature?
    let losses: [Double]
    let final: [String: Fixture.Tensor]

    struct Preconditioning: Decodable {
      let every, largest: Int
      let decay, ridge: Float
      let graft: Bool
      // No underscore is left before a digit.
      let beta1: Float
    }

    struct Curvature: Decodable {
      let momentum, damping, decay, klClip: Float
      let every, momentsEvery, largest: Int
    }

    var rule: OptimizerRule {
      if let shampoo {
        .shampoo(
          ShampooDescription(
            beta1: shampoo.beta1, decay: shampoo.decay, ridge: shampoo.ridge, every: shampoo.every,
            largest: shampoo.largest, grafts: shampoo.graft))
      } else {
        .kfac(
          KFACDescription(
            momentum: kfac!.momentum, damping: kfac!.damping, decay: kfac!.decay,
            trust: kfac!.klClip, every: kfac!.every, momentsEvery: kfac!.momentsEvery,
            largest: kfac!.largest))
      }
    }
  }

  static let names = [
    "shampoo", "shampoo on one side", "shampoo as first written", "kfac", "kfac bounded",
    "kfac now and then",
  ]

  static let layers: [LayerDescription] = [
    .conv2D(
      Conv2DDescription(filters: 3, kernel: Extent(3, 3), padding: .same, activation: .tanh)),
    .conv2D(Conv2DDescription(filters: 4, kernel: Extent(1, 1), activation: .tanh, bias: false)),
    .flatten, .dense(DenseDescription(units: 5, activation: .tanh)),
    .dense(DenseDescription(units: 3)),
  ]

  @Test(arguments: names) func fiftySteps(_ name: String) throws {
    let fixture = try Fixture.load("second_order", as: Fixtures.self)
    let c = try #require(fixture.cases.first { $0.name == name })
    let network = try Trainer(
      NetworkDescription(input: fixture.inputs.sample, layers: Self.layers, classes: 3),
      optimizer: OptimizerDescription(rule: c.rule, learningRate: c.learningRate), batchSize: 4,
      seed: 1, team: team())
    for (name, tensor) in fixture.initial { network.set(name, to: tensor.floats) }
    network.weightsChanged()
    let source = GivenSource(
      fixture.inputs.sample, fixture.inputs.floats, labels: fixture.labels)
    var losses: [Double] = []
    for step in c.losses.indices {
      let count = step % 7 == 6 ? 3 : 4
      let result = network.trainStep(
        source, samples: (0..<count).map { (5 * step + $0) % 12 }, step: step + 1,
        learningRate: c.learningRate)
      losses.append(result.lossSum / Double(count))
    }
    expectLosses(losses, c.losses)
    for (name, tensor) in c.final {
      expectClose(Array(network.tensor(name)), tensor.values, within: 1e-5, name)
    }
  }

  static let rules: [OptimizerRule] = [
    .shampoo(ShampooDescription(every: 2, largest: 60)),
    .kfac(KFACDescription(every: 2, largest: 600)),
    .kfac(KFACDescription(every: 2, momentsEvery: 2, largest: 150)),
  ]

  static let determinismCases = rules.enumerated().map { i, rule in
    DeterminismTests.Case(
      name: "\(rule.name) \(i)", input: DeterminismTests.image,
      model: DeterminismTests.cases[0].model,
      optimizer: OptimizerDescription(rule: rule, learningRate: 1e-2))
  }

  /// Over networks of many tiles, with all that comes between a gradient and a step.
  @Test(arguments: rules, DeterminismTests.cases)
  func threadsChangeNothing(_ rule: OptimizerRule, _ c: DeterminismTests.Case) throws {
    var c = c
    c.optimizer = OptimizerDescription(
      rule: rule, learningRate: 1e-2, weightDecay: 0.01,
      clipping: GradientClipping(value: 0.5, norm: 1), accumulation: 2)
    let source = GivenSource.random(c.input, count: 80, classes: 10)
    func trace(threads: Int) throws -> [[UInt32]] {
      let network = try c.network(batch: 20, threads: threads)
      for (i, count) in [40, 31, 12, 40].enumerated() {
        let result = network.trainStep(
          source, samples: (0..<count).map { ($0 * 7 + i * 11) % 80 }, step: i + 1,
          learningRate: 1e-2)
        #expect(result.isFinite)
      }
      return [bits(network.parameters)] + network.updater.state.map { bits($0.values) }
    }
    let one = try trace(threads: 1)
    #expect(try trace(threads: 2) == one)
    #expect(try trace(threads: 4) == one)
  }

  /// Two passes of half a batch leave the moments that one leaves.
  @Test func momentsOfPassesAddUp() throws {
    let source = GivenSource.random(DeterminismTests.image, count: 32, classes: 10)
    func state(batch: Int, accumulation: Int) throws -> [(name: String, values: [Float])] {
      let network = try Trainer(
        NetworkDescription(
          input: DeterminismTests.image,
          layers: [
            .conv2D(Conv2DDescription(filters: 5, kernel: Extent(3, 3), activation: .tanh)),
            .flatten,
            .dense(DenseDescription(units: 10)),
          ], classes: 10),
        optimizer: OptimizerDescription(
          rule: .kfac(KFACDescription(damping: 0.1)), learningRate: 1e-2,
          accumulation: accumulation), batchSize: batch, seed: 7, team: team())
      network.trainStep(source, samples: Array(0..<32), step: 1, learningRate: 1e-2)
      return network.updater.state.map { ($0.name, Array($0.values)) }
    }
    let whole = try state(batch: 32, accumulation: 1)
    for (parts, other) in zip(try state(batch: 16, accumulation: 2), whole) {
      #expect(parts.name == other.name)
      expectClose(parts.values, doubles(other.values), within: 1e-4, parts.name)
    }
  }

  /// A layer that is frozen stays where it is, and the others move as they would.
  @Test(arguments: rules) func frozen(_ rule: OptimizerRule) throws {
    var c = DeterminismTests.cases[0]
    c.optimizer = OptimizerDescription(
      rule: rule, learningRate: 1e-2, layerFactors: [.init("conv2d_0", 0)])
    let source = GivenSource.random(c.input, count: 20, classes: 10)
    let network = try c.network(batch: 20, threads: 2)
    let (first, last) = (network.tensors[0].name, "dense_4/kernel")
    let (kept, moved) = (Array(network.tensor(first)), Array(network.tensor(last)))
    for step in 1...3 {
      network.trainStep(source, samples: Array(0..<20), step: step, learningRate: 1e-2)
    }
    #expect(Array(network.tensor(first)) == kept)
    #expect(Array(network.tensor(last)) != moved)
  }

  /// Memory is counted, what is remembered and what is worked in.
  @Test(arguments: rules) func memory(_ rule: OptimizerRule) throws {
    var c = DeterminismTests.cases[0]
    c.optimizer = OptimizerDescription(
      rule: .sgd(SGDDescription(momentum: 0.9, nesterov: false, convention: .pytorch)),
      learningRate: 1e-2)
    let plain = try c.network(batch: 20, threads: 1).memory
    c.optimizer.rule = rule
    let network = try c.network(batch: 20, threads: 1)
    let state = network.updater.state.reduce(0) { $0 + 4 * $1.values.count }
    #expect(network.memory - plain > state - 8 * network.parameters.count)
  }
}
