import ConvNet
import ONNX

/// How the images of an ONNX file lie in memory.
public enum ONNXLayout: String, Hashable, Sendable, CaseIterable {
  /// Channels, rows, columns, as in PyTorch and in ONNX's own operators.
  case nchw
  /// Rows, columns, channels, as in Keras and in an image file; a transposition comes first.
  case nhwc
}

/// Writes a graph as ONNX. Values are (N, C, H, W) or (N, C), N being free.
struct ONNXWriter: ONNXWriting {
  private let graph: Graph
  var file: ONNXFile
  var constantNames: [ONNXArray: String] = [:]
  var taken: Set<String> = [Self.inputName]
  /// The names of what the images and each node give.
  private var images = Self.inputName
  private var outputs: [String] = []

  /// - Parameters:
  ///   - name: of the whole.
  ///   - metadata: what is said of it besides.
  /// - Throws: `ExchangeError` naming a layer that ONNX cannot say.
  static func file(
    _ graph: Graph, name: String, layout: ONNXLayout, metadata: [(key: String, value: String)]
  ) throws(ExchangeError) -> ONNXFile {
    var writer = ONNXWriter(graph, name)
    writer.file.metadata = metadata
    writer.images = try writer.prepare(
      graph.input, scale: graph.scale, graph.normalization, layout)
    let outputName = graph.endsInSoftmax ? "probabilities" : "scores"
    writer.taken.insert(outputName)
    for (place, node) in graph.nodes.enumerated() {
      let isLast = place == graph.nodes.count - 1
      try writer.write(node, to: isLast ? outputName : nil)
    }
    writer.file.outputs = [
      ONNXFile.Port(name: outputName, sizes: [.free("N"), .fixed(graph.classes)])
    ]
    return writer.file
  }

  private init(_ graph: Graph, _ name: String) {
    self.graph = graph
    file = ONNXFile(name: name)
    file.producer = "runner"
  }

  private func name(_ input: LayerInput) -> String {
    switch input {
    case .images: images
    case .layer(let place): outputs[place]
    }
  }

  // MARK: layers

