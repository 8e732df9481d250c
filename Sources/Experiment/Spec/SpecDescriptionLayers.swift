import ConvNet

extension SpecDescription {
  /// The layers besides those that the tutorials' networks are made of.
  static let catalogue: [VariantType.Case] = [
    .init(
      name: "depthwise_conv2d",
      doc: "Convolution of each channel by itself: y = f(Σ w·x + b) over a window.",
      aliases: ["depthwise_conv", "depthwise"],
      fields: [
        kernel, strideOfOne, zeros,
        dilation,
        depthMultiplier,
      ] + weights),
    .init(
      name: "separable_conv2d", doc: "A depthwise convolution, then one of 1x1 (Chollet 2017).",
      aliases: ["separable_conv", "separable"],
      fields: [
        filters, kernel, strideOfOne, zeros,
        dilation, depthMultiplier,
      ] + weights),
    .init(
      name: "conv2d_transpose",
      doc:
        "The transpose of a convolution, which makes images larger: of H rows "
        + "(H − 1)·stride + kernel, less the padding (Keras's Conv2DTranspose).",
      aliases: ["conv_transpose", "conv_transpose2d", "deconvolution"],
      fields: [
        filters,
        kernel, strideOfOne,
        Field(
          "padding", padding, .value("valid"),
          "What is cut from around the result; same makes it the stride times as large."),
      ] + weights),
    .init(
      name: "average_pool", doc: "The mean of each window, per channel (LeCun et al. 1998).",
      aliases: ["average_pool2d", "average_pooling2d", "avg_pool", "avg_pool2d"],
      fields: [
        windowSize, windowStride,
        Field("padding", padding, .value("valid"), "What lies around the image."),
        Field(
          "count_include_pad", .boolean, .value(false),
          "Whether what lies around the image counts as zeros (PyTorch's default; Keras never "
            + "counts it)."),
      ]),
    .init(
      name: "global_average_pool", doc: "The mean of each channel (Lin, Chen and Yan 2014).",
      aliases: ["global_average_pooling2d", "gap", "global_avg_pool"], fields: [keepDims]),
    .init(
      name: "global_max_pool", doc: "The largest of each channel.",
      aliases: ["global_max_pooling2d"], fields: [keepDims]),
    .init(
      name: "zero_pad", doc: "Puts zeros around the image.", aliases: ["zero_padding2d", "pad"],
      fields: [Field("padding", border, .required, "Rows and columns of zeros, per side.")]),
    .init(
      name: "crop", doc: "Cuts the edge of the image away.", aliases: ["cropping2d"],
      fields: [
        Field("cropping", border, .required, "Rows and columns to cut, per side.")
      ]),
    .init(
      name: "upsample", doc: "Makes the image larger by whole factors (Keras's UpSampling2D).",
      aliases: ["up_sampling2d", "upsampling2d"],
      fields: [
        Field(
          "size", extent(1...1024), .value(2), aliases: ["scale_factor", "factor"],
          "How many times as high and wide, or both in one number."),
        Field(
          "interpolation",
          .choice(
            Choice(
              noun: "an interpolation",
              names: UpsampleDescription.Interpolation.allCases.map(\.rawValue))),
          .value("nearest"), aliases: ["mode"], "How new pixels follow from the old ones."),
      ]),
    .init(
      name: "layer_norm",
      doc:
        "Normalisation over the channels of a position (Ba, Kiros and Hinton 2016): "
        + "y = γ(x − μ)/√(σ² + ε) + β.",
      aliases: ["layer_normalization"], fields: norm),
    .init(
      name: "group_norm",
      doc:
        "Normalisation over a group of channels and all positions (Wu and He 2018): "
        + "y = γ(x − μ)/√(σ² + ε) + β.",
      aliases: ["group_normalization"],
      fields: [
        Field(
          "groups", .integer(1...65_536), .value(32), aliases: ["num_groups"],
          "Parts that the channels are cut into.")
      ] + norm),
    .init(
      name: "prelu",
      doc: "x where it is positive, a·x elsewhere, a learned per channel (He et al. 2015).",
      fields: [
        Field(
          "initial", .float(.from(-100, to: 100)), .value(0.25), aliases: ["init"],
          "Where each a begins (PyTorch's default; Keras's is 0).")
      ]),
    .init(
      name: "spatial_dropout",
      doc:
        "Sets random channels to zero while training, and multiplies the others by 1/(1 − rate) "
        + "(Tompson et al. 2015).",
      aliases: ["spatial_dropout2d", "dropout2d"],
      fields: [
        Field(
          "rate", .float(.from(0, below: 1)), .required, aliases: ["p", "probability"],
          "The share of channels that are dropped.")
      ]),
    .init(
      name: "gaussian_noise", doc: "Adds normal noise to each element while training.",
      fields: [
        Field(
          "stddev", .float(.from(0, to: 1000)), .required, aliases: ["deviation", "std", "sigma"],
          "The standard deviation of the noise.")
      ]),
    .init(
      name: "squeeze_excite",
      doc:
        "Channels weighed by what the whole map shows (Hu, Shen and Sun 2018): "
        + "y = x·gate(W₂·f(W₁·mean(x) + b₁) + b₂).",
      aliases: ["se", "se_block", "squeeze_and_excitation"],
      fields: [
        Field(
          "ratio", .integer(1...65_536), .value(16), aliases: ["reduction", "se_ratio"],
          "How many times fewer numbers than channels the squeeze leaves."),
        Field("activation", activation, .value("relu"), "The function after the squeeze."),
        Field("gate", activation, .value("sigmoid"), "The function that gives the weights."),
        initializer,
      ]),
  ]

  static let filters = Field(
    "filters", .integer(1...65_536), .required, aliases: ["channels", "out_channels"],
    "How many channels it gives.")

  private static let depthMultiplier = Field(
    "depth_multiplier", .integer(1...1024), .value(1), aliases: ["multiplier"],
    "How many channels it gives for each that it is given.")

  static let kernel = Field(
    "kernel", extent(1...1024), .required, aliases: ["kernel_size", "size"],
    "Height and width of the filters, or both in one number.")

  static let strideOfOne = Field(
    "stride", extent(1...1024), .value(1), aliases: ["strides"],
    "The step from one position to the next.")

  static let zeros = Field(
    "padding", padding, .value("valid"), "The zeros around the image.")

  static let windowSize = Field(
    "size", extent(1...1024), .value(2), aliases: ["pool_size", "kernel", "kernel_size"],
    "Height and width of the window, or both in one number.")

  static let windowStride = Field(
    "stride", extent(1...1024), .derived("The default is the size.") { $0.siblings["size"] ?? 2 },
    aliases: ["strides"], "The step from one window to the next.")

  static let dilation = Field(
    "dilation", extent(1...1024), .value(1), aliases: ["dilation_rate"],
    "The step from one row or column that the kernel sees to the next.")

  private static let keepDims = Field(
    "keepdims", .boolean, .value(false), aliases: ["keep_dims"],
    "Whether it gives an image of 1x1, not a vector.")

  /// A number for all sides, or each side's.
  private static let border = FieldType.either([.integer(0...1024), .object(sides)])

  private static let norm = [
    Field(
      "epsilon", .float(.above(0, to: 1)), .value(0.001), aliases: ["eps"],
      "Added to the variance."),
    Field("scale", .boolean, .value(true), "Whether it learns a factor per channel."),
    Field(
      "center", .boolean, .value(true), aliases: ["offset"],
      "Whether it learns an offset per channel."),
  ]
}
