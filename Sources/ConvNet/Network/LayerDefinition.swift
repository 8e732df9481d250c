// What a layer tells of itself, so that neither the plan nor the builder needs to know its kind.

/// A layer's description as `NetworkPlan` and `NetworkBuilder` ask it.
protocol LayerDefinition: Sendable {
  /// The name that a spec gives this layer.
  var kind: String { get }
  /// The function that ends it.
  var activation: Activation { get }
  var liveOutputs: LiveOutputs { get }
  /// Whether it computes nothing, so that its output is its input: always, or where no one trains.
  var passesThrough: PassesThrough { get }
  /// Whether its backward pass reads the gradient of its output though nothing below has weights.
  var needsGradient: Bool { get }

  /// - Throws: `NetworkError` where the inputs do not fit it, or a size overflows.
  func infer(_ inputs: [Shape]) throws(NetworkError) -> InferredLayer
  /// The same of the one input that most layers have.
  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer

  /// How much of the input, from its first row and column, the first `live` outputs read.
  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent

  /// Its trainable tensors, in the order of the network's memory.
  func parameters(of input: Shape) -> [ParameterDefinition]
  /// What it keeps of batches for evaluation.
  func statistics(of input: Shape) -> [ParameterDefinition]

  /// Whether it does the work of the layer that alone reads it too.
  func fuses(_ layer: NetworkPlan.Layer, with next: NetworkPlan.Layer) -> Bool

  func make(_ site: LayerSite) -> any Layer
}

extension LayerDefinition {
  var activation: Activation { .linear }
  var liveOutputs: LiveOutputs { .thoseRead }
  var passesThrough: PassesThrough { .never }
  var needsGradient: Bool { false }
  func infer(_ inputs: [Shape]) throws(NetworkError) -> InferredLayer { try infer(inputs[0]) }
  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent { live }
  func parameters(of input: Shape) -> [ParameterDefinition] { [] }
  func statistics(of input: Shape) -> [ParameterDefinition] { [] }
  func fuses(_ layer: NetworkPlan.Layer, with next: NetworkPlan.Layer) -> Bool { false }
}

enum PassesThrough { case never, inInference, always }

/// Which of a layer's outputs are computed.
enum LiveOutputs {
  /// Those that anything downstream reads.
  case thoseRead
  /// As many as its input holds, for each follows from the input's same position.
  case asInput
  /// All of them, for each depends on the whole map.
  case all
}

/// What follows from a layer's description and its input's shape.
struct InferredLayer {
  let output: Shape
  /// Of one sample's forward pass; a multiply-add counts two.
  var flops = 0
  var geometry: WindowGeometry?
}

/// A trainable tensor of a layer, before it has memory: a matrix of `rows` by `columns`.
struct ParameterDefinition {
  enum Initial {
    case constant(Float)
    /// Drawn as a matrix of this many rows, its fan-in, and columns, for this fan-out.
    case drawn(Initializer, rows: Int, columns: Int, fanOut: Int)
  }

  /// Where the gradient of a batch is found; see `Parameter.Source`.
  enum Gradient { case partials, wholeBatch, settled }

  let role: TensorInfo.Role
  let shape: [Int]
  let rows: Int
  let columns: Int
  let initial: Initial
  var gradient = Gradient.partials
  var l2: Float = 0
  var regularization = KernelRegularization()
  /// Whether its layer multiplies by the transpose too.
  var wantsTransposed = false

  var count: Int { rows * columns }

  /// A number for each of some channels.
  static func channels(
    _ role: TensorInfo.Role, _ count: Int, initial: Float, gradient: Gradient = .partials
  ) -> ParameterDefinition {
    ParameterDefinition(
      role: role, shape: [count], rows: 1, columns: count, initial: .constant(initial),
      gradient: gradient)
  }
}

/// A trainable tensor in its network's memory, with each tile's own part of its gradient.
struct TiledParameter {
  let values: Matrix
  /// The transposed copy that the update keeps, where one was wanted.
  let transposed: Matrix?
  let partials: Partials
  let offset: Int

  /// The tile's part of the gradient, as long as the values.
  func gradient(of tile: Tile) -> UnsafeMutablePointer<Float> {
    partials.pointer(tile.index) + offset
  }

  /// The same, set to zero.
  func clearedGradient(of tile: Tile) -> UnsafeMutablePointer<Float> {
    let gradient = gradient(of: tile)
    gradient.update(repeating: 0, count: values.rows * values.columns)
    return gradient
  }
}

extension Activation {
  /// What a layer can apply at its own end; the rest is left to a layer after it.
  var fused: Activation { followsFromOutput ? self : .linear }
}

extension LayerDescription {
  /// The layer's own account of itself.
  var definition: any LayerDefinition {
    switch self {
    case .conv2D(let conv): conv
    case .maxPool(let pool): pool
    case .flatten: FlattenDefinition()
    case .dense(let dense): dense
    case .dropout(let rate): DropoutDefinition(rate: rate)
    case .activation(let activation): ActivationDefinition(function: activation)
    case .batchNorm(let norm): norm
    case .merge(let merge): merge
    case .averagePool(let pool): pool
    case .globalPool(let pool): pool
    case .frame(let frame): frame
    case .upsample(let upsample): upsample
    case .depthwiseConv2D(let conv): conv
    case .conv2DTranspose(let conv): conv
    case .layerNorm(let norm): norm
    case .groupNorm(let norm): norm
    case .prelu(let prelu): prelu
    case .spatialDropout(let dropout): dropout
    case .gaussianNoise(let noise): noise
    case .squeezeExcite(let block): block
    case .fakeQuantize(let rounding): rounding
    }
  }

  /// The name that a spec gives this layer.
  public var kind: String { definition.kind }

  /// Whether what it gives of a channel depends on all others of the same position.
  package var endsInSoftmax: Bool {
    if case .activation(.softmax) = self { return true }
    return definition.activation == .softmax
  }
}
