import ConvNet

/// Reads a graph from ONNX, operator by operator: those that `ONNXWriter` writes, in the forms that it
/// writes them in. What else there may be it refuses by name.
struct ONNXReader {
  /// A value of the file: what it is in the graph, and how it lies.
  private struct Value {
    enum Form: Hashable {
      /// An image, channels first or last.
      case nchw, nhwc
      case vector
      /// A vector as an image of one position.
      case unsqueezed
      /// Images as rows of numbers, on their way to be whitened.
      case flat(channelsFirst: Bool)
      /// Channels in so many groups, (N, groups, …), on their way to be normalised.
      case grouped(Int)
    }
    var input: LayerInput
    var form: Form
  }

  private let file: ONNXFile
  private let constants: [String: ONNXFile.Constant]
  private var graph: Graph
  private var values: [String: Value] = [:]
  /// How far the preparation of the images has come.
  private var mean: [Float]?
  private var isNormalized = false
  /// Numbers of all constants, and of those that nodes hold by now, each in a copy of its own.
  private let given: Int
  private var held = 0

  /// The graph of a file.
  /// - Throws: `ExchangeError` naming an operator that is not read.
  static func graph(of file: ONNXFile) throws(ExchangeError) -> Graph {
    var reader = try ONNXReader(file)
    var place = 0
    while place < file.nodes.count {
      let node = file.nodes[place]
      if let steps = try reader.readTemplate(at: place) {
        place += steps
        continue
      }
      try reader.read(node)
      place += 1
    }
    return try reader.finish()
  }

  private init(_ file: ONNXFile) throws(ExchangeError) {
    self.file = file
    constants = Dictionary(uniqueKeysWithValues: file.constants.map { ($0.name, $0.value) })
    given = file.constants.reduce(0) { sum, constant in
      if case .floats(let tensor) = constant.value { sum + tensor.values.count } else { sum }
    }
    guard file.inputs.count == 1, let port = file.inputs.first, port.sizes.count == 4 else {
      throw ExchangeError("does not take one tensor of images")
    }
    var sizes: [Int] = []
    for size in port.sizes.dropFirst() {
      guard case .fixed(let size) = size, (1...65_536).contains(size) else {
        throw ExchangeError("takes images of no fixed size")
      }
      sizes.append(size)
    }
    // The writer transposes what has its channels last before any layer.
    let isLast = file.nodes.contains {
      $0.op == "Transpose" && $0.attributes["perm"] == .ints([0, 3, 1, 2])
        && $0.outputs == ["images_nchw"]
    }
    let shape =
      isLast
      ? Shape.image(height: sizes[0], width: sizes[1], channels: sizes[2])
      : Shape.image(height: sizes[1], width: sizes[2], channels: sizes[0])
    graph = Graph(input: shape)
    values[port.name] = Value(input: .images, form: isLast ? .nhwc : .nchw)
  }

  private func finish() throws(ExchangeError) -> Graph {
    guard file.outputs.count == 1, let value = values[file.outputs[0].name],
      value.form == .vector, value.input == .layer(graph.nodes.count - 1)
    else { throw ExchangeError("does not end with one vector of scores") }
    guard mean == nil || isNormalized else {
      throw ExchangeError("takes a mean from the images, and divides them by nothing")
    }
    return graph
  }

  // MARK: what operators are told

  private func refused(_ node: ONNXFile.Node, _ why: String) -> ExchangeError {
    ExchangeError("\(node.op) \(node.name): \(why)")
  }

  private func value(_ node: ONNXFile.Node, _ place: Int = 0) throws(ExchangeError) -> Value {
    guard node.inputs.indices.contains(place), let value = values[node.inputs[place]] else {
      throw refused(node, "its input \(place) is no value that was computed before it")
    }
    return value
  }

