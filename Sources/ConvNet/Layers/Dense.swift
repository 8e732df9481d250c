/// Every output a weighted sum of every input (Keras's `Dense`, PyTorch's `Linear` with its weight
/// transposed):
///
///     y = a(x·W + b)
///
/// A vector (C) gives one of (units); W is (C, units), b (units). A plan refuses (`NetworkError`)
/// images, which a `flatten` makes vectors, and kernels of more than 2³¹ numbers. Defaults are Keras's.
public struct DenseDescription: Hashable, Sendable {
  public var units: Int
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization
  public init(
    units: Int, activation: Activation = .linear, bias: Bool = true,
    initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.units = units
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
  }
}

extension DenseDescription: LayerDefinition {
  var kind: String { "dense" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    guard case .vector(let inputs) = input else {
      throw NetworkError("needs a vector, not an image of \(input); put a flatten layer before it")
    }
    let kernel = try NetworkPlan.product(
      [inputs, units], what: "a kernel of \(inputs)x\(units)")
    return InferredLayer(output: .vector(units), flops: 2 * kernel)
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    let weights = ParameterDefinition(
      role: .kernel, shape: [input.count, units], rows: input.count, columns: units,
      initial: .drawn(initializer, rows: input.count, columns: units, fanOut: units),
      gradient: .wholeBatch, l2: l2, regularization: regularization)
    return bias
      ? [weights, .channels(.bias, units, initial: 0, gradient: .wholeBatch)] : [weights]
  }

  func make(_ site: LayerSite) -> any Layer {
    let kernel = site.parameters[.kernel]!.values
    let layer = Dense(
      activation: activation.fused, input: site.input, output: site.output, kernel: kernel,
      kernelTransposed: site.input.hasGradient ? site.transposed(.kernel) : kernel.transposed,
      bias: site.parameters[.bias]?.values.base)
    if site.trains, site.output.hasGradient {
      site.input.wholeBatch = true
      site.output.wholeBatch = true
      _ = site.curvature(positions: 1, of: layer)
    }
    return layer
  }
}

/// A fully connected layer with its bias and activation.
///
///     Y = X·W + b     dW = Xᵀ·dY     dX = dY·Wᵀ
///
/// W is stored (inputs, units). dW is a product over the whole batch, so that it is summed once; the
/// update computes it, rows of W at a time (`Parameter.Source.product`).
final class Dense: WholeBatchLayer {
  var inputs: [Activations] { [input] }

  private let input: Activations
  private let output: Activations
  private let activation: Activation
  private let kernel: Matrix
  private let kernelTransposed: Matrix
  private let bias: UnsafeMutablePointer<Float>?

  var isWide: Bool { kernel.rows * kernel.columns > 262_144 }
  var samplesTogether: Int {
    BLASCore.rowsTogether(sum: kernel.rows, columns: kernel.columns)
  }
  var ways: ProductWays? { ProductWays(forward: "product", from: input, to: output) }

  init(
    activation: Activation, input: Activations, output: Activations, kernel: Matrix,
    kernelTransposed: Matrix, bias: UnsafeMutablePointer<Float>?
  ) {
    precondition(activation.followsFromOutput)
    self.input = input
    self.output = output
    self.activation = activation
    self.kernel = kernel
    self.kernelTransposed = kernelTransposed
    self.bias = bias
  }

  func forward(_ tile: Tile) {
    let x = Matrix(input.values(of: tile), rows: tile.count, columns: kernel.rows)
    let y = Matrix(output.values(of: tile), rows: tile.count, columns: kernel.columns)
    gemm(x, kernel, into: y)
    if let bias {
      addBias(
        bias, to: y.base, into: y.base, rows: y.rows, columns: y.columns, rectified: false)
    }
    activation.apply(y.base, to: y.base, count: y.rows * y.columns)
  }

  func backward(_ tile: Tile) {
    let dy = Matrix(output.gradients(of: tile), rows: tile.count, columns: kernel.columns)
    activation.gradientFromOutput(
      output.values(of: tile), dy.base, to: dy.base, count: dy.rows * dy.columns)
    guard input.hasGradient else { return }
    gemm(
      dy, kernelTransposed,
      into: Matrix(input.gradients(of: tile), rows: tile.count, columns: kernel.rows))
  }

  func inputs(of batch: Int) -> Matrix {
    Matrix(input.batchValues, rows: batch, columns: kernel.rows)
  }

  func gradients(of batch: Int) -> Matrix {
    Matrix(output.batchGradients, rows: batch, columns: kernel.columns)
  }

  func kernelGradient(
    rows: Range<Int>, batch: Int, into gradient: UnsafeMutablePointer<Float>
  ) {
    gemm(
      inputs(of: batch).columns(in: rows).transposed, gradients(of: batch),
      into: Matrix(gradient, rows: rows.count, columns: kernel.columns))
  }

  func biasGradient(batch: Int, into gradient: UnsafeMutablePointer<Float>) {
    gradient.update(repeating: 0, count: kernel.columns)
    addColumnSums(
      of: output.batchGradients, rows: batch, columns: kernel.columns, to: gradient)
  }
}
