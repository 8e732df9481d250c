import ConvNet

// Layers whose windows slide over images, which may need numbers put around them first.
extension TFLiteWriter {
  enum WindowPadding: Int {
    case same = 0
    case valid = 1
  }

  /// What a window slides over: the value itself where the sides are those of `same` or none, else the
  /// value with numbers put around it.
  mutating func windowed(
    _ x: Int, _ shape: Shape, _ node: Graph.Node, _ window: Extent, _ stride: Extent,
    _ dilation: Extent, _ name: String, fill: Float = 0
  ) -> (Int, Extent, WindowPadding) {
    let (sides, extent) = (node.sides, shape.extent)
    if sides == .none { return (x, extent, .valid) }
    if node.hasSidesOfSame(from: extent, window: window, stride: stride, dilation: dilation) {
      return (x, extent, .same)
    }
    let whole = Extent(
      extent.height + sides.top + sides.bottom, extent.width + sides.left + sides.right)
    let padded = pad(
      x, sides, "\(name)_padded", [1, whole.height, whole.width, shape.channels], fill: fill)
    return (padded, whole, .valid)
  }

  mutating func pad(
    _ x: Int, _ sides: Sides, _ name: String, _ shape: [Int], fill: Float = 0
  ) -> Int {
    let amounts = integers(
      [0, 0, sides.top, sides.bottom, sides.left, sides.right, 0, 0], "\(name)_sides",
      shape: [4, 2])
    if fill == 0 { return add(.pad, [x, amounts], name, shape, (22, Self.none)) }
    let value = scalar(fill)
    return add(.padV2, [x, amounts, value], name, shape, (43, Self.none))
  }

  func window(
    _ size: Extent, _ stride: Extent, _ padding: WindowPadding
  ) -> [Int: FlatValue] {
    [
      0: .byte(padding.rawValue), 1: .int(stride.width), 2: .int(stride.height),
      3: .int(size.width), 4: .int(size.height),
    ]
  }

  mutating func write(
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

  mutating func slice(_ x: Int, _ sides: Sides, _ name: String, _ shape: [Int]) -> Int {
    let begin = integers([0, sides.top, sides.left, 0], "\(name)_begin")
    let size = integers([-1] + shape.dropFirst(), "\(name)_size")
    return add(.slice, [x, begin, size], name, shape, (48, Self.none))
  }

  /// The interpreters' own mean leaves out what lies around the image with `same`.
  mutating func write(
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
    let factor = constant(
      node.factorsWithoutPadding(pool, of: shape), unique("\(name)_counts"))
    return arithmetic(.mul, mean, factor, "\(name)_counted", output)
  }
}
