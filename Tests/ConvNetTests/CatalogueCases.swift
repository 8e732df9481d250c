@testable import ConvNet

// Networks of the catalogue's layers for the checks that every layer passes.

private func depthwise(
  _ kernel: Extent = Extent(3, 3), stride: Extent = Extent(1, 1), _ padding: Padding = .same,
  dilation: Extent = Extent(1, 1), times multiplier: Int = 1, _ activation: Activation = .tanh,
  l2: Float = 0
) -> LayerDescription {
  .depthwiseConv2D(
    DepthwiseConv2DDescription(
      kernel: kernel, stride: stride, padding: padding, dilation: dilation,
      depthMultiplier: multiplier, activation: activation, l2: l2))
}

private func separable(
  _ filters: Int, _ kernel: Extent, stride: Extent = Extent(1, 1), _ padding: Padding,
  times multiplier: Int = 1, _ activation: Activation, bias: Bool = true
) -> ModelItem {
  ModelItem(
    .separable(
      SeparableConv2DDescription(
        filters: filters,
        DepthwiseConv2DDescription(
          kernel: kernel, stride: stride, padding: padding, depthMultiplier: multiplier,
          activation: activation, bias: bias))))
}

private func transposed(
  _ filters: Int, _ kernel: Extent, stride: Extent, _ padding: Padding,
  _ activation: Activation = .tanh
) -> LayerDescription {
  .conv2DTranspose(
    Conv2DTransposeDescription(
      filters: filters, kernel: kernel, stride: stride, padding: padding, activation: activation))
}

private func averagePool(
  _ size: Extent, stride: Extent, _ padding: Padding, counting: Bool = false
) -> LayerDescription {
  .averagePool(
    AveragePoolDescription(
      size: size, stride: stride, padding: padding, countIncludePad: counting))
}

private func grouped(
  _ filters: Int, _ kernel: Extent, stride: Extent = Extent(1, 1), groups: Int,
  dilation: Extent = Extent(1, 1)
) -> LayerDescription {
  .conv2D(
    Conv2DDescription(
      filters: filters, kernel: kernel, stride: stride, padding: .same, groups: groups,
      dilation: dilation, activation: .tanh))
}

private let pad = FrameDescription(.zeroPad, Sides(top: 1, bottom: 0, left: 2, right: 1))
private let crop = FrameDescription(.crop, Sides(top: 0, bottom: 1, left: 1, right: 0))

