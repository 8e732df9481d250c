import ConvNet

// A graph's nodes as people write layers: each does as much as one layer can.

extension Graph {
  /// Takes out what is not needed where a network is written for people: zeros around an image that a
  /// convolution can pad by itself, frames of nothing, and images of one position on their way to become
  /// vectors.
  mutating func simplify() {
    let readers = readers
    var superfluous: Set<Int> = []
    for place in nodes.indices {
      guard case .layer(let before) = nodes[place].inputs[0] else {
        if case .frame(let frame) = nodes[place].layer, frame.sides == .none {
          superfluous.insert(place)
        }
        continue
      }
      switch (nodes[before].layer, nodes[place].layer) {
      case (_, .frame(let frame)) where frame.sides == .none: superfluous.insert(place)
      case (.globalPool(var pool), .flatten) where readers[before] == 1:
        pool.keepDims = false
        nodes[before].layer = .globalPool(pool)
        nodes[before].output = nodes[place].output
        superfluous.insert(place)
      case (.frame(let frame), .conv2D(var conv))
      where frame.change == .zeroPad && readers[before] == 1:
        let own = nodes[place].sides
        conv.padding = .explicit(
          Sides(
            top: own.top + frame.sides.top, bottom: own.bottom + frame.sides.bottom,
            left: own.left + frame.sides.left, right: own.right + frame.sides.right))
        nodes[place].layer = .conv2D(conv)
        superfluous.insert(before)
      default: break
      }
    }
    // Something has to be left.
    if superfluous.count < nodes.count { remove(superfluous) }
    for place in nodes.indices { formSqueezeExcite(at: place) }
    if let last = nodes.indices.last { keepOnly(reaching: .layer(last)) }
  }

  /// Makes of a product x·g(W₂·f(W₁·mean(x))) the layer that it is.
  private mutating func formSqueezeExcite(at place: Int) {
    guard nodes[place].layer == .merge(MergeDescription(.multiply)), nodes[place].inputs.count == 2
    else { return }
    let readers = readers
    /// The node that a value is, where nobody else reads it.
    func alone(_ input: LayerInput) -> Int? {
      if case .layer(let place) = input, readers[place] == 1 { place } else { nil }
    }
    /// A convolution of one position, and the function after it.
    func step(_ input: LayerInput) -> (place: Int, activation: Activation)? {
      guard let last = alone(input) else { return nil }
      var (place, activation) = (last, Activation.linear)
      if case .activation(let own) = nodes[last].layer, let before = alone(nodes[last].inputs[0]) {
        (place, activation) = (before, own)
      }
      guard case .conv2D(let conv) = nodes[place].layer, conv.kernel == Extent(1, 1), conv.bias,
        conv.groups == 1, nodes[place].output.extent == Extent(1, 1)
      else { return nil }
      return (place, activation)
    }
    for (x, gate) in [(0, 1), (1, 0)] {
      let input = nodes[place].inputs[x]
      guard let excite = step(nodes[place].inputs[gate]),
        let squeeze = step(nodes[excite.place].inputs[0]),
        let pool = alone(nodes[squeeze.place].inputs[0]), nodes[pool].inputs == [input],
        case .globalPool(let description) = nodes[pool].layer, description.pooling == .average
      else { continue }
      let (channels, squeezed) = (
        nodes[place].output.channels, nodes[squeeze.place].output.channels
      )
      let layer = LayerDescription.squeezeExcite(
        SqueezeExciteDescription(
          ratio: channels / squeezed, squeezeActivation: squeeze.activation,
          gate: excite.activation))
      guard channels >= squeezed, max(1, channels / (channels / squeezed)) == squeezed,
        (try? layer.output(of: [shape(of: input)])) == nodes[place].output
      else { continue }
      nodes[place].layer = layer
      nodes[place].inputs = [input]
      nodes[place].tensors = [
        .squeezeKernel: nodes[squeeze.place].tensors[.kernel]!,
        .squeezeBias: nodes[squeeze.place].tensors[.bias]!,
        .kernel: nodes[excite.place].tensors[.kernel]!, .bias: nodes[excite.place].tensors[.bias]!,
      ]
      return
    }
  }
}

