import ConvNet

// Convolutions, poolings, and how values lie.
extension ONNXReader {
  mutating func read(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readConv(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readConvTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readGemm(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readPool(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readTranspose(_ node: ONNXFile.Node) throws(ExchangeError) {
    var value = try value(node)
    switch (value.form, node.attributes["perm"]) {
    case (.nhwc, .ints([0, 3, 1, 2])): value.form = .nchw
    case (.nchw, .ints([0, 2, 3, 1])): value.form = .nhwc
    default: throw refused(node, "it moves no channels")
    }
    try define(node, node.outputs.first, value)
  }

  mutating func readFlatten(_ node: ONNXFile.Node) throws(ExchangeError) {
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

  mutating func readReshape(_ node: ONNXFile.Node) throws(ExchangeError) {
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
}
