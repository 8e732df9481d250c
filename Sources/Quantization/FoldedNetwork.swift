import ConvNet

/// A model on its way to integers: what inference computes, batch norms folded into the layers before them and
/// activations made a part of these, still in floats.
struct FoldedNetwork {
  struct Node {
    var name: String
    var kind: Kind
    /// Values: 0 is the image, i + 1 what node i gives.
    var inputs: [Int]
    var output: Shape
    /// The layer of the model that gives the same; nil where the model has none.
    var label: String?
    var activation = QuantizedActivation.linear
    /// (F, K, K, C), (K, K, C) or (units, inputs); filters first but for the depthwise.
    var kernel: [Float] = []
    var kernelShape: [Int] = []
    var bias: [Float] = []
  }

  enum Kind {
    case conv2D(QuantizedWindow)
    case depthwiseConv2D(QuantizedWindow)
    case dense
    case maxPool(QuantizedWindow)
    case averagePool(QuantizedWindow)
    case pad(Sides)
    case mean, add, clamp, reshape, softmax

    /// Whether it has a scale of its own, so that an activation may be a part of it.
    var scales: Bool {
      switch self {
      case .conv2D, .depthwiseConv2D, .dense, .add: true
      default: false
      }
    }

    /// Whether what it gives has a range of its own; else it has that of what it reads.
    var hasRange: Bool { if case .mean = self { true } else { scales } }
  }

  var nodes: [Node] = []
  /// What the model's own numbers of a value are multiplied by, channel by channel, where the network was
  /// equalised; nil for 1.
  var factors: [[Float]?] = []
  /// How many batch norms were folded.
  private(set) var foldedBatchNorms = 0

  private let model: Model
  private let tensors: [[TensorInfo]]
  /// The value that each layer of the plan gives.
  private var values: [Int] = []

  /// - Throws: `NetworkError` naming all layers that have no form in integers, and the place of the first.
  init(_ model: Model) throws(NetworkError) {
    self.model = model
    tensors = model.plan.layers.indices.map { place in
      model.tensors.filter { $0.layer == place }
    }
    var problems: [(place: LayerPlace, text: String)] = []
    for (place, layer) in model.plan.layers.enumerated() {
      do throws(NetworkError) { values.append(try add(layer, place)) } catch {
        problems.append((layer.place, "\(layer.label): \(error.message)"))
        // Something stands for it, so that what is behind it is looked at too.
        values.append(
          append(Node(name: layer.label, kind: .reshape, inputs: [0], output: layer.output)))
      }
    }
    if let first = problems.first {
      throw NetworkError(
        layer: first.place, problems.map(\.text).joined(separator: "; "))
    }
    let classes = model.plan.description.classes
    if case .image = model.plan.layers.last!.output {
      append(Node(name: "scores", kind: .reshape, inputs: [values.last!], output: .vector(classes)))
    } else if values.last! != nodes.count {
      // The last layer computes nothing, and reads another than the last that does.
      append(Node(name: "scores", kind: .reshape, inputs: [values.last!], output: .vector(classes)))
    }
    factors = Array(repeating: nil, count: nodes.count + 1)
  }

  /// The shape of the images.
  var input: Shape { model.plan.description.input }

  /// The layer of the model that gives a value, or the same numbers in another shape; nil for the images.
  func label(of value: Int) -> String? {
    guard value > 0 else { return nil }
    let node = nodes[value - 1]
    if node.label == nil, case .reshape = node.kind { return label(of: node.inputs[0]) }
    return node.label
  }

  @discardableResult
  private mutating func append(_ node: Node) -> Int {
    nodes.append(node)
    return nodes.count
  }

