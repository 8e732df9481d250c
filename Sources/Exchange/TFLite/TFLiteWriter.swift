import ConvNet
import ONNX

/// Writes a graph as TensorFlow Lite: images are (1, H, W, C), floats; interpreters may be told of more
/// at once.
struct TFLiteWriter {
  let graph: Graph
  var file: TFLiteFile
  var taken: Set<String> = []
  var scalars: [Float: Int] = [:]
  var images = 0
  var outputs: [Int] = []

  /// - Parameter graph: as `Graph.withPlainBatchNorms` gives it.
  /// - Throws: `ExchangeError` naming a layer that TensorFlow Lite cannot say.
  static func file(_ graph: Graph, description: String) throws(ExchangeError) -> TFLiteFile {
    var writer = TFLiteWriter(graph, description)
    writer.prepare()
    let outputName = graph.endsInSoftmax ? "probabilities" : "scores"
    writer.taken.insert(outputName)
    for (place, node) in graph.nodes.enumerated() {
      writer.write(node, place == graph.nodes.count - 1 ? outputName : nil)
    }
    writer.file.input = 0
    writer.file.output = writer.outputs.last!
    guard writer.file.values.reduce(0, { $0 + ($1.constant?.count ?? 0) }) < 1 << 31 - 1 << 24
    else {
      throw ExchangeError("a model of 2 GiB does not fit a .tflite")
    }
    return writer.file
  }

  /// The graph with the tensors of a file in the places of its own; the variances of batch norms are all 1.
  /// - Throws: `ExchangeError` where one is missing, or of another length.
  static func graph(_ graph: Graph, reading bytes: [UInt8]) throws(ExchangeError) -> Graph {
    let constants = try TFLiteFile.constants(in: bytes)
    func floats(_ name: String, _ shape: [Int]) throws(ExchangeError) -> Tensor {
      guard let bytes = constants[name],
        let tensor = Tensor(littleEndian: bytes, shape: shape)
      else { throw ExchangeError("its tensor \(name) is missing, or of another length") }
      return tensor
    }
    var graph = graph
    for place in graph.nodes.indices {
      let node = graph.nodes[place]
      for (role, tensor) in node.tensors where role != .movingVariance {
        if case .conv2DTranspose(let conv) = node.layer {
          let form = TFLiteTransposed(conv)
          let name = "\(node.name)/\(role.rawValue)"
          if role == .kernel {
            let window = try floats(name, form.shape(channels: tensor.shape[3]))
            graph.nodes[place].tensors[role] = form.gathered(window, tensor.shape)
          } else {
            let values = try floats(name, [form.positions * conv.filters]).values
            graph.nodes[place].tensors[role] = Tensor(Array(values.prefix(conv.filters)))
          }
          continue
        }
        let order = order(of: role, in: node.layer, tensor)
        let stored = try floats(
          "\(node.name)/\(role.rawValue)", order.map { tensor.shape[$0] })
        graph.nodes[place].tensors[role] = stored.transposed(
          tensor.shape.indices.map { order.firstIndex(of: $0)! })
      }
    }
    if let own = graph.normalization {
      let (mean, factor) = (
        try floats("mean", [own.mean.count]).values,
        own.factor.isEmpty ? [] : try floats("factor", [own.factor.count]).values
      )
      let count = own.mean.count
      graph.normalization = Normalization(
        mean: mean, factor: factor,
        whitening: own.whitening.isEmpty
          ? [] : try floats("whitening", [count, count]).transposed([1, 0]).values)
    }
    return graph
  }

  /// How a tensor's indices lie in the file: filters first, of a depthwise convolution last.
  static func order(
    of role: TensorInfo.Role, in layer: LayerDescription, _ tensor: Tensor
  ) -> [Int] {
    guard role == .kernel else { return Array(tensor.shape.indices) }
    switch layer {
    case .conv2D(let conv): return conv.isDepthwise(tensor) ? [2, 0, 1, 3] : [3, 0, 1, 2]
    default: return [1, 0]
    }
  }

  private init(_ graph: Graph, _ description: String) {
    self.graph = graph
    file = TFLiteFile(description: description)
  }

  // MARK: values and operators

  mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  mutating func add(_ value: TFLiteFile.Value) -> Int {
    file.values.append(value)
    return file.values.count - 1
  }

  /// A constant under a name of its own.
  mutating func constant(_ tensor: Tensor, _ name: String, shape: [Int]? = nil) -> Int {
    taken.insert(name)
    return add(
      TFLiteFile.Value(
        name: name, shape: shape ?? tensor.shape,
        constant: tensor.values.withUnsafeBytes { Array($0) }))
  }

  mutating func scalar(_ value: Float) -> Int {
    if let known = scalars[value] { return known }
    let place = constant(Tensor([value]), unique("constant_\(scalars.count)"))
    scalars[value] = place
    return place
  }

