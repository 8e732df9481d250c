/// A fully connected layer with its bias and activation.
///
///     Y = X·W + b     dW = Xᵀ·dY     dX = dY·Wᵀ
///
/// W is stored (inputs, units). dW is a product over the whole batch, so that it is summed once; the
/// update computes it, rows of W at a time (`Parameter.Source.product`).
final class Dense: Layer {
  var inputs: [Activations] { [input] }

  private let input: Activations
  private let output: Activations
  private let activation: Activation
  private let kernel: Matrix
  private let kernelTransposed: Matrix
  private let bias: UnsafeMutablePointer<Float>?

  /// Whether the kernel outgrows a core's second-level cache together with a tile's activations.
  /// Such a layer is a phase of its own, over wider tiles.
  var isWide: Bool { kernel.rows * kernel.columns > 262_144 }

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
    input.wholeBatch = true
    output.wholeBatch = true
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

  /// X of a batch, (N, inputs).
  func inputs(of batch: Int) -> Matrix {
    Matrix(input.batchValues, rows: batch, columns: kernel.rows)
  }

  /// dY of a batch, before the activation, (N, units).
  func gradients(of batch: Int) -> Matrix {
    Matrix(output.batchGradients, rows: batch, columns: kernel.columns)
  }

  /// dW of some rows of W, over a batch, into `gradient`, (rows, units).
  func kernelGradient(
    rows: Range<Int>, batch: Int, into gradient: UnsafeMutablePointer<Float>
  ) {
    gemm(
      inputs(of: batch).columns(in: rows).transposed, gradients(of: batch),
      into: Matrix(gradient, rows: rows.count, columns: kernel.columns))
  }

  /// db = column sums of dY over a batch, (units).
  func biasGradient(batch: Int, into gradient: UnsafeMutablePointer<Float>) {
    gradient.update(repeating: 0, count: kernel.columns)
    addColumnSums(
      of: output.batchGradients, rows: batch, columns: kernel.columns, to: gradient)
  }
}