  private mutating func add(
    _ layer: NetworkPlan.Layer, _ place: Int
  ) throws(NetworkError) -> Int {
    let inputs = layer.inputs.map { input in
      if case .layer(let place) = input { values[place] } else { 0 }
    }
    var node = Node(
      name: layer.label, kind: .reshape, inputs: inputs, output: layer.output, label: layer.label)
    switch layer.description {
    case .dropout, .spatialDropout, .gaussianNoise, .activation(.linear): return inputs[0]
    case .conv2D(let conv):
      node.activation = try QuantizedActivation(conv.activation)
      let window = layer.window(conv.kernel, conv.stride, conv.dilation)
      let channels = layer.input.channels
      let kernel = tensor(.kernel, place)!
      if conv.groups == 1 {
        node.kind = .conv2D(window)
        node.kernel = Self.transposed(kernel, columns: conv.filters)
        node.kernelShape = [conv.filters, conv.kernel.height, conv.kernel.width, channels]
      } else {
        guard conv.groups == channels, conv.filters == channels else {
          throw NetworkError("a convolution of \(conv.groups) groups has no form in integers")
        }
        node.kind = .depthwiseConv2D(window)
        node.kernel = kernel
        node.kernelShape = [conv.kernel.height, conv.kernel.width, channels]
      }
      node.bias = tensor(.bias, place) ?? Array(repeating: 0, count: conv.filters)
    case .depthwiseConv2D(let conv):
      guard conv.depthMultiplier == 1 else {
        throw NetworkError(
          "several filters for each channel (\(conv.depthMultiplier)) have no form in integers")
      }
      node.activation = try QuantizedActivation(conv.activation)
      node.kind = .depthwiseConv2D(layer.window(conv.kernel, conv.stride, conv.dilation))
      node.kernel = tensor(.kernel, place)!
      node.kernelShape = [conv.kernel.height, conv.kernel.width, layer.input.channels]
      node.bias = tensor(.bias, place) ?? Array(repeating: 0, count: layer.output.channels)
    case .dense(let dense):
      node.activation = try QuantizedActivation(dense.activation)
      node.kind = .dense
      node.kernel = Self.transposed(tensor(.kernel, place)!, columns: dense.units)
      node.kernelShape = [dense.units, layer.input.count]
      node.bias = tensor(.bias, place) ?? Array(repeating: 0, count: dense.units)
    case .batchNorm(let norm): return try add(norm, layer, place, inputs[0])
    case .activation(.softmax):
      guard place == model.plan.layers.count - 1, case .vector = layer.output else {
        throw NetworkError("a softmax is computed in integers at the end alone")
      }
      node.kind = .softmax
    case .activation(let activation):
      node.activation = try QuantizedActivation(activation)
      if let taken = takesIn(inputs[0], layer) {
        nodes[taken].activation = node.activation
        nodes[taken].label = layer.label
        return inputs[0]
      }
      node.kind = .clamp
    case .maxPool(let pool): node.kind = .maxPool(layer.window(pool.size, pool.stride))
    case .averagePool(let pool):
      let window = layer.window(pool.size, pool.stride)
      guard !pool.countIncludePad || window.sides == Sides(top: 0, bottom: 0, left: 0, right: 0)
      else {
        throw NetworkError("means that count the zeros around are not computed in integers")
      }
      node.kind = .averagePool(window)
    case .globalPool(let pool):
      guard pool.pooling == .max else {
        node.kind = .mean
        break
      }
      let extent = layer.input.extent
      node.kind = .maxPool(QuantizedWindow(size: extent, stride: Extent(1, 1)))
      node.output = Shape(Extent(1, 1), layer.input.channels)
      if !pool.keepDims {
        let value = append(node)
        return append(
          Node(name: "\(layer.label)_vector", kind: .reshape, inputs: [value], output: layer.output)
        )
      }
    case .flatten:
      guard case .image = layer.input else { return inputs[0] }
    case .frame(let frame) where frame.change == .zeroPad: node.kind = .pad(frame.sides)
    case .merge(let merge) where merge.merge == .add && inputs.count == 2:
      node.activation = try QuantizedActivation(merge.activation)
      node.kind = .add
    case .merge(let merge) where merge.merge == .add:
      throw NetworkError("a sum of \(inputs.count) is not computed in integers, one of two is")
    default:
      throw NetworkError("has no form in integers")
    }
    return append(node)
  }

