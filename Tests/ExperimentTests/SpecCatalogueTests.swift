import ConvNet
import Testing

@testable import Experiment

/// The catalogue's layers and activations, as a spec says them.
struct SpecCatalogueTests {
  private static func items(_ layers: [LayerDescription]) -> [ModelItem] {
    layers.map { .layer($0) }
  }

  /// It stays one layer in the spec, and is two in the network.
  @Test func separable() throws {
    let spec = try SpecRoundTripTests.load(
      model: """
        { "layer": "separable_conv2d", "filters": 8, "kernel": 3, "stride": 2, "padding": "same",
          "depth_multiplier": 2, "activation": "relu", "l2": 0.01 }
        """)
    let conv = SeparableConv2DDescription(
      filters: 8,
      DepthwiseConv2DDescription(
        kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same, depthMultiplier: 2,
        activation: .relu, l2: 0.01))
    #expect(spec.model[0] == ModelItem(.separable(conv)))
    let plan = try NetworkPlan(spec.network)
    #expect(
      plan.layers.map(\.kind) == ["depthwise_conv2d", "conv2d", "flatten", "dense"])
    #expect(plan.layers.map(\.parameters) == [18, 24, 0, 15_690])
  }

  @Test func layers() throws {
    let spec = try SpecRoundTripTests.load(
      model: """
        { "layer": "conv2d", "filters": 6, "kernel": 3, "padding": "same", "dilation": [2, 1] },
        { "layer": "conv2d", "filters": 4, "kernel": 3, "groups": 2, "activation": "relu6" },
        { "layer": "depthwise_conv2d", "kernel": [3, 5], "stride": 2, "padding": "same",
          "depth_multiplier": 2, "activation": "hard_swish", "bias": false, "l2": 0.01,
          "initializer": "he_normal" },
        { "layer": "depthwise_conv2d", "kernel": 3, "padding": 2, "dilation": 2 },
        { "layer": "conv2d_transpose", "filters": 8, "kernel": 3, "stride": 2, "padding": "same",
          "activation": { "name": "swish" } },
        { "layer": "average_pool", "size": 3, "stride": 2, "padding": 1,
          "count_include_pad": true },
        { "layer": "zero_pad", "padding": { "top": 1, "right": 2 } },
        { "layer": "crop", "cropping": 1 },
        { "layer": "upsample", "size": [2, 3], "interpolation": "bilinear" },
        { "layer": "group_norm", "groups": 4, "epsilon": 1e-5, "scale": false },
        { "layer": "layer_norm", "center": false },
        { "layer": "prelu", "initial": 0.1 },
        { "layer": "spatial_dropout", "rate": 0.2 },
        { "layer": "gaussian_noise", "stddev": 0.5 },
        { "layer": "squeeze_excite", "ratio": 4, "activation": "tanh", "gate": "hard_sigmoid" },
        { "layer": "global_max_pool", "keepdims": true },
        { "layer": "global_average_pool" }
        """)
    #expect(
      Array(spec.model.dropLast(2))
        == Self.items([
          .conv2D(
            Conv2DDescription(
              filters: 6, kernel: Extent(3, 3), padding: .same, dilation: Extent(2, 1))),
          .conv2D(
            Conv2DDescription(filters: 4, kernel: Extent(3, 3), groups: 2, activation: .relu6)),
          .depthwiseConv2D(
            DepthwiseConv2DDescription(
              kernel: Extent(3, 5), stride: Extent(2, 2), padding: .same, depthMultiplier: 2,
              activation: .hardSwish, bias: false, initializer: .heNormal, l2: 0.01)),
          .depthwiseConv2D(
            DepthwiseConv2DDescription(
              kernel: Extent(3, 3), padding: .explicit(top: 2, bottom: 2, left: 2, right: 2),
              dilation: Extent(2, 2))),
          .conv2DTranspose(
            Conv2DTransposeDescription(
              filters: 8, kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same,
              activation: .swish)),
          .averagePool(
            AveragePoolDescription(
              size: Extent(3, 3), stride: Extent(2, 2),
              padding: .explicit(top: 1, bottom: 1, left: 1, right: 1), countIncludePad: true)),
          .frame(FrameDescription(.zeroPad, Sides(top: 1, bottom: 0, left: 0, right: 2))),
          .frame(FrameDescription(.crop, Sides(top: 1, bottom: 1, left: 1, right: 1))),
          .upsample(UpsampleDescription(size: Extent(2, 3), interpolation: .bilinear)),
          .groupNorm(GroupNormDescription(groups: 4, epsilon: 1e-5, scale: false)),
          .layerNorm(LayerNormDescription(center: false)),
          .prelu(PReLUDescription(initial: 0.1)),
          .spatialDropout(SpatialDropoutDescription(rate: 0.2)),
          .gaussianNoise(GaussianNoiseDescription(deviation: 0.5)),
          .squeezeExcite(
            SqueezeExciteDescription(ratio: 4, squeezeActivation: .tanh, gate: .hardSigmoid)),
          .globalPool(GlobalPoolDescription(.max, keepDims: true)),
          .globalPool(GlobalPoolDescription(.average)),
        ]))
  }

  /// What the mathematics takes as defaults is what the spec's description says.
  @Test func defaults() throws {
    let spec = try SpecRoundTripTests.load(
      model: """
        { "layer": "conv2d", "filters": 32, "kernel": 3 },
        { "layer": "depthwise_conv2d", "kernel": 3 },
        { "layer": "conv2d_transpose", "filters": 32, "kernel": 3 },
        { "layer": "average_pool" }, { "layer": "upsample" }, { "layer": "group_norm" },
        { "layer": "layer_norm" }, { "layer": "prelu" }, { "layer": "squeeze_excite" },
        { "layer": "global_max_pool" }
        """)
    #expect(
      Array(spec.model.dropLast(2))
        == Self.items([
          .conv2D(Conv2DDescription(filters: 32, kernel: Extent(3, 3))),
          .depthwiseConv2D(DepthwiseConv2DDescription(kernel: Extent(3, 3))),
          .conv2DTranspose(Conv2DTransposeDescription(filters: 32, kernel: Extent(3, 3))),
          .averagePool(AveragePoolDescription(size: Extent(2, 2))),
          .upsample(UpsampleDescription(size: Extent(2, 2))), .groupNorm(GroupNormDescription()),
          .layerNorm(LayerNormDescription()), .prelu(PReLUDescription()),
          .squeezeExcite(SqueezeExciteDescription()), .globalPool(GlobalPoolDescription(.max)),
        ]))
  }

  @Test(
    arguments: [
      ("relu6", .relu6), ("hard_sigmoid", .hardSigmoid), ("swish", .swish),
      ("hard_swish", .hardSwish), ("mish", .mish), ("softplus", .softplus),
    ] as [(String, Activation)])
  func activations(name: String, activation: Activation) throws {
    let spec = try SpecRoundTripTests.load(
      model: """
        { "layer": "activation", "function": "\(name)" },
        { "layer": "flatten" },
        { "layer": "dense", "units": 4, "activation": { "name": "\(name)" } }
        """)
    #expect(spec.model[0] == .layer(.activation(activation)))
    #expect(
      spec.model[2] == .layer(.dense(DenseDescription(units: 4, activation: activation))))
  }
}
