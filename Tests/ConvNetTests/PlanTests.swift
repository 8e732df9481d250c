import Testing

@testable import ConvNet

/// Shapes, live outputs, counts, and what is said when a network cannot be.
@Suite struct PlanTests {
  static func conv(_ filters: Int) -> LayerDescription {
    .conv2D(Conv2DDescription(filters: filters, kernel: Extent(3, 3), activation: .relu))
  }

  static let pool = LayerDescription.maxPool(MaxPoolDescription(size: Extent(2, 2)))

  static func dense(_ units: Int) -> LayerDescription {
    .dense(DenseDescription(units: units, activation: .relu))
  }

  /// The five networks of the tutorials.
  static let tutorials: [[LayerDescription]] = [
    [conv(32), pool, conv(64), pool, .flatten, dense(64), dense(10)],
    [conv(32), pool, conv(64), pool, .flatten, dense(128), .dropout(rate: 0.5), dense(10)],
    [conv(32), pool, conv(64), pool, conv(64), .flatten, dense(64), dense(10)],
    [conv(32), pool, conv(64), pool, .flatten, dense(128), dense(10)],
    [
      conv(32), conv(64), pool, .dropout(rate: 0.25), .flatten, dense(128), .dropout(rate: 0.5),
      dense(10),
    ],
  ]

  static func plan(
    _ layers: [LayerDescription],
    input: Shape = .image(height: 28, width: 28, channels: 1), classes: Int = 10
  ) throws -> NetworkPlan {
    try NetworkPlan(NetworkDescription(input: input, layers: layers, classes: classes))
  }

  @Test func parameterCounts() throws {
    let counts = try Self.tutorials.map { try Self.plan($0).parameters }
    #expect(counts == [121_930, 225_034, 93_322, 225_034, 1_199_882])
  }

