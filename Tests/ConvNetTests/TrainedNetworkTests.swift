import TestSupport
import Testing

@testable import ConvNet

/// Networks of every kind of layer, activation and loss over fifty steps, against the same steps in
/// Keras; `Fixtures/make_network_fixtures.py` trained them.
@Suite struct TrainedNetworkTests {
  struct Fixtures: Decodable {
    let images: Fixture.Tensor
    let labels: [Int]
    let batches: [[Int]]
    let cases: [Case]
  }

  struct Case: Decodable {
    let name, optimizer: String
    let model: [Fixture.Item]
    let loss: Fixture.LossKeys
    let momentum, beta1, beta2, epsilon: Float?
    let learningRate: Float
    let initial, gradient, final: [String: Fixture.Tensor]
    let losses: [Double]

    var rule: OptimizerRule {
      optimizer == "sgd"
        ? .sgd(SGDDescription(momentum: momentum!, nesterov: false, convention: .keras))
        : .adam(
          AdamDescription(beta1: beta1!, beta2: beta2!, epsilon: epsilon!, convention: .keras))
    }
  }

  @Test func fiftySteps() throws {
    let fixture = try Fixture.load("networks", as: Fixtures.self)
    var kinds: Set<String> = []
    for c in fixture.cases {
      #expect(c.losses.count == 50)
      let network = try Trainer(
        NetworkDescription(input: fixture.images.sample, model: c.model.map(\.item), classes: 3),
        loss: c.loss.description,
        optimizer: OptimizerDescription(rule: c.rule, learningRate: c.learningRate),
        batchSize: fixture.batches[0].count, seed: 1, team: team(2))
      kinds.formUnion(network.plan.layers.map(\.description.kind))
      let trained = Set(c.initial.keys.map { network.info($0).name })
      #expect(trained == Set(network.updater.parameters.map(\.name)), "\(c.name)")
      #expect(
        Set(c.final.keys.map { network.info($0) }) == Set(network.tensors), "\(c.name)")
      for (name, tensor) in c.initial { network.set(name, to: tensor.floats) }
      network.weightsChanged()
      let source = GivenSource(
        fixture.images.sample, fixture.images.floats, labels: fixture.labels)
      for (i, expected) in c.losses.enumerated() {
        let batch = fixture.batches[i % fixture.batches.count]
        let result = network.trainStep(
          source, samples: batch, step: i + 1, learningRate: c.learningRate)
        let loss = result.lossSum / Double(batch.count)
        #expect(
          abs(loss - expected) <= 1e-5 * expected,
          "\(c.name), step \(i + 1): \(loss), not \(expected)")
        if i > 0 { continue }
        for (name, tensor) in c.gradient {
          expectClose(
            network.gradient(name), tensor.values, within: 1e-5, "\(c.name), gradient of \(name)")
        }
      }
      for (name, tensor) in c.final {
        expectClose(
          Array(network.tensor(name)), tensor.values, within: 1e-5, "\(c.name), \(name)")
      }
    }
    #expect(Set(fixture.cases.map(\.loss.name)).count == 5)
    #expect(
      kinds == [
        "conv2d", "depthwise_conv2d", "conv2d_transpose", "max_pool", "average_pool",
        "global_average_pool", "global_max_pool", "zero_pad", "crop", "upsample", "flatten",
        "dense", "activation", "prelu", "batch_norm", "layer_norm", "group_norm",
        "squeeze_excite", "add", "concat", "multiply",
      ])
  }
}
