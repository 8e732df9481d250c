import TestSupport

@testable import ConvNet

// Layers, models and losses as fixtures write them. What a fixture leaves out is the default.

extension Fixture {
  /// A layer as a fixture names it.
  struct LayerKeys: Decodable {
    let kind: String
    let kernel, size, stride, dilation: [Int]?
    let padding: Border?
    let filters, groups, depthMultiplier, ratio, units: Int?
    let activation, gate, function: String?
    let bias, countIncludePad, keepdims, scale, center, approximate: Bool?
    let interpolation: String?
    let epsilon, momentum, rate, stddev, slope, alpha: Float?

    private static func extent(_ pair: [Int]?) -> Extent {
      pair.map { Extent($0[0], $0[1]) } ?? Extent(1, 1)
    }

    private static func sides(_ border: Border?) -> Sides {
      guard case .explicit(let top, let bottom, let left, let right) = border?.padding else {
        preconditionFailure("four sides are wanted")
      }
      return Sides(top: top, bottom: bottom, left: left, right: right)
    }

    private func activation(named name: String) -> Activation {
      Activation(fixture: name, slope: slope, alpha: alpha, approximate: approximate)
    }

    /// The function that ends the layer or block.
    var end: Activation { activation(named: activation ?? "linear") }

    var content: ModelItem.Content {
      guard kind == "separable_conv2d" else { return .layer(description) }
      return .separable(SeparableConv2DDescription(filters: filters!, window))
    }

    private var window: DepthwiseConv2DDescription {
      DepthwiseConv2DDescription(
        kernel: Self.extent(kernel), stride: Self.extent(stride),
        padding: padding?.padding ?? .valid, dilation: Self.extent(dilation),
        depthMultiplier: depthMultiplier ?? 1, activation: end, bias: bias ?? true)
    }

    var description: LayerDescription {
      let (kernel, stride) = (Self.extent(kernel), Self.extent(stride))
      let padding = padding?.padding ?? .valid
      switch kind {
      case "conv2d":
        return .conv2D(
          Conv2DDescription(
            filters: filters!, kernel: kernel, stride: stride, padding: padding,
            groups: groups ?? 1, dilation: Self.extent(dilation), activation: end,
            bias: bias ?? true))
      case "depthwise_conv2d": return .depthwiseConv2D(window)
      case "conv2d_transpose":
        return .conv2DTranspose(
          Conv2DTransposeDescription(
            filters: filters!, kernel: kernel, stride: stride, padding: padding, activation: end,
            bias: bias ?? true))
      case "average_pool":
        return .averagePool(
          AveragePoolDescription(
            size: Self.extent(size), stride: stride, padding: padding,
            countIncludePad: countIncludePad ?? false))
      case "global_average_pool":
        return .globalPool(GlobalPoolDescription(.average, keepDims: keepdims ?? false))
      case "global_max_pool":
        return .globalPool(GlobalPoolDescription(.max, keepDims: keepdims ?? false))
      case "zero_pad": return .frame(FrameDescription(.zeroPad, Self.sides(self.padding)))
      case "crop": return .frame(FrameDescription(.crop, Self.sides(self.padding)))
      case "upsample":
        return .upsample(
          UpsampleDescription(
            size: Self.extent(size), interpolation: .init(rawValue: interpolation!)!))
      case "layer_norm":
        return .layerNorm(
          LayerNormDescription(epsilon: epsilon!, scale: scale ?? true, center: center ?? true))
      case "group_norm":
        return .groupNorm(
          GroupNormDescription(
            groups: groups!, epsilon: epsilon!, scale: scale ?? true, center: center ?? true))
      case "max_pool":
        return .maxPool(
          MaxPoolDescription(size: Self.extent(size), stride: stride, padding: padding))
      case "batch_norm":
        return .batchNorm(BatchNormDescription(momentum: momentum!, epsilon: epsilon!))
      case "dense":
        return .dense(
          DenseDescription(units: units!, activation: end, bias: bias ?? true))
      case "dropout": return .dropout(rate: rate!)
      case "spatial_dropout":
        return .spatialDropout(SpatialDropoutDescription(rate: rate!))
      case "gaussian_noise":
        return .gaussianNoise(GaussianNoiseDescription(deviation: stddev!))
      case "flatten": return .flatten
      case "activation": return .activation(activation(named: function!))
      case "prelu": return .prelu(PReLUDescription())
      case "squeeze_excite":
        return .squeezeExcite(
          SqueezeExciteDescription(ratio: ratio!, gate: gate == "sigmoid" ? .sigmoid : .hardSigmoid)
        )
      case "add", "concat", "multiply":
        return .merge(
          MergeDescription(Merge(rawValue: kind)!, activation: end))
      default: preconditionFailure("an unknown layer, \(kind)")
      }
    }
  }

  /// An item of a model: a layer, or a block of items.
  struct Item: Decodable {
    let item: ModelItem

    private struct Block: Decodable {
      let kind: String
      let name, merge: String?
      let inputs: [String]?
      let layers, shortcut: [Item]?
      let branches: [[Item]]?
    }

    init(from decoder: any Decoder) throws {
      let block = try Block(from: decoder)
      let keys = try LayerKeys(from: decoder)
      let content: ModelItem.Content =
        switch block.kind {
        case "residual":
          .residual(
            ResidualDescription(
              layers: block.layers!.map(\.item), shortcut: (block.shortcut ?? []).map(\.item),
              activation: keys.end))
        case "branch":
          .branch(
            BranchDescription(
              block.branches!.map { $0.map(\.item) },
              merge: MergeDescription(Merge(rawValue: block.merge!)!, activation: keys.end)))
        default: keys.content
        }
      item = ModelItem(content, name: block.name, inputs: block.inputs ?? [])
    }
  }

  /// A loss as a fixture names it.
  struct LossKeys: Decodable {
    let name: String
    let labelSmoothing, gamma, alpha, delta: Float?
    let classWeights: [Float]?

    var description: LossDescription {
      let kind: LossDescription.Kind =
        switch name {
        case "softmax_cross_entropy": .softmaxCrossEntropy(labelSmoothing: labelSmoothing ?? 0)
        case "focal": .focal(FocalDescription(gamma: gamma!, alpha: alpha!))
        case "mean_squared_error": .meanSquaredError
        case "huber": .huber(delta: delta!)
        case "binary_cross_entropy": .binaryCrossEntropy(labelSmoothing: labelSmoothing ?? 0)
        default: preconditionFailure("an unknown loss, \(name)")
        }
      return LossDescription(kind, classWeights: classWeights)
    }
  }
}
