import ConvNet
import Experiment
import ONNX
import Storage

/// A layer of Keras 3, as its configuration has it.
struct KerasLayer {
  /// Keras's class, and what its own code calls a first one of it.
  let kind: String
  let name: String
  var config: [(key: String, value: JSONValue)] = []
  /// The places of what it reads, in the list of layers.
  let inputs: [Int]
  /// Of one sample.
  let output: [Int]
  /// Its variables, in Keras's order, each by the node's name and its role.
  var variables: [(node: Int, role: TensorInfo.Role, shape: [Int])] = []
  /// A variable that no node has: of whitening.
  var constant: Tensor?

  /// `Conv2D` as `conv2d` (`keras.src.utils.naming.to_snake_case`).
  var snakeCase: String {
    var text = ""
    let letters = Array(kind.filter { $0.isLetter || $0.isNumber })
    for (i, letter) in letters.enumerated() {
      let before = i > 0 ? letters[i - 1] : nil
      let next = i + 1 < letters.count ? letters[i + 1] : nil
      let begins =
        letter.isUppercase
        && (before.map { $0.isLowercase || $0.isNumber && next?.isLowercase ?? false } ?? false
          || (before?.isUppercase ?? false) && (next?.isLowercase ?? false))
      if begins { text += "_" }
      text += letter.lowercased()
    }
    return text
  }
}

/// A graph as the layers of a functional model of Keras 3.
struct KerasModel {
  let graph: Graph
  let title: String
  /// What it is compiled with; nil for nothing.
  let training: KerasTraining?
  private(set) var layers: [KerasLayer] = []
  /// The layer that gives what each node gives.
  private var places: [Int] = []
  private var names: Set<String> = []

  /// - Throws: `ExchangeError` naming a layer that Keras cannot say.
  init(_ graph: Graph, title: String, training: KerasTraining? = nil) throws(ExchangeError) {
    self.graph = graph
    self.title = title
    self.training = training
    addImages()
    prepared = layers.count - 1
    for (place, node) in graph.nodes.enumerated() {
      places.append(try add(node, place))
    }
  }

  private mutating func unique(_ name: String) -> String {
    let plain = String(name.map { "/>".contains($0) ? "_" : $0 })
    var (candidate, number) = (plain, 2)
    while !names.insert(candidate).inserted {
      candidate = "\(plain)_\(number)"
      number += 1
    }
    return candidate
  }

  @discardableResult
  mutating func append(
    _ kind: String, _ name: String, _ inputs: [Int], _ output: [Int],
    _ config: [(key: String, value: JSONValue)] = [],
    variables: [(node: Int, role: TensorInfo.Role, shape: [Int])] = []
  ) -> Int {
    layers.append(
      KerasLayer(
        kind: kind, name: unique(name), config: config, inputs: inputs, output: output,
        variables: variables))
    return layers.count - 1
  }

  func sizes(_ shape: Shape) -> [Int] {
    shape.sizes.map { [$0.height, $0.width, $0.channels] } ?? [shape.count]
  }

  private func numbers(_ values: [Int]) -> JSONValue { .array(values.map { JSONValue($0) }) }

  private func pair(_ extent: Extent) -> JSONValue { numbers([extent.height, extent.width]) }

  private func sides(_ sides: Sides) -> JSONValue {
    [numbers([sides.top, sides.bottom]), numbers([sides.left, sides.right])]
  }

  // MARK: before the first layer

