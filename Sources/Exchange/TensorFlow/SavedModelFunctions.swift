import ConvNet

// Windows that slide over images, and functions of single numbers.
extension SavedModelWriter {
  /// What a window slides over, and TensorFlow's word for its padding: the value itself where the sides
  /// are those of `same` or none, else the value with numbers put around it.
  mutating func windowed(
    _ x: String, _ shape: Shape, _ node: Graph.Node, _ window: Extent, _ stride: Extent,
    dilation: Extent = Extent(1, 1), _ name: String, fill: Float = 0
  ) -> (String, padding: String) {
    if node.sides == .none { return (x, "VALID") }
    if node.hasSidesOfSame(
      from: shape.extent, window: window, stride: stride, dilation: dilation)
    {
      return (x, "SAME")
    }
    return (pad(x, node.sides, "\(name)_padded", fill: fill), "VALID")
  }

  mutating func pad(_ x: String, _ sides: Sides, _ name: String, fill: Float = 0) -> String {
    let amounts = integers(
      [0, 0, sides.top, sides.bottom, sides.left, sides.right, 0, 0], "\(name)_sides",
      shape: [4, 2])
    let value = scalar(fill, name)
    return add(.pad, [x, amounts, value], name)
  }

  mutating func slice(_ x: String, _ sides: Sides, _ sizes: [Int], _ name: String) -> String {
    let begin = integers([0, sides.top, sides.left, 0], "\(name)_begin")
    let size = integers(sizes, "\(name)_size")
    return add(.slice, [x, begin, size], name, ["Index": .type(.int32)])
  }

  /// A size for each index of (N, H, W, C).
  private func four(_ extent: Extent) -> SavedModelFile.Attribute {
    .ints([1, extent.height, extent.width, 1])
  }

  func window(
    _ size: Extent, _ stride: Extent, _ padding: String
  ) -> [String: SavedModelFile.Attribute] {
    ["ksize": four(size), "strides": four(stride), "padding": .string(padding)]
  }

  mutating func write(
    _ conv: Conv2DDescription, _ node: Graph.Node, _ x: String, _ shape: Shape, _ name: String
  ) -> String {
    let tensor = node.tensors[.kernel]!
    let (input, padding) = windowed(
      x, shape, node, conv.kernel, conv.stride, dilation: conv.dilation, name)
    let attributes: [String: SavedModelFile.Attribute] = [
      "strides": four(conv.stride), "dilations": four(conv.dilation),
      "padding": .string(padding),
    ]
    // TensorFlow's depthwise convolution knows one stride and no dilation.
    let isDepthwise =
      conv.isDepthwise(tensor) && conv.stride.height == conv.stride.width
      && conv.dilation == Extent(1, 1)
    let kernel = parameter(
      node, .kernel,
      shape: isDepthwise
        ? [conv.kernel.height, conv.kernel.width, shape.channels, conv.filters / shape.channels]
        : nil)
    // TensorFlow makes one operator of a convolution and its BiasAdd, which where it computes without
    // oneDNN, as on AMD's processors, knows no groups; what AddV2 adds stays as it is.
    let isGrouped = !isDepthwise && tensor.shape[2] < shape.channels
    return biased(
      node, add(isDepthwise ? .depthwiseConv2D : .conv2D, [input, kernel], name, attributes), name,
      by: isGrouped ? .add : .biasAdd)
  }

  /// The gradient of a convolution's input: all of it, and then cut.
  mutating func write(
    _ conv: Conv2DTransposeDescription, _ node: Graph.Node, _ x: String, _ shape: Shape,
    _ name: String
  ) -> String {
    let (from, to) = (shape.extent, node.output.extent)
    let (cut, _) = conv.sides(from: from, to: to)
    let whole = Extent(to.height + cut.top + cut.bottom, to.width + cut.left + cut.right)
    // The batch's size is known only when it is asked.
    let all = add(.shape, [x], "\(name)_shape", ["out_type": .type(.int32)])
    let (begin, one) = (integers([0], "\(name)_first"), integers([1], "\(name)_one"))
    let batch = add(
      .slice, [all, begin, one], "\(name)_batch", ["T": .type(.int32), "Index": .type(.int32)])
    let rest = integers([whole.height, whole.width, conv.filters], "\(name)_rest")
    let axis = integers([0], "\(name)_axis", shape: [])
    let sizes = add(
      .concat, [batch, rest, axis], "\(name)_sizes", ["T": .type(.int32), "N": .int(2)])
    let kernel = parameter(node, .kernel)
    var value = add(
      .conv2DTranspose, [sizes, kernel, x], name,
      ["strides": four(conv.stride), "padding": .string("VALID")])
    if whole != to { value = slice(value, cut, self.sizes(node.output), "\(name)_cut") }
    return biased(node, value, name)
  }

