import ConvNet
import ONNX

// Normalisations, and functions of the channels.
extension ONNXReader {
  /// A value as a layer of channels reads it: an image, or a vector, whose numbers may have to be put in
  /// order.
  private mutating func channels(
    _ node: ONNXFile.Node
  ) throws(ExchangeError) -> (input: LayerInput, value: ONNXValue, isVector: Bool) {
    let value = try value(node)
    guard value.groups == nil, let first = value.layout.indices.indices.first else {
      throw refused(node, "it reads neither an image nor a vector")
    }
    var result = try settled(value)
    if value.layout.indices.count == 1 {
      result.input = try flat(result.input, node)
      return (result.input, result, true)
    }
    guard value.layout.runs(first, over: [.channels]) else {
      throw refused(node, "its channels are not the second index")
    }
    return (result.input, result, false)
  }

  mutating func readBatchNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    guard node.int("training_mode") ?? 0 == 0, node.int("spatial") ?? 1 == 1 else {
      throw refused(node, "it takes its statistics from the images, as in training")
    }
    let (input, value, isVector) = try channels(node)
    let count = graph.shape(of: input).channels
    let roles: [TensorInfo.Role] = [.scale, .offset, .movingMean, .movingVariance]
    var tensors: [TensorInfo.Role: Tensor] = [:]
    for (i, role) in roles.enumerated() {
      guard let row = try row(node, i + 1, count) else { throw refused(node, "it lacks an input") }
      tensors[role] =
        isVector && !value.layout.isInOrder
        ? value.layout.ordered(row).reshaped([count]) : row
    }
    var result = value
    result.input = try append(
      node,
      .batchNorm(BatchNormDescription(epsilon: try float(node, "epsilon", or: 1e-5))), [input],
      tensors)
    try define(node, result)
  }

  mutating func readLayerNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    let count = value.layout.indices.count
    let axis = node.int("axis") ?? -1
    guard value.groups == nil, axis == -1 || axis == count,
      value.layout.runs(count - 1, over: [.channels])
    else { throw refused(node, "it is not of the channels of a position") }
    var result = try settled(value)
    if count == 1 { result.input = try flat(result.input, node) }
    guard let scale = try row(node, 1, value.layout.channels) else {
      throw refused(node, "it has no scale")
    }
    var tensors = [TensorInfo.Role.scale: scale]
    tensors[.offset] = try row(node, 2, value.layout.channels)
    result.input = try append(
      node,
      .layerNorm(
        LayerNormDescription(
          epsilon: try float(node, "epsilon", or: 1e-5), center: tensors[.offset] != nil)),
      [result.input], tensors)
    try define(node, result)
  }

  mutating func readGroupNorm(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    let epsilon = try float(node, "epsilon", or: 1e-5)
    if let groups = value.groups {
      guard node.op == "InstanceNormalization",
        try row(node, 1, groups)?.values == Array(repeating: 1, count: groups),
        try row(node, 2, groups)?.values == Array(repeating: 0, count: groups)
      else { throw refused(node, "it is read only as a part of a group normalisation") }
      var result = try settled(value)
      result.groups = groups
      result.input = try append(
        node,
        .groupNorm(
          GroupNormDescription(groups: groups, epsilon: epsilon, scale: false, center: false)),
        [result.input])
      return try define(node, result)
    }
    let (input, own, _) = try channels(node)
    let channels = own.layout.channels
    let groups = node.op == "InstanceNormalization" ? channels : node.int("num_groups") ?? 0
    guard groups > 0, channels % groups == 0, own.layout.indices.count > 1,
      graph.shape(of: input).isImage
    else { throw refused(node, "its groups do not divide its channels, or it reads no image") }
    var tensors: [TensorInfo.Role: Tensor] = [:]
    for (place, role) in [(1, TensorInfo.Role.scale), (2, .offset)] {
      guard let numbers = try constant(node, place)?.numbers,
        numbers.count == channels || numbers.count == groups
      else { throw refused(node, "its scale and bias are not of its channels") }
      // Before opset 21 there was one of each for a group.
      let size = channels / numbers.count
      let neutral: Float = role == .scale ? 1 : 0
      if numbers.allSatisfy({ $0 == neutral }) { continue }
      tensors[role] = Tensor((0..<channels).map { numbers[$0 / size] })
    }
    let norm = GroupNormDescription(
      groups: groups, epsilon: epsilon, scale: tensors[.scale] != nil,
      center: tensors[.offset] != nil)
    var result = own
    result.input = try append(node, .groupNorm(norm), [input], tensors)
    try define(node, result)
  }

  mutating func readPReLU(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (value, slope) = (try value(node), try array(node, 1))
    guard value.groups == nil else { throw refused(node, "it reads channels in groups") }
    var result = try settled(value)
    let isVector = value.layout.indices.count == 1
    if isVector { result.input = try flat(result.input, node) }
    guard
      let numbers = channelNumbers(
        slope, value.layout, isVector: !graph.shape(of: result.input).isImage)
    else { throw refused(node, "its slope is not a number, or one for each channel") }
    result.input = try append(
      node, .prelu(PReLUDescription()), [result.input], [.slope: Tensor(numbers)])
    try define(node, result)
  }

  mutating func readSoftmax(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    let count = value.layout.indices.count
    let given = node.int("axis") ?? (evaluator.opset < 13 ? 1 : -1)
    let axis = given < 0 ? given + count + 1 : given
    guard value.groups == nil, (1...count).contains(axis) else {
      throw refused(node, "it is not of the channels")
    }
    // Before opset 13 it was of all indices from its axis on.
    let reached = evaluator.opset < 13 ? Array((axis - 1)..<count) : [axis - 1]
    let all = reached.flatMap { value.layout.plain[$0] }
    let whole = count == 1
    guard all.allSatisfy({ $0 == .channels }) || whole else {
      throw refused(node, "it is not of the channels")
    }
    guard node.op == "Softmax" || file.outputs.contains(where: { $0.name == node.outputs.first })
    else { throw refused(node, "it is read at the end alone") }
    var result = try settled(value)
    if whole { result.input = try flat(result.input, node) }
    result.input = try append(node, .activation(.softmax), [result.input])
    if node.op == "LogSoftmax" {
      notes.append("\(node.title) gives logarithms of probabilities; the model gives scores")
    }
    try define(node, result)
  }
}
