import ConvNet
import ONNX

// Convolutions, poolings and products.
extension ONNXReader {
  mutating func read(_ node: ONNXFile.Node) throws(ExchangeError) {
    switch node.op {
    case "Conv": try readConv(node)
    case "ConvTranspose": try readConvTranspose(node)
    case "Gemm": try readGemm(node)
    case "MatMul": try readMatMul(node)
    case "MaxPool", "AveragePool": try readPool(node)
    case "GlobalAveragePool", "GlobalMaxPool":
      try addGlobalPool(node, [try image(node)], isMax: node.op == "GlobalMaxPool")
    case "ReduceMean", "ReduceMax": try readReduction(node)
    case "Transpose": try readTranspose(node)
    case "Flatten", "Reshape": try readReshape(node)
    case "Squeeze", "Unsqueeze": try readSqueeze(node)
    case "Identity", "Dropout", "Cast", "CastLike": try readNothing(node)
    case "Shape": try readShape(node)
    case "Concat": try readConcat(node)
    case "Softmax", "LogSoftmax": try readSoftmax(node)
    case "BatchNormalization": try readBatchNorm(node)
    case "LayerNormalization": try readLayerNorm(node)
    case "InstanceNormalization", "GroupNormalization": try readGroupNorm(node)
    case "PRelu": try readPReLU(node)
    case "Pad", "Slice": try readFrame(node)
    case "Resize", "Upsample": try readResize(node)
    default: try readElementwise(node)
    }
  }