  /// TensorFlow's own mean leaves out what lies around the image with `same`.
  mutating func write(
    _ pool: AveragePoolDescription, _ node: Graph.Node, _ x: String, _ shape: Shape, _ name: String
  ) -> String {
    if pool.countIncludePad, node.sides != .none {
      let padded = pad(x, node.sides, "\(name)_padded")
      return add(.averagePool, [padded], name, window(pool.size, pool.stride, "VALID"))
    }
    let (input, padding) = windowed(x, shape, node, pool.size, pool.stride, name)
    let mean = add(.averagePool, [input], name, window(pool.size, pool.stride, padding))
    guard input != x else { return mean }
    let factors = constant(node.factorsWithoutPadding(pool, of: shape), "\(name)_counts")
    return two(.multiply, mean, factors, "\(name)_counted")
  }

  mutating func write(_ activation: Activation, _ x: String, _ name: String) -> String {
    switch activation {
    case .linear: return add(.identity, [x], name)
    case .relu: return one(.relu, x, name)
    case .relu6: return one(.relu6, x, name)
    case .leakyReLU(let slope): return add(.leakyReLU, [x], name, ["alpha": .float(slope)])
    case .elu(let alpha):
      if alpha == 1 { return one(.elu, x, name) }
      // max(x, 0) + α·elu(min(x, 0))
      let bent = one(.elu, with(.minimum, x, 0, "\(name)_low"), "\(name)_bent")
      let scaled = with(.multiply, bent, alpha, "\(name)_scaled")
      return two(.add, one(.relu, x, "\(name)_high"), scaled, name)
    case .gelu(let approximate):
      // x/2·(1 + erf(x/√2)), or x/2·(1 + tanh(√(2/π)·(x + 0.044715x³)))
      let inner: String
      if approximate {
        let square = two(.multiply, x, x, "\(name)_square")
        let part = with(.multiply, square, 0.044715, "\(name)_part")
        let factor = with(.add, part, 1, "\(name)_factor")
        let bent = two(.multiply, x, factor, "\(name)_bent")
        let scaled = with(.multiply, bent, 0.797_884_6, "\(name)_scaled")
        inner = one(.tanh, scaled, "\(name)_tanh")
      } else {
        let scaled = with(.multiply, x, 0.707_106_77, "\(name)_scaled")
        inner = one(.erf, scaled, "\(name)_erf")
      }
      let gate = with(.add, inner, 1, "\(name)_gate")
      let half = with(.multiply, x, 0.5, "\(name)_half")
      return two(.multiply, half, gate, name)
    case .sigmoid: return one(.sigmoid, x, name)
    case .hardSigmoid: return gate(x, name)
    case .swish: return two(.multiply, x, one(.sigmoid, x, "\(name)_gate"), name)
    case .hardSwish: return two(.multiply, x, gate(x, "\(name)_gate"), name)
    case .mish:
      let bent = one(.softplus, x, "\(name)_softplus")
      return two(.multiply, x, one(.tanh, bent, "\(name)_tanh"), name)
    case .tanh: return one(.tanh, x, name)
    case .softplus: return one(.softplus, x, name)
    case .softmax: return one(.softmax, x, name)
    }
  }

  /// min(max(x + 3, 0), 6)/6
  private mutating func gate(_ x: String, _ name: String) -> String {
    let moved = with(.add, x, 3, "\(name)_moved")
    let cut = one(.relu6, moved, "\(name)_cut")
    return with(.multiply, cut, 1 / 6, "\(name)_y")
  }
}