extension GradientTests {
  static let catalogue: [Case] = [
    Case(
      name: "relu6, hard_sigmoid and hard_swish", input: image,
      layers: [
        conv(4, .init(3, 3), .valid, .relu6), .activation(.hardSwish), .flatten,
        dense(6, .hardSigmoid), .activation(.relu6), dense(3, .hardSwish),
      ], epsilon: 1e-3),
    Case(
      name: "depthwise_conv2d", input: image,
      layers: [
        conv(5), depthwise(l2: 0.02), depthwise(stride: Extent(2, 2), times: 3),
        depthwise(Extent(2, 2), .valid, .swish), .flatten, dense(3),
      ]),
    Case(
      name: "depthwise_conv2d first, dilated, dead outputs above", input: image,
      layers: [
        depthwise(Extent(2, 3), .valid, dilation: Extent(2, 1), times: 2), depthwise(), conv(3),
        averagePool(Extent(2, 2), stride: Extent(2, 2), .valid), .flatten, dense(3),
      ]),
    Case(
      name: "separable_conv2d", input: image,
      model: [
        separable(5, Extent(3, 3), stride: Extent(2, 2), .same, times: 2, .tanh),
        separable(4, Extent(2, 3), .valid, .swish, bias: false),
        .layer(.flatten), .layer(dense(3)),
      ]),
    Case(
      name: "grouped and dilated conv2d", input: image,
      layers: [
        grouped(6, Extent(3, 3), groups: 2), grouped(4, Extent(1, 1), groups: 2),
        grouped(4, Extent(3, 2), stride: Extent(2, 1), groups: 1, dilation: Extent(2, 3)), .flatten,
        dense(3),
      ]),
    Case(
      name: "narrow groups", input: image,
      layers: [
        conv(8), grouped(16, Extent(3, 3), groups: 2), grouped(8, Extent(2, 3), groups: 4),
        grouped(4, Extent(3, 3), stride: Extent(2, 1), groups: 4, dilation: Extent(1, 2)),
        averagePool(Extent(2, 2), stride: Extent(2, 2), .valid), .flatten, dense(3),
      ]),
    Case(
      name: "pointwise conv2d with its pooling", input: image,
      layers: [
        conv(4), conv(6, Extent(1, 1)), averagePool(Extent(2, 2), stride: Extent(2, 2), .valid),
        conv(3, Extent(1, 1), .valid, .gelu(approximate: false)), .flatten, dense(3),
      ]),
    Case(
      name: "conv2d_transpose", input: image,
      layers: [
        conv(3), transposed(4, Extent(3, 3), stride: Extent(2, 2), .same),
        transposed(2, Extent(2, 3), stride: Extent(1, 2), .valid, .mish),
        averagePool(Extent(3, 4), stride: Extent(3, 4), .valid), .flatten, dense(3),
      ]),
    Case(
      name: "average pooling", input: image,
      layers: [
        conv(3, Extent(2, 2)), averagePool(Extent(3, 2), stride: Extent(1, 2), .same),
        averagePool(
          Extent(2, 2), stride: Extent(2, 1), .explicit(top: 1, bottom: 0, left: 1, right: 1),
          counting: true), .flatten, dense(3),
      ]),
    Case(
      name: "global pooling", input: image,
      layers: [
        conv(5), .globalPool(GlobalPoolDescription(.average, keepDims: true)),
        conv(4, Extent(1, 1)), .globalPool(GlobalPoolDescription(.average)), dense(3),
      ]),
    Case(
      name: "global max pooling", input: image,
      layers: [conv(5), .globalPool(GlobalPoolDescription(.max)), dense(3)], epsilon: 1e-3),
    Case(
      name: "zero_pad, crop and upsample", input: image,
      layers: [
        conv(3), .frame(pad), conv(3), .frame(crop),
        .upsample(UpsampleDescription(size: Extent(2, 3))), conv(2, Extent(2, 2)),
        .upsample(UpsampleDescription(size: Extent(3, 2), interpolation: .bilinear)),
        averagePool(Extent(4, 4), stride: Extent(4, 4), .valid), .flatten, dense(3),
      ]),
    Case(
      name: "layer_norm and group_norm", input: image,
      layers: [
        conv(6), .layerNorm(LayerNormDescription()), conv(6, Extent(2, 2)),
        .groupNorm(GroupNormDescription(groups: 3)), .activation(.tanh), .flatten, dense(7, .tanh),
        .layerNorm(LayerNormDescription(scale: false)), dense(3),
      ]),
    Case(
      name: "norms first, without scale or center, dead outputs above", input: image,
      layers: [
        .groupNorm(GroupNormDescription(groups: 2)), .layerNorm(LayerNormDescription()),
        conv(4, Extent(2, 2)), .layerNorm(LayerNormDescription(center: false)),
        averagePool(Extent(2, 4), stride: Extent(2, 4), .valid),
        .groupNorm(GroupNormDescription(groups: 1, scale: false, center: false)), .flatten,
        dense(3),
      ], epsilon: 1e-3),
    Case(
      name: "prelu, spatial_dropout and gaussian_noise", input: image,
      layers: [
        conv(4), .prelu(PReLUDescription()),
        .spatialDropout(SpatialDropoutDescription(rate: 0.3)),
        .gaussianNoise(GaussianNoiseDescription(deviation: 0.2)), .flatten, dense(5, .tanh),
        dense(3),
      ], epsilon: 5e-4),
    Case(
      name: "squeeze_excite", input: image,
      layers: [
        conv(6, Extent(2, 2)),
        .squeezeExcite(SqueezeExciteDescription(ratio: 2, squeezeActivation: .tanh)),
        conv(4, Extent(2, 2)),
        .squeezeExcite(
          SqueezeExciteDescription(ratio: 8, squeezeActivation: .softplus, gate: .hardSigmoid)),
        averagePool(Extent(2, 2), stride: Extent(2, 2), .valid), .flatten, dense(3),
      ]),
    Case(
      name: "squeeze_excite with its ReLU", input: image,
      layers: [
        conv(6, Extent(2, 2)), .squeezeExcite(SqueezeExciteDescription(ratio: 3)),
        conv(4, Extent(2, 2)),
        .squeezeExcite(SqueezeExciteDescription(ratio: 1, gate: .hardSigmoid)), .flatten, dense(3),
      ], epsilon: 1e-3),
    Case(
      name: "prelu before any weights", input: image,
      layers: [
        .gaussianNoise(GaussianNoiseDescription(deviation: 0.1)), .prelu(PReLUDescription()),
        .frame(pad), .flatten, dense(3),
      ], epsilon: 1e-3),
  ]
}

