import ConvNet
import ONNX

/// Writes a graph with TensorFlow's operators, from images (N, H, W, C) to scores (N, classes);
/// `SavedModelFile.init` makes a whole SavedModel of it.
struct SavedModelWriter {
  /// The operators in use, by their names.
  enum Operator: String {
    case add = "AddV2"
    case averagePool = "AvgPool"
    case biasAdd = "BiasAdd"
    case concat = "ConcatV2"
    case constant = "Const"
    case conv2D = "Conv2D"
    case conv2DTranspose = "Conv2DBackpropInput"
    case depthwiseConv2D = "DepthwiseConv2dNative"
    case elu = "Elu"
    case erf = "Erf"
    case identity = "Identity"
    case leakyReLU = "LeakyRelu"
    case matMul = "MatMul"
    case max = "Max"
    case maxPool = "MaxPool"
    case maximum = "Maximum"
    case mean = "Mean"
    case minimum = "Minimum"
    case multiply = "Mul"
    case pad = "PadV2"
    case relu = "Relu"
    case relu6 = "Relu6"
    case reshape = "Reshape"
    case resizeBilinear = "ResizeBilinear"
    case resizeNearest = "ResizeNearestNeighbor"
    case rsqrt = "Rsqrt"
    case shape = "Shape"
    case sigmoid = "Sigmoid"
    case slice = "Slice"
    case softmax = "Softmax"
    case softplus = "Softplus"
    case squaredDifference = "SquaredDifference"
    case subtract = "Sub"
    case tanh = "Tanh"

    /// What its definition calls what it gives.
    var output: String {
      switch self {
      case .add, .multiply, .subtract, .maximum, .minimum, .squaredDifference: "z"
      case .erf, .rsqrt, .sigmoid, .tanh: "y"
      case .elu, .leakyReLU, .relu, .relu6, .softplus: "activations"
      case .matMul: "product"
      case .resizeBilinear, .resizeNearest: "resized_images"
      case .softmax: "softmax"
      default: "output"
      }
    }

    /// What its definition calls the type of its numbers.
    var type: String { self == .constant ? "dtype" : "T" }
  }

  static let images = "images"
  /// What the nodes around the network are called.
  static let reserved: Set = [
    images, "files", "files_answer", "files_probabilities", "pixels", "decoded", "probabilities",
    "class", "class_axis", "class_count", "names", "names_axis", "ranked", "ranked_names",
  ]

  let graph: Graph
  private(set) var nodes: [SavedModelFile.Node] = []
  private var names = Identifiers(reserved: reserved)
  private var input = images
  private var outputs: [String] = []
  /// Where the numbers of each node are, by its name.
  private var parameters: [String: [TensorInfo.Role: String]] = [:]

  /// The nodes, and which of them gives the scores.
  ///
  /// - Parameter graph: as `Graph.withPlainBatchNorms` gives it.
  /// - Throws: `ExchangeError` where it is too large.
  static func nodes(
    _ graph: Graph
  ) throws(ExchangeError) -> (nodes: [SavedModelFile.Node], scores: String) {
    var writer = SavedModelWriter(graph)
    writer.prepare()
    for node in graph.nodes { writer.write(node) }
    guard writer.constantBytes < 1 << 31 - 1 << 24 else {
      throw ExchangeError("a model of 2 GiB does not fit a saved_model.pb")
    }
    return (writer.nodes, writer.outputs.last!)
  }

  /// The graph with the numbers of a file in the places of its own; the variances of batch norms are all 1.
  /// - Throws: `ExchangeError` where one is missing, or of another length.
  static func graph(_ graph: Graph, reading bytes: [UInt8]) throws(ExchangeError) -> Graph {
    let constants = try SavedModelFile.constants(in: bytes)
    var writer = SavedModelWriter(graph)
    writer.prepare()
    var read = graph
    func floats(_ name: String, _ shape: [Int]) throws(ExchangeError) -> Tensor {
      guard let bytes = constants[name],
        let tensor = Tensor(littleEndian: bytes, shape: shape)
      else { throw ExchangeError("its constant \(name) is missing, or of another length") }
      return tensor
    }
    if let own = graph.normalization {
      read.normalization = Normalization(
        mean: try floats("mean", [own.mean.count]).values,
        factor: own.factor.isEmpty ? [] : try floats("factor", [own.factor.count]).values,
        whitening: own.whitening.isEmpty
          ? []
          : try floats("whitening", [own.mean.count, own.mean.count]).transposed([1, 0]).values)
    }
    for (place, node) in graph.nodes.enumerated() {
      writer.write(node)
      for (role, tensor) in node.tensors where role != .movingVariance {
        read.nodes[place].tensors[role] = try floats(
          writer.parameters[node.name]![role]!, tensor.shape)
      }
    }
    return read
  }

