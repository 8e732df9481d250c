import Testing

@testable import ConvNet

/// Every layer's gradient against central differences of the loss, through a whole network:
/// (L(w + ε) − L(w − ε)) / 2ε.
@Suite struct GradientTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let input: Shape
    let model: [ModelItem]
    /// Smaller where a loss has kinks: the error is a share of steps that cross one, and shrinks
    /// with ε as the rounding error grows.
    let epsilon: Float
    /// How samples are mixed, each step alike.
    let mixing: [BatchMixing]
    var testDescription: String { name }

    init(
      name: String, input: Shape, model: [ModelItem], epsilon: Float = 4e-3,
      mixing: [BatchMixing] = []
    ) {
      self.name = name
      self.input = input
      self.model = model
      self.epsilon = epsilon
      self.mixing = mixing
    }

    init(
      name: String, input: Shape, layers: [LayerDescription], epsilon: Float = 4e-3,
      mixing: [BatchMixing] = []
    ) {
      self.init(
        name: name, input: input, model: layers.map { .layer($0) }, epsilon: epsilon,
        mixing: mixing)
    }
  }

  static let image = Shape.image(height: 6, width: 7, channels: 2)

  static func conv(
    _ filters: Int, _ window: Extent = Extent(3, 3), stride: Extent = Extent(1, 1),
    _ padding: Padding = .valid, _ activation: Activation = .tanh, bias: Bool = true,
    l1: Float = 0, l2: Float = 0
  ) -> LayerDescription {
    .conv2D(
      Conv2DDescription(
        filters: filters, kernel: window, stride: stride, padding: padding,
        activation: activation, bias: bias, l2: l2,
        regularization: KernelRegularization(l1: l1)))
  }

  static func dense(
    _ units: Int, _ activation: Activation = .linear, bias: Bool = true, l1: Float = 0,
    l2: Float = 0
  ) -> LayerDescription {
    .dense(
      DenseDescription(
        units: units, activation: activation, bias: bias, l2: l2,
        regularization: KernelRegularization(l1: l1)))
  }

  static func pool(
    _ size: Extent, stride: Extent? = nil, _ padding: Padding = .valid
  ) -> LayerDescription {
    .maxPool(MaxPoolDescription(size: size, stride: stride, padding: padding))
  }

  static let norm = LayerDescription.batchNorm(BatchNormDescription())

  static let smooth: [Activation] = [
    .linear, .elu(alpha: 1), .elu(alpha: -0.5), .gelu(approximate: false),
    .gelu(approximate: true), .sigmoid, .tanh, .softmax, .swish, .mish, .softplus,
  ]

  static let cases: [Case] =
    smooth.flatMap { activation in
      [
        Case(
          name: "dense, conv2d and activation layer: \(activation)", input: image,
          layers: [
            conv(3, .init(3, 3), .valid, activation), .activation(activation), .flatten,
            dense(5, activation), dense(3),
          ], epsilon: activation == .elu(alpha: -0.5) ? 2.5e-4 : 4e-3)
      ]
    } + [
      Case(
        name: "relu and leaky_relu", input: image,
        layers: [
          conv(4, .init(3, 3), .valid, .relu), .activation(.leakyReLU(slope: 0.3)), .flatten,
          dense(6, .leakyReLU(slope: 0.1)), .activation(.relu), dense(3),
        ], epsilon: 2.5e-4),
      Case(
        name: "conv2d same, stride 2", input: image,
        layers: [
          conv(3, Extent(2, 2)), conv(4, Extent(3, 3), stride: Extent(2, 2), .same), .flatten,
          dense(3),
        ]),
      Case(
        name: "conv2d explicit padding, stride 2x1", input: image,
        layers: [
          conv(3, Extent(1, 1), bias: false),
          conv(
            5, Extent(2, 4), stride: Extent(2, 1), .explicit(top: 1, bottom: 0, left: 2, right: 3)),
          .flatten, dense(3),
        ]),
      Case(
        name: "conv2d valid, stride 2x3", input: image,
        layers: [conv(3), conv(4, Extent(2, 2), stride: Extent(2, 3)), .flatten, dense(3)]),
      Case(
        name: "fully convolutional", input: image,
        layers: [conv(3), conv(3, Extent(4, 5), .valid, .linear)]),
      Case(
        name: "conv2d with its pooling, dead outputs above", input: image,
        layers: [
          conv(3, Extent(2, 2)), conv(4, Extent(2, 2)), pool(Extent(2, 2)), .flatten, dense(3),
        ], epsilon: 1e-3),
      Case(
        name: "conv2d with its pooling, 3x2", input: image,
        layers: [
          conv(3, Extent(1, 1)), conv(4, Extent(1, 1), .same, .elu(alpha: 1)), pool(Extent(3, 2)),
          .flatten, dense(3),
        ], epsilon: 1e-3),
      Case(
        name: "overlapping and padded pooling", input: image,
        layers: [
          conv(3, Extent(2, 2)), pool(Extent(3, 2), stride: Extent(1, 2), .same),
          pool(Extent(2, 2), stride: Extent(1, 1)), .flatten, dense(3),
        ], epsilon: 1e-3),
      Case(
        name: "batch_norm of images and vectors", input: image,
        layers: [
          conv(3), norm, .activation(.tanh), .flatten, dense(4), norm, .activation(.sigmoid),
          dense(3),
        ]),
      Case(
        name: "batch_norm first, and without scale or center", input: image,
        layers: [
          norm, conv(3),
          .batchNorm(BatchNormDescription(momentum: 0.9, epsilon: 1e-2, scale: false)), .flatten,
          dense(4, .tanh),
          .batchNorm(BatchNormDescription(momentum: 0.9, epsilon: 1e-2, center: false)),
          dense(3),
        ]),
      Case(
        name: "batch_norm with dead outputs below it", input: image,
        layers: [
          conv(3, Extent(2, 2)), norm, .dropout(rate: 0.25), pool(Extent(2, 4)), .flatten,
          dense(3),
        ], epsilon: 1e-3),
      Case(
        name: "dropout", input: image,
        layers: [
          conv(4, Extent(3, 3)), .dropout(rate: 0.25), .flatten, dense(8, .tanh),
          .dropout(rate: 0.5), dense(3),
        ]),
      Case(
        name: "l2", input: image,
        layers: [conv(3, l2: 0.03), .flatten, dense(4, .tanh, l2: 0.05), dense(3, l2: 0.01)]),
      Case(
        name: "l1", input: image,
        layers: [conv(3, l1: 0.02), .flatten, dense(4, .tanh, l1: 0.03), dense(3, l1: 0.01)],
        epsilon: 1e-3),
      Case(
        name: "images and classes of two, blended", input: image,
        layers: [conv(3), .flatten, dense(4, .tanh), dense(3)],
        mixing: [.mixup(.init(alpha: 8, p: 1))]),
      Case(
        name: "images and classes of two, one pasted into the other", input: image,
        layers: [conv(3), .flatten, dense(4, .tanh), dense(3)],
        mixing: [.cutmix(.init(alpha: 8, p: 1))]),
      Case(
        name: "pooling and activation before any weights", input: image,
        layers: [
          pool(Extent(2, 2)), .activation(.tanh), .dropout(rate: 0.2), conv(3, Extent(2, 2)),
          .flatten, dense(3),
        ]),
      Case(
        name: "wide dense", input: .vector(2200), layers: [dense(120, .tanh), dense(3)]),
    ]

  /// Eleven samples: two tiles, one of them short.
  @Test(arguments: cases + catalogue + GraphTests.gradientCases)
  func agreesWithDifferences(_ c: Case) throws {
    let samples = 11
    let source = GivenSource.random(c.input, count: samples, classes: 3, seed: 21)
    let network = try Trainer(
      NetworkDescription(input: c.input, model: c.model, classes: 3), optimizer: sgd(),
      mixing: c.mixing, batchSize: samples, seed: 4, team: team())
    // Biases, scales and offsets away from 0 and 1, where an error could hide.
    for tensor in network.tensors where tensor.role != .kernel {
      let values = randomFloats(tensor.range.count, seed: UInt64(tensor.range.lowerBound + 1))
      let centre: Float = tensor.role == .scale || tensor.role == .movingVariance ? 1 : 0
      for (i, value) in values.enumerated() {
        network.parameters[tensor.range.lowerBound + i] = centre + 0.4 * value
      }
    }
    network.weightsChanged()

    expectGradients(of: network, on: source, epsilon: c.epsilon)
  }

  /// The checks above would see a wrong gradient.
  @Test func differencesAreLargeEnoughToTell() throws {
    let c = Self.cases[0]
    let source = GivenSource.random(c.input, count: 11, classes: 3, seed: 21)
    let network = try Trainer(
      NetworkDescription(input: c.input, model: c.model, classes: 3), optimizer: sgd(),
      batchSize: 11, seed: 4, team: team())
    network.trainStep(source, samples: Array(0..<11), step: 1, learningRate: 0)
    for parameter in network.updater.parameters {
      let gradient = network.gradient(parameter.name)
      let size = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(size > 0.02, "\(parameter.name)")
    }
  }
}

