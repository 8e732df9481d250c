import ConvNet
import ONNX
import Quantization

/// Writes a quantised model as ONNX in the form that ONNX Runtime, TensorRT and others call QDQ: operators of floats,
/// each between a DequantizeLinear of what it reads and a QuantizeLinear of what it gives, with kernels of int8 and
/// biases of int32 dequantised per filter. Images and scores are floats. Whoever knows nothing of integers computes
/// it in floats; others put integers in their place, rescaled by floats, so that both may differ from the integers
/// that the model is defined by where these round otherwise.
struct QuantizedONNXWriter: ONNXWriting {
  private let model: QuantizedModel
  var file: ONNXFile
  var constantNames: [ONNXArray: String] = [:]
  var taken: Set<String> = [Self.inputName]
  /// The int8 of each of the model's values, (N, C, H, W) or (N, C), with its scale and zero point.
  private var values: [[String]]

  /// - Throws: `ExchangeError` for what has no form there.
  static func file(
    _ model: QuantizedModel, name: String, preparation: Bool, layout: ONNXLayout,
    metadata: [(key: String, value: String)]
  ) throws(ExchangeError) -> ONNXFile {
    var writer = QuantizedONNXWriter(model, name)
    writer.file.metadata = metadata
    let last = model.operations.last!
    // Before anything else may be called so.
    let output = if case .softmax = last.kind { "probabilities" } else { "scores" }
    writer.taken.insert(output)
    let images = try writer.prepare(
      model.input.shape, scale: preparation ? 1 / 255 : nil,
      preparation ? model.normalization : nil, layout)
    writer.give(images, 0)
    for operation in model.operations { writer.write(operation) }
    writer.add("DequantizeLinear", writer.values[last.output], output, to: output)
    writer.file.outputs = [
      ONNXFile.Port(name: output, sizes: [.free("N"), .fixed(model.classes)])
    ]
    return writer.file
  }