  private init(_ graph: Graph) { self.graph = graph }

  private var constantBytes: Int {
    nodes.reduce(0) { sum, node in
      guard case .tensor(_, _, let bytes)? = node.attributes["value"] else { return sum }
      return sum + bytes.count
    }
  }

  // MARK: values and operators

  mutating func add(
    _ op: Operator, _ inputs: [String], _ name: String,
    _ attributes: [String: SavedModelFile.Attribute] = [:]
  ) -> String {
    let own = names.identifier(name)
    nodes.append(
      SavedModelFile.Node(
        name: own, op: op.rawValue, inputs: inputs,
        attributes: [op.type: .type(.float)].merging(attributes) { $1 }))
    return own
  }

  mutating func constant(_ tensor: Tensor, _ name: String, shape: [Int]? = nil) -> String {
    add(
      .constant, [], name,
      [
        "value": .tensor(
          .float, shape: shape ?? tensor.shape, bytes: tensor.values.withUnsafeBytes { Array($0) })
      ])
  }

  mutating func scalar(_ value: Float, _ name: String) -> String {
    constant(Tensor([value]), "\(name)_number", shape: [])
  }

  mutating func integers(_ values: [Int], _ name: String, shape: [Int]? = nil) -> String {
    let bytes = values.map(Int32.init).withUnsafeBytes { Array($0) }
    return add(
      .constant, [], name,
      [
        "dtype": .type(.int32),
        "value": .tensor(.int32, shape: shape ?? [values.count], bytes: bytes),
      ])
  }

  /// A number of a node for each of its channels, or its kernel.
  mutating func parameter(
    _ node: Graph.Node, _ role: TensorInfo.Role, shape: [Int]? = nil
  ) -> String {
    let value = constant(node.tensors[role]!, "\(node.name)_\(role.rawValue)", shape: shape)
    parameters[node.name, default: [:]][role] = nodes.last!.name
    return value
  }

  mutating func one(_ op: Operator, _ x: String, _ name: String) -> String { add(op, [x], name) }

  mutating func two(_ op: Operator, _ x: String, _ y: String, _ name: String) -> String {
    add(op, [x, y], name)
  }

  mutating func with(_ op: Operator, _ x: String, _ number: Float, _ name: String) -> String {
    let number = scalar(number, name)
    return add(op, [x, number], name)
  }

  mutating func reshape(_ x: String, _ sizes: [Int], _ name: String) -> String {
    let sizes = integers(sizes, "\(name)_sizes")
    return add(.reshape, [x, sizes], name)
  }

  mutating func reduce(
    _ op: Operator, _ x: String, _ axes: [Int], keeps: Bool, _ name: String
  ) -> String {
    let axes = integers(axes, "\(name)_axes")
    return add(op, [x, axes], name, ["keep_dims": .bool(keeps)])
  }

  mutating func biased(
    _ node: Graph.Node, _ x: String, _ name: String, by operator: Operator = .biasAdd
  ) -> String {
    guard node.tensors[.bias] != nil else { return x }
    let bias = parameter(node, .bias)
    return add(`operator`, [x, bias], "\(name)_biased")
  }

  // MARK: before the first layer

  private mutating func prepare() {
    if let scale = graph.scale { input = with(.multiply, input, scale, "scaled") }
    guard let normalization = graph.normalization else { return }
    let (height, width, channels) = graph.input.sizes!
    let isWhole = normalization.mean.count != channels || height * width == 1
    let sizes = isWhole ? [1, height, width, channels] : [1, 1, 1, channels]
    let mean = constant(Tensor(normalization.mean), "mean", shape: sizes)
    input = two(.subtract, input, mean, "centred")
    guard !normalization.whitening.isEmpty else {
      let factor = constant(Tensor(normalization.factor), "factor", shape: sizes)
      input = two(.multiply, input, factor, "normalized")
      return
    }
    let count = graph.input.count
    let matrix = constant(
      Tensor(normalization.whitening, shape: [count, count]).transposed([1, 0]), "whitening")
    let flat = reshape(input, [-1, count], "flat_images")
    let white = add(
      .matMul, [flat, matrix], "white", ["transpose_b": .bool(true)])
    input = reshape(white, [-1, height, width, channels], "normalized")
  }

  // MARK: layers

  private mutating func write(_ node: Graph.Node) {
    let inputs = node.inputs.map { input in
      if case .layer(let place) = input { outputs[place] } else { self.input }
    }
    outputs.append(write(node, inputs, node.name))
  }

