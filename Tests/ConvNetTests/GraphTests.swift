import TestSupport
import Testing

@testable import ConvNet

/// Networks that are no chain: blocks, merges, and tensors that several layers read.
@Suite struct GraphTests {
  static func conv(
    _ filters: Int, _ activation: Activation = .linear, size: Int = 3, stride: Int = 1,
    padding: Padding? = nil, bias: Bool = true
  ) -> LayerDescription {
    let side = size / 2
    return .conv2D(
      Conv2DDescription(
        filters: filters, kernel: Extent(size, size), stride: Extent(stride, stride),
        padding: padding ?? .explicit(top: side, bottom: side, left: side, right: side),
        activation: activation, bias: bias))
  }

  static func dense(_ units: Int, _ activation: Activation = .linear) -> LayerDescription {
    .dense(DenseDescription(units: units, activation: activation))
  }

  static func merge(_ merge: Merge, _ activation: Activation = .linear) -> LayerDescription {
    .merge(MergeDescription(merge, activation: activation))
  }

  static func pool(_ size: Int) -> LayerDescription {
    .maxPool(MaxPoolDescription(size: Extent(size, size)))
  }

  static let norm = LayerDescription.batchNorm(BatchNormDescription())

  /// The layers as items that read one another in turn.
  static func chain(_ layers: LayerDescription...) -> [ModelItem] { layers.map { .layer($0) } }

  // MARK: against PyTorch

  /// The networks of `make_graph_fixtures.py`.
  static let models: [String: [ModelItem]] = [
    "residual": chain(conv(4, .relu)) + [
      .residual(chain(conv(4, .relu), conv(4)), activation: .relu),
      .residual(
        chain(conv(6, .relu, stride: 2), conv(6)), shortcut: chain(conv(6, size: 1, stride: 2)),
        activation: .relu),
    ] + chain(.flatten, dense(3)),
    "residual with batch_norm, repeated": chain(conv(4, bias: false), norm, .activation(.relu)) + [
      .repeated(
        2,
        [
          .residual(
            chain(conv(4, bias: false), norm, .activation(.relu), conv(4, bias: false), norm),
            activation: .relu)
        ])
    ] + chain(pool(3), .flatten, dense(3)),
    "branches, merges and names": [
      .layer(conv(3, .tanh), name: "stem"),
      .branch([chain(conv(2, size: 1)), chain(conv(2, .relu)), []], merge: .concat),
      .branch([chain(conv(3, .sigmoid)), chain(conv(3))], merge: .multiply, name: "gated"),
      .layer(conv(3, size: 1), name: "projected", inputs: ["stem"]),
      .layer(
        merge(.add, .gelu(approximate: false)), inputs: ["gated", "stem", "projected"]),
      .layer(.flatten, name: "near"),
      .layer(.flatten, name: "far", inputs: ["stem"]),
      .layer(merge(.concat), inputs: ["near", "far"]),
      .layer(dense(3)),
    ],
  ]

  struct TrainedCase: Decodable {
    let name: String
    let momentum, learningRate: Float
    let images: Fixture.Tensor
    let labels: [Int]
    let batches: [[Int]]
    let initial, gradient, final: [String: Fixture.Tensor]
    let losses: [Double]
  }

  struct MergeCase: Decodable {
    let name, merge, activation: String
    let inputs, gradientInputs: [Fixture.Tensor]
    let output, gradientOutput: Fixture.Tensor
  }

