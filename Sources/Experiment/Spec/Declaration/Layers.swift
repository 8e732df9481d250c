import ConvNet

extension SpecDescription {
  /// What may stand in `model`: layers, merges and blocks.
  static let layers = Kinds<ModelItem>(key: "layer", doc: "The kind of layer.", noun: "a layer") {
    layer(
      "conv2d", .conv2D(Conv2DDescription(filters: 1, kernel: Extent(1, 1))),
      as: LayerDescription.conv2D,
      held: { if case .conv2D(let conv) = $0 { conv } else { nil } },
      aliases: ["conv", "convolution", "convolution2d"],
      "Convolution over height and width: y = f(Σ w·x + b) over a window and the channels. From "
        + "H rows it gives ⌊(H + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1."
    ) {
      filters(\.filters)
      kernel(\.kernel)
      stride(\.stride)
      padding(\.padding, "The zeros around the image.")
      Key(
        "groups", \.groups, .integer(1...65_536),
        "Parts that the channels and filters are cut into; each filter sees those of its part.")
      dilation(\.dilation)
      weights()
    }
    layer(
      "max_pool", .maxPool(MaxPoolDescription()), as: LayerDescription.maxPool,
      held: { if case .maxPool(let pool) = $0 { pool } else { nil } },
      aliases: ["max_pool2d", "max_pooling2d", "pool", "max_pooling"],
      "The largest of each window, per channel; of equal ones the first has the gradient."
    ) {
      windowSize(\.size)
      windowStride(\.stride)
      padding(\.padding, "What lies around the image; it never wins.")
    }
    item(
      "flatten", .layer(.flatten), includes: { $0 == .layer(.flatten) }, aliases: ["reshape"],
      "Makes one vector of an image, by rows, columns, then channels.", keys: [])
    layer(
      "dense", .dense(DenseDescription(units: 1)), as: LayerDescription.dense,
      held: { if case .dense(let dense) = $0 { dense } else { nil } },
      aliases: ["linear", "fully_connected", "fc"],
      "y = f(xW + b): every output a weighted sum of every input."
    ) {
      Key(
        "units", \.units, .integer(1...1_048_576), otherwise: .required,
        aliases: ["outputs", "out_features", "size"], "How many outputs it gives.")
      weights()
    }
    layer(
      "dropout", .dropout(rate: 0), as: LayerDescription.dropout,
      held: { if case .dropout(let rate) = $0 { rate } else { nil } },
      "Sets random elements to zero while training, and multiplies the others by 1/(1 − rate) "
        + "(Srivastava et al. 2014)."
    ) { dropRate(\.self, of: "elements") }
    layer(
      "activation", .activation(.linear), as: LayerDescription.activation,
      held: { if case .activation(let function) = $0 { function } else { nil } },
      "A function of each element."
    ) {
      Key(
        "function", \.self, activation, otherwise: .required, aliases: ["name", "activation"],
        "Which one.")
    }
    layer(
      "batch_norm", .batchNorm(BatchNormDescription()), as: LayerDescription.batchNorm,
      held: { if case .batchNorm(let norm) = $0 { norm } else { nil } },
      aliases: ["batch_normalization", "batch_norm2d", "bn"],
      "Batch normalisation per channel (Ioffe and Szegedy 2015): y = γ(x − μ)/√(σ² + ε) + β, with "
        + "the mean and the variance of the batch while training, and moving ones after it."
    ) {
      Key(
        "momentum", \.momentum, .float(.from(0, below: 1)),
        "How much of the moving statistics each step keeps (PyTorch's momentum is 1 less this).")
      epsilon(\.epsilon)
      scale(\.scale)
      center(\.center)
      Key(
        "debias", \.debias, .boolean, aliases: ["bias_correction", "zero_debias"],
        "Whether the moving statistics are divided by 1 − momentumᵗ after t batches, as Adam's "
          + "moments are, so that those of a short run are right too.")
    }
    layer(
      "depthwise_conv2d", .depthwiseConv2D(DepthwiseConv2DDescription(kernel: Extent(1, 1))),
      as: LayerDescription.depthwiseConv2D,
      held: { if case .depthwiseConv2D(let conv) = $0 { conv } else { nil } },
      aliases: ["depthwise_conv", "depthwise"],
      "Convolution of each channel by itself: y = f(Σ w·x + b) over a window."
    ) { depthwise }
    item(
      "separable_conv2d",
      .separable(
        SeparableConv2DDescription(
          filters: 1, DepthwiseConv2DDescription(kernel: Extent(1, 1)))),
      as: ModelItem.Content.separable,
      held: { if case .separable(let conv) = $0 { conv } else { nil } },
      aliases: ["separable_conv", "separable"],
      "A depthwise convolution, then one of 1x1 (Chollet 2017)."
    ) {
      filters(\.filters)
      depthwise.map { $0.within(get: { $0.window }, set: { $1.window = $0 }) }
    }
    layer(
      "conv2d_transpose",
      .conv2DTranspose(Conv2DTransposeDescription(filters: 1, kernel: Extent(1, 1))),
      as: LayerDescription.conv2DTranspose,
      held: { if case .conv2DTranspose(let conv) = $0 { conv } else { nil } },
      aliases: ["conv_transpose", "conv_transpose2d", "deconvolution"],
      "The transpose of a convolution, which makes images larger: of H rows "
        + "(H − 1)·stride + kernel, less the padding (Keras's Conv2DTranspose)."
    ) {
      filters(\.filters)
      kernel(\.kernel)
      stride(\.stride)
      padding(
        \.padding, "What is cut from around the result; same makes it the stride times as large.")
      weights()
    }
    layer(
      "average_pool", .averagePool(AveragePoolDescription()), as: LayerDescription.averagePool,
      held: { if case .averagePool(let pool) = $0 { pool } else { nil } },
      aliases: ["average_pool2d", "average_pooling2d", "avg_pool", "avg_pool2d"],
      "The mean of each window, per channel (LeCun et al. 1998)."
    ) {
      windowSize(\.size)
      windowStride(\.stride)
      padding(\.padding, "What lies around the image.")
      Key(
        "count_include_pad", \.countIncludePad, .boolean,
        "Whether what lies around the image counts as zeros (PyTorch's default; Keras never "
          + "counts it).")
    }
    globalPool(
      "global_average_pool", .average,
      aliases: ["global_average_pooling2d", "gap", "global_avg_pool"],
      "The mean of each channel (Lin, Chen and Yan 2014).")
    globalPool(
      "global_max_pool", .max, aliases: ["global_max_pooling2d"], "The largest of each channel.")
    frame(
      "zero_pad", .zeroPad, aliases: ["zero_padding2d", "pad"], "Puts zeros around the image.",
      key: "padding", "Rows and columns of zeros, per side.")
    frame(
      "crop", .crop, aliases: ["cropping2d"], "Cuts the edge of the image away.", key: "cropping",
      "Rows and columns to cut, per side.")
    layer(
      "upsample", .upsample(UpsampleDescription()), as: LayerDescription.upsample,
      held: { if case .upsample(let upsample) = $0 { upsample } else { nil } },
      aliases: ["up_sampling2d", "upsampling2d"],
      "Makes the image larger by whole factors (Keras's UpSampling2D)."
    ) {
      Key(
        "size", \.size, .extent, aliases: ["scale_factor", "factor"],
        "How many times as high and wide, or both in one number.")
      Key(
        "interpolation", \.interpolation, .choice("an interpolation"), aliases: ["mode"],
        "How new pixels follow from the old ones.")
    }
    layer(
      "layer_norm", .layerNorm(LayerNormDescription()), as: LayerDescription.layerNorm,
      held: { if case .layerNorm(let norm) = $0 { norm } else { nil } },
      aliases: ["layer_normalization"],
      "Normalisation over the channels of a position (Ba, Kiros and Hinton 2016): "
        + "y = γ(x − μ)/√(σ² + ε) + β."
    ) {
      epsilon(\.epsilon)
      scale(\.scale)
      center(\.center)
    }
    layer(
      "group_norm", .groupNorm(GroupNormDescription()), as: LayerDescription.groupNorm,
      held: { if case .groupNorm(let norm) = $0 { norm } else { nil } },
      aliases: ["group_normalization"],
      "Normalisation over a group of channels and all positions (Wu and He 2018): "
        + "y = γ(x − μ)/√(σ² + ε) + β."
    ) {
      Key(
        "groups", \.groups, .integer(1...65_536), aliases: ["num_groups"],
        "Parts that the channels are cut into.")
      epsilon(\.epsilon)
      scale(\.scale)
      center(\.center)
    }
    layer(
      "prelu", .prelu(PReLUDescription()), as: LayerDescription.prelu,
      held: { if case .prelu(let prelu) = $0 { prelu } else { nil } },
      "x where it is positive, a·x elsewhere, a learned per channel (He et al. 2015)."
    ) {
      Key(
        "initial", \.initial, .float(.from(-100, to: 100)), aliases: ["init"],
        "Where each a begins (PyTorch's default; Keras's is 0).")
    }
    layer(
      "spatial_dropout", .spatialDropout(SpatialDropoutDescription(rate: 0)),
      as: LayerDescription.spatialDropout,
      held: { if case .spatialDropout(let dropout) = $0 { dropout } else { nil } },
      aliases: ["spatial_dropout2d", "dropout2d"],
      "Sets random channels to zero while training, and multiplies the others by 1/(1 − rate) "
        + "(Tompson et al. 2015)."
    ) { dropRate(\.rate, of: "channels") }
    layer(
      "gaussian_noise", .gaussianNoise(GaussianNoiseDescription(deviation: 0)),
      as: LayerDescription.gaussianNoise,
      held: { if case .gaussianNoise(let noise) = $0 { noise } else { nil } },
      "Adds normal noise to each element while training."
    ) {
      Key(
        "stddev", \.deviation, .float(.from(0, to: 1000)), otherwise: .required,
        aliases: ["deviation", "std", "sigma"], "The standard deviation of the noise.")
    }
    layer(
      "squeeze_excite", .squeezeExcite(SqueezeExciteDescription()),
      as: LayerDescription.squeezeExcite,
      held: { if case .squeezeExcite(let block) = $0 { block } else { nil } },
      aliases: ["se", "se_block", "squeeze_and_excitation"],
      "Channels weighed by what the whole map shows (Hu, Shen and Sun 2018): "
        + "y = x·gate(W₂·f(W₁·mean(x) + b₁) + b₂)."
    ) {
      Key(
        "ratio", \.ratio, .integer(1...65_536), aliases: ["reduction", "se_ratio"],
        "How many times fewer numbers than channels the squeeze leaves.")
      Key("activation", \.squeezeActivation, activation, "The function after the squeeze.")
      Key("gate", \.gate, activation, "The function that gives the weights.")
      initializer(\.initializer)
    }
    merges
    blocks
  }