/// Expects the gradient of every tensor to be what central differences of the objective give.
func expectGradients(of network: Trainer, on source: GivenSource, epsilon: Float) {
  func objective() -> Double {
    let step = network.trainStep(source, samples: Array(0..<source.count), step: 1, learningRate: 0)
    var sum = step.lossSum / Double(source.count)
    for parameter in network.updater.parameters {
      let (l1, l2) = (Double(parameter.regularization.l1), Double(parameter.l2))
      guard l1 != 0 || l2 != 0 else { continue }
      for i in parameter.offset..<parameter.offset + parameter.count {
        let w = Double(network.parameters[i])
        sum += l1 * abs(w) + l2 * w * w
      }
    }
    return sum
  }

  let loss = objective()
  let gradients = Array(network.updater.gradients.all)
  for parameter in network.updater.parameters {
    var (error, size) = (0.0, 0.0)
    for i in stride(from: 0, to: parameter.count, by: (parameter.count + 11) / 12) {
      let at = parameter.offset + i
      let before = network.parameters[at]
      network.parameters[at] = before + epsilon
      network.weightsChanged()
      let above = objective()
      network.parameters[at] = before - epsilon
      network.weightsChanged()
      let below = objective()
      network.parameters[at] = before
      let width = Double(before + epsilon) - Double(before - epsilon)
      let difference = (above - below) / width
      error += (difference - Double(gradients[at])) * (difference - Double(gradients[at]))
      size += difference * difference
    }
    network.weightsChanged()
    // A loss is known to 6e-8 of itself or so.
    let floor =
      6e-8 * max(1, loss) / Double(epsilon) * Double(min(parameter.count, 12)).squareRoot()
    #expect(
      error.squareRoot() <= 1e-3 * size.squareRoot() + floor,
      "\(parameter.name): off by \(error.squareRoot()) of \(size.squareRoot())")
  }
}
