// Letters: H·W input positions, H'·W' output positions, K window, C channels, F filters.

/// The transpose of a convolution (Zeiler et al. 2010; Keras's `Conv2DTranspose`, and with sides
/// PyTorch's `ConvTranspose2d`): every input spreads the kernel over the output,
///
///     y[r·S + i − P, q·S + j − P, f] = a(b[f] + Σ x[r, q, c]·w[i, j, f, c])
///
/// the sum over all that meet in a place. (H, W, C) gives (H', W', F), H' = H·S with `same`,
/// (H − 1)·S + max(K, S) with `valid`, (H − 1)·S + K less the sides with those. The kernel is
/// (K, K, F, C), as in Keras. A plan refuses (`NetworkError`) vectors, sizes outside 1...65536, and
/// sides that leave nothing or that no convolution has. Defaults are Keras's.
public struct Conv2DTransposeDescription: Hashable, Sendable {
  public var filters: Int
  public var kernel: Extent
  public var stride: Extent
  public var padding: Padding
  public var activation: Activation
  public var bias: Bool
  public var initializer: Initializer
  /// λ of a penalty λ·Σw² on the kernel, added to the objective (Keras's `l2`).
  public var l2: Float
  /// What else holds the kernel in bounds.
  public var regularization: KernelRegularization

  public init(
    filters: Int, kernel: Extent, stride: Extent = Extent(1, 1), padding: Padding = .valid,
    activation: Activation = .linear, bias: Bool = true,
    initializer: Initializer = .glorotUniform, l2: Float = 0,
    regularization: KernelRegularization = KernelRegularization()
  ) {
    self.filters = filters
    self.kernel = kernel
    self.stride = stride
    self.padding = padding
    self.activation = activation
    self.bias = bias
    self.initializer = initializer
    self.l2 = l2
    self.regularization = regularization
  }
}

extension Conv2DTransposeDescription: LayerDefinition {
  var kind: String { "conv2d_transpose" }

  /// The geometry is that of the convolution that this is the transpose of, from H'·W' to H·W.
  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let height = try Self.size(extent.height, kernel.height, stride.height)
    let width = try Self.size(extent.width, kernel.width, stride.width)
    var output = Extent(0, 0)
    switch padding {
    case .same: output = Extent(extent.height * stride.height, extent.width * stride.width)
    case .valid:
      output = Extent(
        max(height, extent.height * stride.height), max(width, extent.width * stride.width))
    case .explicit(let top, let bottom, let left, let right):
      guard [top, bottom, left, right].allSatisfy({ (0...65_536).contains($0) }) else {
        throw NetworkError("padding must be between 0 and 65536")
      }
      output = Extent(height - top - bottom, width - left - right)
      guard output.height > 0, output.width > 0 else {
        throw NetworkError("nothing would be left of \(height)x\(width)")
      }
    }
    let geometry = try WindowGeometry(
      input: output, window: kernel, stride: stride, padding: padding)
    guard geometry.output == extent else {
      throw NetworkError(
        "no convolution makes \(extent.height)x\(extent.width) of "
          + "\(output.height)x\(output.width) in this way")
    }
    let weights = try NetworkPlan.product(
      [kernel.height, kernel.width, filters, channels],
      what: "a kernel of \(kernel.height)x\(kernel.width)x\(filters)x\(channels)")
    return InferredLayer(
      output: Shape(output, filters), flops: try NetworkPlan.work(weights, at: extent),
      geometry: geometry)
  }

  /// (size − 1)·stride + window.
  private static func size(
    _ size: Int, _ window: Int, _ stride: Int
  ) throws(NetworkError) -> Int {
    guard (1...65_536).contains(window), (1...65_536).contains(stride) else {
      throw NetworkError("window and stride must be between 1 and 65536")
    }
    return (size - 1) * stride + window
  }

  /// The last input that reaches output r is ⌊(r + top) / S⌋.
  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    let g = geometry!
    return Extent(
      min(input.extent.height, (live.height - 1 + g.top) / g.stride.height + 1),
      min(input.extent.width, (live.width - 1 + g.left) / g.stride.width + 1))
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    let window = kernel.height * kernel.width
    let weights = ParameterDefinition(
      role: .kernel, shape: [kernel.height, kernel.width, filters, input.channels],
      rows: window * filters, columns: input.channels,
      initial: .drawn(
        initializer, rows: window * filters, columns: input.channels,
        fanOut: window * input.channels), l2: l2, regularization: regularization,
      wantsTransposed: true)
    return bias ? [weights, .channels(.bias, filters, initial: 0)] : [weights]
  }

  func make(_ site: LayerSite) -> any Layer { Conv2DTranspose(self, site) }
}