  /// Keras's `Add`, `Concatenate`, and `Multiply` of shapes of which some have a size of 1.
  @Test func mergesAsKerasDoes() throws {
    let cases = try Fixture.cases("broadcast", as: MergeCase.self)
    #expect(Set(cases.map(\.merge)) == Set(Merge.allCases.map(\.rawValue)))
    for c in cases {
      let samples = c.output.shape[0]
      let shapes = c.inputs.map(\.sample)
      let merge = try #require(Merge(rawValue: c.merge))
      #expect(try merge.output(of: shapes) == c.output.sample, "\(c.name)")
      let arena = try Arena(bytes: 1 << 20)
      func tensor(_ shape: Shape) -> Activations {
        let tensor = Activations(
          extent: shape.extent, channels: shape.channels, hasGradient: true)
        tensor.prepare(tile: samples, isByTile: true)
        tensor.allocate(samples: samples, in: arena)
        return tensor
      }
      let (inputs, output, workspace) = (shapes.map(tensor), tensor(c.output.sample), Workspace())
      let activation = Activation(
        fixture: c.activation, slope: nil, alpha: nil, approximate: nil)
      let layer = MergeDescription(merge, activation: activation)
        .layer(of: inputs, shapes, to: output, [workspace])
      workspace.allocate(in: arena)
      let tile = Tile(index: 0, size: Tile.size, batch: samples, worker: 0, step: 1)
      for (input, values) in zip(inputs, c.inputs) {
        input.values(of: tile).update(from: values.floats, count: samples * input.size)
      }
      output.gradients(of: tile)
        .update(from: c.gradientOutput.floats, count: samples * output.size)
      layer.forward(tile)
      layer.backward(tile)
      func floats(_ pointer: UnsafeMutablePointer<Float>, _ count: Int) -> [Float] {
        Array(UnsafeBufferPointer(start: pointer, count: samples * count))
      }
      expectClose(
        floats(output.values(of: tile), output.size), c.output.values, within: 3e-6, c.name)
      for (input, expected) in zip(inputs, c.gradientInputs) {
        expectClose(
          floats(input.gradients(of: tile), input.size), expected.values, within: 3e-6, c.name)
      }
    }
  }

  @Test func trainsAsPyTorchDoes() throws {
    let cases = try Fixture.cases("graphs", as: TrainedCase.self)
    #expect(Set(cases.map(\.name)) == Set(Self.models.keys))
    for c in cases {
      let network = try Trainer(
        NetworkDescription(
          input: c.images.sample, model: try #require(Self.models[c.name]), classes: 3),
        optimizer: OptimizerDescription(
          rule: .sgd(SGDDescription(momentum: c.momentum, nesterov: true, convention: .pytorch)),
          learningRate: c.learningRate), batchSize: 5, seed: 1, team: team(2))
      let trained = Set(c.initial.keys.map { network.info($0) })
      #expect(trained.count == c.initial.count && trained.count == network.updater.parameters.count)
      for (name, tensor) in c.initial { network.set(name, to: tensor.floats) }
      network.weightsChanged()
      let source = GivenSource(c.images.sample, c.images.floats, labels: c.labels)
      for (i, batch) in c.batches.enumerated() {
        let result = network.trainStep(
          source, samples: batch, step: i + 1, learningRate: c.learningRate)
        let loss = result.lossSum / Double(batch.count)
        #expect(
          abs(loss - c.losses[i]) <= 1e-5 * c.losses[i],
          "\(c.name), step \(i + 1): \(loss), not \(c.losses[i])")
        if i > 0 { continue }
        for (name, tensor) in c.gradient {
          expectClose(
            network.gradient(name), tensor.values, within: 1e-5, "\(c.name), \(name)")
        }
      }
      for (name, tensor) in c.final {
        expectClose(
          Array(network.tensor(name)), tensor.values, within: 1e-5, "\(c.name), \(name)")
      }
    }
  }

  // MARK: gradients and threads

  static let image = Shape.image(height: 6, width: 7, channels: 2)

