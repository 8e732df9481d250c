import ConvNet

/// Writes a graph as TensorFlow Lite: images are (1, H, W, C), floats; interpreters may be told of more
/// at once where there is no transposed convolution.
struct TFLiteWriter {
  private let graph: Graph
  private var file: TFLiteFile
  private var taken: Set<String> = []
  private var scalars: [Float: Int] = [:]
  private var images = 0
  private var outputs: [Int] = []

  /// The graph with batch norms as they are written: y = (x − μ)·f + β.
  static func plain(_ graph: Graph) -> Graph {
    var graph = graph
    for place in graph.nodes.indices {
      guard case .batchNorm(var norm) = graph.nodes[place].layer else { continue }
      let tensors = graph.nodes[place].tensors
      let variance = tensors[.movingVariance]!.values
      let factor = variance.indices.map {
        (tensors[.scale]?.values[$0] ?? 1) / (variance[$0] + norm.epsilon).squareRoot()
      }
      norm.epsilon = 0
      (norm.scale, norm.center) = (true, true)
      graph.nodes[place].layer = .batchNorm(norm)
      graph.nodes[place].tensors[.scale] = Tensor(factor)
      graph.nodes[place].tensors[.movingVariance] = Tensor(variance.map { _ in 1 })
      graph.nodes[place].tensors[.offset] =
        tensors[.offset] ?? Tensor(variance.map { _ in 0 })
    }
    return graph
  }

