import ConvNet

extension SpecDescription {
  /// One layer of `model`.
  static let layer = VariantType(
    key: "layer", doc: "The kind of layer.", noun: "a layer",
    cases: linked(
      [
        .init(
          name: "conv2d",
          doc:
            "Convolution over height and width: y = f(Σ w·x + b) over a window and the channels. From "
            + "H rows it gives ⌊(H + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1.",
          aliases: ["conv", "convolution", "convolution2d"],
          fields: [
            filters, kernel, strideOfOne, zeros,
            Field(
              "groups", .integer(1...65_536), .value(1),
              "Parts that the channels and filters are cut into; each filter sees those of its part."
            ),
            dilation,
          ] + weights),
        .init(
          name: "max_pool",
          doc:
            "The largest of each window, per channel; of equal ones the first has the gradient.",
          aliases: ["max_pool2d", "max_pooling2d", "pool", "max_pooling"],
          fields: [
            windowSize, windowStride,
            Field(
              "padding", padding, .value("valid"), "What lies around the image; it never wins."),
          ]),
        .init(
          name: "flatten", doc: "Makes one vector of an image, by rows, columns, then channels.",
          aliases: ["reshape"]),
        .init(
          name: "dense", doc: "y = f(xW + b): every output a weighted sum of every input.",
          aliases: ["linear", "fully_connected", "fc"],
          fields: [
            Field(
              "units", .integer(1...1_048_576), .required,
              aliases: ["outputs", "out_features", "size"], "How many outputs it gives.")
          ] + weights),
        .init(
          name: "dropout",
          doc:
            "Sets random elements to zero while training, and multiplies the others by 1/(1 − rate) "
            + "(Srivastava et al. 2014).",
          fields: [
            Field(
              "rate", .float(.from(0, below: 1)), .required, aliases: ["p", "probability"],
              "The share of elements that are dropped.")
          ]),
        .init(
          name: "activation", doc: "A function of each element.",
          fields: [
            Field("function", activation, .required, aliases: ["name", "activation"], "Which one.")
          ]),
        .init(
          name: "batch_norm",
          doc:
            "Batch normalisation per channel (Ioffe and Szegedy 2015): y = γ(x − μ)/√(σ² + ε) + β, with "
            + "the mean and the variance of the batch while training, and moving ones after it.",
          aliases: ["batch_normalization", "batch_norm2d", "bn"],
          fields: [
            Field(
              "momentum", .float(.from(0, below: 1)), .value(0.99),
              "How much of the moving statistics each step keeps (PyTorch's momentum is 1 less this)."
            ),
            Field(
              "epsilon", .float(.above(0, to: 1)), .value(0.001), aliases: ["eps"],
              "Added to the variance."),
            Field("scale", .boolean, .value(true), "Whether it learns a factor per channel."),
            Field(
              "center", .boolean, .value(true), aliases: ["offset"],
              "Whether it learns an offset per channel."),
            Field(
              "debias", .boolean, .value(false), aliases: ["bias_correction", "zero_debias"],
              "Whether the moving statistics are divided by 1 − momentumᵗ after t batches, as Adam's "
                + "moments are, so that those of a short run are right too."),
          ]),
      ] + catalogue) + merges + blocks)

  /// What convolutions and dense layers share.
  static let weights =
    [
      Field("activation", activation, .value("linear"), "The function applied to the result."),
      Field(
        "bias", .boolean, .value(true), aliases: ["use_bias"], "Whether it adds a learned bias."),
      initializer,
      Field(
        "l2", .float(.from(0, to: 1000)), .value(0),
        aliases: ["kernel_regularizer", "regularizer"],
        "Adds this times the sum of the squared weights to the objective."),
    ] + regularization

  static let initializer = Field(
    "initializer",
    .named(
      "initializer",
      .choice(
        Choice(
          noun: "an initializer", names: Initializer.allCases.map(\.rawValue),
          aliases: [
            "xavier_uniform": "glorot_uniform", "xavier_normal": "glorot_normal",
            "kaiming_uniform": "he_uniform", "kaiming_normal": "he_normal",
            "glorot": "glorot_uniform", "he": "he_uniform", "xavier": "glorot_uniform",
          ]))),
    .value("glorot_uniform"), aliases: ["kernel_initializer", "init"],
    "How the weights begin: glorot with the variance 2/(inputs + outputs) (Glorot and Bengio 2010), he "
      + "with 2/inputs (He et al. 2015), lecun with 1/inputs (LeCun et al. 1998), of a uniform "
      + "distribution or a normal one cut at two deviations, as Keras's; orthogonal by a QR "
      + "decomposition (Saxe et al. 2014).")

  /// A number, or `[height, width]`.
  static func extent(_ range: ClosedRange<Int>) -> FieldType {
    .either([.integer(range), .pair(.integer(range), names: "[height, width]")])
  }

  private static let side = Field.Fallback.value(0)

  static let padding = FieldType.named(
    "padding",
    .either([
      .choice(Choice(noun: "a padding", names: ["valid", "same"])),
      .integer(0...1024),
      .object(sides),
    ]))

  static let sides = ObjectType(fields: [
    Field("top", .integer(0...1024), side, "Rows above."),
    Field("bottom", .integer(0...1024), side, "Rows below."),
    Field("left", .integer(0...1024), side, "Columns to the left."),
    Field("right", .integer(0...1024), side, "Columns to the right."),
  ])

  static let activations = VariantType(
    key: "name", doc: "The function.", noun: "an activation",
    cases: [
      .init(name: "linear", doc: "x.", aliases: ["none", "identity"]),
      .init(name: "relu", doc: "max(x, 0)."),
      .init(name: "relu6", doc: "min(max(x, 0), 6) (Krizhevsky 2010)."),
      .init(
        name: "leaky_relu", doc: "x where it is positive, slope·x elsewhere (Maas et al. 2013).",
        fields: [
          Field(
            "slope", .float(.from(0, to: 1)), .value(0.01), aliases: ["alpha", "negative_slope"],
            "The slope below 0 (PyTorch's default; Keras's layer has 0.3).")
        ]),
      .init(
        name: "elu", doc: "x where it is positive, alpha·(eˣ − 1) elsewhere (Clevert et al. 2016).",
        fields: [
          Field("alpha", .float(.from(0, to: 100)), .value(1), "Minus the limit towards −∞.")
        ]),
      .init(
        name: "gelu",
        doc: "x·Φ(x), Φ the standard normal distribution (Hendrycks and Gimpel 2016).",
        fields: [
          Field(
            "approximate", .boolean, .value(false), "Whether Φ is approximated through tanh.")
        ]),
      .init(name: "sigmoid", doc: "1 / (1 + e⁻ˣ).", aliases: ["logistic"]),
      .init(name: "hard_sigmoid", doc: "min(max(x/6 + 1/2, 0), 1)."),
      .init(name: "swish", doc: "x·sigmoid(x) (Ramachandran et al. 2017).", aliases: ["silu"]),
      .init(
        name: "hard_swish", doc: "x·hard_sigmoid(x) (Howard et al. 2019).",
        aliases: ["hard_silu", "hardswish"]),
      .init(name: "mish", doc: "x·tanh(softplus(x)) (Misra 2020)."),
      .init(name: "tanh", doc: "The hyperbolic tangent."),
      .init(name: "softplus", doc: "ln(1 + eˣ)."),
      .init(name: "softmax", doc: "eˣ over its sum, over the channels of a position."),
    ])

  /// A name, or an object with the function's constants.
  static let activation = FieldType.named(
    "activation", .either([.choice(activations.choice), .variants(activations)]))
}
