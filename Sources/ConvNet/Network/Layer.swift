/// What a layer does to a tile of samples. Forward reads its input's values and writes its output's;
/// backward reads the output's gradient, writes the input's, and keeps its parameters' gradient.
protocol Layer: AnyObject {
  func forward(_ tile: Tile)
  func backward(_ tile: Tile)
  /// The tensors that it reads, and whose gradients it writes.
  var inputs: [Activations] { get }
  /// What its backward pass needs of its tensors' values; the memory of others is given away.
  var backwardReads: BackwardReads { get }
  /// Whether its kernel outgrows a core's second-level cache together with a tile's activations. Such a
  /// layer is a phase of its own, over wider tiles.
  var isWide: Bool { get }
  /// Samples of which a tile of at most `Tile.size` may have any multiple, with the same bits of each: 1 but
  /// where one product is made of several.
  var samplesTogether: Int { get }
  /// By what it makes its products; nil for a layer without a kernel.
  var ways: ProductWays? { get }
}

extension Layer {
  var backwardReads: BackwardReads { [.inputs, .output] }
  var isWide: Bool { false }
  var samplesTogether: Int { 1 }
  var ways: ProductWays? { nil }
}

/// A layer whose inputs and gradients of a whole batch are matrices, of which its parameters' gradients
/// are products.
protocol WholeBatchLayer: Layer {
  /// X of a batch, (N, inputs), and dY, (N, outputs).
  func inputs(of batch: Int) -> Matrix
  func gradients(of batch: Int) -> Matrix
  /// dW of some rows of W, over a batch, into `gradient`, (rows, outputs).
  func kernelGradient(rows: Range<Int>, batch: Int, into gradient: UnsafeMutablePointer<Float>)
  /// db, (outputs).
  func biasGradient(batch: Int, into gradient: UnsafeMutablePointer<Float>)
}

/// A layer in which the samples of a batch depend on one another, so that a batch passes it in two
/// phases with a meeting of all workers between them.
protocol BatchCoupledLayer: BatchKeepingLayer {
  func gather(_ tile: Tile)
  func settle(batch: Int)
  func gatherBackward(_ tile: Tile)
  func settleBackward(batch: Int)
}

/// A layer that keeps something of the batches that it has seen.
protocol BatchKeepingLayer: Layer {
  /// Keeps what evaluation will need of the batch; called only if its loss was finite.
  /// - Parameters:
  ///   - count: how many have been kept with it.
  ///   - batch: its samples.
  func commit(count: Int, batch: Int)
}

/// A trainable matrix in a network's parameters, as the update sees it.
struct Parameter {
  /// Where the gradient of a batch is found.
  enum Source {
    /// The sum of one partial gradient per tile, at this offset of each tile's partials.
    case partials(offset: Int)
    /// Xᵀ·dY over the whole batch: rows of this layer's kernel.
    case product(any WholeBatchLayer)
    /// The column sums of dY over the whole batch: this layer's bias.
    case columnSums(any WholeBatchLayer)
    /// In the gradient buffer, once the layer has gone back.
    case settled
  }

  let name: String
  /// Its layer's place in the plan.
  let layer: Int
  let role: TensorInfo.Role
  let shape: [Int]
  /// Where its floats begin in the weights.
  let offset: Int
  /// Where they do in what there is of parameters that learn: gradients, moments.
  let slot: Int
  /// Whether it stays as it is; then it has no slot.
  let isFrozen: Bool
  /// How many steps it had been frozen for before it began to learn.
  let after: Int
  let rows: Int
  let columns: Int
  let l2: Float
  let regularization: KernelRegularization
  var source: Source
  /// The copy of a kernel that its layer multiplies by for its input gradient, (columns, rows).
  var transposed: Buffer?
  /// The form of a kernel that its layer multiplies by in minimal filtering.
  var winograd: WinogradKernel?
  /// What its layer computes with in its place, in training with quantisation.
  var rounded: RoundedKernel?

  var count: Int { rows * columns }

  /// What its layer computes with, (rows, columns).
  func computed(_ weights: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    rounded?.values.base ?? weights + offset
  }
}

/// A tensor of a network's parameters by name: what a checkpoint holds.
public struct TensorInfo: Sendable, Hashable {
  public enum Role: String, Sendable {
    case kernel, bias, scale, offset, slope
    case squeezeKernel = "squeeze_kernel"
    case squeezeBias = "squeeze_bias"
    case movingMean = "moving_mean"
    case movingVariance = "moving_variance"
    /// Of the range of values.
    case minimum, maximum
    case logScale = "log2_scale"
    case zeroPoint = "zero_point"

    /// Whether a weight decay is for it.
    package var isKernel: Bool { self == .kernel || self == .squeezeKernel }
  }

  /// Its layer's label and its role, as "conv2d_0/kernel".
  public let name: String
  /// Its layer's place in the plan.
  package let layer: Int
  public let shape: [Int]
  /// Its floats within the weights.
  public let range: Range<Int>
  public let role: Role
}