  // MARK: - What is alike

  /// A layer by a case of the enum, as `Kind` has it.
  @_semantics("optimize.sil.specialize.generic.never")
  private static func layer<Content>(
    _ name: String, _ layer: LayerDescription,
    as embed: @escaping @Sendable (Content) -> LayerDescription,
    held: @escaping @Sendable (LayerDescription) -> Content?, aliases: [String] = [],
    _ doc: String, @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) -> Kind<ModelItem> {
    item(
      name, .layer(layer), as: { .layer(embed($0)) },
      held: { if case .layer(let layer) = $0 { held(layer) } else { nil } }, aliases: aliases,
      doc, keys: keys)
  }

  @ListBuilder<Key<DepthwiseConv2DDescription>>
  private static var depthwise: [Key<DepthwiseConv2DDescription>] {
    kernel(\.kernel)
    stride(\.stride)
    padding(\.padding, "The zeros around the image.")
    dilation(\.dilation)
    Key(
      "depth_multiplier", \.depthMultiplier, .integer(1...1024), aliases: ["multiplier"],
      "How many channels it gives for each that it is given.")
    weights()
  }

  private static func globalPool(
    _ name: String, _ pooling: GlobalPoolDescription.Kind, aliases: [String], _ doc: String
  ) -> Kind<ModelItem> {
    layer(
      name, .globalPool(GlobalPoolDescription(pooling)), as: LayerDescription.globalPool,
      held: { if case .globalPool(let pool) = $0, pool.pooling == pooling { pool } else { nil } },
      aliases: aliases, doc,
      keys: {
        Key(
          "keepdims", \.keepDims, .boolean, aliases: ["keep_dims"],
          "Whether it gives an image of 1x1, not a vector.")
      })
  }

  private static func frame(
    _ name: String, _ change: FrameDescription.Kind, aliases: [String], _ doc: String, key: String,
    _ keyDoc: String
  ) -> Kind<ModelItem> {
    layer(
      name, .frame(FrameDescription(change, Sides(top: 0, bottom: 0, left: 0, right: 0))),
      as: LayerDescription.frame,
      held: { if case .frame(let frame) = $0, frame.change == change { frame } else { nil } },
      aliases: aliases, doc, keys: { Key(key, \.sides, .sides, otherwise: .required, keyDoc) })
  }
}
