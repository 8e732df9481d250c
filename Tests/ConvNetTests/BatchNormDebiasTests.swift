import TestSupport
import Testing

@testable import ConvNet

/// Batch normalisation whose moving statistics are corrected as Adam's moments are, beside Keras's own
/// divided by 1 − momentumᵗ, once what is left of their beginning is taken off.
@Suite struct BatchNormDebiasTests {
  /// Keras's variance begins at 1, its mean at 0.
  private func corrected(
    _ moving: [Double], from beginning: Double, momentum: Float, batches: Int
  ) -> [Double] {
    let left = (0..<batches).reduce(1.0) { left, _ in left * Double(momentum) }
    return moving.map { ($0 - left * beginning) / (1 - left) }
  }

  @Test func layersBesideKeras() throws {
    for c in try Fixture.cases("batch_norm", as: FixtureLayerTests.NormCase.self) {
      let first = c.steps[0].input
      let probe = try LayerProbe(
        [
          .batchNorm(
            BatchNormDescription(
              momentum: c.momentum, epsilon: c.epsilon, scale: c.scale, center: c.center,
              debias: true))
        ], input: first.sample, samples: first.shape[0])
      if c.scale { probe.set(.scale, to: c.gamma!.floats) }
      if c.center { probe.set(.offset, to: c.beta!.floats) }
      for (i, step) in c.steps.enumerated() {
        // Training takes no notice of what is kept.
        expectClose(probe.forward(step.input.floats), step.output.values, within: 3e-6, c.name)
        expectClose(
          probe.backward(step.gradientOutput.floats), step.gradientInput.values, within: 5e-6,
          c.name)
        let mean = corrected(
          step.movingMean.values, from: 0, momentum: c.momentum, batches: i + 1)
        let variance = corrected(
          step.movingVariance.values, from: 1, momentum: c.momentum, batches: i + 1)
        // The fixture's nine digits are divided by as little as 1 − 0.99.
        expectClose(probe.get(.movingMean), mean, within: 1e-5, "\(c.name), mean")
        expectClose(probe.get(.movingVariance), variance, within: 1e-5, "\(c.name), variance")
      }
      // y = γ(x − μ)/√(σ² + ε) + β with these.
      let (mean, variance) = (probe.get(.movingMean), probe.get(.movingVariance))
      let input = c.inference.input.floats
      let expected = input.indices.map { i in
        let channel = i % mean.count
        let (gamma, beta) = (
          c.scale ? c.gamma!.values[channel] : 1, c.center ? c.beta!.values[channel] : 0
        )
        let width = (Double(variance[channel]) + Double(c.epsilon)).squareRoot()
        return gamma * (Double(input[i]) - Double(mean[channel])) / width + beta
      }
      expectClose(probe.infer(input), expected, within: 5e-6, c.name)
    }
  }

  /// After one batch, evaluation is training: the statistics are the batch's.
  @Test func oneBatchIsAllThereIs() throws {
    let input = Shape.image(height: 3, width: 4, channels: 5)
    let images = randomFloats(7 * input.count, seed: 1, scale: 20)
    let probe = try LayerProbe(
      [.batchNorm(BatchNormDescription(debias: true))], input: input, samples: 7)
    let trained = probe.forward(images)
    expectClose(probe.infer(images), trained.map(Double.init), within: 1e-5, "one batch")
  }

  private func network(_ debias: Bool, threads: Int, averaging: WeightAveraging? = nil) throws
    -> Trainer
  {
    try Trainer(
      NetworkDescription(
        input: .image(height: 6, width: 6, channels: 2),
        layers: [
          .conv2D(Conv2DDescription(filters: 5, kernel: Extent(3, 3))),
          .batchNorm(BatchNormDescription(debias: debias)), .activation(.relu), .flatten,
          .dense(DenseDescription(units: 3)),
        ], classes: 3),
      optimizer: OptimizerDescription(
        rule: .sgd(SGDDescription(momentum: 0.9, nesterov: false, convention: .pytorch)),
        learningRate: 0.05,
        averaging: averaging), batchSize: 11, seed: 3, team: team(threads))
  }

  private static let source = GivenSource(
    .image(height: 6, width: 6, channels: 2), randomFloats(33 * 72, seed: 8, scale: 3),
    labels: (0..<33).map { $0 % 3 })

  private func train(_ network: Trainer, _ steps: ClosedRange<Int>) {
    for step in steps {
      let batch = (0..<11).map { (step * 11 + $0) % 33 }
      _ = network.trainStep(Self.source, samples: batch, step: step, learningRate: 0.05)
    }
  }

  /// The weights learn the same bits; the statistics are Keras's corrected, whatever the threads.
  @Test func trainsTheSame() throws {
    let networks = try [(false, 1), (true, 1), (true, 2)].map { try network($0, threads: $1) }
    for network in networks { train(network, 1...20) }
    #expect(networks.map(\.batchesKept) == [20, 20, 20])
    for tensor in networks[0].tensors {
      let values = networks.map { Array($0.tensor(tensor.name)) }
      #expect(bits(values[1]) == bits(values[2]), "\(tensor.name)")
      if tensor.role == .movingMean || tensor.role == .movingVariance {
        let plain = corrected(
          values[0].map(Double.init), from: tensor.role == .movingMean ? 0 : 1, momentum: 0.99,
          batches: 20)
        expectClose(values[1], plain, within: 1e-5, tensor.name)
      } else {
        #expect(bits(values[0]) == bits(values[1]), "\(tensor.name)")
      }
    }
  }

  /// An average of weights is one of corrected statistics.
  @Test func averagesWhatIsCorrected() throws {
    let network = try network(true, threads: 2, averaging: .exponential(decay: 0.5))
    var expected: [Float] = []
    for step in 1...4 {
      train(network, step...step)
      network.average()
      let now = Array(network.tensor("batch_norm_1/moving_mean"))
      expected = step == 1 ? now : zip(expected, now).map { 0.5 * $0 + 0.5 * $1 }
    }
    network.withAverage {
      expectClose(
        Array(network.tensor("batch_norm_1/moving_mean")), expected.map(Double.init),
        within: 1e-6, "average")
    }
  }
}
