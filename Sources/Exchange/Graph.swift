import ConvNet
import ONNX

/// A network as other programs state it: nodes that each do one thing, every one after all that it
/// reads. The last gives the scores of the classes, (classes), or, at the user's wish, their
/// probabilities.
///
/// Of the catalogue's layers it has those that compute something in inference, each without its
/// activation, which is a node of its own:
///
///     conv2d (depthwise ones as groups), conv2d_transpose, dense, flatten, max_pool, average_pool,
///     global pools, zero_pad, crop, upsample, batch_norm, layer_norm, group_norm, prelu, activation,
///     add, concat, multiply
///
/// and what they are made of where they are more: a squeeze_excite is a pool, two convolutions and a
/// product. Windows have explicit sides.
public struct Graph: Hashable, Sendable {
  public struct Node: Hashable, Sendable {
    /// That of its layer; of a layer that is several nodes, with what this one is behind it.
    public var name: String
    public var layer: LayerDescription
    public var inputs: [LayerInput]
    /// Of one sample; images are height, width, channels.
    public var output: Shape
    /// As the catalogue has them.
    public var tensors: [TensorInfo.Role: Tensor]

    public init(
      _ name: String, _ layer: LayerDescription, inputs: [LayerInput], output: Shape,
      tensors: [TensorInfo.Role: Tensor] = [:]
    ) {
      self.name = name
      self.layer = layer
      self.inputs = inputs
      self.output = output
      self.tensors = tensors
    }
  }

  /// Of one image.
  public let input: Shape
  /// What comes before the first node: x·scale, then the normalisation. Nil for nothing.
  public var scale: Float?
  public var normalization: Normalization?
  public var nodes: [Node]

  public init(
    input: Shape, scale: Float? = nil, normalization: Normalization? = nil, nodes: [Node] = []
  ) {
    self.input = input
    self.scale = scale
    self.normalization = normalization
    self.nodes = nodes
  }

  public var classes: Int { nodes.last?.output.count ?? 0 }

  public func shape(of input: LayerInput) -> Shape {
    switch input {
    case .images: self.input
    case .layer(let place): nodes[place].output
    }
  }

  /// How often each node's output is read; the last's once more, for it is the answer.
  public var readers: [Int] {
    var readers = nodes.map { _ in 0 }
    for node in nodes {
      for case .layer(let place) in node.inputs { readers[place] += 1 }
    }
    if !readers.isEmpty { readers[readers.count - 1] += 1 }
    return readers
  }

  /// Whether the last node gives probabilities.
  public var endsInSoftmax: Bool { nodes.last?.layer == .activation(.softmax) }

  @discardableResult
  mutating func append(_ node: Node) -> LayerInput {
    nodes.append(node)
    return .layer(nodes.count - 1)
  }
}

extension Shape {
  /// Height, width and channels of an image.
  var sizes: (height: Int, width: Int, channels: Int)? {
    if case .image(let height, let width, let channels) = self {
      (height, width, channels)
    } else {
      nil
    }
  }

  var isImage: Bool { sizes != nil }

  static func image(_ extent: Extent, _ channels: Int) -> Shape {
    .image(height: extent.height, width: extent.width, channels: channels)
  }
}
