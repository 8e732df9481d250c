import ConvNet
import Testing

@testable import Experiment

/// Specs of networks that are no chain.
struct SpecGraphTests {
  static let model = """
    { "layer": "conv2d", "filters": 4, "kernel": 3, "padding": "same", "name": "stem" },
    { "layer": "repeat", "times": 2, "layers": [
      { "layer": "residual", "activation": "relu", "layers": [
        { "layer": "conv2d", "filters": 4, "kernel": 3, "padding": 1 }, { "layer": "batch_norm" } ] } ] },
    { "layer": "residual", "name": "down", "layers": [
        { "layer": "conv2d", "filters": 6, "kernel": 2, "stride": 2 } ],
      "shortcut": [ { "layer": "conv2d", "filters": 6, "kernel": 1, "stride": 2 } ] },
    { "layer": "branch", "branches": [
      [ { "layer": "conv2d", "filters": 2, "kernel": 1 } ], [] ] },
    { "layer": "branch", "branches": [ [], [] ], "merge": "multiply", "activation": "tanh" },
    { "layer": "flatten", "name": "a" },
    { "layer": "flatten", "name": "b", "input": "down" },
    { "layer": "flatten", "name": "c", "input": "input" },
    { "layer": "concat", "inputs": ["a", "b", "c"], "activation": { "name": "elu", "alpha": 2 } },
    { "layer": "dense", "units": 9, "name": "d" }, { "layer": "dense", "units": 9, "name": "e" },
    { "layer": "add", "inputs": ["d", "e"], "name": "f" },
    { "layer": "multiply", "inputs": ["d", "f"] }
    """

  @Test func reads() throws {
    // `load` adds a flatten and a dense layer, and checks that what it resolves to is read as such.
    let spec = try SpecRoundTripTests.load(model: Self.model)
    func conv(
      _ filters: Int, _ size: Int, stride: Int = 1, _ padding: Padding = .valid,
      name: String? = nil
    ) -> ModelItem {
      .layer(
        .conv2D(
          Conv2DDescription(
            filters: filters, kernel: Extent(size, size), stride: Extent(stride, stride),
            padding: padding)), name: name)
    }
    func merge(_ merge: Merge, _ activation: Activation = .linear) -> LayerDescription {
      .merge(MergeDescription(merge, activation: activation))
    }
    let dense = LayerDescription.dense(DenseDescription(units: 9))
    let expected: [ModelItem] = [
      conv(4, 3, .same, name: "stem"),
      .repeated(
        2,
        [
          .residual(
            [
              conv(4, 3, .explicit(top: 1, bottom: 1, left: 1, right: 1)),
              .layer(.batchNorm(BatchNormDescription())),
            ], activation: .relu)
        ]),
      .residual([conv(6, 2, stride: 2)], shortcut: [conv(6, 1, stride: 2)], name: "down"),
      .branch([[conv(2, 1)], []], merge: .concat),
      .branch([[], []], merge: .multiply, activation: .tanh),
      .layer(.flatten, name: "a"), .layer(.flatten, name: "b", inputs: ["down"]),
      .layer(.flatten, name: "c", inputs: ["input"]),
      .layer(merge(.concat, .elu(alpha: 2)), inputs: ["a", "b", "c"]),
      .layer(dense, name: "d"), .layer(dense, name: "e"),
      .layer(merge(.add), name: "f", inputs: ["d", "e"]),
      .layer(merge(.multiply), inputs: ["d", "f"]),
    ]
    #expect(spec.model.dropLast(2) == expected[...])
    #expect(try NetworkPlan(spec.network).layers.count == 23)
  }

  /// A chain is resolved as it was before names were known.
  @Test func chainsAreWrittenWithoutNames() throws {
    let spec = try SpecRoundTripTests.load(model: "{ \"layer\": \"dropout\", \"rate\": 0.5 }")
    #expect(spec.resolved()["model"]![0]!.compact == #"{ "layer": "dropout", "rate": 0.5 }"#)
  }

  struct Mistake: Sendable, CustomTestStringConvertible {
    let layers: String
    let messages: [String]
    init(_ layers: String, _ messages: String...) {
      self.layers = layers
      self.messages = messages
    }
    var testDescription: String { layers }
  }