  /// The sides of a window's padding, as it is asked for.
  private func sides(
    _ node: ONNXFile.Node, _ input: Extent, window: Extent, stride: Extent,
    dilation: Extent = Extent(1, 1)
  ) throws(ExchangeError) -> Sides {
    switch node.string("auto_pad") ?? "NOTSET" {
    case "NOTSET":
      let pads = try sizes(node, "pads", or: [0, 0, 0, 0])
      return Sides(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3])
    case "VALID": return .none
    case "SAME_UPPER", "SAME_LOWER":
      let output = Extent(
        (input.height - 1) / stride.height + 1, (input.width - 1) / stride.width + 1)
      let sides = Padding.same.sides(
        input, output, window: window, stride: stride, dilation: dilation)
      if node.string("auto_pad") == "SAME_UPPER" { return sides }
      return Sides(top: sides.bottom, bottom: sides.top, left: sides.right, right: sides.left)
    default: throw refused(node, "its auto_pad is none that ONNX knows")
    }
  }

  private mutating func readConv(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (input, kernel) = (try image(node), try array(node, 1))
    guard kernel.shape.count == 4, !kernel.shape.contains(0) else {
      throw refused(node, "its kernel is not of two dimensions")
    }
    let own = Extent(kernel.shape[2], kernel.shape[3])
    guard try extent(node, "kernel_shape", or: own) == own else {
      throw refused(node, "its kernel_shape is not that of its kernel")
    }
    let stride = try extent(node, "strides", or: Extent(1, 1))
    let dilation = try extent(node, "dilations", or: Extent(1, 1))
    let bias = try row(node, 2, kernel.shape[0])
    let groups = node.int("group") ?? 1
    guard (1...65_536).contains(groups) else { throw refused(node, "its group is \(groups)") }
    let conv = Conv2DDescription(
      filters: kernel.shape[0], kernel: own, stride: stride,
      padding: .explicit(
        try sides(
          node, graph.shape(of: input).extent, window: own, stride: stride, dilation: dilation)),
      groups: groups, dilation: dilation, bias: bias != nil)
    let channels = graph.shape(of: input).channels
    guard channels == kernel.shape[1] * groups else {
      throw refused(
        node, "its kernel is for \(kernel.shape[1] * groups) channels, and it reads \(channels)")
    }
    var tensors = [TensorInfo.Role.kernel: kernel.tensor([2, 3, 1, 0])!]
    tensors[.bias] = bias
    try add(node, .conv2D(conv), [input], tensors)
  }

  private mutating func readConvTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (input, kernel) = (try image(node), try array(node, 1))
    guard kernel.shape.count == 4, !kernel.shape.contains(0) else {
      throw refused(node, "its kernel is not of two dimensions")
    }
    guard node.int("group") ?? 1 == 1,
      try extent(node, "dilations", or: Extent(1, 1)) == Extent(1, 1)
    else { throw refused(node, "it has groups or a dilation, which the catalogue's has not") }
    let own = Extent(kernel.shape[2], kernel.shape[3])
    guard try extent(node, "kernel_shape", or: own) == own,
      graph.shape(of: input).channels == kernel.shape[0]
    else { throw refused(node, "its kernel does not fit its input, or its kernel_shape") }
    let stride = try extent(node, "strides", or: Extent(1, 1))
    let extent = graph.shape(of: input).extent
    let bias = try row(node, 2, kernel.shape[1])
    let (cut, more) = try cut(node, extent, own, stride)
    var tensors = [TensorInfo.Role.kernel: kernel.tensor([2, 3, 1, 0])!]
    tensors[.bias] = bias
    // Whichever way of padding comes to these sides.
    for padding in [Padding.explicit(cut), .valid, .same] {
      let conv = Conv2DTransposeDescription(
        filters: kernel.shape[1], kernel: own, stride: stride, padding: padding, bias: bias != nil)
      guard
        let shape = try? LayerDescription.conv2DTranspose(conv).output(of: [graph.shape(of: input)]
        ),
        conv.sides(from: extent, to: shape.extent) == (cut, more)
      else { continue }
      return try add(node, .conv2DTranspose(conv), [input], tensors)
    }
    throw refused(node, "its pads and output_padding are of no transposed convolution here")
  }

  /// What a transposed convolution cuts off its result's sides, and puts below and to the right of it.
  private func cut(
    _ node: ONNXFile.Node, _ input: Extent, _ kernel: Extent, _ stride: Extent
  ) throws(ExchangeError) -> (cut: Sides, more: Extent) {
    let more = try sizes(node, "output_padding", or: [0, 0])
    let mode = node.string("auto_pad") ?? "NOTSET"
    var wanted = node.ints("output_shape").map { Array($0.suffix(2)) }
    if mode.hasPrefix("SAME"), wanted == nil {
      wanted = [input.height * stride.height, input.width * stride.width]
    }
    guard let wanted else {
      let pads = try sizes(node, "pads", or: [0, 0, 0, 0])
      return (
        Sides(top: pads[0], bottom: pads[2], left: pads[1], right: pads[3]),
        Extent(more[0], more[1])
      )
    }
    guard wanted.count == 2, wanted.allSatisfy({ (1...1 << 30).contains($0) }) else {
      throw refused(node, "its output_shape is none of an image")
    }
    let spare = [
      (input.height - 1) * stride.height + more[0] + kernel.height - wanted[0],
      (input.width - 1) * stride.width + more[1] + kernel.width - wanted[1],
    ]
    guard spare.allSatisfy({ (0...65_536).contains($0) }) else {
      // More than the windows reach: zeros below and to the right.
      guard mode != "NOTSET", spare.allSatisfy({ $0 <= 0 && $0 > -65_536 }) else {
        throw refused(node, "its output_shape is not what its windows give")
      }
      return (.none, Extent(more[0] - spare[0], more[1] - spare[1]))
    }
    let less = spare.map { mode == "SAME_UPPER" ? $0 / 2 : $0 - $0 / 2 }
    return (
      Sides(top: less[0], bottom: spare[0] - less[0], left: less[1], right: spare[1] - less[1]),
      Extent(more[0], more[1])
    )
  }

  private mutating func readGemm(_ node: ONNXFile.Node) throws(ExchangeError) {
    guard node.int("transA") ?? 0 == 0 else { throw refused(node, "it transposes its images") }
    let (alpha, beta) = (try float(node, "alpha", or: 1), try float(node, "beta", or: 1))
    let matrix = try array(node, 1)
    guard matrix.shape.count == 2 else { throw refused(node, "it multiplies by no matrix") }
    var kernel = matrix.tensor(node.int("transB") ?? 0 != 0 ? [1, 0] : [0, 1])!
    if alpha != 1 { for i in kernel.values.indices { kernel.values[i] *= alpha } }
    var bias: Tensor?
    if var numbers = try constant(node, 2)?.numbers {
      if numbers.count == 1 { numbers = Array(repeating: numbers[0], count: kernel.shape[1]) }
      guard numbers.count == kernel.shape[1] else { throw refused(node, "its bias does not fit") }
      bias = Tensor(numbers.map { beta * $0 })
    }
    try addDense(node, kernel, bias)
  }

  private mutating func addDense(
    _ node: ONNXFile.Node, _ kernel: Tensor, _ bias: Tensor?
  ) throws(ExchangeError) {
    let (input, layout) = try vector(node)
    guard kernel.shape[0] == layout.count, kernel.shape[1] > 0 else {
      throw refused(
        node, "its matrix is for \(kernel.shape[0]) numbers, and it reads \(layout.count)")
    }
    var tensors: [TensorInfo.Role: Tensor] = [:]
    tensors[.kernel] = layout.isInOrder ? kernel : layout.ordered(kernel, columns: kernel.shape[1])
    tensors[.bias] = bias
    try add(
      node, .dense(DenseDescription(units: kernel.shape[1], bias: bias != nil)), [input], tensors)
  }

  private mutating func readMatMul(_ node: ONNXFile.Node) throws(ExchangeError) {
    let (value, matrix) = (try value(node), try array(node, 1))
    guard matrix.shape.count == 2, !matrix.shape.contains(0),
      let last = value.layout.indices.indices.last,
      value.groups == nil
    else { throw refused(node, "it multiplies by no matrix") }
    let units = matrix.shape[1]
    if isWhitening(node, value, matrix) {
      var whitened = value
      // It is symmetric: both sides are put in order.
      let columns = value.layout.ordered(matrix.tensor()!, columns: units).transposed([1, 0])
      whitened.preparation.append(
        .whitened(value.layout.ordered(columns, columns: units).transposed([1, 0]).values))
      try hold(matrix.count, node)
      return try define(node, whitened)
    }
    if value.layout.indices.count == 1 { return try addDense(node, matrix.tensor()!, nil) }
    // A dense layer of the channels of each position.
    guard value.layout.runs(last, over: [.channels]), value.layout.channels == matrix.shape[0]
    else {
      throw refused(node, "it does not multiply the channels of its input by a matrix for these")
    }
    let input = try settle(value)
    guard graph.shape(of: input).isImage else {
      throw refused(node, "it reads a vector with indices of one place")
    }
    let conv = Conv2DDescription(
      filters: units, kernel: Extent(1, 1), padding: .explicit(.none), bias: false)
    try add(
      node, .conv2D(conv), [input],
      [.kernel: matrix.tensor()!.reshaped([1, 1, matrix.shape[0], units])],
      layout: value.layout.indices)
  }

  /// Whether a product whitens the images: they are images again after it.
  private func isWhitening(
    _ node: ONNXFile.Node, _ value: ONNXValue, _ matrix: ONNXArray
  ) -> Bool {
    guard value.input == .images, value.function == nil, value.layout.indices.count == 1,
      matrix.shape == [value.layout.count, value.layout.count], let output = node.outputs.first,
      readers[output] == 1,
      let next = firstReaders[output].map({ file.nodes[$0] }), next.op == "Reshape",
      next.inputs.count > 1
    else { return false }
    return constants[next.inputs[1]]?.integers?.count == 4
  }

  private mutating func readPool(_ node: ONNXFile.Node) throws(ExchangeError) {
    let input = try image(node)
    guard node.attributes["kernel_shape"] != nil else { throw refused(node, "it has no window") }
    let size = try extent(node, "kernel_shape", or: Extent(1, 1))
    let stride = try extent(node, "strides", or: Extent(1, 1))
    guard try extent(node, "dilations", or: Extent(1, 1)) == Extent(1, 1) else {
      throw refused(node, "its window has gaps (dilations), which the catalogue's has not")
    }
    let extent = graph.shape(of: input).extent
    var sides = try sides(node, extent, window: size, stride: stride)
    let countsPadding = node.int("count_include_pad") ?? 0 == 1
    if node.int("ceil_mode") ?? 0 == 1 {
      /// What is missing for a last window that begins within the image or the padding before it.
      func missing(_ size: Int, _ before: Int, _ after: Int, _ window: Int, _ stride: Int) -> Int {
        let spare = size + before + after - window
        guard spare >= 0 else { return 0 }
        var count = (spare + stride - 1) / stride
        if count * stride >= size + before { count -= 1 }
        return max(0, count * stride + window - size - before - after)
      }
      let more = (
        missing(extent.height, sides.top, sides.bottom, size.height, stride.height),
        missing(extent.width, sides.left, sides.right, size.width, stride.width)
      )
      guard more == (0, 0) || node.op == "MaxPool" || !countsPadding else {
        throw refused(node, "it counts padding, and rounds its size up (ceil_mode)")
      }
      sides = Sides(
        top: sides.top, bottom: sides.bottom + more.0, left: sides.left, right: sides.right + more.1
      )
    }
    let padding = Padding.explicit(sides)
    try add(
      node,
      node.op == "MaxPool"
        ? .maxPool(MaxPoolDescription(size: size, stride: stride, padding: padding))
        : .averagePool(
          AveragePoolDescription(
            size: size, stride: stride, padding: padding, countIncludePad: countsPadding)), [input])
  }

  private mutating func addGlobalPool(
    _ node: ONNXFile.Node, _ inputs: [LayerInput], isMax: Bool,
    layout: [[ONNXValueLayout.Axis]]? = nil
  ) throws(ExchangeError) {
    try add(
      node, .globalPool(GlobalPoolDescription(isMax ? .max : .average, keepDims: true)), inputs,
      layout: layout)
  }

  /// The mean or the largest of each channel.
  private mutating func readReduction(_ node: ONNXFile.Node) throws(ExchangeError) {
    let value = try value(node)
    let count = value.layout.indices.count + 1
    let axes = try evaluator.axes(
      node, [nil] + (node.inputs.count > 1 ? [try constant(node, 1)] : []), count)
    guard let axes, !axes.contains(0), value.groups == nil else {
      throw refused(node, "it does not reduce each image to its channels")
    }
    var kept = value.layout.indices
    for axis in axes.reversed() {
      if node.int("keepdims") ?? 1 == 1 { kept[axis - 1] = [] } else { kept.remove(at: axis - 1) }
    }
    let layout = value.layout
    let reduced = ONNXValueLayout(
      layout.height, layout.width, layout.channels, axes.map { layout.indices[$0 - 1] })
    let rest = ONNXValueLayout(layout.height, layout.width, layout.channels, kept)
    guard Set(reduced.plain.joined()).isDisjoint(with: [.channels]),
      Set(rest.plain.joined()).isSubset(of: [.channels])
    else { throw refused(node, "it does not reduce each image to its channels") }
    let input = try settle(value)
    guard graph.shape(of: input).isImage else { throw refused(node, "it reads no image") }
    try addGlobalPool(node, [input], isMax: node.op == "ReduceMax", layout: kept)
  }
}