  /// Names, what is read twice or by a later layer, and merges of every kind with every activation
  /// that takes another path; and the step of central differences, which is large where gradients are
  /// small and small where there are kinks.
  static let varied: [(name: String, step: Float, model: [ModelItem])] = [
    (
      "sums of three with tanh, one of them twice",
      4e-3,
      [
        .layer(conv(3, .tanh), name: "a"), .layer(conv(3, .sigmoid), name: "b"),
        .layer(merge(.add, .tanh), name: "c", inputs: ["a", "b", "a"]),
        .layer(merge(.add), inputs: ["c", "a"]),
      ] + chain(.flatten, dense(3))
    ),
    (
      "products with sigmoid, and of a tensor with itself",
      4e-3,
      [
        .layer(conv(3, .tanh), name: "a"), .layer(conv(3, .tanh), name: "b"),
        .layer(merge(.multiply, .sigmoid), name: "c", inputs: ["a", "b", "b"]),
        .layer(conv(3), inputs: ["c"]),
        .branch([[], []], merge: .multiply, activation: .gelu(approximate: true)),
      ] + chain(.flatten, dense(3))
    ),
    (
      "concatenated with the images, with elu; and of vectors, with softmax",
      1e-2,
      [
        .layer(conv(3, .tanh), name: "a"),
        .layer(merge(.concat, .elu(alpha: 1)), inputs: ["a", "input"]),
        .layer(conv(3, .tanh)), .layer(.flatten, name: "b"),
        .branch(
          [chain(dense(4, .tanh)), [], chain(dense(3))], merge: .concat, activation: .softmax),
        .layer(.dropout(rate: 0.25)), .layer(dense(3)),
      ]
    ),
    (
      "merged without any weights below",
      4e-3,
      [
        .branch([chain(pool(2)), chain(pool(2), .activation(.tanh))], merge: .concat),
        .branch([chain(.activation(.sigmoid)), []], merge: .multiply),
      ] + chain(conv(10, .tanh), .flatten, dense(3))
    ),
    (
      "nested blocks with batch_norm and dropout, a strided shortcut, dead outputs",
      1e-3,
      [
        .layer(conv(4, .tanh), name: "stem"),
        .repeated(
          2,
          [
            .residual(
              [
                .layer(norm, name: "n"), .layer(conv(4, .tanh)),
                .residual(
                  chain(conv(4), .dropout(rate: 0.2)), activation: .tanh, name: "r"),
                .layer(merge(.add), inputs: ["n", "r", "n"]),
              ])
          ]),
        .residual(
          chain(conv(5, .tanh, stride: 2), conv(5), norm),
          shortcut: chain(conv(5, size: 1, stride: 2), norm), activation: .tanh),
        .layer(pool(2)), .layer(.flatten), .layer(dense(3)),
      ]
    ),
    (
      "dense layers that read one tensor, after one that is read past the pooling",
      1e-3,
      [
        .layer(conv(4, .tanh, padding: .valid), name: "a"), .layer(pool(2), name: "p"),
        .layer(.flatten, name: "f", inputs: ["a"]), .layer(.flatten, name: "g", inputs: ["p"]),
        .layer(dense(10, .tanh), name: "d", inputs: ["f"]),
        .layer(dense(10, .tanh), name: "e", inputs: ["f"]),
        .layer(dense(10, .gelu(approximate: false)), name: "h", inputs: ["g"]),
        .layer(merge(.multiply), inputs: ["d", "e", "h"]), .layer(dense(3)),
      ]
    ),
    (
      "a map times weights of its channels, as a vector and as an image, of its positions and rows",
      3e-2,
      [
        .layer(conv(4, .tanh), name: "map"),
        .layer(.globalPool(GlobalPoolDescription(.average))),
        .layer(dense(4, .sigmoid), name: "channels"),
        .layer(conv(1, .sigmoid, size: 1), name: "positions", inputs: ["map"]),
        .layer(
          merge(.multiply, .tanh), name: "all", inputs: ["channels", "map", "positions", "map"]),
        .layer(
          .averagePool(AveragePoolDescription(size: Extent(6, 1), stride: Extent(1, 1))),
          name: "columns"),
        .layer(
          .globalPool(GlobalPoolDescription(.average, keepDims: true)), name: "weights",
          inputs: ["map"]),
        .layer(merge(.multiply, .swish), inputs: ["columns", "weights", "all"]),
      ] + chain(.flatten, dense(3))
    ),
  ]

  static let gradientCases = varied.map {
    GradientTests.Case(name: $0.name, input: image, model: $0.model, epsilon: $0.step)
  }

  static let determinismCases = varied.map { name, _, model in
    DeterminismTests.Case(
      name: name, input: image, model: Array(model.dropLast()) + chain(dense(10)))
  }

