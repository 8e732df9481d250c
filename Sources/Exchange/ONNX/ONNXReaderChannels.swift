import ConvNet
import ONNX

// What constants do to the channels of a value.
extension ONNXReader {
  /// A constant as a row of numbers, one for each channel of an image or each number of a vector, in the
  /// order of the graph; nil where it is not so.
  func channelNumbers(_ array: ONNXArray, _ layout: ONNXValueLayout, isVector: Bool) -> [Float]? {
    guard let numbers = array.numbers else { return nil }
    let count = isVector ? layout.count : layout.channels
    if numbers.count == 1 { return Array(repeating: numbers[0], count: count) }
    let sizes = layout.sizes
    guard array.shape.count <= sizes.count + 1 else { return nil }
    let missing = sizes.count + 1 - array.shape.count
    let shape = (Array(repeating: 1, count: missing) + array.shape).dropFirst()
    guard missing > 0 || array.shape[0] == 1 else { return nil }
    let varying = shape.enumerated().filter { $0.element > 1 }
    guard varying.count == 1, let (index, size) = varying.first, size == sizes[index] else {
      return nil
    }
    if isVector {
      return layout.isInOrder ? numbers : layout.ordered(Tensor(numbers)).values
    }
    return layout.runs(index, over: [.channels]) ? numbers : nil
  }

  mutating func readChannelwise(
    _ node: ONNXFile.Node, _ value: ONNXValue, constantPlace: Int
  ) throws(ExchangeError) {
    let constant = try array(node, constantPlace)
    guard value.groups == nil else { throw refused(node, "it reads channels in groups") }
    // The value's node is its own where nobody else reads it.
    let isAlone = value.function == nil && readers[node.inputs[1 - constantPlace]] == 1
    var result = try settled(value)
    let isVector = value.layout.indices.count == 1
    if isVector { result.input = try flat(result.input, node) }
    guard
      let numbers = channelNumbers(
        constant, value.layout,
        isVector: isVector && !value.layout.runs(0, over: [.channels])
          || !graph.shape(of: result.input).isImage)
    else { throw refused(node, "its constant is not a number, or one for each channel") }
    let ones = numbers.map { _ in Float(1) }
    let zeros = numbers.map { _ in Float(0) }
    let (factor, offset): ([Float], [Float])
    switch (node.op, constantPlace) {
    case ("Add", _), ("Sum", _): (factor, offset) = (ones, numbers)
    case ("Sub", 1): (factor, offset) = (ones, numbers.map { -$0 })
    case ("Sub", _): (factor, offset) = (ones.map { -$0 }, numbers)
    case ("Mul", _): (factor, offset) = (numbers, zeros)
    case ("Div", 1): (factor, offset) = (numbers.map { 1 / $0 }, zeros)
    default: throw refused(node, "by constants of channels no layer is like it")
    }
    if isAlone, case .layer(let place) = result.input, take(factor, offset, into: place) {
      return try define(node, result)
    }
    result.input = try appendAffine(node, result.input, factor, offset)
    try define(node, result)
  }

  /// Makes x·factor + offset of what a node gives a part of that node, where it can be.
  private mutating func take(_ factor: [Float], _ offset: [Float], into place: Int) -> Bool {
    let isSum = factor.allSatisfy { $0 == 1 }
    let isProduct = offset.allSatisfy { $0 == 0 }
    let tensors = graph.nodes[place].tensors
    switch graph.nodes[place].layer {
    case .groupNorm(var norm):
      if !isSum {
        norm.scale = true
        graph.nodes[place].tensors[.scale] = Tensor(
          tensors[.scale].map { zip($0.values, factor).map(*) } ?? factor)
      }
      if !isProduct || tensors[.offset] != nil {
        norm.center = true
        let own = tensors[.offset].map { zip($0.values, factor).map(*) }
        graph.nodes[place].tensors[.offset] = Tensor(own.map { zip($0, offset).map(+) } ?? offset)
      }
      graph.nodes[place].layer = .groupNorm(norm)
      return true
    case .batchNorm where affineNorms.contains(place):
      graph.nodes[place].tensors[.scale] = Tensor(zip(tensors[.scale]!.values, factor).map(*))
      graph.nodes[place].tensors[.offset] = Tensor(
        zip(zip(tensors[.offset]!.values, factor).map(*), offset).map(+))
      return true
    case let layer where isSum:
      guard let withBias = layer.withBias, offset.count == graph.nodes[place].output.channels else {
        return false
      }
      graph.nodes[place].layer = withBias
      graph.nodes[place].tensors[.bias] = Tensor(
        tensors[.bias].map { zip($0.values, offset).map(+) } ?? offset)
      return true
    default: return false
    }
  }

  /// y = x·factor + offset of each channel, as a batch norm whose statistics are 0 and 1.
  mutating func appendAffine(
    _ node: ONNXFile.Node, _ input: LayerInput, _ factor: [Float], _ offset: [Float]
  ) throws(ExchangeError) -> LayerInput {
    let made = try append(
      node, .batchNorm(BatchNormDescription(epsilon: 1e-12)), [input],
      [
        .scale: Tensor(factor), .offset: Tensor(offset),
        .movingMean: Tensor(factor.map { _ in 0 }), .movingVariance: Tensor(factor.map { _ in 1 }),
      ])
    if case .layer(let place) = made { affineNorms.insert(place) }
    return made
  }
}
