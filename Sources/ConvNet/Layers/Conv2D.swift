// Letters: N samples of a block, H'·W' live output positions, K window, C channels and F filters of a
// group.

/// A convolution with its bias and activation, and with the max pooling that follows it, if any.
///
///     Y = im2col(X)·W     dW += im2col(X)ᵀ·dY     dX = col2im(dY·Wᵀ)
///
/// Computed in blocks whose lowered matrix stays in the second-level cache; the backward pass lowers
/// again rather than keep it. W is stored (K·K·C, groups·F). With a window of 1x1 that skips nothing,
/// im2col(X) is X itself. Where it pays, a pooled one takes its gradients over the winners alone.
final class Conv2D: Layer {
  var inputs: [Activations] { [input] }
  var samplesTogether: Int {
    blocks.images == 1 || BLASCore.rowsAreApart(sum: lowering.patch, columns: filters / groups)
      ? 1 : Tile.size
  }
  var backwardReads: BackwardReads { end.backwardReads }
  var ways: ProductWays? {
    ProductWays(
      forward: isPointwise ? "product" : "im2col", backward: winners.map { _ in "winners" },
      from: input, to: output)
  }

  private let input: Activations
  private let output: Activations
  private let lowering: Lowering
  /// Live output positions of the convolution, before pooling.
  private let live: Extent
  private let filters: Int
  private let groups: Int
  private let isPointwise: Bool
  private let end: ConvolutionEnd
  private let winners: WinnerGradients?
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let blocks: LoweredBlocks

  init(
    _ description: Conv2DDescription, _ site: LayerSite, end: ConvolutionEnd,
    winners: WinnerGradients?, weights: ConvolutionWeights
  ) {
    let (geometry, live) = (site.geometry, site.layer.live)
    input = site.input
    output = site.output
    self.live = live
    self.weights = weights
    self.end = end
    self.winners = winners
    workspaces = site.workspaces
    filters = description.filters
    groups = description.groups
    lowering = Lowering(
      geometry: geometry, channels: input.channels / groups, pixel: input.channels,
      stored: input.extent, columns: live.width)
    isPointwise =
      geometry.window == Extent(1, 1) && geometry.stride == Extent(1, 1) && geometry.top == 0
      && geometry.left == 0 && input.extent == live
    blocks = LoweredBlocks(
      weights.kernel, patch: lowering.patch, live: live, together: end.rowsTogether,
      isAlone: !site.trains && site.numerics.keepsImagesApart
        && !BLASCore.rowsAreApart(sum: lowering.patch, columns: filters / groups))
    let positions = blocks.images * blocks.rows * live.width
    for workspace in workspaces {
      if let winners { workspace.reserve(winners) }
      workspace.reserve(
        columns: isPointwise ? 0 : positions * lowering.patch,
        outputs: end.keepsGradient ? 0 : positions * filters,
        row: live.width * filters)
    }
  }

  /// Some filters or channels of a matrix: those of a group.
  private func part(_ group: Int, of count: Int) -> Range<Int> {
    group * (count / groups)..<(group + 1) * (count / groups)
  }

  /// A group's channels of some of the images' positions, (N·H'·W', C), where the window is 1x1.
  private func pointwise(
    _ images: UnsafeMutablePointer<Float>, _ samples: Range<Int>, _ rows: Range<Int>, _ group: Int
  ) -> Matrix {
    let first = samples.lowerBound * input.size + rows.lowerBound * live.width * input.channels
    return Matrix(
      images + first, rows: samples.count * rows.count * live.width, columns: input.channels
    ).columns(in: part(group, of: input.channels))
  }

  /// im2col(X) of a block and a group, (N·H'·W', K·K·C).
  private func lower(
    _ tile: Tile, _ samples: Range<Int>, _ rows: Range<Int>, _ group: Int, _ workspace: Workspace
  ) -> Matrix {
    if isPointwise { return pointwise(input.values(of: tile), samples, rows, group) }
    let positions = rows.count * live.width
    for (n, sample) in samples.enumerated() {
      lowering.im2col(
        input.values(of: tile) + sample * input.size + part(group, of: input.channels).lowerBound,
        rows: rows, to: workspace.columns + n * positions * lowering.patch)
    }
    return Matrix(workspace.columns, rows: samples.count * positions, columns: lowering.patch)
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    blocks.forEach(tile) { samples, rows in
      let positions = samples.count * rows.count * live.width
      let outputs = Matrix(
        end.isInPlace
          ? output.values(of: tile) + end.at(samples.lowerBound, rows) : workspace.outputs,
        rows: positions, columns: filters)
      for group in 0..<groups {
        let columns = lower(tile, samples, rows, group, workspace)
        let own = part(group, of: filters)
        gemm(columns, weights.kernel.columns(in: own), into: outputs.columns(in: own))
      }
      for (n, sample) in samples.enumerated() {
        end.finish(
          outputs.base + n * rows.count * live.width * filters, rows, sample: sample, tile)
      }
    }
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let kernelGradient = weights.kernelGradient(of: tile)
    let biasGradient = weights.biasGradient(of: tile)
    biasGradient?.update(repeating: 0, count: filters)
    if input.hasGradient && (!isPointwise || winners != nil) {
      input.gradients(of: tile).update(repeating: 0, count: tile.count * input.size)
    }
    if let winners {
      return winners.add(tile, input: input, weights, end, workspace, biasGradient)
    }
    var isFirst = true
    blocks.forEach(tile) { samples, rows in
      let positions = rows.count * live.width
      // dY as it is, where neither pooling nor an activation has changed it.
      let outputs = Matrix(
        end.keepsGradient
          ? output.gradients(of: tile) + end.at(samples.lowerBound, rows) : workspace.outputs,
        rows: samples.count * positions, columns: filters)
      for (n, sample) in samples.enumerated() {
        end.unfinish(
          outputs.base + n * positions * filters, rows, sample: sample, tile, workspace,
          biasGradient)
      }
      for group in 0..<groups {
        let columns = lower(tile, samples, rows, group, workspace)
        let own = part(group, of: filters)
        let gradient = outputs.columns(in: own)
        gemm(
          columns.transposed, gradient, into: kernelGradient.columns(in: own),
          accumulate: !isFirst)
        weights.curvature?.take(columns, gradient, of: tile, isFirst: isFirst)
        guard input.hasGradient else { continue }
        let kernel = weights.kernelTransposed.rows(in: own)
        if isPointwise {
          gemm(gradient, kernel, into: pointwise(input.gradients(of: tile), samples, rows, group))
        } else {
          gemm(gradient, kernel, into: columns)
          raise(columns, tile, samples, rows, group)
        }
      }
      isFirst = false
    }
  }

  /// Adds col2im of a block and a group to the input gradient.
  private func raise(
    _ columns: Matrix, _ tile: Tile, _ samples: Range<Int>, _ rows: Range<Int>, _ group: Int
  ) {
    let positions = rows.count * live.width
    let first = part(group, of: input.channels).lowerBound
    for (n, sample) in samples.enumerated() {
      lowering.col2im(
        columns.base + n * positions * lowering.patch, rows: rows,
        addTo: input.gradients(of: tile) + sample * input.size + first)
    }
  }
}