  private func floats(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> Tensor {
    guard node.inputs.indices.contains(place),
      case .floats(let tensor) = constants[node.inputs[place]]
    else { throw refused(node, "its input \(place) is no constant of floats") }
    return tensor
  }

  private func sizes(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> [Int] {
    guard node.inputs.indices.contains(place),
      case .ints(let values) = constants[node.inputs[place]],
      values.allSatisfy({ $0.magnitude <= 1 << 31 })
    else { throw refused(node, "its input \(place) is no constant of whole numbers") }
    return values
  }

  private func ints(
    _ node: ONNXFile.Node, _ name: String, count: Int
  ) throws(ExchangeError) -> [Int] {
    guard case .ints(let values) = node.attributes[name], values.count == count,
      values.allSatisfy({ (0...65_536).contains($0) })
    else { throw refused(node, "its \(name) is not \(count) numbers from 0 to 65536") }
    return values
  }

  private func extent(_ node: ONNXFile.Node, _ name: String) throws(ExchangeError) -> Extent {
    let values = try ints(node, name, count: 2)
    return Extent(values[0], values[1])
  }

  private func sides(_ node: ONNXFile.Node) throws(ExchangeError) -> Sides {
    let values = try ints(node, "pads", count: 4)
    return Sides(top: values[0], bottom: values[2], left: values[1], right: values[3])
  }

  private func float(_ node: ONNXFile.Node, _ name: String) throws(ExchangeError) -> Float {
    guard case .float(let value) = node.attributes[name], value.isFinite else {
      throw refused(node, "its \(name) is no number")
    }
    return value
  }

  /// Refuses attributes that are none of these.
  private func only(_ names: Set<String>, _ node: ONNXFile.Node) throws(ExchangeError) {
    if let other = node.attributes.keys.sorted().first(where: { !names.contains($0) }) {
      throw refused(node, "its attribute \(other) is not read")
    }
  }

  // MARK: nodes of the graph

  private mutating func add(
    _ node: ONNXFile.Node, _ layer: LayerDescription, _ inputs: [LayerInput],
    _ tensors: [TensorInfo.Role: Tensor] = [:], form: Value.Form? = nil
  ) throws(ExchangeError) {
    let shapes = inputs.map { graph.shape(of: $0) }
    let shape: Shape
    do throws(NetworkError) { shape = try layer.output(of: shapes) } catch {
      throw refused(node, error.message)
    }
    held += tensors.values.reduce(0) { $0 + $1.values.count }
    guard held <= 2 * given else {
      throw refused(node, "the file has many layers of the same numbers, which are not read")
    }
    let input = graph.append(
      Graph.Node(node.name, layer, inputs: inputs, output: shape, tensors: tensors))
    try define(
      node, node.outputs.first, Value(input: input, form: form ?? (shape.isImage ? .nchw : .vector))
    )
  }

  private mutating func define(
    _ node: ONNXFile.Node, _ name: String?, _ value: Value
  ) throws(ExchangeError) {
    guard let name, !name.isEmpty, values.updateValue(value, forKey: name) == nil,
      constants[name] == nil
    else { throw refused(node, "its output has no name, or one that is taken") }
  }

  private func image(_ node: ONNXFile.Node) throws(ExchangeError) -> LayerInput {
    let value = try value(node)
    guard value.form == .nchw else {
      throw refused(node, "it does not read an image, (N, C, H, W)")
    }
    return value.input
  }

  private func bias(_ node: ONNXFile.Node) throws(ExchangeError) -> Tensor? {
    node.inputs.count > 2 ? try floats(node, 2) : nil
  }

  /// Whether the file goes on with the steps of one of the templates; how many they are.
  private mutating func readTemplate(at place: Int) throws(ExchangeError) -> Int? {
    for template in ONNXTemplate.all {
      let nodes = file.nodes[place...].prefix(template.steps.count)
      guard nodes.count == template.steps.count, let x = nodes.first?.inputs.first,
        let value = values[x]
      else { continue }
      var outputs: [String] = []
      var isOne = true
      for (node, step) in zip(nodes, template.steps) {
        isOne =
          node.op == step.op && node.attributes.isEmpty && node.outputs.count == 1
          && node.inputs.count == step.operands.count
          && zip(node.inputs, step.operands).allSatisfy { name, operand in
            switch operand {
            case .x: name == x
            case .step(let step): name == outputs[step]
            case .constant(let number): constants[name] == .floats(Tensor([number], shape: []))
            }
          }
        guard isOne else { break }
        outputs.append(node.outputs[0])
      }
      guard isOne else { continue }
      try add(
        nodes.last!, .activation(template.activation), [value.input], form: value.form)
      return template.steps.count
    }
    return nil
  }

  // MARK: operators

  private mutating func read(_ node: ONNXFile.Node) throws(ExchangeError) {
    switch node.op {
    case "Conv": try readConv(node)
    case "ConvTranspose": try readConvTranspose(node)
    case "Gemm": try readGemm(node)
    case "MaxPool", "AveragePool": try readPool(node)
    case "GlobalAveragePool", "GlobalMaxPool":
      try add(
        node,
        .globalPool(
          GlobalPoolDescription(node.op == "GlobalMaxPool" ? .max : .average, keepDims: true)),
        [try image(node)])
    case "Transpose": try readTranspose(node)
    case "Flatten": try readFlatten(node)
    case "Reshape": try readReshape(node)
    case "MatMul": try readWhitening(node)
    case "Unsqueeze":
      let value = try value(node)
      guard value.form == .vector, try sizes(node, 1) == [2, 3] else {
        throw refused(node, "it does not make an image of a vector")
      }
      try define(node, node.outputs.first, Value(input: value.input, form: .unsqueezed))
    case "Mul", "Sub", "Add": try readArithmetic(node)
    case "Sum": try readMerge(node, .add)
    case "Concat":
      try only(["axis"], node)
      guard node.attributes["axis"] == .int(1) else { throw refused(node, "it is not of channels") }
      try readMerge(node, .concat)
    case "BatchNormalization": try readBatchNorm(node)
    case "LayerNormalization": try readLayerNorm(node)
    case "InstanceNormalization": try readGroupNorm(node)
    case "PRelu":
      let (value, slope) = (try value(node), try floats(node, 1))
      try add(
        node, .prelu(PReLUDescription()), [value.input],
        [.slope: slope.reshaped([slope.values.count])], form: value.form)
    case "Pad", "Slice": try readFrame(node)
    case "Resize": try readResize(node)
    default: try readActivation(node)
    }
  }

  private mutating func readConv(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["kernel_shape", "strides", "pads", "dilations", "group"], node)
    let kernel = try floats(node, 1)
    guard kernel.shape.count == 4, case .int(let groups) = node.attributes["group"], groups > 0
    else {
      throw refused(node, "its kernel is not of two dimensions")
    }
    let bias = try bias(node)
    let conv = Conv2DDescription(
      filters: kernel.shape[0], kernel: try extent(node, "kernel_shape"),
      stride: try extent(node, "strides"), padding: .explicit(try sides(node)), groups: groups,
      dilation: try extent(node, "dilations"), bias: bias != nil)
    var tensors = [TensorInfo.Role.kernel: kernel.transposed([2, 3, 1, 0])]
    tensors[.bias] = bias
    try add(node, .conv2D(conv), [try image(node)], tensors)
  }

  private mutating func readConvTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["kernel_shape", "strides", "pads", "output_padding"], node)
    let kernel = try floats(node, 1)
    guard kernel.shape.count == 4 else {
      throw refused(node, "its kernel is not of two dimensions")
    }
    let (bias, input) = (try bias(node), try image(node))
    let (cut, more) = (try sides(node), try extent(node, "output_padding"))
    let extent = graph.shape(of: input).extent
    var tensors = [TensorInfo.Role.kernel: kernel.transposed([2, 3, 1, 0])]
    tensors[.bias] = bias
    // Whichever way of padding comes to these sides.
    for padding in [Padding.explicit(cut), .valid, .same] {
      let conv = Conv2DTransposeDescription(
        filters: kernel.shape[1], kernel: try self.extent(node, "kernel_shape"),
        stride: try self.extent(node, "strides"), padding: padding, bias: bias != nil)
      guard
        let shape = try? LayerDescription.conv2DTranspose(conv).output(of: [graph.shape(of: input)]
        ),
        conv.sides(from: extent, to: shape.extent) == (cut, more)
      else { continue }
      return try add(node, .conv2DTranspose(conv), [input], tensors)
    }
    throw refused(node, "its pads and output_padding are of no transposed convolution here")
  }

  private mutating func readGemm(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only([], node)
    let (value, kernel, bias) = (try value(node), try floats(node, 1), try bias(node))
    guard value.form == .vector, kernel.shape.count == 2 else {
      throw refused(node, "it does not multiply vectors by a matrix")
    }
    var tensors = [TensorInfo.Role.kernel: kernel]
    tensors[.bias] = bias
    try add(
      node, .dense(DenseDescription(units: kernel.shape[1], bias: bias != nil)), [value.input],
      tensors)
  }

  private mutating func readPool(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["kernel_shape", "strides", "pads", "count_include_pad"], node)
    let (size, stride) = (try extent(node, "kernel_shape"), try extent(node, "strides"))
    let padding = Padding.explicit(try sides(node))
    if node.op == "MaxPool" {
      try add(
        node, .maxPool(MaxPoolDescription(size: size, stride: stride, padding: padding)),
        [try image(node)])
    } else {
      try add(
        node,
        .averagePool(
          AveragePoolDescription(
            size: size, stride: stride, padding: padding,
            countIncludePad: node.attributes["count_include_pad"] == .int(1))),
        [try image(node)])
    }
  }

  private mutating func readTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
    var value = try value(node)
    switch (value.form, node.attributes["perm"]) {
    case (.nhwc, .ints([0, 3, 1, 2])): value.form = .nchw
    case (.nchw, .ints([0, 2, 3, 1])): value.form = .nhwc
    default: throw refused(node, "it moves no channels")
    }
    try define(node, node.outputs.first, value)
  }

  private mutating func readFlatten(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    guard node.attributes == ["axis": .int(1)] else { throw refused(node, "it is not of axis 1") }
    if value.input == .images, mean != nil, !isNormalized {
      let form = Value.Form.flat(channelsFirst: value.form == .nchw)
      return try define(node, node.outputs.first, Value(input: .images, form: form))
    }
    let shape = graph.shape(of: value.input)
    let isPlain = shape.channels == 1 || shape.extent == Extent(1, 1)
    guard value.form == .nhwc || value.form == .nchw && isPlain else {
      throw refused(node, "it flattens channels first")
    }
    try add(node, .flatten, [value.input])
  }

  private mutating func readReshape(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (value, sizes) = (try value(node), try sizes(node, 1))
    let shape = graph.shape(of: value.input)
    let whole = shape.sizes.map { [0, $0.channels, $0.height, $0.width] } ?? [0, shape.count]
    switch value.form {
    case .flat(let channelsFirst) where isNormalized:
      let (height, width, channels) = shape.sizes!
      guard sizes == (channelsFirst ? whole : [0, height, width, channels]) else { break }
      let form = channelsFirst ? Value.Form.nchw : .nhwc
      return try define(node, node.outputs.first, Value(input: value.input, form: form))
    case .nchw, .vector:
      guard sizes.count == 3, sizes[0] == 0, sizes[2] == -1, sizes[1] > 0 else { break }
      return try define(
        node, node.outputs.first, Value(input: value.input, form: .grouped(sizes[1])))
    case .grouped:
      guard sizes == whole else { break }
      let form = shape.isImage ? Value.Form.nchw : .vector
      return try define(node, node.outputs.first, Value(input: value.input, form: form))
    default: break
    }
    throw refused(node, "to \(sizes) is not read")
  }

  // MARK: preparation, and sums and products

  /// Numbers of the images or their channels as the catalogue has them: channels last.
  private func imageNumbers(_ tensor: Tensor, _ form: Value.Form) -> [Float]? {
    let (height, width, channels) = graph.input.sizes!
    for (h, w) in [(height, width), (1, 1)] {
      if form == .nchw, tensor.shape == [1, channels, h, w] {
        return tensor.transposed([0, 2, 3, 1]).values
      }
      if form == .nhwc, tensor.shape == [1, h, w, channels] { return tensor.values }
    }
    return nil
  }

  private mutating func readArithmetic(_ node: ONNXFile.Node) throws(ExchangeError) {
    guard node.attributes.isEmpty, node.inputs.count == 2 else {
      throw refused(node, "it does not have two inputs and nothing else")
    }
    if values[node.inputs[1]] != nil {
      guard node.op == "Mul" else { throw refused(node, "of two values it is not read") }
      return try readMerge(node, .multiply)
    }
    let (value, tensor) = (try value(node), try floats(node, 1))
    if value.input == .images, !isNormalized {
      try readPreparation(node, value, tensor)
      return try define(node, node.outputs.first, value)
    }
    // What follows a group normalisation.
    let role: TensorInfo.Role = node.op == "Mul" ? .scale : .offset
    guard node.op != "Sub", case .layer(let place) = value.input,
      place == graph.nodes.count - 1, case .groupNorm(var norm) = graph.nodes[place].layer,
      graph.nodes[place].tensors[role] == nil, graph.nodes[place].tensors[.offset] == nil,
      tensor.values.count == graph.nodes[place].output.channels
    else { throw refused(node, "with a constant it is not read here") }
    if role == .scale { norm.scale = true } else { norm.center = true }
    graph.nodes[place].layer = .groupNorm(norm)
    graph.nodes[place].tensors[role] = tensor.reshaped([tensor.values.count])
    // What it was before is no value that anyone may read any more.
    values = values.filter { $0.value.input != value.input }
    try define(node, node.outputs.first, value)
  }

  private mutating func readPreparation(
    _ node: ONNXFile.Node, _ value: Value, _ tensor: Tensor
  ) throws(ExchangeError) {
    switch node.op {
    case "Mul" where tensor.shape.isEmpty && graph.scale == nil && mean == nil:
      graph.scale = tensor.values[0]
    case "Sub" where mean == nil:
      guard let numbers = imageNumbers(tensor, value.form) else {
        throw refused(node, "its mean is not of the images")
      }
      mean = numbers
    case "Mul":
      guard let mean, let factor = imageNumbers(tensor, value.form), mean.count == factor.count
      else { throw refused(node, "its factor is not of the images") }
      graph.normalization = Normalization(mean: mean, factor: factor, whitening: [])
      isNormalized = true
    default: throw refused(node, "of the images it is not read")
    }
  }

  private mutating func readWhitening(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (value, matrix) = (try value(node), try floats(node, 1))
    let (height, width, channels) = graph.input.sizes!
    let count = graph.input.count
    guard case .flat(let channelsFirst) = value.form, !isNormalized, let mean,
      matrix.shape == [count, count]
    else { throw refused(node, "it is read only to whiten images") }
    var whitening = matrix
    if channelsFirst {
      whitening = matrix.reshaped([channels, height, width, channels, height, width])
        .transposed([1, 2, 0, 4, 5, 3])
    }
    // Of each channel it is the same for all of its pixels.
    let all = mean.count == count ? mean : (0..<count).map { mean[$0 % channels] }
    graph.normalization = Normalization(mean: all, factor: [], whitening: whitening.values)
    isNormalized = true
    try define(node, node.outputs.first, value)
  }

  private mutating func readMerge(_ node: ONNXFile.Node, _ merge: Merge) throws(ExchangeError) {
    var inputs: [LayerInput] = []
    var isImage = false
    for place in node.inputs.indices {
      let value = try value(node, place)
      guard [.nchw, .vector, .unsqueezed].contains(value.form),
        value.form != .unsqueezed || merge == .multiply
      else { throw refused(node, "its input \(place) is neither an image nor a vector") }
      isImage = isImage || value.form != .vector
      inputs.append(value.input)
    }
    for place in node.inputs.indices where isImage {
      guard try value(node, place).form != .vector else {
        throw refused(node, "it multiplies images and vectors")
      }
    }
    try add(node, .merge(MergeDescription(merge)), inputs)
  }

  // MARK: normalisations

  private mutating func readBatchNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["epsilon"], node)
    let value = try value(node)
    guard value.form == .nchw || value.form == .vector else {
      throw refused(node, "its channels are not the second index")
    }
    let roles: [TensorInfo.Role] = [.scale, .offset, .movingMean, .movingVariance]
    var tensors: [TensorInfo.Role: Tensor] = [:]
    for (i, role) in roles.enumerated() { tensors[role] = try floats(node, i + 1) }
    try add(
      node, .batchNorm(BatchNormDescription(epsilon: try float(node, "epsilon"))), [value.input],
      tensors)
  }

  private mutating func readLayerNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["axis", "epsilon"], node)
    let value = try value(node)
    guard value.form == .nhwc || value.form == .vector, node.attributes["axis"] == .int(-1) else {
      throw refused(node, "it is not of the channels")
    }
    var tensors = [TensorInfo.Role.scale: try floats(node, 1)]
    tensors[.offset] = try bias(node)
    try add(
      node,
      .layerNorm(
        LayerNormDescription(epsilon: try float(node, "epsilon"), center: tensors[.offset] != nil)),
      [value.input], tensors, form: value.form)
  }

  private mutating func readGroupNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    try only(["epsilon"], node)
    let value = try value(node)
    guard case .grouped(let groups) = value.form,
      try floats(node, 1).values == Array(repeating: 1, count: groups),
      try floats(node, 2).values == Array(repeating: 0, count: groups)
    else { throw refused(node, "it is read only as a part of a group normalisation") }
    try add(
      node,
      .groupNorm(
        GroupNormDescription(
          groups: groups, epsilon: try float(node, "epsilon"), scale: false, center: false)),
      [value.input], form: value.form)
  }

  // MARK: the rest

  private mutating func readFrame(_ node: ONNXFile.Node) throws(ExchangeError) {
    let input = try image(node)
    let (height, width, _) = graph.shape(of: input).sizes!
    let sides: Sides
    if node.op == "Pad" {
      let pads = try sizes(node, 1)
      guard node.attributes == ["mode": .string("constant")], pads.count == 8,
        [pads[0], pads[1], pads[4], pads[5]] == [0, 0, 0, 0],
        try floats(node, 2).values == [0]
      else { throw refused(node, "it does not put zeros around an image") }
      sides = Sides(top: pads[2], bottom: pads[6], left: pads[3], right: pads[7])
    } else {
      let (starts, ends) = (try sizes(node, 1), try sizes(node, 2))
      guard starts.count == 2, ends.count == 2, try sizes(node, 3) == [2, 3] else {
        throw refused(node, "it does not cut away some of an image's sides")
      }
      sides = Sides(
        top: starts[0], bottom: height - ends[0], left: starts[1], right: width - ends[1])
    }
    try add(
      node, .frame(FrameDescription(node.op == "Pad" ? .zeroPad : .crop, sides)), [input])
  }

  private mutating func readResize(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (input, scales) = (try image(node), try floats(node, 2))
    let factors = scales.values.map { Int(exactly: $0) ?? 0 }
    guard factors.count == 4, factors[0] == 1, factors[1] == 1 else {
      throw refused(node, "it does not enlarge an image by whole factors")
    }
    let interpolation: UpsampleDescription.Interpolation
    switch node.attributes {
    case [
      "mode": .string("nearest"), "coordinate_transformation_mode": .string("asymmetric"),
      "nearest_mode": .string("floor"),
    ]:
      interpolation = .nearest
    case ["mode": .string("linear"), "coordinate_transformation_mode": .string("half_pixel")]:
      interpolation = .bilinear
    default: throw refused(node, "its way of interpolating is not read")
    }
    try add(
      node,
      .upsample(
        UpsampleDescription(
          size: Extent(factors[2], factors[3]), interpolation: interpolation)), [input])
  }

  private mutating func readActivation(_ node: ONNXFile.Node) throws(ExchangeError) {
    var activation: Activation?
    switch node.op {
    case "LeakyRelu": activation = .leakyReLU(slope: try float(node, "alpha"))
    case "Elu": activation = .elu(alpha: try float(node, "alpha"))
    case "Clip":
      if try floats(node, 1).values == [0], try floats(node, 2).values == [6] {
        activation = .relu6
      }
    default:
      activation = [
        Activation.linear, .relu, .sigmoid, .hardSigmoid, .hardSwish, .tanh, .softplus, .softmax,
      ].first { $0.onnxOperator?.op == node.op }
    }
    guard let activation, node.attributes == activation.onnxOperator?.attributes else {
      throw refused(node, "this operator, or what it says, is not read")
    }
    let value = try value(node)
    let isOfChannels = value.form == .nchw || value.form == .vector
    guard isOfChannels || value.form == .nhwc && activation != .softmax else {
      throw refused(node, "it reads neither an image nor a vector")
    }
    try add(node, .activation(activation), [value.input], form: value.form)
  }
}