  private mutating func addImages() {
    let shape = sizes(graph.input)
    var last = append("InputLayer", "images", [], shape)
    if let scale = graph.scale {
      last = append(
        "Rescaling", "scaled", [last], shape, [("scale", JSONValue(scale)), ("offset", 0)])
    }
    if let normalization = graph.normalization {
      let isWhite = !normalization.whitening.isEmpty
      let factor = isWhite ? normalization.mean.map { _ in 1 } : normalization.factor
      let offset = zip(normalization.mean, factor).map { -$0 * $1 }
      last = append(
        "Rescaling", isWhite ? "centred" : "normalized", [last], shape,
        [("scale", nested(factor)), ("offset", nested(offset))])
      if isWhite {
        let count = graph.input.count
        last = append("Flatten", "flat_images", [last], [count])
        last = append(
          "Dense", "whitened", [last], [count],
          [("units", JSONValue(count)), ("use_bias", false)])
        layers[last].constant = Tensor(normalization.whitening, shape: [count, count])
        last = append(
          "Reshape", "white_images", [last], shape, [("target_shape", numbers(shape))])
      }
    }
  }

  /// Of each channel, or of each row, column and channel.
  private func nested(_ values: [Float]) -> JSONValue {
    let (height, width, channels) = graph.input.sizes!
    func row(_ start: Int) -> JSONValue {
      .array(values[start..<start + channels].map { JSONValue($0) })
    }
    if values.count == channels { return row(0) }
    return .array(
      (0..<height).map { y in
        .array((0..<width).map { x in row((y * width + x) * channels) })
      })
  }

  // MARK: layers

  /// Adds what a node is; returns the layer that gives its output.
  private mutating func add(_ node: Graph.Node, _ place: Int) throws(ExchangeError) -> Int {
    let inputs = node.inputs.map { input in
      if case .layer(let place) = input { places[place] } else { prepared }
    }
    let (x, name, output) = (inputs[0], node.name, sizes(node.output))
    let shape = graph.shape(of: node.inputs[0])
    func variable(
      _ role: TensorInfo.Role, _ shape: [Int]? = nil
    ) -> [(node: Int, role: TensorInfo.Role, shape: [Int])] {
      node.tensors[role].map { [(place, role, shape ?? $0.shape)] } ?? []
    }
    let weights = variable(.kernel) + variable(.bias)
    let affine = variable(.scale) + variable(.offset)
    switch node.layer {
    case .conv2D(let conv):
      let (input, padding) = padded(x, shape, node, conv)
      let isDepthwise =
        conv.groups > 1 && conv.groups == shape.channels && conv.stride.height == conv.stride.width
      var config: [(key: String, value: JSONValue)] = [
        ("kernel_size", pair(conv.kernel)), ("strides", pair(conv.stride)),
        ("padding", .string(padding)), ("dilation_rate", pair(conv.dilation)),
        ("use_bias", .bool(conv.bias)),
      ]
      guard isDepthwise else {
        config += [("filters", JSONValue(conv.filters)), ("groups", JSONValue(conv.groups))]
        return append("Conv2D", name, [input], output, config, variables: weights)
      }
      let multiplier = conv.filters / shape.channels
      config.append(("depth_multiplier", JSONValue(multiplier)))
      let kernel = [conv.kernel.height, conv.kernel.width, shape.channels, multiplier]
      return append(
        "DepthwiseConv2D", name, [input], output, config,
        variables: variable(.kernel, kernel) + variable(.bias))
    case .conv2DTranspose(let conv): return addTransposed(conv, node, x, shape, weights)
    case .dense(let dense):
      return append(
        "Dense", name, [x], output,
        [("units", JSONValue(dense.units)), ("use_bias", .bool(dense.bias))], variables: weights)
    case .flatten: return append("Flatten", name, [x], output)
    case .maxPool(let pool): return addPool(pool, node, x, shape)
    case .averagePool(let pool): return addPool(pool, node, x, shape)
    case .globalPool(let pool):
      return append(
        pool.pooling == .average ? "GlobalAveragePooling2D" : "GlobalMaxPooling2D", name, [x],
        output, [("keepdims", .bool(pool.keepDims))])
    case .frame(let frame):
      if frame.change == .zeroPad { return zeroPad(x, frame.sides, shape, name) }
      return append("Cropping2D", name, [x], output, [("cropping", sides(frame.sides))])
    case .upsample(let upsample):
      return append(
        "UpSampling2D", name, [x], output,
        [
          ("size", pair(upsample.size)),
          ("interpolation", .string(upsample.interpolation.rawValue)),
        ])
    case .batchNorm(let norm):
      return append(
        "BatchNormalization", name, [x], output,
        [
          ("momentum", JSONValue(norm.momentum)), ("epsilon", JSONValue(norm.epsilon)),
          ("scale", .bool(norm.scale)), ("center", .bool(norm.center)),
        ], variables: affine + variable(.movingMean) + variable(.movingVariance))
    case .layerNorm(let norm):
      return append(
        "LayerNormalization", name, [x], output,
        [
          ("axis", -1), ("epsilon", JSONValue(norm.epsilon)), ("scale", .bool(norm.scale)),
          ("center", .bool(norm.center)),
        ], variables: affine)
    case .groupNorm(let norm):
      return append(
        "GroupNormalization", name, [x], output,
        [
          ("groups", JSONValue(norm.groups)), ("axis", -1), ("epsilon", JSONValue(norm.epsilon)),
          ("scale", .bool(norm.scale)), ("center", .bool(norm.center)),
        ], variables: affine)
    case .prelu:
      let channels = shape.channels
      return append(
        "PReLU", name, [x], output,
        [("shared_axes", shape.isImage ? [1, 2] : .null)],
        variables: variable(.slope, shape.isImage ? [1, 1, channels] : [channels]))
    case .activation(let activation): return add(activation, name, x, output)
    case .merge(let merge): return add(merge.merge, node, name, inputs, output)
    case .dropout, .spatialDropout, .gaussianNoise, .depthwiseConv2D, .squeezeExcite, .fakeQuantize:
      preconditionFailure("a graph has no \(node.layer.kind)")
    }
  }