  mutating func integers(_ values: [Int], _ name: String, shape: [Int]? = nil) -> Int {
    let bytes = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return add(
      TFLiteFile.Value(
        name: unique(name), shape: shape ?? [values.count], constant: bytes, type: .int32))
  }

  /// The shape of a value of the graph.
  func batch(_ shape: Shape) -> [Int] {
    shape.sizes.map { [1, $0.height, $0.width, $0.channels] } ?? [1, shape.count]
  }

  mutating func add(
    _ op: TFLiteFile.Operator, _ inputs: [Int], _ name: String, _ shape: [Int],
    version: Int = 1, _ options: (type: Int, fields: [Int: FlatValue])? = nil
  ) -> Int {
    let output = add(TFLiteFile.Value(name: unique(name), shape: shape))
    file.nodes.append(
      TFLiteFile.Node(op: op, version: version, inputs: inputs, output: output, options: options))
    return output
  }

  // The numbers are those of the schema's BuiltinOptions, and of the fields of each.
  static let none: [Int: FlatValue] = [:]

  mutating func arithmetic(
    _ op: TFLiteFile.Operator, _ a: Int, _ b: Int, _ name: String, _ shape: [Int]
  ) -> Int {
    let type: Int? =
      switch op {
      case .add: 11
      case .mul: 21
      case .sub: 28
      case .div: 29
      case .maximum, .minimum: 39
      case .squaredDifference: 76
      default: nil
      }
    return add(op, [a, b], name, shape, type.map { ($0, Self.none) })
  }

  mutating func reshape(_ value: Int, _ name: String, _ shape: [Int]) -> Int {
    var sizes = shape
    sizes[0] = -1
    let target = integers(sizes, "\(name)_sizes")
    return add(.reshape, [value, target], name, shape, (17, Self.none))
  }

  /// The mean or the largest along some axes, which stay with a size of 1.
  mutating func reduce(
    _ op: TFLiteFile.Operator, _ value: Int, _ axes: [Int], _ name: String, _ shape: [Int],
    keeps: Bool = true
  ) -> Int {
    let places = integers(axes, "\(name)_axes")
    return add(op, [value, places], name, shape, (27, keeps ? [0: .bool(true)] : Self.none))
  }

  // MARK: before the first layer

  mutating func prepare() {
    let shape = batch(graph.input)
    images = add(TFLiteFile.Value(name: unique("images"), shape: shape))
    if let scale = graph.scale {
      let factor = scalar(scale)
      images = arithmetic(.mul, images, factor, "scaled", shape)
    }
    guard let normalization = graph.normalization else { return }
    let (height, width, channels) = graph.input.sizes!
    let isWhole = normalization.mean.count != channels || height * width == 1
    let sizes = isWhole ? [1, height, width, channels] : [1, 1, 1, channels]
    let mean = constant(Tensor(normalization.mean), "mean", shape: sizes)
    images = arithmetic(.sub, images, mean, "centred", shape)
    guard !normalization.whitening.isEmpty else {
      let factor = constant(Tensor(normalization.factor), "factor", shape: sizes)
      images = arithmetic(.mul, images, factor, "normalized", shape)
      return
    }
    let count = graph.input.count
    let matrix = Tensor(normalization.whitening, shape: [count, count]).transposed([1, 0])
    let weights = constant(matrix, "whitening")
    let flat = reshape(images, "flat_images", [1, count])
    let white = add(.fullyConnected, [flat, weights, -1], "white", [1, count], (8, Self.none))
    images = reshape(white, "normalized", shape)
  }

  // MARK: layers

  func value(_ input: LayerInput) -> Int {
    switch input {
    case .images: images
    case .layer(let place): outputs[place]
    }
  }

  mutating func write(_ node: Graph.Node, _ output: String?) {
    let name = output ?? unique(node.name)
    let first = file.values.count
    var value = write(node, name, node.inputs.map(self.value))
    if value < first {
      // Nothing was computed: the value has a name of its own all the same.
      value = reshape(value, name, batch(node.output))
    }
    // The last of a node's values is called as the node is.
    let last = file.values[value]
    file.values[value] = TFLiteFile.Value(
      name: name, shape: last.shape, constant: last.constant, type: last.type)
    outputs.append(value)
  }

