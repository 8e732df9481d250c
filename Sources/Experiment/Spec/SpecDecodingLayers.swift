import ConvNet
import Storage

// The layers of `SpecDescription.catalogue`, from a checked document and back.

extension LayerDescription {
  /// A layer of the catalogue; nil for the name of another.
  init?(catalogue layer: String, checked value: JSONValue) {
    switch layer {
    case "depthwise_conv2d":
      self = .depthwiseConv2D(DepthwiseConv2DDescription(checked: value))
    case "conv2d_transpose":
      self = .conv2DTranspose(
        Conv2DTransposeDescription(
          filters: value.int("filters"), kernel: Extent(checked: value["kernel"]!),
          stride: Extent(checked: value["stride"]!), padding: Padding(checked: value["padding"]!),
          activation: Activation(checked: value["activation"]!), bias: value.bool("bias"),
          initializer: Initializer(rawValue: value["initializer"]!.string!)!,
          l2: value.float("l2"),
          regularization: KernelRegularization(checked: value)))
    case "average_pool":
      self = .averagePool(
        AveragePoolDescription(
          size: Extent(checked: value["size"]!), stride: Extent(checked: value["stride"]!),
          padding: Padding(checked: value["padding"]!),
          countIncludePad: value.bool("count_include_pad")))
    case "global_average_pool":
      self = .globalPool(GlobalPoolDescription(.average, keepDims: value.bool("keepdims")))
    case "global_max_pool":
      self = .globalPool(GlobalPoolDescription(.max, keepDims: value.bool("keepdims")))
    case "zero_pad":
      self = .frame(FrameDescription(.zeroPad, Sides(checked: value["padding"]!)))
    case "crop": self = .frame(FrameDescription(.crop, Sides(checked: value["cropping"]!)))
    case "upsample":
      self = .upsample(
        UpsampleDescription(
          size: Extent(checked: value["size"]!),
          interpolation: .init(rawValue: value["interpolation"]!.string!)!))
    case "layer_norm":
      self = .layerNorm(
        LayerNormDescription(
          epsilon: value.float("epsilon"), scale: value.bool("scale"),
          center: value.bool("center")))
    case "group_norm":
      self = .groupNorm(
        GroupNormDescription(
          groups: value.int("groups"), epsilon: value.float("epsilon"),
          scale: value.bool("scale"), center: value.bool("center")))
    case "prelu": self = .prelu(PReLUDescription(initial: value.float("initial")))
    case "spatial_dropout":
      self = .spatialDropout(SpatialDropoutDescription(rate: value.float("rate")))
    case "gaussian_noise":
      self = .gaussianNoise(GaussianNoiseDescription(deviation: value.float("stddev")))
    case "squeeze_excite":
      self = .squeezeExcite(
        SqueezeExciteDescription(
          ratio: value.int("ratio"), squeezeActivation: Activation(checked: value["activation"]!),
          gate: Activation(checked: value["gate"]!),
          initializer: Initializer(rawValue: value["initializer"]!.string!)!))
    default: return nil
    }
  }

  /// As a spec writes a layer of the catalogue; nil for another.
  var catalogueJSON: JSONValue? {
    switch self {
    case .depthwiseConv2D(let conv): conv.json(after: ["layer": .string(kind)])
    case .conv2DTranspose(let conv):
      [
        "layer": .string(kind), "filters": JSONValue(conv.filters), "kernel": conv.kernel.json,
        "stride": conv.stride.json, "padding": conv.padding.json,
        "activation": conv.activation.json, "bias": .bool(conv.bias),
        "initializer": .string(conv.initializer.rawValue), "l2": JSONValue(conv.l2),
      ]
    case .averagePool(let pool):
      [
        "layer": .string(kind), "size": pool.size.json, "stride": pool.stride.json,
        "padding": pool.padding.json, "count_include_pad": .bool(pool.countIncludePad),
      ]
    case .globalPool(let pool): ["layer": .string(kind), "keepdims": .bool(pool.keepDims)]
    case .frame(let frame):
      [
        "layer": .string(kind),
        frame.change == .zeroPad ? "padding" : "cropping": frame.sides.json,
      ]
    case .upsample(let upsample):
      [
        "layer": .string(kind), "size": upsample.size.json,
        "interpolation": .string(upsample.interpolation.rawValue),
      ]
    case .layerNorm(let norm):
      [
        "layer": .string(kind), "epsilon": JSONValue(norm.epsilon), "scale": .bool(norm.scale),
        "center": .bool(norm.center),
      ]
    case .groupNorm(let norm):
      [
        "layer": .string(kind), "groups": JSONValue(norm.groups),
        "epsilon": JSONValue(norm.epsilon), "scale": .bool(norm.scale),
        "center": .bool(norm.center),
      ]
    case .prelu(let prelu): ["layer": .string(kind), "initial": JSONValue(prelu.initial)]
    case .spatialDropout(let dropout): ["layer": .string(kind), "rate": JSONValue(dropout.rate)]
    case .gaussianNoise(let noise):
      ["layer": .string(kind), "stddev": JSONValue(noise.deviation)]
    case .squeezeExcite(let block):
      [
        "layer": .string(kind), "ratio": JSONValue(block.ratio),
        "activation": block.squeezeActivation.json, "gate": block.gate.json,
        "initializer": .string(block.initializer.rawValue),
      ]
    case .conv2D, .maxPool, .flatten, .dense, .dropout, .activation, .batchNorm, .merge: nil
    }
  }
}

extension Sides {
  init(checked value: JSONValue) {
    if let all = value.int {
      self.init(top: all, bottom: all, left: all, right: all)
    } else {
      self.init(
        top: value.int("top"), bottom: value.int("bottom"), left: value.int("left"),
        right: value.int("right"))
    }
  }

  var json: JSONValue {
    [
      "top": JSONValue(top), "bottom": JSONValue(bottom), "left": JSONValue(left),
      "right": JSONValue(right),
    ]
  }
}

extension DepthwiseConv2DDescription {
  init(checked value: JSONValue) {
    self.init(
      kernel: Extent(checked: value["kernel"]!), stride: Extent(checked: value["stride"]!),
      padding: Padding(checked: value["padding"]!), dilation: Extent(checked: value["dilation"]!),
      depthMultiplier: value.int("depth_multiplier"),
      activation: Activation(checked: value["activation"]!), bias: value.bool("bias"),
      initializer: Initializer(rawValue: value["initializer"]!.string!)!, l2: value.float("l2"),
      regularization: KernelRegularization(checked: value))
  }

  /// Its members, without those of `regularization`, after the ones of `head`.
  func json(after head: JSONValue) -> JSONValue {
    var json = head
    json["kernel"] = kernel.json
    json["stride"] = stride.json
    json["padding"] = padding.json
    json["dilation"] = dilation.json
    json["depth_multiplier"] = JSONValue(depthMultiplier)
    json["activation"] = activation.json
    json["bias"] = .bool(bias)
    json["initializer"] = .string(initializer.rawValue)
    json["l2"] = JSONValue(l2)
    return json
  }
}

extension SeparableConv2DDescription {
  init(checked value: JSONValue) {
    self.init(filters: value.int("filters"), DepthwiseConv2DDescription(checked: value))
  }

  var json: JSONValue {
    window.json(after: ["layer": "separable_conv2d", "filters": JSONValue(filters)])
      .with(window.regularization)
  }
}
