import Testing

@testable import ConvNet

/// What layers and their tensors are called.
@Suite struct LabelTests {
  private static func tensors(_ model: [ModelItem]) throws -> [String] {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 9, width: 9, channels: 2), model: model, classes: 3))
    return Model.tensors(of: plan).map(\.name)
  }

  private static let end = GraphTests.chain(.flatten, GraphTests.dense(3))

  /// By kind and number among the kind, from 0, whatever stands before it.
  @Test func countsAmongItsKind() throws {
    let model = GraphTests.chain(GraphTests.conv(2), GraphTests.norm, GraphTests.conv(2)) + Self.end
    let names = [
      "conv2d_0/kernel", "conv2d_0/bias", "batch_norm_0/scale", "batch_norm_0/offset",
      "conv2d_1/kernel", "conv2d_1/bias", "dense_0/kernel", "dense_0/bias",
      "batch_norm_0/moving_mean", "batch_norm_0/moving_variance",
    ]
    #expect(try Self.tensors(model) == names)
    let dropout = ModelItem.layer(.dropout(rate: 0.5))
    #expect(try Self.tensors([dropout] + model) == names)
  }

  /// A name takes the place of kind and number, and changes none of another layer.
  @Test func namesTakeTheirPlace() throws {
    let model =
      [.layer(GraphTests.conv(2, bias: false), name: "stem")]
      + GraphTests.chain(GraphTests.conv(2, bias: false)) + Self.end
    #expect(
      try Self.tensors(model) == [
        "stem/kernel", "conv2d_1/kernel", "dense_0/kernel", "dense_0/bias",
      ])
  }

  /// No two layers are called the same: not the turns of a repeated block, nor one whose name is what
  /// another would be called by itself.
  @Test func noTwoAreTheSame() throws {
    let conv = GraphTests.conv(2, bias: false)
    let model: [ModelItem] =
      [.repeated(3, [.layer(conv, name: "a")]), .layer(conv), .layer(conv, name: "conv2d_3")]
      + Self.end
    #expect(
      try Self.tensors(model) == [
        "a/kernel", "a_1/kernel", "a_2/kernel", "conv2d_3_1/kernel", "conv2d_3/kernel",
        "dense_0/kernel", "dense_0/bias",
      ])
  }
}
