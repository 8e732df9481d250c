import Foundation
import TestSupport
import Testing

@testable import ConvNet
@testable import Pruning

/// Networks without some of their channels, beside the same with zeros in the place of these.
@Suite struct PruningTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let input: Shape
    let layers: [ModelItem]
    /// Whether all of its products are of 16 columns or more.
    var isExact = true
    var testDescription: String { name }

    var plan: NetworkPlan {
      get throws { try NetworkPlan(NetworkDescription(input: input, model: layers, classes: 10)) }
    }

    /// With biases and moving statistics as a training would leave them.
    func model(seed: UInt64 = 5) throws -> Model {
      var model = try Model(plan, seed: seed)
      var stream = RandomStream(seed: seed, purpose: .probe)
      for tensor in model.tensors where !tensor.role.isKernel {
        let isFactor = tensor.role == .movingVariance || tensor.role == .scale
        model[tensor] = ArraySlice(
          tensor.range.map { _ in isFactor ? stream.uniform(0.5, 1.5) : stream.uniform(-0.3, 0.3) })
      }
      return model
    }
  }

  private static func conv(
    _ filters: Int, _ kernel: Int = 3, stride: Int = 1, groups: Int = 1,
    activation: Activation = .tanh
  ) -> ModelItem {
    .layer(
      .conv2D(
        Conv2DDescription(
          filters: filters, kernel: Extent(kernel, kernel), stride: Extent(stride, stride),
          padding: .same, groups: groups, activation: activation)))
  }

  private static func dense(_ units: Int, _ activation: Activation = .linear) -> ModelItem {
    .layer(.dense(DenseDescription(units: units, activation: activation)))
  }

  private static let norm = ModelItem.layer(.batchNorm(BatchNormDescription()))
  private static let pool = ModelItem.layer(.maxPool(MaxPoolDescription(size: Extent(2, 2))))
  private static let mean = ModelItem.layer(.globalPool(GlobalPoolDescription(.average)))
  private static let window = DepthwiseConv2DDescription(kernel: Extent(3, 3), padding: .same)

  static let cases: [Case] = [
    Case(
      name: "a chain, flattened", input: .image(height: 8, width: 8, channels: 1),
      layers: [
        conv(32), pool, conv(32, activation: .sigmoid), pool, .layer(.flatten),
        .layer(.dropout(rate: 0.5)), norm, dense(32, .tanh), dense(10),
      ]),
    Case(
      name: "residuals", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32), norm,
        .residual([conv(32), norm, conv(32, activation: .linear), norm], activation: .swish),
        .residual(
          [conv(32, stride: 2, activation: .linear), norm],
          shortcut: [conv(32, 1, stride: 2, activation: .linear), norm]),
        .layer(.activation(.gelu())), mean, dense(10),
      ]),
    Case(
      name: "branches, one after another", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32),
        .branch(
          [
            [conv(32, 1)], [conv(32, 1), conv(32)],
            [pool, .layer(.upsample(UpsampleDescription(size: Extent(2, 2))))],
          ], merge: .concat),
        norm, conv(32), .layer(.flatten), dense(10),
      ]),
    Case(
      name: "depthwise and separable", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32), .layer(.depthwiseConv2D(window)), norm, .layer(.activation(.relu6)), conv(32, 1),
        .layer(
          .depthwiseConv2D(
            DepthwiseConv2DDescription(kernel: Extent(3, 3), depthMultiplier: 2))),
        ModelItem(.separable(SeparableConv2DDescription(filters: 32, window))),
        conv(32, groups: 32), mean, dense(10),
      ]),
    Case(
      name: "groups", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32), conv(64, groups: 2), .layer(.groupNorm(GroupNormDescription(groups: 64))),
        conv(64), .layer(.groupNorm(GroupNormDescription(groups: 32))),
        .layer(.flatten), dense(10),
      ]),
    Case(
      name: "squeeze and excite", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32), .layer(.squeezeExcite(SqueezeExciteDescription(ratio: 3))), conv(32),
        .layer(.prelu(PReLUDescription())),
        .layer(.squeezeExcite(SqueezeExciteDescription(ratio: 16, gate: .hardSigmoid))), mean,
        dense(10),
      ]),
    Case(
      name: "products and transposes", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32),
        .branch(
          [
            [conv(32)], [conv(32, 1, activation: .sigmoid)], [mean, dense(32, .sigmoid)],
          ], merge: .multiply),
        .layer(
          .conv2DTranspose(
            Conv2DTransposeDescription(
              filters: 32, kernel: Extent(2, 2), stride: Extent(2, 2), activation: .elu()))),
        .layer(.averagePool(AveragePoolDescription(size: Extent(2, 2)))),
        .layer(.frame(FrameDescription(.zeroPad, Sides(top: 1, bottom: 0, left: 0, right: 1)))),
        .layer(.flatten), dense(10), .layer(.activation(.softmax)),
      ]),
    Case(
      name: "a product with one channel", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        conv(32), .branch([[conv(32)], [conv(1, 1, activation: .sigmoid)]], merge: .multiply),
        .layer(.flatten), dense(10),
      ], isExact: false),
    Case(
      name: "repeats and names", input: .image(height: 6, width: 6, channels: 2),
      layers: [
        .repeated(
          3,
          [
            ModelItem(conv(32).content, name: "wide"),
            ModelItem(conv(32).content, name: "narrow"),
            .layer(
              .merge(MergeDescription(.concat)), name: "both", inputs: ["wide", "narrow"]),
          ]),
        mean, dense(10),
      ]),
  ]

  private func scores(of model: Model, _ images: GivenSource) throws -> [Float] {
    let inference = try Inference(model, team: team())
    var scores = [Float](repeating: 0, count: images.count * inference.classes)
    scores.withUnsafeMutableBufferPointer {
      inference.scores(of: images, range: 0..<images.count, into: $0)
    }
    return scores
  }

  /// The model with 0 for every number of a channel that goes.
  private func masked(_ model: Model, _ removal: Removal) -> Model {
    var model = model
    for axis in removal.strands.axes {
      let shape = axis.tensor.shape
      let stride = shape[(axis.axis + 1)...].reduce(1, *)
      for place in 0..<axis.tensor.range.count
      where removal.goes[axis.strands[place / stride % shape[axis.axis]]] {
        model.weights[axis.tensor.range.lowerBound + place] = 0
      }
    }
    return model
  }

  /// What is left answers as the whole network does with zeros for what went, whether an activation makes
  /// 0 of these or not, since nothing reads them any more: to the bit where sums are chains of
  /// multiply-adds in the order of the channels, to which zeros add nothing. Those of products are with
  /// OpenBLAS's cores for AVX-512 where 9 to 16 columns are left of all sixteens, as of multiples of 16; of
  /// other widths, and with other cores, the order follows from the length, and the last bits from that.
  @Test(arguments: cases, [1, 16])
  func answersAsTheMaskedNetwork(_ example: Case, multiple: Int) throws {
    let model = try example.model()
    let images = GivenSource.random(example.input, count: 11, classes: 10)
    for comparison in PruningComparison.allCases {
      let ranking = try Ranking(
        model, by: .l1, compared: comparison, multiple: multiple, team: team())
      for count in [ranking.most * 3 / 4, ranking.most] {
        let removal = ranking.removal(ofFirst: count)
        let narrow = try ranking.model(model, withoutFirst: count)
        #expect(narrow.plan.parameters < model.plan.parameters)
        #expect(narrow.plan.forwardFLOPs < model.plan.forwardFLOPs)
        #expect(narrow.tensors.map(\.name) == model.tensors.map(\.name))
        let pruned = try scores(of: narrow, images)
        let zeroed = try scores(of: masked(model, removal), images)
        let largest = zeroed.map(abs).max()!
        #expect(zip(pruned, zeroed).allSatisfy { abs($0 - $1) <= 2e-6 * largest })
        if multiple == 16, example.isExact, BLASCore.rowsAreApart {
          #expect(bits(pruned) == bits(zeroed))
        }
      }
    }
  }

  /// What is left can be trained: its gradients are those of its objective.
  @Test(arguments: cases) func hasRightGradients(_ example: Case) throws {
    let model = try example.model()
    let ranking = try Ranking(model, by: .l1, compared: .l2, team: team())
    let narrow = try ranking.model(model, withoutFirst: ranking.most / 2)
    let images = GivenSource.random(example.input, count: 11, classes: 10, seed: 21)
    let trainer = try Trainer(narrow.plan, optimizer: sgd(), batchSize: 11, seed: 4, team: team())
    trainer.model = narrow
    expectGradients(of: trainer, on: images, epsilon: 2.5e-4)
  }

  /// Of the numbers that PyTorch works out; `Fixtures/make_pruning.py` asked it.
  @Test(arguments: PruningCriterion.allCases)
  func scoresAreThoseOfPyTorch(_ criterion: PruningCriterion) throws {
    struct Numbers: Decodable {
      let batch: Int
      let images: [Float]
      let labels: [Int]
      let tensors: [String: [Float]]
      let scores: [String: [String: [Double]]]
    }
    let numbers = try JSONDecoder().decode(
      Numbers.self, from: Data(contentsOf: Fixture.url("pruning.json")))
    let input = Shape.image(height: 5, width: 5, channels: 2)
    func conv(_ filters: Int, _ size: Int, _ activation: Activation) -> LayerDescription {
      .conv2D(
        Conv2DDescription(filters: filters, kernel: Extent(size, size), activation: activation))
    }
    var model = Model(
      try NetworkPlan(
        NetworkDescription(
          input: input,
          layers: [
            conv(4, 3, .linear), .batchNorm(BatchNormDescription()), .activation(.relu),
            conv(3, 2, .relu), .flatten, .dense(DenseDescription(units: 6, activation: .relu)),
            .dense(DenseDescription(units: 3)),
          ], classes: 3)))
    for tensor in model.tensors {
      if let values = numbers.tensors[tensor.name] { model[tensor] = ArraySlice(values) }
    }
    let source = GivenSource(input, numbers.images, labels: numbers.labels)
    let strands = Strands(model.plan)
    var scores: [[Double?]] = []
    for threads in [1, 3] {
      scores.append(
        try Scores(
          criterion, of: model, strands,
          images: GradientImages(
            source, samples: Array(0..<8), batchSize: numbers.batch), team: team(threads)
        ).values)
    }
    #expect(scores[0] == scores[1])
    let expected = numbers.scores[criterion == .batchNorm ? "batch_norm" : criterion.rawValue]!
    for bundle in strands.bundles {
      let label = model.plan.layers[bundle.makers[0]].label
      let own = bundle.strands.map { scores[0][$0] }
      guard let wanted = expected[label] else {
        #expect(own.allSatisfy { $0 == nil }, "\(label)")
        continue
      }
      let largest = wanted.max()!
      for (score, wanted) in zip(own, wanted) {
        #expect(abs(try #require(score) - wanted) <= 2e-5 * largest, "\(label): \(own), \(wanted)")
      }
    }
  }

  /// The fewest that are enough.
  @Test(arguments: cases) func budgetsAreKept(_ example: Case) throws {
    let model = try example.model()
    let ranking = try Ranking(model, by: .l1, compared: .l2, team: team())
    func cost(_ model: Model) -> Double { Double(model.plan.forwardFLOPs) }
    let limit = 0.6 * cost(model)
    let count = try #require(try ranking.fewest(of: model, within: limit, cost: cost).count)
    #expect(try cost(ranking.model(model, withoutFirst: count)) <= limit)
    #expect(try cost(ranking.model(model, withoutFirst: count - 1)) > limit)
    let none = try ranking.fewest(of: model, within: 1, cost: cost)
    #expect(
      try none.count == nil && none.least == cost(ranking.model(model, withoutFirst: ranking.most)))
    for multiple in [2, 8] {
      let rounded = try Ranking(
        model, by: .l1, compared: .uniform, multiple: multiple, team: team())
      let narrow = try rounded.model(model, withoutFirst: rounded.most / 2)
      for (old, new) in zip(model.plan.layers, narrow.plan.layers) {
        guard case .conv2D(let conv) = new.description, conv.groups == 1 else { continue }
        #expect(conv.filters % multiple == 0 || new.output == old.output, "\(new.label)")
      }
    }
  }

  /// What can't be followed stays, and is named.
  @Test func whatStaysWhole() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 6, width: 6, channels: 8),
        model: [
          .residual([Self.conv(8)]), Self.conv(6), .layer(.layerNorm(LayerNormDescription())),
          Self.conv(7, activation: .softmax), Self.conv(4),
          .layer(.groupNorm(GroupNormDescription(groups: 1))), .layer(.flatten), Self.dense(6),
          Self.dense(10),
        ], classes: 10))
    let strands = Strands(plan)
    #expect(
      strands.whole.map { "\($0.layer) \($0.reason)" } == [
        "conv2d_0 goes with the channels of the images",
        "conv2d_1 layer_norm_0 takes the mean over its channels",
        "conv2d_2 conv2d_2 takes the softmax over its channels",
        "conv2d_3 its channels can only go as one",
      ])
    let ranking = try Ranking(Model(plan, seed: 1), by: .l1, compared: .none, team: team())
    #expect(ranking.most == 5)
  }

  /// A repeat stays one where its turns lose as much, and is written out where they don't.
  @Test func repeats() throws {
    let example = Self.cases.last!
    let model = try example.model()
    let alike = try Ranking(model, by: .l1, compared: .uniform, team: team())
    let narrow = try alike.model(model, withoutFirst: alike.most / 2)
    #expect(narrow.plan.description.model.count == example.layers.count)
    #expect(narrow.plan.isWritten(as: model.plan))
    // One filter of the first turn alone.
    let strands = Strands(model.plan)
    let one = Removal(of: [strands.bundles[0].strands[0]], from: strands) { $0 }
    let written = try one.applied(to: model)
    #expect(written.plan.description.model.count == 3 * 3 + 2)
    #expect(!written.plan.isWritten(as: model.plan))
    #expect(written.plan.layers.map(\.label) == model.plan.layers.map(\.label))
    #expect(
      written.plan.description.model.map(\.name) == [
        "wide", "narrow", "both", "wide_1", "narrow_1", "both_1", "wide_2", "narrow_2", "both_2",
        nil, nil,
      ])
    #expect(written.plan.description.model[5].inputs == ["wide_1", "narrow_1"])
  }
}