  /// - Parameter graph: as `plain` gives it.
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
      guard let bytes = constants[name], bytes.count == 4 * shape.reduce(1, *) else {
        throw ExchangeError("its tensor \(name) is missing, or of another length")
      }
      let values = [Float](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
        bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
        count = bytes.count / 4
      }
      return Tensor(values, shape: shape)
    }
    var graph = graph
    for place in graph.nodes.indices {
      let node = graph.nodes[place]
      for (role, tensor) in node.tensors where role != .movingVariance {
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
  private static func order(
    of role: TensorInfo.Role, in layer: LayerDescription, _ tensor: Tensor
  ) -> [Int] {
    guard role == .kernel else { return Array(tensor.shape.indices) }
    switch layer {
    case .conv2D(let conv): return conv.isDepthwise(tensor) ? [2, 0, 1, 3] : [3, 0, 1, 2]
    case .conv2DTranspose: return [2, 0, 1, 3]
    default: return [1, 0]
    }
  }

  private init(_ graph: Graph, _ description: String) {
    self.graph = graph
    file = TFLiteFile(description: description)
  }

  // MARK: values and operators

  private mutating func unique(_ name: String) -> String {
    var (candidate, number) = (name, 2)
    while !taken.insert(candidate).inserted {
      candidate = "\(name)_\(number)"
      number += 1
    }
    return candidate
  }

  private mutating func add(_ value: TFLiteFile.Value) -> Int {
    file.values.append(value)
    return file.values.count - 1
  }

  /// A constant under a name of its own.
  private mutating func constant(_ tensor: Tensor, _ name: String, shape: [Int]? = nil) -> Int {
    taken.insert(name)
    return add(
      TFLiteFile.Value(
        name: name, shape: shape ?? tensor.shape,
        constant: tensor.values.withUnsafeBytes { Array($0) }))
  }

  private mutating func scalar(_ value: Float) -> Int {
    if let known = scalars[value] { return known }
    let place = constant(Tensor([value]), unique("constant_\(scalars.count)"))
    scalars[value] = place
    return place
  }

  private mutating func integers(_ values: [Int], _ name: String, shape: [Int]? = nil) -> Int {
    let bytes = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    return add(
      TFLiteFile.Value(
        name: unique(name), shape: shape ?? [values.count], constant: bytes, isInteger: true))
  }

  /// The shape of a value of the graph.
  private func batch(_ shape: Shape) -> [Int] {
    shape.sizes.map { [1, $0.height, $0.width, $0.channels] } ?? [1, shape.count]
  }

  private mutating func add(
    _ op: TFLiteFile.Operator, _ inputs: [Int], _ name: String, _ shape: [Int],
    version: Int = 1, _ options: (type: Int, fields: [Int: FlatValue])? = nil
  ) -> Int {
    let output = add(TFLiteFile.Value(name: unique(name), shape: shape))
    file.nodes.append(
      TFLiteFile.Node(op: op, version: version, inputs: inputs, output: output, options: options))
    return output
  }

  // The numbers are those of the schema's BuiltinOptions, and of the fields of each.
  private static let none: [Int: FlatValue] = [:]

  private mutating func arithmetic(
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

  private mutating func reshape(_ value: Int, _ name: String, _ shape: [Int]) -> Int {
    var sizes = shape
    sizes[0] = -1
    let target = integers(sizes, "\(name)_sizes")
    return add(.reshape, [value, target], name, shape, (17, Self.none))
  }

  /// The mean or the largest along some axes, which stay with a size of 1.
  private mutating func reduce(
    _ op: TFLiteFile.Operator, _ value: Int, _ axes: [Int], _ name: String, _ shape: [Int],
    keeps: Bool = true
  ) -> Int {
    let places = integers(axes, "\(name)_axes")
    return add(op, [value, places], name, shape, (27, keeps ? [0: .bool(true)] : Self.none))
  }

  // MARK: before the first layer

  private mutating func prepare() {
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

  private func value(_ input: LayerInput) -> Int {
    switch input {
    case .images: images
    case .layer(let place): outputs[place]
    }
  }

  private mutating func write(_ node: Graph.Node, _ output: String?) {
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
      name: name, shape: last.shape, constant: last.constant, isInteger: last.isInteger)
    outputs.append(value)
  }

  private mutating func write(_ node: Graph.Node, _ name: String, _ inputs: [Int]) -> Int {
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
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }

  private mutating func kernel(_ node: Graph.Node) -> Int {
    let tensor = node.tensors[.kernel]!
    let order = Self.order(of: .kernel, in: node.layer, tensor)
    return constant(tensor.transposed(order), "\(node.name)/kernel")
  }

  /// The interpreters' fast kernels want one; zeros where there is none.
  private mutating func bias(_ node: Graph.Node, _ count: Int) -> Int {
    if let bias = node.tensors[.bias] { return constant(bias, "\(node.name)/bias") }
    return constant(Tensor(Array(repeating: 0, count: count)), unique("\(node.name)/zeros"))
  }

  private mutating func parameter(_ node: Graph.Node, _ role: TensorInfo.Role) -> Int {
    constant(node.tensors[role]!, "\(node.name)/\(role.rawValue)")
  }

  /// γx + β, of what there is.
  private mutating func affine(
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
  private mutating func normalized(
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

  // MARK: windows

  private enum WindowPadding: Int {
    case same = 0
    case valid = 1
  }

  /// What a window slides over: the value itself where the sides are those of `same` or none, else the
  /// value with numbers put around it.
  private mutating func windowed(
    _ x: Int, _ shape: Shape, _ node: Graph.Node, _ window: Extent, _ stride: Extent,
    _ dilation: Extent, _ name: String, fill: Float = 0
  ) -> (Int, Extent, WindowPadding) {
    let (sides, extent, output) = (node.sides, shape.extent, node.output.extent)
    if sides == .none { return (x, extent, .valid) }
    let same = Padding.same.sides(
      extent, output, window: window, stride: stride, dilation: dilation)
    let isSame =
      output.height == (extent.height + stride.height - 1) / stride.height
      && output.width == (extent.width + stride.width - 1) / stride.width
    if same == sides, isSame { return (x, extent, .same) }
    let whole = Extent(
      extent.height + sides.top + sides.bottom, extent.width + sides.left + sides.right)
    let padded = pad(
      x, sides, "\(name)_padded", [1, whole.height, whole.width, shape.channels], fill: fill)
    return (padded, whole, .valid)
  }

  private mutating func pad(
    _ x: Int, _ sides: Sides, _ name: String, _ shape: [Int], fill: Float = 0
  ) -> Int {
    let amounts = integers(
      [0, 0, sides.top, sides.bottom, sides.left, sides.right, 0, 0], "\(name)_sides",
      shape: [4, 2])
    if fill == 0 { return add(.pad, [x, amounts], name, shape, (22, Self.none)) }
    let value = scalar(fill)
    return add(.padV2, [x, amounts, value], name, shape, (43, Self.none))
  }

  private func window(
    _ size: Extent, _ stride: Extent, _ padding: WindowPadding
  ) -> [Int: FlatValue] {
    [
      0: .byte(padding.rawValue), 1: .int(stride.width), 2: .int(stride.height),
      3: .int(size.width), 4: .int(size.height),
    ]
  }

  private mutating func write(
    _ conv: Conv2DDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape, _ name: String
  ) -> Int {
    let (input, _, padding) = windowed(
      x, shape, node, conv.kernel, conv.stride, conv.dilation, name)
    let weights = [kernel(node), bias(node, conv.filters)]
    let isDepthwise = conv.isDepthwise(node.tensors[.kernel]!)
    let isDilated = conv.dilation != Extent(1, 1)
    var fields: [Int: FlatValue] = [
      0: .byte(padding.rawValue), 1: .int(conv.stride.width), 2: .int(conv.stride.height),
    ]
    // Of a depthwise one the multiplier stands before the rest.
    let place = isDepthwise ? 5 : 4
    if isDepthwise { fields[3] = .int(conv.filters / shape.channels) }
    fields[place] = .int(conv.dilation.width)
    fields[place + 1] = .int(conv.dilation.height)
    let version = isDepthwise ? (isDilated ? 2 : 1) : conv.groups > 1 ? 6 : isDilated ? 2 : 1
    return add(
      isDepthwise ? .depthwiseConv : .conv, [input] + weights, "\(name)_y", batch(node.output),
      version: version, (isDepthwise ? 2 : 1, fields))
  }

  private mutating func write(
    _ conv: Conv2DTransposeDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape,
    _ name: String
  ) -> Int {
    let (from, to) = (shape.extent, node.output.extent)
    let (cut, _) = conv.sides(from: from, to: to)
    let same = Padding.same.sides(to, from, window: conv.kernel, stride: conv.stride)
    let isSame =
      cut == same && to.height == from.height * conv.stride.height
      && to.width == from.width * conv.stride.width
    // Else all of it is computed, and then cut.
    let whole =
      isSame
      ? to
      : Extent(to.height + cut.top + cut.bottom, to.width + cut.left + cut.right)
    let sizes = [1, whole.height, whole.width, conv.filters]
    let target = integers(sizes, "\(name)_sizes")
    let weights = kernel(node)
    let offset = bias(node, conv.filters)
    let spread = add(
      .transposeConv, [target, weights, x, offset], "\(name)_y", sizes, version: 3,
      (
        49,
        [
          0: .byte((isSame ? WindowPadding.same : .valid).rawValue), 1: .int(conv.stride.width),
          2: .int(conv.stride.height),
        ]
      ))
    return whole == to ? spread : slice(spread, cut, "\(name)_cut", batch(node.output))
  }

  private mutating func slice(_ x: Int, _ sides: Sides, _ name: String, _ shape: [Int]) -> Int {
    let begin = integers([0, sides.top, sides.left, 0], "\(name)_begin")
    let size = integers([-1] + shape.dropFirst(), "\(name)_size")
    return add(.slice, [x, begin, size], name, shape, (48, Self.none))
  }

  /// The interpreters' own mean leaves out what lies around the image with `same`.
  private mutating func write(
    _ pool: AveragePoolDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape, _ name: String
  ) -> Int {
    let output = batch(node.output)
    if pool.countIncludePad, node.sides != .none {
      let extent = shape.extent
      let padded = pad(
        x, node.sides, "\(name)_padded",
        [
          1, extent.height + node.sides.top + node.sides.bottom,
          extent.width + node.sides.left + node.sides.right, shape.channels,
        ])
      return add(
        .averagePool, [padded], "\(name)_y", output, (5, window(pool.size, pool.stride, .valid)))
    }
    let (input, extent, padding) = windowed(
      x, shape, node, pool.size, pool.stride, Extent(1, 1), name)
    let mean = add(
      .averagePool, [input], "\(name)_y", output, (5, window(pool.size, pool.stride, padding)))
    guard extent != shape.extent else { return mean }
    // Zeros were put around it that don't count.
    func counts(_ count: Int, _ output: Int, _ size: Int, _ stride: Int, _ before: Int) -> [Int] {
      (0..<output).map { r in
        (0..<size).count { (0..<count).contains(r * stride + $0 - before) }
      }
    }
    let rows = counts(
      shape.extent.height, output[1], pool.size.height, pool.stride.height, node.sides.top)
    let columns = counts(
      shape.extent.width, output[2], pool.size.width, pool.stride.width, node.sides.left)
    let all = Float(pool.size.height * pool.size.width)
    let factors = rows.flatMap { row in columns.map { all / Float(row * $0) } }
    let factor = constant(
      Tensor(factors, shape: [1, output[1], output[2], 1]), unique("\(name)_counts"))
    return arithmetic(.mul, mean, factor, "\(name)_counted", output)
  }

  // MARK: the rest

  private mutating func write(
    _ frame: FrameDescription, _ x: Int, _ name: String, _ output: [Int]
  ) -> Int {
    frame.change == .zeroPad
      ? pad(x, frame.sides, "\(name)_y", output) : slice(x, frame.sides, "\(name)_y", output)
  }

  private mutating func write(
    _ merge: Merge, _ node: Graph.Node, _ inputs: [Int], _ name: String, _ output: [Int]
  ) -> Int {
    if merge == .concat {
      return add(
        .concatenation, inputs, "\(name)_y", output, (10, [0: .int(output.count - 1)]))
    }
    // A vector is as an image of one position.
    var operands: [(value: Int, shape: [Int])] = []
    for (input, value) in zip(node.inputs, inputs) {
      let shape = graph.shape(of: input)
      if node.output.isImage, !shape.isImage {
        let sizes = [1, 1, 1, shape.channels]
        operands.append((reshape(value, "\(name)_image", sizes), sizes))
      } else {
        operands.append((value, batch(shape)))
      }
    }
    var (value, shape) = operands[0]
    for (i, operand) in operands.enumerated().dropFirst() {
      shape = zip(shape, operand.shape).map { max($0, $1) }
      value = arithmetic(
        merge == .add ? .add : .mul, value, operand.value, "\(name)_\(i)", shape)
    }
    return value
  }

  private mutating func write(
    _ activation: Activation, _ x: Int, _ name: String, _ shape: [Int]
  ) -> Int {
    var step = 0
    func next() -> String {
      step += 1
      return "\(name)_\(step)"
    }
    func one(_ op: TFLiteFile.Operator, _ a: Int, _ writer: inout TFLiteWriter) -> Int {
      writer.add(op, [a], next(), shape)
    }
    func two(
      _ op: TFLiteFile.Operator, _ a: Int, _ b: Int, _ writer: inout TFLiteWriter
    ) -> Int { writer.arithmetic(op, a, b, next(), shape) }
    func with(
      _ op: TFLiteFile.Operator, _ a: Int, _ number: Float, _ writer: inout TFLiteWriter
    ) -> Int {
      let constant = writer.scalar(number)
      return two(op, a, constant, &writer)
    }
    switch activation {
    case .linear: return x
    case .relu: return one(.relu, x, &self)
    case .relu6: return one(.relu6, x, &self)
    case .leakyReLU(let slope): return add(.leakyRelu, [x], next(), shape, (75, [0: .float(slope)]))
    case .elu(let alpha):
      if alpha == 1 { return one(.elu, x, &self) }
      // max(x, 0) + α·elu(min(x, 0))
      let low = with(.minimum, x, 0, &self)
      let bent = one(.elu, low, &self)
      let scaled = with(.mul, bent, alpha, &self)
      let high = one(.relu, x, &self)
      return two(.add, high, scaled, &self)
    case .gelu(let approximate):
      return add(.gelu, [x], next(), shape, (116, approximate ? [0: .bool(true)] : Self.none))
    case .sigmoid: return one(.logistic, x, &self)
    case .hardSigmoid:
      let scaled = with(.mul, x, 1 / 6, &self)
      let line = with(.add, scaled, 0.5, &self)
      let high = with(.maximum, line, 0, &self)
      return with(.minimum, high, 1, &self)
    case .swish:
      let gate = one(.logistic, x, &self)
      return two(.mul, x, gate, &self)
    case .hardSwish: return add(.hardSwish, [x], next(), shape, (91, Self.none))
    case .mish:
      // x·n/(n + 2), n = e²ˣ + 2eˣ; from x = 20 on that is x
      let low = with(.minimum, x, 20, &self)
      let e = one(.exp, low, &self)
      let more = with(.add, e, 2, &self)
      let n = two(.mul, e, more, &self)
      let below = with(.add, n, 2, &self)
      let quotient = two(.div, n, below, &self)
      return two(.mul, x, quotient, &self)
    case .tanh: return one(.tanh, x, &self)
    case .softplus:
      // max(x, 0) + ln(1 + e^−|x|)
      let size = one(.abs, x, &self)
      let negative = one(.neg, size, &self)
      let e = one(.exp, negative, &self)
      let sum = with(.add, e, 1, &self)
      let logarithm = one(.log, sum, &self)
      let high = one(.relu, x, &self)
      return two(.add, high, logarithm, &self)
    case .softmax: return add(.softmax, [x], next(), shape, (9, [0: .float(1)]))
    }
  }
}

extension Conv2DDescription {
  /// Whether each filter sees one of several channels.
  fileprivate func isDepthwise(_ kernel: Tensor) -> Bool { groups > 1 && kernel.shape[2] == 1 }
}
