/// A convolution of few taps, whose input wants no gradient, with its bias and activation, and with the max
/// pooling that follows it, if any: what a network does to a grey or coloured picture first.
///
///     Y = X * W     dW += X * dY
///
/// It gives the bits of im2col and `sgemm` (`DirectConvolution`): dW is summed over the same blocks, cut as `gemm`
/// cuts them. Some output rows are worked out at a time, which stay in the first-level cache.
final class DirectConv2D: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { end.backwardReads }
  var ways: ProductWays? { ProductWays(forward: "direct", from: input, to: output) }

  private let input: Activations
  private let output: Activations
  private let direct: DirectConvolution
  private let live: Extent
  private let filters: Int
  private let end: ConvolutionEnd
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let blocks: LoweredBlocks
  /// Output rows that are worked out at a time.
  private let rowsAtATime: Int

  /// Floats of these rows' sums.
  private static let budget = 4_096

  init(
    _ direct: DirectConvolution, _ site: LayerSite, end: ConvolutionEnd,
    weights: ConvolutionWeights
  ) {
    precondition(!site.input.hasGradient && weights.curvature == nil)
    input = site.input
    output = site.output
    self.direct = direct
    self.end = end
    self.weights = weights
    live = site.layer.live
    filters = weights.kernel.columns
    workspaces = site.workspaces
    let together = end.rowsTogether
    blocks = LoweredBlocks(
      weights.kernel, patch: direct.taps, live: live, together: together, isAlone: false)
    let rowFloats = live.width * filters
    rowsAtATime = min(live.height, max(1, Self.budget / rowFloats / together) * together)
    for workspace in workspaces {
      workspace.reserve(
        columns: weights.kernel.rows * filters + direct.frame.floats,
        outputs: end.keepsGradient ? 0 : rowsAtATime * rowFloats, row: rowFloats)
    }
  }

  /// Some rows after the others.
  @inline(__always)
  private func forEachRows(of rows: Range<Int>, _ body: (Range<Int>) -> Void) {
    for row in stride(from: rows.lowerBound, to: rows.upperBound, by: rowsAtATime) {
      body(row..<min(row + rowsAtATime, rows.upperBound))
    }
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    for sample in 0..<tile.count {
      let x = direct.frame.holding(
        input.values(of: tile) + sample * input.size, in: workspace.columns)
      forEachRows(of: 0..<live.height) { rows in
        let sums =
          end.isInPlace ? output.values(of: tile) + end.at(sample, rows) : workspace.outputs
        direct.convolve(x, rows: rows, weights.kernel.base, to: sums)
        end.finish(sums, rows, sample: sample, tile)
      }
    }
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let biasGradient = weights.biasGradient(of: tile)
    biasGradient?.update(repeating: 0, count: filters)
    let kernelGradient = weights.kernelGradient(of: tile)
    var chains = Chains(workspace.columns, of: kernelGradient)
    let frame = workspace.columns + kernelGradient.rows * filters
    blocks.forEach(tile) { samples, rows in
      for sample in samples {
        let x = direct.frame.holding(input.values(of: tile) + sample * input.size, in: frame)
        forEachRows(of: rows) { rows in
          let gradient =
            end.keepsGradient
            ? output.gradients(of: tile) + end.at(sample, rows) : workspace.outputs
          end.unfinish(gradient, rows, sample: sample, tile, workspace, biasGradient)
          chains.forEachPanel(rows.lowerBound * live.width..<rows.upperBound * live.width) {
            positions, done, sums in
            direct.addKernelGradient(
              x, positions: positions, gradient + done * filters, to: sums)
          }
        }
      }
      chains.end()
    }
  }

  /// The sums of dW over the positions of a block, which `gemm` takes a panel at a time.
  private struct Chains {
    /// Those of a panel, (K·K·C, F).
    private let sums: UnsafeMutablePointer<Float>
    private let kernelGradient: Matrix
    private let count: Int
    private let panel: Int
    /// Positions that are summed.
    private var summed = 0
    private var isFirst = true

    init(_ memory: UnsafeMutablePointer<Float>, of kernelGradient: Matrix) {
      sums = memory
      self.kernelGradient = kernelGradient
      count = kernelGradient.rows * kernelGradient.columns
      panel = BLAS.panelOfSum(rows: kernelGradient.rows, columns: kernelGradient.columns)
      sums.update(repeating: 0, count: count)
    }

    /// Has `add` go on with the chains over some positions, as many as are left of a panel at a time.
    @inline(__always)
    mutating func forEachPanel(
      _ positions: Range<Int>,
      add: (_ positions: Range<Int>, _ done: Int, _ sums: UnsafeMutablePointer<Float>) -> Void
    ) {
      var next = positions.lowerBound
      while next < positions.upperBound {
        let own = next..<min(positions.upperBound, next + panel - summed)
        add(own, next - positions.lowerBound, sums)
        next = own.upperBound
        summed += own.count
        if summed == panel { end() }
      }
    }

    /// Adds what is summed to dW, and begins anew.
    mutating func end() {
      guard summed > 0 else { return }
      let to = kernelGradient.base
      if isFirst {
        to.update(from: sums, count: count)
      } else {
        for i in 0..<count { to[i] += sums[i] }
      }
      sums.update(repeating: 0, count: count)
      (summed, isFirst) = (0, false)
    }
  }
}
