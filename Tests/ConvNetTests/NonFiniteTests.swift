import Testing

@testable import ConvNet

/// A step whose loss is not finite changes nothing, and says where it broke.
@Suite struct NonFiniteTests {
  static let input = Shape.image(height: 6, width: 6, channels: 1)

  static let layers: [LayerDescription] = [
    .conv2D(Conv2DDescription(filters: 3, kernel: Extent(3, 3), activation: .relu)),
    .maxPool(MaxPoolDescription(size: Extent(2, 2))),
    .batchNorm(BatchNormDescription()),
    .activation(.relu),
    .flatten,
    .dense(DenseDescription(units: 5, activation: .relu)),
    .dense(DenseDescription(units: 3)),
  ]

  private func network(_ layers: [LayerDescription] = layers) throws -> Trainer {
    try Trainer(
      NetworkDescription(input: Self.input, layers: layers, classes: 3),
      optimizer: OptimizerDescription(
        rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
        learningRate: 1e-3, weightDecay: 0.1), batchSize: 13, seed: 1, team: team(2))
  }

  @Test(arguments: [
    ("conv2d_0/kernel", Float.nan, "model[0] (conv2d)"),
    ("conv2d_0/bias", .infinity, "model[0] (conv2d)"),
    ("batch_norm_2/scale", .nan, "model[2] (batch_norm)"),
    ("batch_norm_2/offset", .nan, "model[2] (batch_norm)"),
    ("dense_5/kernel", .nan, "model[5] (dense)"),
    ("dense_5/bias", .infinity, "model[5] (dense)"),
    ("dense_6/kernel", -.infinity, "model[6] (dense)"),
    ("dense_6/bias", .nan, "model[6] (dense)"),
  ])
  func namesTheLayer(name: String, value: Float, layer: String) throws {
    let network = try network()
    let source = GivenSource.random(Self.input, count: 13, classes: 3)
    let samples = Array(0..<13)
    #expect(network.trainStep(source, samples: samples, step: 1, learningRate: 1e-3).isFinite)
    let tensor = network.tensor(name)
    for i in tensor.indices { tensor[i] = value }
    network.weightsChanged()
    let parameters = bits(network.parameters)
    let moments = network.updater.state.map { bits($0.values) }
    let result = network.trainStep(source, samples: samples, step: 2, learningRate: 1e-3)
    #expect(!result.isFinite)
    #expect(!result.lossSum.isFinite)
    #expect(bits(network.parameters) == parameters)
    #expect(network.updater.state.map { bits($0.values) } == moments)
    #expect(network.firstNonFiniteLayer() == layer)
  }

  /// A step like any other follows.
  @Test func recovers() throws {
    let source = GivenSource.random(Self.input, count: 26, classes: 3)
    let broken = GivenSource(
      Self.input, Array(repeating: .infinity, count: 26 * Self.input.count))
    let samples = Array(0..<13)
    let (one, other) = (try network(), try network())
    one.trainStep(source, samples: samples, step: 1, learningRate: 1e-3)
    other.trainStep(source, samples: samples, step: 1, learningRate: 1e-3)
    #expect(!one.trainStep(broken, samples: samples, step: 2, learningRate: 1e-3).isFinite)
    one.trainStep(source, samples: samples, step: 2, learningRate: 1e-3)
    other.trainStep(source, samples: samples, step: 2, learningRate: 1e-3)
    #expect(bits(one.parameters) == bits(other.parameters))
  }

  /// Every layer is finite, the loss is not.
  @Test func overflowOfTheLossAlone() throws {
    let network = try network()
    let source = GivenSource.random(Self.input, count: 3, classes: 3)
    let bias = network.tensor("dense_6/bias")
    (bias[0], bias[1], bias[2]) = (3e38, -3e38, 0)
    network.weightsChanged()
    let result = network.trainStep(source, samples: [0, 1, 2], step: 1, learningRate: 1e-3)
    #expect(!result.isFinite)
    #expect(network.firstNonFiniteLayer() == nil)
  }

  /// No activation hides a NaN: else a broken layer would train on in silence.
  @Test(
    arguments: [
      .linear, .relu, .leakyReLU(slope: 0.1), .elu(alpha: 1), .gelu(approximate: true),
      .gelu(approximate: false), .sigmoid, .tanh, .softmax, .relu6, .hardSigmoid, .swish,
      .hardSwish, .mish, .softplus,
    ] as [Activation])
  func activationsPassNaN(_ activation: Activation) throws {
    let image = Shape.image(height: 2, width: 2, channels: 5)
    let x = [Float](repeating: .nan, count: 20)
    let conv = LayerDescription.conv2D(
      Conv2DDescription(filters: 5, kernel: Extent(1, 1), activation: activation))
    for layers: [LayerDescription] in [
      [.activation(activation)], [conv],
      [conv, .maxPool(MaxPoolDescription(size: Extent(2, 2)))],
    ] {
      let probe = try LayerProbe(layers, input: image, samples: 1)
      #expect(probe.forward(x).allSatisfy { $0.isNaN }, "\(probe.builtNames)")
    }
  }
}