  private mutating func write(_ node: Graph.Node, to output: String?) throws(ExchangeError) {
    let name = output ?? unique(node.name)
    let inputs = node.inputs.map(self.name)
    let shape = graph.shape(of: node.inputs[0])
    switch node.layer {
    case .conv2D(let conv):
      // (F, C / groups, K, K)
      let kernel = node.tensors[.kernel]!.transposed([3, 2, 0, 1])
      add(
        "Conv", inputs + weights(node, kernel), name,
        [
          "kernel_shape": .ints([conv.kernel]), "strides": .ints([conv.stride]),
          "pads": .ints(node.sides), "dilations": .ints([conv.dilation]),
          "group": .int(conv.groups),
        ], to: name)
    case .conv2DTranspose(let conv):
      // (C, F, K, K)
      let kernel = node.tensors[.kernel]!.transposed([3, 2, 0, 1])
      let (cut, more) = conv.sides(from: shape.extent, to: node.output.extent)
      add(
        "ConvTranspose", inputs + weights(node, kernel), name,
        [
          "kernel_shape": .ints([conv.kernel]), "strides": .ints([conv.stride]),
          "pads": .ints(cut), "output_padding": .ints([more]),
        ], to: name)
    case .dense:
      add("Gemm", inputs + weights(node, node.tensors[.kernel]!), name, to: name)
    case .maxPool(let pool):
      add("MaxPool", inputs, name, window(pool.size, pool.stride, node.sides), to: name)
    case .averagePool(let pool):
      var attributes = window(pool.size, pool.stride, node.sides)
      attributes["count_include_pad"] = .int(pool.countIncludePad ? 1 : 0)
      add("AveragePool", inputs, name, attributes, to: name)
    case .globalPool(let pool):
      let op = pool.pooling == .average ? "GlobalAveragePool" : "GlobalMaxPool"
      if pool.keepDims {
        add(op, inputs, name, to: name)
      } else {
        let pooled = add(op, inputs, "\(name)_pooled")
        add("Flatten", [pooled], name, ["axis": .int(1)], to: name)
      }
    case .flatten: flatten(inputs[0], shape, name)
    case .activation(let activation): write(activation, inputs[0], name)
    case .batchNorm(let norm):
      let channels = shape.channels
      let rows = [
        (TensorInfo.Role.scale, Float(1)), (.offset, 0), (.movingMean, 0), (.movingVariance, 1),
      ].map { role, missing in
        constant(
          node.tensors[role] ?? Tensor(Array(repeating: missing, count: channels)),
          "\(name)/\(role.rawValue)")
      }
      add(
        "BatchNormalization", inputs + rows, name, ["epsilon": .float(norm.epsilon)], to: name)
    case .layerNorm(let norm): write(norm, node, inputs[0], shape, name)
    case .groupNorm(let norm): write(norm, node, inputs[0], shape, name)
    case .prelu:
      let slope = constant(channelwise(node.tensors[.slope]!, shape), "\(name)/slope")
      add("PRelu", inputs + [slope], name, to: name)
    case .frame(let frame): write(frame, inputs[0], shape, name)
    case .upsample(let upsample):
      let scales = Tensor([1, 1, Float(upsample.size.height), Float(upsample.size.width)])
      let isNearest = upsample.interpolation == .nearest
      var attributes: [String: ONNXFile.Attribute] = [
        "mode": .string(isNearest ? "nearest" : "linear"),
        "coordinate_transformation_mode": .string(isNearest ? "asymmetric" : "half_pixel"),
      ]
      if isNearest { attributes["nearest_mode"] = .string("floor") }
      add(
        "Resize", [inputs[0], "", constant(.floats(scales), "scales_\(constantNames.count)")], name,
        attributes, to: name)
    case .merge(let merge): write(merge.merge, node, inputs, name)
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
    outputs.append(name)
  }

  private mutating func weights(_ node: Graph.Node, _ kernel: Tensor) -> [String] {
    [constant(kernel, "\(node.name)/kernel")]
      + (node.tensors[.bias].map { [constant($0, "\(node.name)/bias")] } ?? [])
  }

  private func window(
    _ size: Extent, _ stride: Extent, _ sides: Sides
  ) -> [String: ONNXFile.Attribute] {
    ["kernel_shape": .ints([size]), "strides": .ints([stride]), "pads": .ints(sides)]
  }

  /// The catalogue's order is rows, columns, channels.
  private mutating func flatten(_ input: String, _ shape: Shape, _ name: String) {
    var input = input
    if shape.channels > 1, shape.extent != Extent(1, 1) {
      input = add("Transpose", [input], "\(name)_nhwc", ["perm": .ints([0, 2, 3, 1])])
    }
    add("Flatten", [input], name, ["axis": .int(1)], to: name)
  }

  private mutating func write(_ activation: Activation, _ input: String, _ name: String) {
    if let (op, attributes) = activation.onnxOperator {
      let bounds = activation == .relu6 ? [scalar(0), scalar(6)] : []
      add(op, [input] + bounds, name, attributes, to: name)
      return
    }
    let template = ONNXTemplate.all.first { $0.activation == activation }!
    var steps: [String] = []
    for (i, step) in template.steps.enumerated() {
      var operands: [String] = []
      for operand in step.operands {
        switch operand {
        case .x: operands.append(input)
        case .step(let step): operands.append(steps[step])
        case .constant(let value): operands.append(scalar(value))
        }
      }
      let isLast = i == template.steps.count - 1
      steps.append(add(step.op, operands, "\(name)_\(i)", to: isLast ? name : nil))
    }
  }

  /// A number for each channel, to be multiplied with or added to all positions of `shape`.
  private func channelwise(_ tensor: Tensor, _ shape: Shape) -> Tensor {
    shape.isImage ? tensor.reshaped([tensor.values.count, 1, 1]) : tensor
  }

  private mutating func write(
    _ norm: LayerNormDescription, _ node: Graph.Node, _ input: String, _ shape: Shape,
    _ name: String
  ) {
    let ones = Tensor(Array(repeating: 1, count: shape.channels))
    var weights = [constant(node.tensors[.scale] ?? ones, "\(node.name)/scale")]
    if let offset = node.tensors[.offset] {
      weights.append(constant(offset, "\(node.name)/offset"))
    }
    let attributes: [String: ONNXFile.Attribute] = [
      "axis": .int(-1), "epsilon": .float(norm.epsilon),
    ]
    guard shape.isImage else {
      add("LayerNormalization", [input] + weights, name, attributes, to: name)
      return
    }
    let last = add("Transpose", [input], "\(name)_nhwc", ["perm": .ints([0, 2, 3, 1])])
    let normed = add("LayerNormalization", [last] + weights, "\(name)_normed", attributes)
    add("Transpose", [normed], name, ["perm": .ints([0, 3, 1, 2])], to: name)
  }

  /// Opset 17 has no group normalisation: it is an instance normalisation of the groups laid out as
  /// channels.
  private mutating func write(
    _ norm: GroupNormDescription, _ node: Graph.Node, _ input: String, _ shape: Shape,
    _ name: String
  ) {
    let groups = add("Reshape", [input, sizes([0, norm.groups, -1])], "\(name)_groups")
    let ones = constant(
      .floats(Tensor(Array(repeating: 1, count: norm.groups))), "ones_\(constantNames.count)")
    let zeros = constant(
      .floats(Tensor(Array(repeating: 0, count: norm.groups))), "zeros_\(constantNames.count)")
    let normed = add(
      "InstanceNormalization", [groups, ones, zeros], "\(name)_normed",
      ["epsilon": .float(norm.epsilon)])
    let whole = shape.sizes.map { [0, $0.channels, $0.height, $0.width] } ?? [0, shape.count]
    let rest = [("Mul", TensorInfo.Role.scale), ("Add", .offset)].compactMap { op, role in
      node.tensors[role].map { (op, role, $0) }
    }
    var value = add(
      "Reshape", [normed, sizes(whole)], "\(name)_whole", to: rest.isEmpty ? name : nil)
    for (i, (op, role, tensor)) in rest.enumerated() {
      let operand = constant(channelwise(tensor, shape), "\(node.name)/\(role.rawValue)")
      value = add(
        op, [value, operand], "\(name)_\(role.rawValue)d", to: i == rest.count - 1 ? name : nil)
    }
  }

  private mutating func write(
    _ frame: FrameDescription, _ input: String, _ shape: Shape, _ name: String
  ) {
    let sides = frame.sides
    switch frame.change {
    case .zeroPad:
      let pads = sizes([0, 0, sides.top, sides.left, 0, 0, sides.bottom, sides.right])
      add("Pad", [input, pads, scalar(0)], name, ["mode": .string("constant")], to: name)
    case .crop:
      let (height, width, _) = shape.sizes!
      add(
        "Slice",
        [
          input, sizes([sides.top, sides.left]),
          sizes([height - sides.bottom, width - sides.right]), sizes([2, 3]),
        ], name, to: name)
    }
  }

  private mutating func write(
    _ merge: Merge, _ node: Graph.Node, _ inputs: [String], _ name: String
  ) {
    switch merge {
    case .add: add("Sum", inputs, name, to: name)
    case .concat: add("Concat", inputs, name, ["axis": .int(1)], to: name)
    case .multiply:
      // A vector is as an image of one position.
      var factors = inputs
      for (i, input) in node.inputs.enumerated()
      where node.output.isImage && !graph.shape(of: input).isImage {
        factors[i] = add("Unsqueeze", [inputs[i], sizes([2, 3])], "\(name)_image")
      }
      var product = factors[0]
      for (i, factor) in factors.enumerated().dropFirst() {
        product = add(
          "Mul", [product, factor], "\(name)_\(i)", to: i == factors.count - 1 ? name : nil)
      }
    }
  }
}

extension ONNXFile.Attribute {
  /// Heights and widths.
  static func ints(_ extents: [Extent]) -> ONNXFile.Attribute {
    .ints(extents.flatMap { [$0.height, $0.width] })
  }

  /// The beginnings, then the ends, as `pads` has them.
  static func ints(_ sides: Sides) -> ONNXFile.Attribute {
    .ints([sides.top, sides.left, sides.bottom, sides.right])
  }
}