  static let conv = #"{ "layer": "conv2d", "filters": 4, "kernel": 3 }"#

  @Test(arguments: [
    Mistake(
      #"{ "layer": "residual", "layers": [ \#(conv) ] }"#,
      "5:5: model[0]: residual: its layers give 26x26x4, but what is added to that is 28x28x1; with "
        + "\"padding\": \"same\" a convolution keeps the size"),
    Mistake(
      #"{ "layer": "repeat", "times": 2, "layers": [ { "layer": "conv2d", "filters": 1, "kernel": 20 } ] }"#,
      "5:50: model[0].layers[0]: conv2d: a window of 20x20 does not fit an input of 9x9"),
    Mistake(
      #"{ "layer": "branch", "branches": [ [], [ \#(conv), { "layer": "dens" } ] ] }"#,
      "5:107: model[0].branches[1][1].layer: \"dens\" is not a layer; did you mean \"dense\"?"),
    Mistake(
      #"{ "layer": "branch", "branches": [ [] ] }"#,
      "5:38: model[0].branches: found a list of 1, but a list of at least 2 lists of layers is "
        + "expected"),
    Mistake(
      #"{ "layer": "flatten", "name": "a b" }"#,
      "5:35: model[0].name: found \"a b\", but a name of at most 100 letters, digits, \".\", \"_\" "
        + "and \"-\" that begins with a letter or a digit is expected"),
    Mistake(
      #"{ "layer": "add", "input": "a" }"#,
      "5:23: model[0].input: unknown key; did you mean \"inputs\"?"),
    Mistake(
      #"{ "layer": "conv2d", "filters": 4, "kernel": 3, "inputs": ["a"] }"#,
      "5:53: model[0].inputs: unknown key; did you mean \"input\"?"),
    Mistake(
      #"{ "layer": "conv2d", "filters": 4, "kernel": 3, "input": "stem" }"#,
      "5:5: model[0]: no layer is named \"stem\"; the names to read here are \"input\""),
    Mistake(
      #"{ "layer": "add", "inputs": ["later", "input"] }, { "layer": "dropout", "rate": 0.1, "name": "later" }"#,
      "5:5: model[0]: \"later\" is the name of model[1], which cannot be read here: a layer reads what "
        + "comes before it, in its own list or in one around it"),
    Mistake(
      #"{ "layer": "dropout", "rate": 0.1, "name": "x" }, { "layer": "dropout", "rate": 0.1, "name": "x" }"#,
      "5:55: model[1]: \"x\" is the name of model[0] already; take another one"),
    Mistake(
      #"\#(conv), { "layer": "dropout", "rate": 0.1, "input": "input" }"#,
      "5:5: model[0]: conv2d: no other layer reads what it gives; name it as an input, or drop it"),
    Mistake(
      #"{ "layer": "repeat", "times": 1000, "layers": [ { "layer": "repeat", "times": 1000, "layers": [ { "layer": "dropout", "rate": 0.1 } ] } ] }"#,
      "5:101: model[0].layers[0].layers[0]: the model comes to more than 4000 layers here"),
    Mistake(
      #"{ "layer": "residual", "layers": [] }"#,
      "5:38: model[0].layers: found a list of 0, but a list of at least 1 layers is expected"),
  ])
  func tells(_ mistake: Mistake) {
    let text = SpecErrorTests.edited(
      "{ \"layer\": \"conv2d\", \"filters\": 4, \"kernel\": 3 }", mistake.layers)
    #expect(SpecErrorTests.errors(text) == mistake.messages.map { "x.json:" + $0 })
  }

  /// As deep as a document may be.
  @Test func nestsDeeply() throws {
    var layers = "{ \"layer\": \"dropout\", \"rate\": 0.1 }"
    for _ in 0..<30 {
      layers = "{ \"layer\": \"residual\", \"layers\": [ \(layers) ] }"
    }
    let spec = try SpecRoundTripTests.load(model: layers)
    #expect(try NetworkPlan(spec.network).layers.count == 33)
  }
}