  /// The layer that gives the images as the first node reads them.
  private var prepared = 0

  func window(
    _ size: Extent, _ stride: Extent, _ padding: String
  ) -> [(key: String, value: JSONValue)] {
    [("pool_size", pair(size)), ("strides", pair(stride)), ("padding", .string(padding))]
  }

  /// Keras's word for the sides of a window; nil where it has none.
  func plainPadding(
    _ shape: Shape, _ node: Graph.Node, _ window: Extent, _ stride: Extent,
    dilation: Extent = Extent(1, 1)
  ) -> String? {
    let (from, to) = (shape.extent, node.output.extent)
    if node.sides == .none { return "valid" }
    let same = Padding.same.sides(from, to, window: window, stride: stride, dilation: dilation)
    let isSame =
      to.height == (from.height + stride.height - 1) / stride.height
      && to.width == (from.width + stride.width - 1) / stride.width
    return isSame && same == node.sides ? "same" : nil
  }

  private mutating func padded(
    _ x: Int, _ shape: Shape, _ node: Graph.Node, _ conv: Conv2DDescription
  ) -> (Int, String) {
    if let padding = plainPadding(shape, node, conv.kernel, conv.stride, dilation: conv.dilation) {
      return (x, padding)
    }
    return (zeroPad(x, node.sides, shape, "\(node.name)_padded"), "valid")
  }

  mutating func zeroPad(
    _ x: Int, _ sides: Sides, _ shape: Shape, _ name: String
  ) -> Int {
    let (height, width, channels) = shape.sizes!
    return append(
      "ZeroPadding2D", name, [x],
      [height + sides.top + sides.bottom, width + sides.left + sides.right, channels],
      [("padding", self.sides(sides))])
  }

