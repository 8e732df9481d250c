import ConvNet

// What is done to images before the first layer, sums and products, normalisations and functions.
extension ONNXReader {
  /// Numbers of the images or their channels as the catalogue has them: channels last.
  func imageNumbers(_ tensor: Tensor, _ form: Value.Form) -> [Float]? {
    let (height, width, channels) = graph.input.sizes!
    for (h, w) in [(height, width), (1, 1)] {
      if form == .nchw, tensor.shape == [1, channels, h, w] {
        return tensor.transposed([0, 2, 3, 1]).values
      }
      if form == .nhwc, tensor.shape == [1, h, w, channels] { return tensor.values }
    }
    return nil
  }

  mutating func readArithmetic(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readPreparation(
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

  mutating func readWhitening(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readMerge(_ node: ONNXFile.Node, _ merge: Merge) throws(ExchangeError) {
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

  mutating func readBatchNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readLayerNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readGroupNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readFrame(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readResize(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readActivation(_ node: ONNXFile.Node) throws(ExchangeError) {
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