/// A layer as people write it, and the node of a graph whose tensors it has.
struct ReadableLayer {
  var layer: LayerDescription
  let place: Int
  /// Places among such layers, -1 for the images.
  var inputs: [Int]

  /// Those of a graph, each with the activation that alone reads it.
  static func all(of graph: Graph) -> [ReadableLayer] {
    let readers = graph.readers
    var layers: [ReadableLayer] = []
    var made: [Int] = []
    for (place, node) in graph.nodes.enumerated() {
      if case .activation(let activation) = node.layer, activation != .softmax,
        case .layer(let before) = node.inputs[0], readers[before] == 1,
        let ended = layers[made[before]].layer.ending(activation),
        layers[made[before]].place == before
      {
        layers[made[before]].layer = ended
        made.append(made[before])
        continue
      }
      let input = graph.shape(of: node.inputs[0])
      layers.append(
        ReadableLayer(
          layer: node.layer.readable(input, node.output), place: place,
          inputs: node.inputs.map { if case .layer(let place) = $0 { made[place] } else { -1 } }))
      made.append(layers.count - 1)
    }
    return layers
  }
}

extension LayerDescription {
  fileprivate func ending(_ activation: Activation) -> LayerDescription? {
    if case .depthwiseConv2D(var conv) = self {
      guard conv.activation == .linear else { return nil }
      conv.activation = activation
      return .depthwiseConv2D(conv)
    }
    return ending(with: activation)
  }

  /// With its padding by name where it has one, and depthwise where each channel is a group.
  fileprivate func readable(_ input: Shape, _ output: Shape) -> LayerDescription {
    let (from, to) = (input.extent, output.extent)
    switch self {
    case .conv2D(var conv):
      conv.padding = conv.padding.named(
        from, to, window: conv.kernel, stride: conv.stride, dilation: conv.dilation)
      guard conv.groups == input.channels, conv.groups > 1 else { return .conv2D(conv) }
      return .depthwiseConv2D(
        DepthwiseConv2DDescription(
          kernel: conv.kernel, stride: conv.stride, padding: conv.padding, dilation: conv.dilation,
          depthMultiplier: conv.filters / conv.groups, bias: conv.bias))
    case .conv2DTranspose(var conv):
      if conv.padding == .explicit(.none) { conv.padding = .valid }
      return .conv2DTranspose(conv)
    case .maxPool(var pool):
      pool.padding = pool.padding.named(from, to, window: pool.size, stride: pool.stride)
      return .maxPool(pool)
    case .averagePool(var pool):
      pool.padding = pool.padding.named(from, to, window: pool.size, stride: pool.stride)
      if pool.padding == .valid { pool.countIncludePad = false }
      return .averagePool(pool)
    default: return self
    }
  }
}

extension Padding {
  /// `valid` or `same` where it comes to the same.
  fileprivate func named(
    _ input: Extent, _ output: Extent, window: Extent, stride: Extent,
    dilation: Extent = Extent(1, 1)
  ) -> Padding {
    guard case .explicit(let top, let bottom, let left, let right) = self else { return self }
    if (top, bottom, left, right) == (0, 0, 0, 0) { return .valid }
    func isSame(
      _ input: Int, _ output: Int, _ before: Int, _ window: Int, _ stride: Int, _ dilation: Int
    ) -> Bool {
      let reach = (window - 1) * dilation + 1
      let spare = max(0, (output - 1) * stride + reach - input)
      return output == (input + stride - 1) / stride && before == spare / 2
    }
    let isSame =
      isSame(input.height, output.height, top, window.height, stride.height, dilation.height)
      && isSame(input.width, output.width, left, window.width, stride.width, dilation.width)
    return isSame ? .same : self
  }
}