  private mutating func write(
    _ node: Graph.Node, _ inputs: [String], _ name: String
  ) -> String {
    let x = inputs[0]
    let shape = graph.shape(of: node.inputs[0])
    switch node.layer {
    case .conv2D(let conv): return write(conv, node, x, shape, name)
    case .conv2DTranspose(let conv): return write(conv, node, x, shape, name)
    case .dense:
      let kernel = parameter(node, .kernel)
      return biased(node, add(.matMul, [x, kernel], name), name)
    case .maxPool(let pool):
      let (input, padding) = windowed(
        x, shape, node, pool.size, pool.stride, name, fill: -.greatestFiniteMagnitude)
      return add(.maxPool, [input], name, window(pool.size, pool.stride, padding))
    case .averagePool(let pool): return write(pool, node, x, shape, name)
    case .globalPool(let pool):
      return reduce(
        pool.pooling == .average ? .mean : .max, x, [1, 2], keeps: pool.keepDims, name)
    case .flatten: return reshape(x, [-1, node.output.count], name)
    case .activation(let activation): return write(activation, x, name)
    case .batchNorm:
      let mean = parameter(node, .movingMean)
      return affine(node, two(.subtract, x, mean, "\(name)_centred"), name)
    case .layerNorm(let norm):
      let normed = normalized(x, [shape.isImage ? 3 : 1], norm.epsilon, name)
      return affine(node, normed, name)
    case .groupNorm(let norm):
      let (channels, positions) = (shape.channels, shape.count / shape.channels)
      let groups = reshape(
        x, [-1, positions, norm.groups, channels / norm.groups], "\(name)_groups")
      let normed = normalized(groups, [1, 3], norm.epsilon, name)
      return affine(node, reshape(normed, sizes(node.output), "\(name)_whole"), name)
    case .prelu:
      // max(x, 0) + slope·min(x, 0)
      let slope = parameter(node, .slope)
      let low = with(.minimum, x, 0, "\(name)_low")
      let bent = two(.multiply, low, slope, "\(name)_bent")
      return two(.add, one(.relu, x, "\(name)_high"), bent, name)
    case .frame(let frame):
      return frame.change == .zeroPad
        ? pad(x, frame.sides, name) : slice(x, frame.sides, sizes(node.output), name)
    case .upsample(let upsample):
      let size = integers(Array(sizes(node.output)[1...2]), "\(name)_size")
      return add(
        upsample.interpolation == .nearest ? .resizeNearest : .resizeBilinear, [x, size], name,
        ["half_pixel_centers": .bool(true)])
    case .merge(let merge): return write(merge.merge, node, inputs, name)
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }

  /// Of a batch of any size.
  func sizes(_ shape: Shape) -> [Int] {
    shape.sizes.map { [-1, $0.height, $0.width, $0.channels] } ?? [-1, shape.count]
  }

  /// γx + β, of what there is.
  private mutating func affine(_ node: Graph.Node, _ x: String, _ name: String) -> String {
    var value = x
    if node.tensors[.scale] != nil {
      let scale = parameter(node, .scale)
      value = two(.multiply, value, scale, "\(name)_scaled")
    }
    if node.tensors[.offset] != nil {
      let offset = parameter(node, .offset)
      value = two(.add, value, offset, "\(name)_moved")
    }
    return value
  }

  /// (x − μ)/√(σ² + ε), μ and σ² along some axes.
  private mutating func normalized(
    _ x: String, _ axes: [Int], _ epsilon: Float, _ name: String
  ) -> String {
    let mean = reduce(.mean, x, axes, keeps: true, "\(name)_mean")
    let squares = two(.squaredDifference, x, mean, "\(name)_squares")
    let variance = reduce(.mean, squares, axes, keeps: true, "\(name)_variance")
    let sum = with(.add, variance, epsilon, "\(name)_sum")
    let factor = one(.rsqrt, sum, "\(name)_factor")
    let centred = two(.subtract, x, mean, "\(name)_centred")
    return two(.multiply, centred, factor, "\(name)_normed")
  }

  private mutating func write(
    _ merge: Merge, _ node: Graph.Node, _ inputs: [String], _ name: String
  ) -> String {
    if merge == .concat {
      let axis = integers([node.output.isImage ? 3 : 1], "\(name)_axis", shape: [])
      return add(.concat, inputs + [axis], name, ["N": .int(inputs.count)])
    }
    // A vector is as an image of one position.
    var operands: [String] = []
    for (input, value) in zip(node.inputs, inputs) {
      let shape = graph.shape(of: input)
      operands.append(
        node.output.isImage && !shape.isImage
          ? reshape(value, [-1, 1, 1, shape.channels], "\(name)_image") : value)
    }
    var value = operands[0]
    for operand in operands.dropFirst() {
      value = two(merge == .add ? .add : .multiply, value, operand, name)
    }
    return value
  }
}