  /// A block is the layers that it stands for, written out with names.
  @Test func blocksAreShortForNames() throws {
    let block =
      Self.chain(Self.conv(3, .relu)) + [
        .residual(
          Self.chain(Self.conv(3, .relu), Self.conv(3)),
          shortcut: Self.chain(Self.conv(3, size: 1)),
          activation: .relu),
        .repeated(2, Self.chain(Self.conv(3, .tanh))),
      ]
    let names: [ModelItem] = [
      .layer(Self.conv(3, .relu), name: "x"), .layer(Self.conv(3, .relu)),
      .layer(Self.conv(3), name: "body"), .layer(Self.conv(3, size: 1), name: "way", inputs: ["x"]),
      .layer(Self.merge(.add, .relu), inputs: ["body", "way"]), .layer(Self.conv(3, .tanh)),
      .layer(Self.conv(3, .tanh)),
    ]
    let head = Self.chain(.flatten, Self.dense(3))
    let source = GivenSource.random(Self.image, count: 13, classes: 3)
    let ends = try [block, names].map { model in
      let network = try Trainer(
        NetworkDescription(input: Self.image, model: model + head, classes: 3),
        optimizer: sgd(0.1), batchSize: 13, seed: 5, team: team())
      for step in 1...2 {
        network.trainStep(source, samples: Array(0..<13), step: step, learningRate: 0.1)
      }
      return bits(network.parameters)
    }
    #expect(ends[0] == ends[1])
  }

  /// A chain is built as ever, however it is written.
  @Test func chainsHaveNoForks() throws {
    let layers = [Self.conv(3, .relu, padding: .valid), Self.pool(2), .flatten, Self.dense(3)]
    let blocks: [ModelItem] = [
      .repeated(1, Self.chain(layers[0], layers[1])), .layer(layers[2], name: "x"),
      .layer(layers[3], inputs: ["x"]),
    ]
    for model in [layers.map { ModelItem.layer($0) }, blocks] {
      let network = try Trainer(
        NetworkDescription(input: Self.image, model: model, classes: 3), optimizer: sgd(),
        batchSize: 4, seed: 5, team: team())
      #expect(network.layers.map(\.name) == ["conv2d_0+max_pool_0", "dense_0"])
      #expect(network.tensors.map(\.name).first == "conv2d_0/kernel")
    }
  }

  /// A pooling joins its convolution only where no one else reads that.
  @Test func whatIsReadTwiceIsNotPooledAway() throws {
    let network = try Trainer(
      NetworkDescription(input: Self.image, model: Self.varied[5].model, classes: 3),
      optimizer: sgd(), batchSize: 4, seed: 5, team: team())
    #expect(network.layers.prefix(3).map(\.name) == ["a", "fork of a", "p"])
  }

  // MARK: the plan

