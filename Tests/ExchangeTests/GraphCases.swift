import ConvNet
import Testing

@testable import Exchange

/// Models for the checks that every format passes: small, with weights that are drawn.
struct GraphCase: Sendable, CustomTestStringConvertible {
  let name: String
  let input: Shape
  let model: [ModelItem]
  var classes = 3
  var normalization: Normalization?

  var testDescription: String { name }

  init(
    _ name: String, input: Shape = .image(height: 7, width: 6, channels: 3),
    normalization: Normalization? = nil, _ model: [ModelItem]
  ) {
    self.name = name
    self.input = input
    self.model = model
    self.normalization = normalization
  }

  /// Its model; all tensors are drawn, the moving statistics too.
  func made() throws -> Model {
    let plan = try NetworkPlan(
      NetworkDescription(input: input, model: model, classes: classes))
    var made = try Model(plan, seed: 5)
    var stream = RandomStream(seed: 9, purpose: .probe)
    for tensor in made.tensors where ![.kernel, .squeezeKernel].contains(tensor.role) {
      let low: Float = tensor.role == .movingVariance || tensor.role == .scale ? 0.5 : -0.5
      made[tensor] = ArraySlice(tensor.range.map { _ in stream.uniform(low, low + 1) })
    }
    made.normalization = normalization
    return made
  }
}

private func conv(
  _ filters: Int, _ kernel: Extent = Extent(3, 3), stride: Extent = Extent(1, 1),
  _ padding: Padding = .same, groups: Int = 1, dilation: Extent = Extent(1, 1),
  activation: Activation = .linear, bias: Bool = true
) -> ModelItem {
  .layer(
    .conv2D(
      Conv2DDescription(
        filters: filters, kernel: kernel, stride: stride, padding: padding, groups: groups,
        dilation: dilation, activation: activation, bias: bias)))
}

private func transposed(
  _ filters: Int, _ kernel: Extent, stride: Extent, _ padding: Padding
) -> ModelItem {
  .layer(
    .conv2DTranspose(
      Conv2DTransposeDescription(
        filters: filters, kernel: kernel, stride: stride, padding: padding)))
}

private func dense(_ units: Int, _ activation: Activation = .linear, bias: Bool = true) -> ModelItem
{
  .layer(.dense(DenseDescription(units: units, activation: activation, bias: bias)))
}

private let ending: [ModelItem] = [.layer(.flatten), dense(3)]

private func numbers(_ count: Int, from low: Float, to high: Float) -> [Float] {
  var stream = RandomStream(seed: 3, purpose: .probe)
  return (0..<count).map { _ in stream.uniform(low, high) }
}

