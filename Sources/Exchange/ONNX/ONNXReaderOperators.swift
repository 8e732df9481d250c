import ONNX

// What is known of operators.
extension ONNXReader {
  /// The attributes of the operators that are read, in some of their forms. One that is not here might
  /// change what an operator computes, and is refused.
  static let operators: [String: Set<String>] = {
    let window: Set = ["auto_pad", "kernel_shape", "strides", "pads", "dilations"]
    let reduction: Set = ["axes", "keepdims", "noop_with_empty_axes"]
    var operators: [String: Set<String>] = [
      "Conv": window.union(["group"]),
      "ConvTranspose": window.union(["group", "output_padding", "output_shape"]),
      "Gemm": ["alpha", "beta", "transA", "transB"],
      "MaxPool": window.union(["ceil_mode", "storage_order"]),
      "AveragePool": window.union(["ceil_mode", "count_include_pad"]),
      "ReduceMean": reduction, "ReduceMax": reduction, "ReduceSum": reduction,
      "ReduceMin": reduction, "ReduceProd": reduction,
      "Transpose": ["perm"], "Flatten": ["axis"], "Reshape": ["allowzero"], "Squeeze": ["axes"],
      "Unsqueeze": ["axes"], "Dropout": ["ratio", "seed"], "Cast": ["to", "saturate"],
      "CastLike": ["saturate"], "Shape": ["start", "end"], "Concat": ["axis"], "Softmax": ["axis"],
      "LogSoftmax": ["axis"],
      "BatchNormalization": ["epsilon", "momentum", "training_mode", "spatial"],
      "LayerNormalization": ["axis", "epsilon", "stash_type"], "InstanceNormalization": ["epsilon"],
      "GroupNormalization": ["epsilon", "num_groups", "stash_type"],
      "Pad": ["mode", "pads", "value"], "Slice": ["starts", "ends", "axes"],
      "Resize": [
        "mode", "scales", "axes", "antialias", "coordinate_transformation_mode", "nearest_mode",
        "cubic_coeff_a", "exclude_outside", "extrapolation_value", "keep_aspect_ratio_policy",
      ],
      "Upsample": ["mode", "scales"], "LeakyRelu": ["alpha"], "Elu": ["alpha"], "Celu": ["alpha"],
      "Selu": ["alpha", "gamma"], "HardSigmoid": ["alpha", "beta"], "Swish": ["alpha"],
      "ThresholdedRelu": ["alpha"], "Gelu": ["approximate"], "Clip": ["min", "max"],
      "Constant": ["value", "value_float", "value_int", "value_ints", "value_floats"],
      "Gather": ["axis"], "ConstantOfShape": ["value"], "LRN": ["alpha", "beta", "bias", "size"],
    ]
    for plain in [
      "MatMul", "GlobalAveragePool", "GlobalMaxPool", "Identity", "Sum", "PRelu", "Relu", "Sigmoid",
      "HardSwish", "Tanh", "Softplus", "Mish", "Add", "Sub", "Mul", "Div", "Pow", "Min", "Max",
      "Where", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "And", "Or", "Not",
      "Erf",
      "Exp", "Log", "Sqrt", "Neg", "Abs", "Floor", "Ceil", "Reciprocal", "Softsign", "Expand",
      "Range",
    ] {
      operators[plain] = []
    }
    return operators
  }()

  /// Refuses an operator that is not known, or says of itself what is not.
  func check(_ node: ONNXFile.Node) throws(ExchangeError) {
    guard node.domain.isEmpty else {
      throw ExchangeError("\(node.title): operators of \(node.domain) are not read")
    }
    guard let known = Self.operators[node.op] else { throw unknown(node) }
    if let other = node.attributes.keys.sorted().first(where: { !known.contains($0) }) {
      throw refused(node, "its attribute \(other) is not read")
    }
  }

  func unknown(_ node: ONNXFile.Node) -> ExchangeError {
    refused(node, "no layer of the catalogue is like this operator")
  }

  func refused(_ node: ONNXFile.Node, _ why: String) -> ExchangeError {
    ONNXEvaluator.refused(node, why)
  }
}