  /// The model with the kernels and biases of a file in the places of its own.
  /// - Throws: `ExchangeError` where one is missing, or of another length.
  static func model(
    _ model: QuantizedModel, reading file: ONNXFile
  ) throws(ExchangeError) -> QuantizedModel {
    let constants = Dictionary(
      file.constants.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    return try model.reading { name, own throws(ExchangeError) in
      guard let weights = constants["\(name)/kernel"]?.integers,
        weights.count == own.weights.count, let bias = constants["\(name)/bias"]?.integers,
        bias.count == own.bias.count,
        weights.allSatisfy({ Int8(exactly: $0) != nil }),
        bias.allSatisfy({ Int32(exactly: $0) != nil })
      else { throw ExchangeError("its tensors of \(name) are missing, or of another length") }
      var kernel = own
      for (place, target) in arrangement(own).enumerated() {
        kernel.weights[target] = Int8(weights[place])
      }
      kernel.bias = bias.map { Int32($0) }
      return kernel
    }
  }

  private init(_ model: QuantizedModel, _ name: String) {
    self.model = model
    file = ONNXFile(name: name)
    file.producer = "runner"
    values = model.values.map { _ in [] }
  }

  // MARK: integers and floats

  /// A constant with a name of its own, by which it is read again. Scales and zero points have theirs too: what
  /// ONNX Runtime makes of two kernels with the same zero points has the same name twice.
  private mutating func named(_ value: ONNXArray, _ name: String) -> String {
    let name = unique(name)
    file.constants.append((name, value))
    return name
  }

  /// Makes a value of the model of a tensor of floats.
  private mutating func give(_ floats: String, _ place: Int) {
    let value = model.values[place]
    let scale = named(.floats(Tensor([value.scale], shape: [])), "\(value.name)/scale")
    let zero = named(
      ONNXArray(.ints([value.zeroPoint]), shape: [], whole: .int8),
      "\(value.name)/zero_point")
    let integers = add("QuantizeLinear", [floats, scale, zero], value.name)
    values[place] = [integers, scale, zero]
  }

  /// What an operator reads: each has a DequantizeLinear of its own, as those who look for pairs of them wish.
  private mutating func real(_ place: Int) -> String {
    add("DequantizeLinear", values[place], "\(model.values[place].name)_real")
  }

  /// Kernel and bias as floats.
  /// - Parameter axis: of the filters, in the kernel.
  private mutating func constants(
    _ kernel: QuantizedKernel, _ operation: QuantizedModel.Operation, shape: [Int], axis: Int
  ) -> [String] {
    let (name, filters) = (operation.name, kernel.bias.count)
    let scales = named(.floats(Tensor(kernel.scales)), "\(name)/scales")
    let zeros = named(
      ONNXArray(.ints(kernel.scales.map { _ in 0 }), shape: [filters], whole: .int8),
      "\(name)/zero_points")
    let weights = named(
      ONNXArray(
        .ints(Self.arrangement(kernel).map { Int(kernel.weights[$0]) }), shape: shape,
        whole: .int8), "\(name)/kernel")
    let units = model.values[operation.inputs[0]].scale
    let biasScales = named(
      .floats(Tensor(kernel.scales.map { $0 * units })), "\(name)/bias_scales")
    let bias = named(
      ONNXArray(.ints(kernel.bias.map { Int($0) }), shape: [filters], whole: .int32),
      "\(name)/bias")
    return [
      add(
        "DequantizeLinear", [weights, scales, zeros], "\(name)/real_kernel",
        ["axis": .int(axis)]),
      add("DequantizeLinear", [bias, biasScales], "\(name)/real_bias", ["axis": .int(0)]),
    ]
  }

  /// Where each weight of ONNX's order is in the model's: (F, K, K, C) becomes (F, C, K, K), (K, K, C) becomes
  /// (C, 1, K, K), and (units, inputs) becomes (inputs, units).
  private static func arrangement(_ kernel: QuantizedKernel) -> [Int] {
    let shape = kernel.shape
    switch shape.count {
    case 4:
      let (taps, channels) = (shape[1] * shape[2], shape[3])
      return (0..<shape[0]).flatMap { f in
        (0..<channels).flatMap { c in (0..<taps).map { (f * taps + $0) * channels + c } }
      }
    case 3:
      let (taps, channels) = (shape[0] * shape[1], shape[2])
      return (0..<channels).flatMap { c in (0..<taps).map { $0 * channels + c } }
    default:
      return (0..<shape[1]).flatMap { k in (0..<shape[0]).map { $0 * shape[1] + k } }
    }
  }

  // MARK: operations

  private mutating func activated(
    _ floats: String, _ activation: QuantizedActivation, _ name: String
  ) -> String {
    switch activation {
    case .linear: floats
    case .relu: add("Relu", [floats], "\(name)_relu")
    case .relu6: add("Clip", [floats, scalar(0), scalar(6)], "\(name)_relu6")
    }
  }

  private func window(_ window: QuantizedWindow) -> [String: ONNXFile.Attribute] {
    [
      "kernel_shape": .ints([window.size]), "strides": .ints([window.stride]),
      "pads": .ints(window.sides),
    ]
  }

  private mutating func write(_ operation: QuantizedModel.Operation) {
    let name = "\(operation.name)_float"
    let (input, output) = (
      model.values[operation.inputs[0]], model.values[operation.output]
    )
    let inputs = operation.inputs.map { real($0) }
    var result: String
    switch operation.kind {
    case .conv2D(let window, let kernel, let activation):
      let shape = kernel.shape
      let tensors = constants(
        kernel, operation, shape: [shape[0], shape[3], shape[1], shape[2]], axis: 0)
      result = add("Conv", inputs + tensors, name, convolution(window, groups: 1))
      result = activated(result, activation, name)
    case .depthwiseConv2D(let window, let kernel, let activation):
      let shape = kernel.shape
      let tensors = constants(
        kernel, operation, shape: [shape[2], 1, shape[0], shape[1]], axis: 0)
      result = add("Conv", inputs + tensors, name, convolution(window, groups: shape[2]))
      result = activated(result, activation, name)
    case .dense(let kernel, let activation):
      let tensors = constants(
        kernel, operation, shape: [kernel.shape[1], kernel.shape[0]], axis: 1)
      result = activated(add("Gemm", inputs + tensors, name), activation, name)
    case .maxPool(let window): result = add("MaxPool", inputs, name, self.window(window))
    case .averagePool(let window):
      var attributes = self.window(window)
      attributes["count_include_pad"] = .int(0)
      result = add("AveragePool", inputs, name, attributes)
    case .mean:
      result = add("GlobalAveragePool", inputs, name)
      if !output.shape.isImage { result = add("Flatten", [result], name, ["axis": .int(1)]) }
    case .add(let activation):
      result = activated(add("Add", inputs, name), activation, name)
    case .clamp(let activation): result = activated(inputs[0], activation, name)
    case .pad(let sides):
      let pads = sizes([0, 0, sides.top, sides.left, 0, 0, sides.bottom, sides.right])
      result = add("Pad", [inputs[0], pads, scalar(0)], name, ["mode": .string("constant")])
    case .reshape: result = reshaped(inputs[0], input.shape, output.shape, name)
    case .softmax: result = add("Softmax", inputs, name, ["axis": .int(-1)])
    }
    give(result, operation.output)
  }

  private func convolution(
    _ window: QuantizedWindow, groups: Int
  ) -> [String: ONNXFile.Attribute] {
    var attributes = self.window(window)
    attributes["dilations"] = .ints([window.dilation])
    attributes["group"] = .int(groups)
    return attributes
  }

  /// The model's order is rows, columns, channels.
  private mutating func reshaped(
    _ floats: String, _ from: Shape, _ to: Shape, _ name: String
  ) -> String {
    func isMoved(_ shape: Shape) -> Bool {
      shape.isImage && shape.channels > 1 && shape.extent != Extent(1, 1)
    }
    var floats = floats
    if isMoved(from) {
      floats = add("Transpose", [floats], "\(name)_nhwc", ["perm": .ints([0, 2, 3, 1])])
    }
    guard let (height, width, channels) = to.sizes else {
      return add("Flatten", [floats], name, ["axis": .int(1)])
    }
    guard isMoved(to) else {
      return add("Reshape", [floats, sizes([0, channels, height, width])], name)
    }
    floats = add("Reshape", [floats, sizes([0, height, width, channels])], "\(name)_image")
    return add("Transpose", [floats], name, ["perm": .ints([0, 3, 1, 2])])
  }
}