extension DeterminismTests {
  static let catalogue: [Case] = [
    Case(
      name: "depthwise and pointwise, as in MobileNetV2", input: image,
      layers: [
        .frame(pad),
        .conv2D(
          Conv2DDescription(
            filters: 8, kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same)),
        .batchNorm(BatchNormDescription()), .activation(.relu6),
        depthwise(times: 2, .linear), .batchNorm(BatchNormDescription()), .activation(.relu6),
        .conv2D(Conv2DDescription(filters: 5, kernel: Extent(1, 1))),
        .spatialDropout(SpatialDropoutDescription(rate: 0.25)),
        .globalPool(GlobalPoolDescription(.average)), .dense(DenseDescription(units: 10)),
      ]),
    Case(
      name: "norms, noise and grouped convolutions", input: image,
      layers: [
        .gaussianNoise(GaussianNoiseDescription(deviation: 0.1)),
        grouped(6, Extent(3, 3), groups: 2, dilation: Extent(2, 1)),
        .groupNorm(GroupNormDescription(groups: 3)), .prelu(PReLUDescription()),
        grouped(8, Extent(3, 3), groups: 1), grouped(24, Extent(3, 3), groups: 4),
        .maxPool(MaxPoolDescription(size: Extent(2, 2))), grouped(6, Extent(3, 3), groups: 6),
        grouped(6, Extent(1, 1), groups: 3), .layerNorm(LayerNormDescription()),
        .squeezeExcite(SqueezeExciteDescription(ratio: 2)),
        .activation(.mish), .upsample(UpsampleDescription(size: Extent(2, 2))),
        .frame(crop), averagePool(Extent(3, 3), stride: Extent(2, 2), .same),
        transposed(3, Extent(3, 3), stride: Extent(2, 2), .same, .softplus),
        .globalPool(GlobalPoolDescription(.max)), .dense(DenseDescription(units: 10)),
      ]),
    Case(
      name: "separable and enlarged, with further activations", input: image,
      model: [
        separable(
          6, Extent(3, 3), stride: Extent(2, 2), .same, times: 2, .leakyReLU(slope: 0.2)),
        .layer(
          .upsample(UpsampleDescription(size: Extent(2, 3), interpolation: .bilinear))),
        separable(5, Extent(2, 3), .valid, .hardSigmoid, bias: false),
        .layer(.activation(.hardSwish)),
        .layer(averagePool(Extent(3, 3), stride: Extent(2, 2), .same)),
        .layer(.activation(.leakyReLU(slope: -0.1))), .layer(.flatten),
        .layer(.dense(DenseDescription(units: 12, activation: .swish))),
        .layer(.dense(DenseDescription(units: 10, activation: .elu(alpha: 0.5)))),
      ]),
  ]
}