extension GraphCase {
  static let all: [GraphCase] =
    activations + [
      GraphCase(
        "convolutions",
        [
          conv(4, Extent(3, 2)), conv(6, stride: Extent(2, 1), bias: false),
          conv(6, Extent(2, 2), .explicit(top: 1, bottom: 2, left: 0, right: 1), groups: 3),
          conv(4, Extent(2, 3), groups: 2, dilation: Extent(2, 1), activation: .relu),
        ] + ending),
      GraphCase(
        "depthwise and separable",
        [
          .layer(
            .depthwiseConv2D(
              DepthwiseConv2DDescription(
                kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same, depthMultiplier: 2,
                activation: .tanh))),
          ModelItem(
            .separable(
              SeparableConv2DDescription(
                filters: 5,
                DepthwiseConv2DDescription(kernel: Extent(2, 2), padding: .same, bias: false)))),
        ] + ending),
      GraphCase(
        "transposed convolutions",
        [
          transposed(4, Extent(3, 3), stride: Extent(2, 2), .same),
          transposed(2, Extent(2, 3), stride: Extent(3, 1), .valid),
          transposed(3, Extent(2, 1), stride: Extent(3, 2), .same),
          transposed(
            2, Extent(4, 3), stride: Extent(2, 1), .explicit(top: 1, bottom: 0, left: 2, right: 1)),
        ] + ending),
      GraphCase(
        "pools",
        [
          .layer(
            .maxPool(MaxPoolDescription(size: Extent(3, 2), stride: Extent(1, 1), padding: .same))),
          .layer(
            .averagePool(
              AveragePoolDescription(size: Extent(2, 3), stride: Extent(1, 2), padding: .same))),
          .layer(
            .averagePool(
              AveragePoolDescription(
                size: Extent(2, 2), stride: Extent(2, 1),
                padding: .explicit(top: 1, bottom: 0, left: 1, right: 1), countIncludePad: true))),
          .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))),
        ] + ending),
      GraphCase(
        "pools with sides of their own",
        [
          .layer(
            .maxPool(
              MaxPoolDescription(
                size: Extent(2, 3), stride: Extent(1, 2),
                padding: .explicit(top: 0, bottom: 1, left: 2, right: 1)))),
          .layer(.activation(.relu)),
          .layer(
            .maxPool(
              MaxPoolDescription(
                size: Extent(3, 3), stride: Extent(2, 1),
                padding: .explicit(top: 2, bottom: 1, left: 0, right: 1)))),
          .layer(
            .averagePool(
              AveragePoolDescription(
                size: Extent(2, 3), stride: Extent(1, 1),
                padding: .explicit(top: 1, bottom: 0, left: 0, right: 2)))),
        ] + ending),
      GraphCase(
        "global pools",
        [
          conv(5), .layer(.globalPool(GlobalPoolDescription(.max, keepDims: true)), name: "most"),
          conv(4, Extent(1, 1), activation: .relu),
          .layer(.globalPool(GlobalPoolDescription(.average))),
          dense(3),
        ]),
      GraphCase(
        "ends in an image",
        [
          conv(3), .layer(.globalPool(GlobalPoolDescription(.average, keepDims: true))),
        ]),
      GraphCase(
        "frames and upsampling",
        [
          .layer(.frame(FrameDescription(.zeroPad, Sides(top: 1, bottom: 0, left: 2, right: 1)))),
          .layer(.frame(FrameDescription(.crop, Sides(top: 0, bottom: 2, left: 1, right: 1)))),
          .layer(.upsample(UpsampleDescription(size: Extent(2, 1)))),
          .layer(.upsample(UpsampleDescription(size: Extent(2, 3), interpolation: .bilinear))),
        ] + ending),
      GraphCase(
        "norms of images",
        [
          conv(4), .layer(.batchNorm(BatchNormDescription())),
          .layer(.layerNorm(LayerNormDescription())),
          .layer(.groupNorm(GroupNormDescription(groups: 2))), .layer(.prelu(PReLUDescription())),
          .layer(.groupNorm(GroupNormDescription(groups: 4, scale: false))),
          .layer(.layerNorm(LayerNormDescription(scale: false, center: false))),
          .layer(.batchNorm(BatchNormDescription(scale: false, center: false))),
        ] + ending),
      GraphCase(
        "norms of vectors",
        [
          .layer(.flatten), dense(6), .layer(.batchNorm(BatchNormDescription(epsilon: 0.01))),
          .layer(.layerNorm(LayerNormDescription(center: false))),
          .layer(.groupNorm(GroupNormDescription(groups: 3, center: false))),
          .layer(.prelu(PReLUDescription())), dense(3),
        ]),
      GraphCase(
        "batch norms behind what can take them in",
        [
          conv(4, bias: false), .layer(.batchNorm(BatchNormDescription())),
          .layer(.activation(.relu)), transposed(3, Extent(2, 2), stride: Extent(2, 2), .valid),
          .layer(.batchNorm(BatchNormDescription(scale: false))), .layer(.flatten),
          dense(4, bias: false), .layer(.batchNorm(BatchNormDescription(center: false))), dense(3),
        ]),
      GraphCase(
        "squeeze and excite",
        [
          conv(6),
          .layer(.squeezeExcite(SqueezeExciteDescription(ratio: 2, gate: .hardSigmoid))),
          .layer(.squeezeExcite(SqueezeExciteDescription(ratio: 4))),
        ] + ending),
      GraphCase(
        "merges",
        [
          .layer(
            .conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), padding: .same)), name: "a"),
          .residual([conv(4, activation: .tanh)], activation: .relu),
          .branch(
            [[conv(2)], [], [conv(1, Extent(1, 1), activation: .sigmoid)]], merge: .concat,
            activation: .swish),
          .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(1, 1))), name: "b"),
          .layer(.globalPool(GlobalPoolDescription(.average)), name: "c"),
          .layer(.merge(MergeDescription(.multiply)), name: "d", inputs: ["a", "c", "b"]),
          .layer(.merge(MergeDescription(.add)), inputs: ["a", "d", "b", "a"]),
        ] + ending),
      GraphCase(
        "dropouts and noise",
        [
          .layer(.spatialDropout(SpatialDropoutDescription(rate: 0.5))), conv(2),
          .layer(.gaussianNoise(GaussianNoiseDescription(deviation: 1))), .layer(.flatten),
          dense(3), .layer(.dropout(rate: 0.5)),
        ]),
      GraphCase(
        "normalised by channel",
        normalization: Normalization(
          mean: numbers(3, from: 0, to: 1), factor: numbers(3, from: 1, to: 3), whitening: []),
        [conv(2)] + ending),
      GraphCase(
        "normalised by pixel",
        normalization: Normalization(
          mean: numbers(126, from: 0, to: 1), factor: numbers(126, from: 1, to: 3), whitening: []),
        [conv(2)] + ending),
      GraphCase(
        "whitened",
        normalization: Normalization(
          mean: numbers(126, from: 0, to: 1), factor: [],
          whitening: numbers(126 * 126, from: -0.1, to: 0.1)),
        ending),
      GraphCase(
        "grey and flat", input: .image(height: 4, width: 5, channels: 1),
        normalization: Normalization(mean: [0.3], factor: [2], whitening: []), ending),
    ]

  private static let activations: [GraphCase] = [
    Activation.relu, .relu6, .leakyReLU(slope: 0.2), .elu(alpha: 0.7), .gelu(approximate: false),
    .gelu(approximate: true), .sigmoid, .hardSigmoid, .swish, .hardSwish, .mish, .tanh, .softplus,
    .softmax,
  ].map { activation in
    GraphCase(
      "\(activation)",
      [
        conv(4, activation: activation), .layer(.activation(activation)), .layer(.flatten),
        dense(5, activation), dense(3),
      ])
  }
}