  @Test func shapesAndPlaces() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: Self.image, model: Self.models["residual"]!, classes: 3))
    #expect(
      plan.layers.map { "\($0.place) \($0.kind) \($0.output)" } == [
        "model[0] conv2d 6x7x4", "model[1].layers[0] conv2d 6x7x4",
        "model[1].layers[1] conv2d 6x7x4", "model[1] residual 6x7x4",
        "model[2].layers[0] conv2d 3x4x6", "model[2].layers[1] conv2d 3x4x6",
        "model[2].shortcut[0] conv2d 3x4x6", "model[2] residual 3x4x6", "model[3] flatten 72",
        "model[4] dense 3",
      ])
    #expect(plan.layers[6].inputs == [.layer(3)])
    #expect(plan.layers[7].inputs == [.layer(5), .layer(6)])
    #expect(plan.layers.map(\.readers) == [2, 1, 1, 2, 1, 1, 1, 1, 1, 0])
    #expect(plan.trainingFLOPs == 3 * plan.forwardFLOPs - plan.layers[0].flops)
  }

  /// As much is live as the reader of most reads; an activation keeps what its input does.
  @Test func liveOutputs() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 7, width: 7, channels: 1),
        model: [
          .layer(Self.conv(3), name: "a"), .layer(Self.pool(2)), .layer(.flatten, name: "b"),
          .layer(Self.pool(5), inputs: ["a"]), .layer(.flatten, name: "c"),
          .layer(Self.merge(.concat), inputs: ["b", "c"]), .layer(Self.dense(3)),
        ], classes: 3))
    #expect(plan.layers[0].live == Extent(6, 6))
    let relu = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 7, width: 7, channels: 1),
        model: [
          .layer(Self.conv(3), name: "a"), .layer(.activation(.relu), name: "r"),
          .layer(Self.pool(2)), .layer(.flatten, name: "e"),
          .layer(.activation(.tanh), inputs: ["a"]), .layer(.flatten, name: "f"),
          .layer(Self.merge(.concat), inputs: ["e", "f"]), .layer(Self.dense(3)),
        ], classes: 3))
    #expect(relu.layers.prefix(3).map(\.live) == [Extent(7, 7), Extent(7, 7), Extent(3, 3)])
  }

  // MARK: mistakes

  struct Mistake: CustomTestStringConvertible {
    let model: [ModelItem]
    let message: String
    init(_ model: [ModelItem], _ message: String) {
      self.model = model
      self.message = message
    }
    var testDescription: String { message }
  }

  static let mistakes = [
    Mistake(
      [.layer(conv(3), inputs: ["x"]), .layer(.flatten)],
      "model[0]: no layer is named \"x\"; the names to read here are \"input\""),
    Mistake(
      [.layer(conv(3), name: "a", inputs: ["a"])],
      "model[0]: \"a\" is the name of model[0], which cannot be read here: a layer reads what comes "
        + "before it, in its own list or in one around it"),
    Mistake(
      [
        .residual([.layer(conv(2), name: "in")]), .layer(conv(2), inputs: ["in"]),
      ],
      "model[1]: \"in\" is the name of model[0].layers[0], which cannot be read here: a layer reads "
        + "what comes before it, in its own list or in one around it"),
    Mistake(
      [.layer(conv(3), name: "a"), .residual([.layer(conv(3), name: "a")])],
      "model[1].layers[0]: \"a\" is the name of model[0] already; take another one"),
    Mistake(
      [.layer(conv(3), name: "input")],
      "model[0]: \"input\" is the name of the images; take another one"),
    Mistake(
      [.layer(conv(3)), .layer(conv(3), name: "a", inputs: ["input"])],
      "model[0]: conv2d: no other layer reads what it gives; name it as an input, or drop it"),
    Mistake(
      chain(conv(3)) + [.layer(.flatten, name: "a"), .layer(merge(.add), inputs: ["a"])],
      "model[2]: add: reads two layers or more, not 1"),
    Mistake(
      [.layer(conv(3), name: "a"), .layer(conv(3), inputs: ["a", "input"])],
      "model[1]: conv2d: reads one layer, not 2"),
    Mistake(
      [.layer(conv(3), name: "a"), .residual(chain(conv(3)), inputs: ["a", "input"])],
      "model[1]: a block reads one layer, not 2"),
    Mistake(
      [.residual(chain(conv(4, stride: 2)))],
      "model[0]: residual: its layers give 3x4x4, but what is added to that is 6x7x2; give it a "
        + "\"shortcut\" to that shape, such as a conv2d of 4 filters with kernel 1 and stride 2"),
    Mistake(
      [.residual(chain(.flatten))],
      "model[0]: residual: its layers give 84, but what is added to that is 6x7x2"),
    Mistake(
      [.branch([chain(conv(4)), chain(pool(2))], merge: .concat)],
      "model[0]: concat: shapes must be equal but for their channels, not 6x7x4 and 3x3x2"),
    Mistake(
      [.branch([chain(conv(4)), chain(.flatten)], merge: .multiply)],
      "model[0]: multiply: shapes must be equal, or 1 where they are not, not 6x7x4 and 84"),
    Mistake(
      [.repeated(2, chain(conv(4, padding: .valid)) + [.repeated(3, chain(pool(2)))])],
      "model[0]#1.layers[1]#3.layers[0]: max_pool: a window of 2x2 does not fit an input of 1x1"),
    Mistake([.repeated(0, chain(conv(4)))], "model[0]: repeat: there is nothing to repeat"),
    Mistake(
      [.repeated(1000, [.repeated(1000, [.repeated(1000, chain(.activation(.relu)))])])],
      "model[0]#1.layers[0]#5.layers[0]#1.layers[0]: the model comes to more than 4000 layers here"),
    Mistake(
      [.branch([[], []], merge: .add), .layer(.flatten)],
      "model[1]: the last layer gives 84 values, but the data has 3 classes; end with a dense layer "
        + "of 3 units"),
  ]

  @Test(arguments: mistakes) func tells(_ mistake: Mistake) {
    do throws(NetworkError) {
      _ = try NetworkPlan(
        NetworkDescription(input: Self.image, model: mistake.model, classes: 3))
      Issue.record("no error")
    } catch {
      #expect(error.description == mistake.message)
    }
  }
}