  /// The node that gives a value, where a layer that alone reads it can become a part of it.
  private func takesIn(_ value: Int, _ layer: NetworkPlan.Layer) -> Int? {
    guard value > 0, nodes[value - 1].kind.scales, nodes[value - 1].activation == .linear,
      case .layer(let before) = layer.inputs[0], isReadOnce(before)
    else { return nil }
    return value - 1
  }

  /// Whether one layer reads what a layer gives, dropouts and their like in between.
  private func isReadOnce(_ place: Int) -> Bool {
    let layer = model.plan.layers[place]
    guard layer.readers == 1 else { return false }
    switch layer.description {
    case .dropout, .spatialDropout, .gaussianNoise, .activation(.linear):
      if case .layer(let before) = layer.inputs[0] { return isReadOnce(before) }
      return true
    default: return true
    }
  }

  /// γ(x·W + b − μ)/√(σ² + ε) + β = x·(W·f) + (b − μ)·f + β, f = γ/√(σ² + ε); where nothing takes it in,
  /// one number for each channel.
  private mutating func add(
    _ norm: BatchNormDescription, _ layer: NetworkPlan.Layer, _ place: Int, _ input: Int
  ) throws(NetworkError) -> Int {
    let (mean, variance) = (tensor(.movingMean, place)!, tensor(.movingVariance, place)!)
    let (scale, offset) = (tensor(.scale, place), tensor(.offset, place))
    let factor = variance.indices.map {
      (scale?[$0] ?? 1) / (variance[$0] + norm.epsilon).squareRoot()
    }
    if let taken = takesIn(input, layer), !nodes[taken].kernel.isEmpty {
      let count = factor.count
      let isDepthwise = if case .depthwiseConv2D = nodes[taken].kind { true } else { false }
      let perFilter = nodes[taken].kernel.count / count
      for i in nodes[taken].kernel.indices {
        nodes[taken].kernel[i] *= factor[isDepthwise ? i % count : i / perFilter]
      }
      for c in 0..<count {
        nodes[taken].bias[c] = (nodes[taken].bias[c] - mean[c]) * factor[c] + (offset?[c] ?? 0)
      }
      nodes[taken].label = layer.label
      foldedBatchNorms += 1
      return input
    }
    guard case .image = layer.input else {
      throw NetworkError("no dense layer before it takes it in")
    }
    return append(
      Node(
        name: layer.label,
        kind: .depthwiseConv2D(QuantizedWindow(size: Extent(1, 1), stride: Extent(1, 1))),
        inputs: [input], output: layer.output, label: layer.label, kernel: factor,
        kernelShape: [1, 1, factor.count],
        bias: factor.indices.map { (offset?[$0] ?? 0) - mean[$0] * factor[$0] }))
  }

  private func tensor(_ role: TensorInfo.Role, _ place: Int) -> [Float]? {
    tensors[place].first { $0.role == role }.map { Array(model[$0]) }
  }

  /// (rows, columns) as (columns, rows).
  private static func transposed(_ values: [Float], columns: Int) -> [Float] {
    let rows = values.count / columns
    var result = [Float](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns {
        result[column * rows + row] = values[row * columns + column]
      }
    }
    return result
  }
}

extension QuantizedActivation {
  fileprivate init(_ activation: Activation) throws(NetworkError) {
    switch activation {
    case .linear: self = .linear
    case .relu: self = .relu
    case .relu6: self = .relu6
    default:
      throw NetworkError("of activations, linear, relu and relu6 are computed in integers")
    }
  }
}

extension NetworkPlan.Layer {
  /// Its window with the sides that it reaches: zeros that no window reaches are none.
  fileprivate func window(
    _ size: Extent, _ stride: Extent, _ dilation: Extent = Extent(1, 1)
  ) -> QuantizedWindow {
    let geometry = geometry!
    let read = Extent(
      (geometry.output.height - 1) * stride.height + geometry.span.height,
      (geometry.output.width - 1) * stride.width + geometry.span.width)
    return QuantizedWindow(
      size: size, stride: stride, dilation: dilation,
      sides: Sides(
        top: geometry.top, bottom: max(0, read.height - geometry.input.height - geometry.top),
        left: geometry.left, right: max(0, read.width - geometry.input.width - geometry.left)))
  }
}
