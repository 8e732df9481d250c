import ConvNet
import Storage

extension LayerDescription {
  init(checked value: JSONValue) {
    switch value["layer"]!.string! {
    case "conv2d":
      self = .conv2D(
        Conv2DDescription(
          filters: value.int("filters"), kernel: Extent(checked: value["kernel"]!),
          stride: Extent(checked: value["stride"]!), padding: Padding(checked: value["padding"]!),
          groups: value.int("groups"), dilation: Extent(checked: value["dilation"]!),
          activation: Activation(checked: value["activation"]!), bias: value.bool("bias"),
          initializer: Initializer(rawValue: value["initializer"]!.string!)!,
          l2: value.float("l2"),
          regularization: KernelRegularization(checked: value)))
    case "max_pool":
      self = .maxPool(
        MaxPoolDescription(
          size: Extent(checked: value["size"]!), stride: Extent(checked: value["stride"]!),
          padding: Padding(checked: value["padding"]!)))
    case "flatten": self = .flatten
    case "dense":
      self = .dense(
        DenseDescription(
          units: value.int("units"), activation: Activation(checked: value["activation"]!),
          bias: value.bool("bias"),
          initializer: Initializer(rawValue: value["initializer"]!.string!)!,
          l2: value.float("l2"),
          regularization: KernelRegularization(checked: value)))
    case "dropout": self = .dropout(rate: value.float("rate"))
    case "activation": self = .activation(Activation(checked: value["function"]!))
    case "batch_norm":
      self = .batchNorm(
        BatchNormDescription(
          momentum: value.float("momentum"), epsilon: value.float("epsilon"),
          scale: value.bool("scale"), center: value.bool("center"), debias: value.bool("debias")))
    case let layer: self.init(catalogue: layer, checked: value)!
    }
  }

  /// As a spec writes this layer, every default written out.
  var json: JSONValue { regularization.map(ownJSON.with) ?? ownJSON }

  private var ownJSON: JSONValue {
    switch self {
    case .conv2D(let conv):
      [
        "layer": "conv2d", "filters": JSONValue(conv.filters), "kernel": conv.kernel.json,
        "stride": conv.stride.json, "padding": conv.padding.json,
        "groups": JSONValue(conv.groups), "dilation": conv.dilation.json,
        "activation": conv.activation.json, "bias": .bool(conv.bias),
        "initializer": .string(conv.initializer.rawValue), "l2": JSONValue(conv.l2),
      ]
    case .maxPool(let pool):
      [
        "layer": "max_pool", "size": pool.size.json, "stride": pool.stride.json,
        "padding": pool.padding.json,
      ]
    case .flatten: ["layer": "flatten"]
    case .dense(let dense):
      [
        "layer": "dense", "units": JSONValue(dense.units), "activation": dense.activation.json,
        "bias": .bool(dense.bias), "initializer": .string(dense.initializer.rawValue),
        "l2": JSONValue(dense.l2),
      ]
    case .dropout(let rate): ["layer": "dropout", "rate": JSONValue(rate)]
    case .activation(let function): ["layer": "activation", "function": function.json]
    case .batchNorm(let norm):
      [
        "layer": "batch_norm", "momentum": JSONValue(norm.momentum),
        "epsilon": JSONValue(norm.epsilon), "scale": .bool(norm.scale),
        "center": .bool(norm.center), "debias": .bool(norm.debias),
      ]
    case .merge(let merge): merge.json
    default: catalogueJSON!
    }
  }
}

extension Extent {
  init(checked value: JSONValue) {
    if let both = value.int {
      self.init(both, both)
    } else {
      self.init(value[0]!.int!, value[1]!.int!)
    }
  }

  var json: JSONValue { [JSONValue(height), JSONValue(width)] }
}

extension Padding {
  init(checked value: JSONValue) {
    switch value {
    case "valid": self = .valid
    case "same": self = .same
    case .number:
      let side = value.int!
      self = .explicit(top: side, bottom: side, left: side, right: side)
    default:
      self = .explicit(
        top: value.int("top"), bottom: value.int("bottom"), left: value.int("left"),
        right: value.int("right"))
    }
  }

  var json: JSONValue {
    switch self {
    case .valid: "valid"
    case .same: "same"
    case .explicit(let top, let bottom, let left, let right):
      [
        "top": JSONValue(top), "bottom": JSONValue(bottom), "left": JSONValue(left),
        "right": JSONValue(right),
      ]
    }
  }
}

extension Activation {
  init(checked value: JSONValue) {
    // A bare name leaves the constants to their defaults.
    let name = value.string ?? value["name"]!.string!
    var constants: JSONValue {
      value.object == nil ? .defaults(of: name, in: SpecDescription.activations) : value
    }
    switch name {
    case "linear": self = .linear
    case "relu": self = .relu
    case "relu6": self = .relu6
    case "leaky_relu": self = .leakyReLU(slope: constants.float("slope"))
    case "elu": self = .elu(alpha: constants.float("alpha"))
    case "gelu": self = .gelu(approximate: constants.bool("approximate"))
    case "sigmoid": self = .sigmoid
    case "hard_sigmoid": self = .hardSigmoid
    case "swish": self = .swish
    case "hard_swish": self = .hardSwish
    case "mish": self = .mish
    case "softplus": self = .softplus
    case "tanh": self = .tanh
    case "softmax": self = .softmax
    default: preconditionFailure("undescribed activation \(name)")
    }
  }

  /// A name where the function has no constants, else an object.
  var json: JSONValue {
    switch self {
    case .linear: "linear"
    case .relu: "relu"
    case .relu6: "relu6"
    case .leakyReLU(let slope): ["name": "leaky_relu", "slope": JSONValue(slope)]
    case .elu(let alpha): ["name": "elu", "alpha": JSONValue(alpha)]
    case .gelu(let approximate): ["name": "gelu", "approximate": .bool(approximate)]
    case .sigmoid: "sigmoid"
    case .hardSigmoid: "hard_sigmoid"
    case .swish: "swish"
    case .hardSwish: "hard_swish"
    case .mish: "mish"
    case .softplus: "softplus"
    case .tanh: "tanh"
    case .softmax: "softmax"
    }
  }
}
