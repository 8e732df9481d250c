import TestSupport
import Testing

@testable import ConvNet

/// A model up to one of its layers.
@Suite struct LayerValuesTests {
  private static let input = Shape.image(height: 9, width: 8, channels: 2)
  private static let images = GivenSource.random(input, count: 11, classes: 3)

  private static func model(_ items: [ModelItem], classes: Int = 3) throws -> Model {
    try Model(
      NetworkPlan(NetworkDescription(input: input, model: items, classes: classes)), seed: 7)
  }

  private static func scores(_ model: Model, threads: Int = 1) throws -> [Float] {
    let width = model.plan.description.classes
    var scores = [Float](repeating: 0, count: images.count * width)
    let inference = try Inference(model, team: team(threads))
    scores.withUnsafeMutableBufferPointer {
      inference.scores(of: images, range: 0..<images.count, into: $0)
    }
    return scores
  }

  /// The last layer's product, worked out by hand from the values of the layer before it.
  @Test func leadToTheScores() throws {
    let whole = try Self.model(
      GraphTests.chain(
        GraphTests.conv(4, .relu), GraphTests.pool(2), .flatten, GraphTests.dense(6, .tanh),
        GraphTests.dense(3)))
    let values = try Self.scores(whole.ending(in: "dense_0"))
    #expect(try bits(Self.scores(whole.ending(in: "dense_0"), threads: 3)) == bits(values))
    let pairs = whole.tensors.map { ($0.name, Array(whole[$0])) }
    let tensors = Dictionary(uniqueKeysWithValues: pairs)
    let (kernel, bias) = (tensors["dense_1/kernel"]!, tensors["dense_1/bias"]!)
    let expected = (0..<Self.images.count * 3).map { i in
      let (image, label) = (i / 3, i % 3)
      var sum = Double(bias[label])
      for j in 0..<6 { sum += Double(values[image * 6 + j]) * Double(kernel[j * 3 + label]) }
      return sum
    }
    expectClose(try Self.scores(whole), expected)
  }

  /// All of a convolution's output, also what the pooling behind it drops: as of a network that ends
  /// there.
  @Test func holdWhatNobodyReads() throws {
    let conv = GraphTests.conv(3, .relu, padding: .valid)  // 7x6, of which 2x2 pooling reads 6x6.
    let whole = try Self.model(
      GraphTests.chain(GraphTests.norm, conv, GraphTests.pool(2), .flatten, GraphTests.dense(3)))
    let part = try whole.ending(in: "conv2d_0")
    #expect(part.plan.description.classes == 7 * 6 * 3)
    var alone = try Self.model(GraphTests.chain(GraphTests.norm, conv, .flatten), classes: 126)
    for tensor in alone.tensors {
      alone[tensor] = whole[try #require(whole.tensors.first { $0.name == tensor.name })]
    }
    #expect(try bits(Self.scores(part)) == bits(Self.scores(alone)))
  }

  /// A name is a label; of a block that is what it gives. The last layer's values are the scores.
  @Test func names() throws {
    let whole = try Self.model(
      [
        .layer(GraphTests.conv(2, .relu), name: "stem"),
        .residual(GraphTests.chain(GraphTests.conv(2)), activation: .relu),
      ] + GraphTests.chain(.flatten, GraphTests.dense(3)))
    #expect(try whole.ending(in: "stem").plan.layers.map(\.label) == ["stem"])
    #expect(
      try whole.ending(in: "residual_0").plan.layers.map(\.label) == [
        "stem", "conv2d_1", "residual_0",
      ])
    #expect(try bits(Self.scores(whole.ending(in: "dense_0"))) == bits(Self.scores(whole)))
    #expect {
      _ = try whole.ending(in: "dense_1")
    } throws: {
      ($0 as? NetworkError)?.message
        == "no layer is called \"dense_1\"; they are stem, conv2d_1, residual_0, flatten_0, dense_0"
    }
  }
}