  mutating func write(_ node: Graph.Node, _ name: String, _ inputs: [Int]) -> Int {
    let x = inputs[0]
    let (shape, output) = (graph.shape(of: node.inputs[0]), batch(node.output))
    switch node.layer {
    case .conv2D(let conv): return write(conv, node, x, shape, name)
    case .conv2DTranspose(let conv): return write(conv, node, x, shape, name)
    case .dense:
      let weights = [kernel(node), bias(node, node.output.channels)]
      return add(.fullyConnected, [x] + weights, "\(name)_y", output, (8, Self.none))
    case .maxPool(let pool):
      let (input, _, padding) = windowed(
        x, shape, node, pool.size, pool.stride, Extent(1, 1), name, fill: -.greatestFiniteMagnitude)
      return add(
        .maxPool, [input], "\(name)_y", output, (5, window(pool.size, pool.stride, padding)))
    case .averagePool(let pool): return write(pool, node, x, shape, name)
    case .globalPool(let pool):
      let whole = pool.keepDims ? output : [1, shape.channels]
      return reduce(
        pool.pooling == .average ? .mean : .reduceMax, x, [1, 2], "\(name)_y", whole,
        keeps: pool.keepDims)
    case .flatten: return reshape(x, "\(name)_y", output)
    case .activation(let activation): return write(activation, x, name, output)
    case .batchNorm:
      let mean = parameter(node, .movingMean)
      let centred = arithmetic(.sub, x, mean, "\(name)_centred", output)
      return affine(node, centred, name, output)
    case .layerNorm(let norm):
      let axis = shape.isImage ? 3 : 1
      var reduced = output
      reduced[axis] = 1
      let normed = normalized(x, [axis], norm.epsilon, name, output, reduced)
      return affine(node, normed, name, output)
    case .groupNorm(let norm):
      let (channels, positions) = (shape.channels, shape.count / shape.channels)
      let sizes = [1, positions, norm.groups, channels / norm.groups]
      let groups = reshape(x, "\(name)_groups", sizes)
      let normed = normalized(
        groups, [1, 3], norm.epsilon, name, sizes, [1, 1, norm.groups, 1])
      let whole = reshape(normed, "\(name)_whole", output)
      return affine(node, whole, name, output)
    case .prelu:
      let slope = constant(
        node.tensors[.slope]!, "\(node.name)/slope",
        shape: shape.isImage ? [1, 1, shape.channels] : [shape.channels])
      return add(.prelu, [x, slope], "\(name)_y", output)
    case .frame(let frame): return write(frame, x, name, output)
    case .upsample(let upsample):
      let size = integers([output[1], output[2]], "\(name)_size")
      return upsample.interpolation == .nearest
        ? add(.resizeNearest, [x, size], "\(name)_y", output, version: 3, (74, [1: .bool(true)]))
        : add(.resizeBilinear, [x, size], "\(name)_y", output, version: 3, (15, [3: .bool(true)]))
    case .merge(let merge): return write(merge.merge, node, inputs, name, output)
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }

  mutating func kernel(_ node: Graph.Node) -> Int {
    let tensor = node.tensors[.kernel]!
    let order = Self.order(of: .kernel, in: node.layer, tensor)
    return constant(tensor.transposed(order), "\(node.name)/kernel")
  }

  /// The interpreters' fast kernels want one; zeros where there is none.
  mutating func bias(_ node: Graph.Node, _ count: Int) -> Int {
    if let bias = node.tensors[.bias] { return constant(bias, "\(node.name)/bias") }
    return constant(Tensor(Array(repeating: 0, count: count)), unique("\(node.name)/zeros"))
  }

  mutating func parameter(_ node: Graph.Node, _ role: TensorInfo.Role) -> Int {
    constant(node.tensors[role]!, "\(node.name)/\(role.rawValue)")
  }

  /// γx + β, of what there is.
  mutating func affine(
    _ node: Graph.Node, _ x: Int, _ name: String, _ shape: [Int]
  ) -> Int {
    var value = x
    if node.tensors[.scale] != nil {
      let scale = parameter(node, .scale)
      value = arithmetic(.mul, value, scale, "\(name)_scaled", shape)
    }
    if node.tensors[.offset] != nil {
      let offset = parameter(node, .offset)
      value = arithmetic(.add, value, offset, "\(name)_moved", shape)
    }
    return value
  }

  /// (x − μ)/√(σ² + ε), μ and σ² along some axes.
  mutating func normalized(
    _ x: Int, _ axes: [Int], _ epsilon: Float, _ name: String, _ shape: [Int], _ reduced: [Int]
  ) -> Int {
    let mean = reduce(.mean, x, axes, "\(name)_mean", reduced)
    let squares = arithmetic(.squaredDifference, x, mean, "\(name)_squares", shape)
    let variance = reduce(.mean, squares, axes, "\(name)_variance", reduced)
    let small = scalar(epsilon)
    let sum = arithmetic(.add, variance, small, "\(name)_sum", reduced)
    let factor = add(.rsqrt, [sum], "\(name)_factor", reduced)
    let centred = arithmetic(.sub, x, mean, "\(name)_centred", shape)
    return arithmetic(.mul, centred, factor, "\(name)_normed", shape)
  }
}

extension Conv2DDescription {
  /// Whether each filter sees one of several channels.
  func isDepthwise(_ kernel: Tensor) -> Bool { groups > 1 && kernel.shape[2] == 1 }
}