  @Test func shapesOfTheFirst() throws {
    let plan = try Self.plan(Self.tutorials[0])
    #expect(
      plan.layers.map(\.output.description) == [
        "26x26x32", "13x13x32", "11x11x64", "5x5x64", "1600", "64", "10",
      ])
    #expect(
      plan.layers.map(\.input.description).dropFirst()
        == plan.layers.map(\.output.description).dropLast())
    #expect(plan.layers[0].input == .image(height: 28, width: 28, channels: 1))
    #expect(plan.layers.map(\.parameters) == [320, 0, 18_496, 0, 0, 102_464, 650])
  }

  /// A pooling over 11x11 never reads the last row and column, and so on up.
  @Test func deadOutputs() throws {
    let first = try Self.plan(Self.tutorials[0])
    #expect(first.layers[0].live == Extent(24, 24))
    #expect(first.layers[1].live == Extent(12, 12))
    #expect(first.layers[2].live == Extent(10, 10))
    #expect(first.layers[3].live == Extent(5, 5))
    // Padding below: the last row is read through it all the same.
    let padded = try Self.plan([
      .conv2D(Conv2DDescription(filters: 2, kernel: Extent(3, 3), padding: .same)),
      .conv2D(Conv2DDescription(filters: 2, kernel: Extent(3, 3), padding: .same)),
      .flatten, Self.dense(10),
    ])
    #expect(padded.layers.prefix(2).allSatisfy { $0.live == Extent(28, 28) })
    // Batch statistics are taken over the whole map; the layer after keeps what it is given.
    let normed = try Self.plan([
      Self.conv(2), .batchNorm(BatchNormDescription()), .dropout(rate: 0.1),
      .maxPool(MaxPoolDescription(size: Extent(3, 4))), .flatten, Self.dense(10),
    ])
    #expect(normed.layers[0].live == Extent(26, 26))
    #expect(normed.layers[2].live == Extent(26, 26))
    #expect(normed.layers[3].live == Extent(8, 6))
    // A stride that leaves rows out.
    let strided = try Self.plan([
      Self.conv(2),
      .conv2D(Conv2DDescription(filters: 1, kernel: Extent(2, 1), stride: Extent(5, 4))),
      .flatten, Self.dense(10),
    ])
    #expect(strided.layers[1].output == .image(height: 5, width: 7, channels: 1))
    #expect(strided.layers[0].live == Extent(22, 25))
  }

  /// What is dead changes nothing: the same network, its last pooling with and without them.
  @Test func deadOutputsChangeNothing() throws {
    let input = Shape.image(height: 12, width: 13, channels: 2)
    let (conv, pool) = (Self.conv(3), Self.pool)
    let head: [LayerDescription] = [.flatten, Self.dense(4)]
    // A batch_norm that does nothing keeps all outputs alive.
    let neutral = LayerDescription.batchNorm(
      BatchNormDescription(epsilon: 0, scale: false, center: false))
    let source = GivenSource.random(input, count: 9, classes: 4)
    let live = try Trainer(
      NetworkDescription(input: input, layers: [conv, pool, conv, pool] + head, classes: 4),
      optimizer: sgd(), batchSize: 9, seed: 1, team: team())
    let whole = try Trainer(
      NetworkDescription(
        input: input, layers: [conv, neutral, pool, conv, neutral, pool] + head, classes: 4),
      optimizer: sgd(), batchSize: 9, seed: 1, team: team())
    let names = [
      ("conv2d_0", "conv2d_0"), ("conv2d_2", "conv2d_3"), ("dense_5", "dense_7"),
    ]
    for (from, to) in names {
      whole.set("\(to)/kernel", to: Array(live.tensor("\(from)/kernel")))
    }
    whole.weightsChanged()
    let (a, b) = (live.evaluate(source, range: 0..<9), whole.evaluate(source, range: 0..<9))
    #expect(abs(a.lossSum - b.lossSum) < 1e-5)
  }

  @Test func operations() throws {
    let plan = try Self.plan(Self.tutorials[0])
    #expect(plan.layers[0].flops == 26 * 26 * 9 * 32 * 2)
    #expect(plan.layers[2].flops == 11 * 11 * 288 * 64 * 2)
    #expect(plan.layers[5].flops == 1600 * 64 * 2)
    #expect(plan.trainingFLOPs == 14_778_624)
    #expect(plan.trainingFLOPs == 3 * plan.forwardFLOPs - plan.layers[0].flops)
  }

  struct Mistake: CustomTestStringConvertible {
    let layers: [LayerDescription]
    var input = Shape.image(height: 8, width: 6, channels: 3)
    var classes = 10
    let message: String
    var testDescription: String { message }
  }

  static func conv(
    _ filters: Int = 1, _ kernel: Extent, _ stride: Extent = Extent(1, 1),
    _ padding: Padding = .valid
  ) -> LayerDescription {
    .conv2D(
      Conv2DDescription(filters: filters, kernel: kernel, stride: stride, padding: padding))
  }

  static func pool(
    _ size: Extent, _ stride: Extent? = nil, _ padding: Padding = .valid
  ) -> LayerDescription {
    .maxPool(MaxPoolDescription(size: size, stride: stride, padding: padding))
  }

  static let mistakes = [
    Mistake(layers: [], message: "the model has no layers"),
    Mistake(layers: [.flatten], classes: 1, message: "a classifier needs two classes"),
    Mistake(
      layers: [.flatten, dense(65_537)], classes: 65_537,
      message: "65537 classes are too many (at most 65536 are allowed)"),
    Mistake(
      layers: [.flatten, .dropout(rate: 0.5)], classes: 144,
      message: "the model has no layer with weights to train"),
    Mistake(
      layers: [pool(Extent(8, 6))], classes: 3,
      message: "the model has no layer with weights to train"),
    Mistake(
      layers: [.flatten, dense(11)],
      message: "model[1]: the last layer gives 11 values, but the data has 10 classes; "
        + "end with a dense layer of 10 units"),
    Mistake(
      layers: [conv(10, Extent(3, 3))],
      message: "model[0]: the last layer gives 6x4x10 values, but the data has 10 classes; "
        + "end with a dense layer of 10 units"),
    Mistake(
      layers: [dense(10)],
      message: "model[0]: dense: needs a vector, not an image of 8x6x3; "
        + "put a flatten layer before it"),
    Mistake(
      layers: [.flatten, conv(1, Extent(1, 1))],
      message: "model[1]: conv2d: needs an image, not a vector of 144"),
    Mistake(
      layers: [.flatten, pool(Extent(1, 1))],
      message: "model[1]: max_pool: needs an image, not a vector of 144"),
    Mistake(
      layers: [conv(2, Extent(3, 3)), conv(2, Extent(7, 3))],
      message: "model[1]: conv2d: a window of 7x3 does not fit an input of 6x4"),
    Mistake(
      layers: [pool(Extent(3, 9), nil, .explicit(top: 0, bottom: 0, left: 1, right: 1))],
      message: "model[0]: max_pool: a window of 3x9 does not fit an input of 8x6 padded to 8x8"),
    Mistake(
      layers: [conv(1, Extent(0, 3))],
      message: "model[0]: conv2d: window and stride must be between 1 and 65536"),
    Mistake(
      layers: [conv(1, Extent(3, 3), Extent(1, -1))],
      message: "model[0]: conv2d: window and stride must be between 1 and 65536"),
    Mistake(
      layers: [conv(1, Extent(3, 3), Extent(.max, .max), .same)],
      message: "model[0]: conv2d: window and stride must be between 1 and 65536"),
    Mistake(
      layers: [pool(Extent(.max, .max), Extent(1, 1), .same)],
      message: "model[0]: max_pool: window and stride must be between 1 and 65536"),
    Mistake(
      layers: [
        conv(1, Extent(3, 3), Extent(1, 1), .explicit(top: -1, bottom: 0, left: 0, right: 0))
      ],
      message: "model[0]: conv2d: padding must be between 0 and 65536"),
    Mistake(
      layers: [
        conv(1, Extent(3, 3), Extent(1, 1), .explicit(top: 0, bottom: .max, left: 0, right: 0))
      ], message: "model[0]: conv2d: padding must be between 0 and 65536"),
    Mistake(
      layers: [pool(Extent(3, 3), nil, .explicit(top: 3, bottom: 0, left: 0, right: 0))],
      message: "model[0]: max_pool: padding must be smaller than the window"),
    Mistake(
      layers: [pool(Extent(16, 16), nil, .same)],
      message: "model[0]: max_pool: a window of more than 255 positions is not supported"),
    Mistake(
      layers: [conv(0, Extent(3, 3))],
      message: "model[0]: conv2d: a kernel of 3x3x3x0 has a size below 1"),
    Mistake(
      layers: [.flatten, dense(-4)],
      message: "model[1]: dense: a kernel of 144x-4 has a size below 1"),
    Mistake(
      layers: [.flatten, dense(.max)],
      message: "model[1]: dense: a kernel of 144x9223372036854775807 is too large "
        + "(at most 2147483648 numbers are allowed)"),
    Mistake(
      layers: [.flatten, dense(1 << 25)],
      message: "model[1]: dense: a kernel of 144x33554432 is too large "
        + "(at most 2147483648 numbers are allowed)"),
    Mistake(
      layers: [conv(.max, Extent(3, 3))],
      message: "model[0]: conv2d: a kernel of 3x3x3x9223372036854775807 is too large "
        + "(at most 2147483648 numbers are allowed)"),
    Mistake(
      layers: [conv(1 << 26, Extent(1, 1)), .flatten, dense(10)],
      message: "model[0]: conv2d: an output of 8x6x67108864 is too large "
        + "(at most 2147483648 numbers are allowed)"),
    Mistake(
      layers: [
        conv(
          1, Extent(1, 1), Extent(1, 1),
          .explicit(top: 65_536, bottom: 65_536, left: 65_536, right: 65_536))
      ],
      message: "model[0]: conv2d: the output is too large (at most 2147483648 numbers are allowed)"
    ),
    Mistake(
      layers: [conv(8, Extent(4_000, 4_000), Extent(1, 1), .same)],
      input: .image(height: 10_000, width: 10_000, channels: 1),
      message: "model[0]: conv2d: 128000000 weights at 100000000 positions are too much work for "
        + "one sample"),
    Mistake(
      layers: [.flatten, dense(10)], input: .image(height: 0, width: 4, channels: 1),
      message: "an output of 0x4x1 has a size below 1"),
    Mistake(
      layers: [.flatten, dense(10)], input: .image(height: .max, width: .max, channels: 2),
      message: "an output of 9223372036854775807x9223372036854775807x2 is too large "
        + "(at most 2147483648 numbers are allowed)"),
    Mistake(
      layers: [.flatten, .dropout(rate: 1), dense(10)],
      message: "model[1]: dropout: a rate of 1.0 is not in 0..<1"),
    Mistake(
      layers: [.flatten, .dropout(rate: .nan), dense(10)],
      message: "model[1]: dropout: a rate of nan is not in 0..<1"),
  ]

  @Test(arguments: mistakes) func mistake(_ mistake: Mistake) {
    do {
      _ = try Self.plan(mistake.layers, input: mistake.input, classes: mistake.classes)
      Issue.record("no error")
    } catch {
      #expect("\(error)" == mistake.message)
    }
  }

  /// Keras's and PyTorch's sizes.
  @Test func windows() throws {
    func output(
      _ input: Int, _ window: Int, _ stride: Int, _ padding: Padding
    ) throws -> Int {
      try WindowGeometry(
        input: Extent(input, 20), window: Extent(window, 1), stride: Extent(stride, 1),
        padding: padding
      ).output.height
    }
    for input in 1...12 {
      for window in 1...6 {
        for stride in 1...4 {
          #expect(try output(input, window, stride, .same) == (input + stride - 1) / stride)
          let sides = Padding.explicit(top: 2, bottom: 1, left: 0, right: 0)
          guard window <= input else { continue }
          #expect(try output(input, window, stride, .valid) == (input - window) / stride + 1)
          #expect(try output(input, window, stride, sides) == (input + 3 - window) / stride + 1)
        }
      }
    }
  }
}