  private mutating func addTransposed(
    _ conv: Conv2DTransposeDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape,
    _ weights: [(node: Int, role: TensorInfo.Role, shape: [Int])]
  ) -> Int {
    let (from, to) = (shape.extent, node.output.extent)
    var config: [(key: String, value: JSONValue)] = [
      ("filters", JSONValue(conv.filters)), ("kernel_size", pair(conv.kernel)),
      ("strides", pair(conv.stride)), ("use_bias", .bool(conv.bias)),
    ]
    if case .explicit = conv.padding {
      // All of it, and then what is cut off.
      let whole = Extent(
        (from.height - 1) * conv.stride.height + max(conv.kernel.height, conv.stride.height),
        (from.width - 1) * conv.stride.width + max(conv.kernel.width, conv.stride.width))
      let (cut, _) = conv.sides(from: from, to: to)
      config.append(("padding", "valid"))
      let rest = Sides(
        top: cut.top, bottom: whole.height - to.height - cut.top, left: cut.left,
        right: whole.width - to.width - cut.left)
      let isCut = rest != .none
      let spread = append(
        "Conv2DTranspose", isCut ? "\(node.name)_whole" : node.name, [x],
        [whole.height, whole.width, conv.filters], config, variables: weights)
      return isCut
        ? append("Cropping2D", node.name, [spread], sizes(node.output), [("cropping", sides(rest))])
        : spread
    }
    config.append(("padding", conv.padding == .same ? "same" : "valid"))
    return append(
      "Conv2DTranspose", node.name, [x], sizes(node.output), config, variables: weights)
  }

  private mutating func add(
    _ activation: Activation, _ name: String, _ x: Int, _ output: [Int]
  ) -> Int {
    let word: String
    switch activation {
    case .leakyReLU(let slope):
      return append("LeakyReLU", name, [x], output, [("negative_slope", JSONValue(slope))])
    case .elu(let alpha):
      return append("ELU", name, [x], output, [("alpha", JSONValue(alpha))])
    case .gelu(approximate: true):
      // ½x(1 + tanh(√(2/π)·x·(1 + 0.044715x²))), for which Keras has no name.
      let square = append("Multiply", "\(name)_square", [x, x], output)
      let bent = append(
        "Rescaling", "\(name)_bent", [square], output,
        [("scale", JSONValue(0.044_715 as Float)), ("offset", 1)])
      let cube = append("Multiply", "\(name)_cube", [x, bent], output)
      let inner = append(
        "Rescaling", "\(name)_inner", [cube], output,
        [("scale", JSONValue(0.797_884_6 as Float)), ("offset", 0)])
      let tanh = append("Activation", "\(name)_tanh", [inner], output, [("activation", "tanh")])
      let gate = append(
        "Rescaling", "\(name)_gate", [tanh], output, [("scale", 0.5), ("offset", 0.5)])
      return append("Multiply", name, [x, gate], output)
    case .linear: word = "linear"
    case .relu: word = "relu"
    case .relu6: word = "relu6"
    case .gelu(approximate: false): word = "gelu"
    case .sigmoid: word = "sigmoid"
    case .hardSigmoid: word = "hard_sigmoid"
    case .swish: word = "silu"
    case .hardSwish: word = "hard_silu"
    case .mish: word = "mish"
    case .tanh: word = "tanh"
    case .softplus: word = "softplus"
    case .softmax: word = "softmax"
    }
    return append("Activation", name, [x], output, [("activation", .string(word))])
  }

  private mutating func add(
    _ merge: Merge, _ node: Graph.Node, _ name: String, _ inputs: [Int], _ output: [Int]
  ) -> Int {
    switch merge {
    case .add: return append("Add", name, inputs, output)
    case .concat: return append("Concatenate", name, inputs, output, [("axis", -1)])
    case .multiply:
      var factors = inputs
      for (i, input) in node.inputs.enumerated()
      where node.output.isImage && !graph.shape(of: input).isImage {
        let sizes = [1, 1, graph.shape(of: input).channels]
        factors[i] = append(
          "Reshape", "\(name)_image", [inputs[i]], sizes, [("target_shape", numbers(sizes))])
      }
      return append("Multiply", name, factors, output)
    }
  }
}