/// A transposed convolution with its bias and activation, lowered at its output:
///
///     Y = col2im(X·Wᵀ)     dW += im2col(dY)ᵀ·X     dX = im2col(dY)·W
///
/// In blocks of input rows whose lowered matrix stays in the second-level cache. W is stored
/// (K·K·F, C).
final class Conv2DTranspose: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }
  var ways: ProductWays? {
    ProductWays(forward: "col2im", backward: "im2col", from: input, to: output)
  }

  private let input: Activations
  private let output: Activations
  private let lowering: Lowering
  private let activation: Activation
  private let kernel: TiledParameter
  private let bias: TiledParameter?
  private let workspaces: [Workspace]
  private let rowsPerBlock: Int

  init(_ description: Conv2DTransposeDescription, _ site: LayerSite) {
    input = site.input
    output = site.output
    activation = description.activation.fused
    kernel = site.parameters[.kernel]!
    bias = site.parameters[.bias]
    workspaces = site.workspaces
    lowering = Lowering(
      geometry: site.geometry, channels: output.channels, stored: output.extent,
      columns: input.extent.width)
    let rowFloats = input.extent.width * lowering.patch
    rowsPerBlock = max(1, min(input.extent.height, LoweredBlocks.budget / rowFloats))
    for workspace in workspaces {
      workspace.reserve(columns: rowsPerBlock * rowFloats, outputs: output.size, row: 0)
    }
  }

  /// Some rows of an image of the input, (rows·W, C), and its lowered outputs, (rows·W, K·K·F).
  private func matrices(
    _ image: UnsafeMutablePointer<Float>, _ rows: Range<Int>, _ workspace: Workspace
  ) -> (image: Matrix, columns: Matrix) {
    let positions = rows.count * input.extent.width
    return (
      Matrix(
        image + rows.lowerBound * input.extent.width * input.channels, rows: positions,
        columns: input.channels),
      Matrix(workspace.columns, rows: positions, columns: lowering.patch)
    )
  }

  private func block(from row: Int) -> Range<Int> {
    row..<min(row + rowsPerBlock, input.extent.height)
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    for sample in 0..<tile.count {
      let image = input.values(of: tile) + sample * input.size
      let y = output.values(of: tile) + sample * output.size
      let filters = output.channels
      if let bias = bias?.values.base {
        for start in stride(from: 0, to: output.size, by: filters) {
          (y + start).update(from: bias, count: filters)
        }
      } else {
        y.update(repeating: 0, count: output.size)
      }
      for row in stride(from: 0, to: input.extent.height, by: rowsPerBlock) {
        let rows = block(from: row)
        let (x, columns) = matrices(image, rows, workspace)
        gemm(x, kernel.transposed!, into: columns)
        lowering.col2im(columns.base, rows: rows, addTo: y)
      }
      activation.apply(y, to: y, count: output.size)
    }
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let kernelGradient = Matrix(
      kernel.clearedGradient(of: tile), rows: kernel.values.rows, columns: kernel.values.columns)
    let biasGradient = bias?.clearedGradient(of: tile)
    for sample in 0..<tile.count {
      let at = sample * output.size
      let dy = workspace.outputs  // (H', W', F)
      activation.gradientFromOutput(
        output.values(of: tile) + at, output.gradients(of: tile) + at, to: dy,
        count: output.size)
      if let biasGradient {
        addColumnSums(
          of: dy, rows: output.size / output.channels, columns: output.channels,
          to: biasGradient)
      }
      let image = input.values(of: tile) + sample * input.size
      for row in stride(from: 0, to: input.extent.height, by: rowsPerBlock) {
        let rows = block(from: row)
        let (x, columns) = matrices(image, rows, workspace)
        lowering.im2col(dy, rows: rows, to: columns.base)
        gemm(columns.transposed, x, into: kernelGradient, accumulate: true)
        guard input.hasGradient else { continue }
        let dx = matrices(
          input.gradients(of: tile) + sample * input.size, rows, workspace
        ).image
        gemm(columns, kernel.values, into: dx)
      }
    }
  }
}
