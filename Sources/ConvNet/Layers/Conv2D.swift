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
  var samplesAreApart: Bool {
    BLASCore.rowsAreApart(sum: lowering.patch, columns: filters / groups)
  }
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }

  /// Max pooling over windows that do not overlap, done while a block is in cache.
  struct FusedPool {
    let window: Extent
    let live: Extent
  }

  private let input: Activations
  private let output: Activations
  private let lowering: Lowering
  /// Live output positions of the convolution, before pooling.
  private let live: Extent
  private let filters: Int
  private let groups: Int
  private let isPointwise: Bool
  private let activation: Activation
  private let pool: FusedPool?
  private let winners: WinnerGradients?
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let imagesPerBlock: Int
  private let rowsPerBlock: Int

  /// Floats of a lowered block: 256 kB, a quarter of a core's second-level cache.
  static let blockBudget = 65_536
  /// Positions of a block where the kernel is larger than that cache, lest it be read for only a few.
  private static let positionsOfWideKernel = 128

  init(
    _ description: Conv2DDescription, _ site: LayerSite, pool: FusedPool?,
    weights: ConvolutionWeights
  ) {
    precondition(description.activation.followsFromOutput)
    let (geometry, live) = (site.geometry, site.layer.live)
    input = site.input
    output = site.output
    self.live = live
    self.pool = pool
    self.weights = weights
    workspaces = site.workspaces
    filters = description.filters
    groups = description.groups
    activation = description.activation
    lowering = Lowering(
      geometry: geometry, channels: input.channels / groups, pixel: input.channels,
      stored: input.extent, columns: live.width)
    isPointwise =
      geometry.window == Extent(1, 1) && geometry.stride == Extent(1, 1) && geometry.top == 0
      && geometry.left == 0 && input.extent == live
    let rowFloats = live.width * lowering.patch
    let isWide = weights.kernel.rows * weights.kernel.columns > 262_144
    let budget = max(
      Self.blockBudget, isWide ? Self.positionsOfWideKernel * lowering.patch : 0)
    let isAlone =
      !site.trains && site.numerics.keepsImagesApart
      && !BLASCore.rowsAreApart(sum: lowering.patch, columns: filters / groups)
    imagesPerBlock =
      isAlone ? 1 : max(1, min(Tile.size, budget / (live.height * rowFloats)))
    let together = pool?.window.height ?? 1
    let rows = max(1, budget / rowFloats / together) * together
    rowsPerBlock = min(live.height, rows)
    winners =
      if let pool, site.trains, site.numerics.usesWinners, groups == 1, weights.curvature == nil {
        WinnerGradients(
          geometry, live: live, pool: pool, stored: input.extent, channels: input.channels,
          filters: filters)
      } else { nil }
    for workspace in workspaces {
      if let winners { workspace.reserve(winners) }
      workspace.reserve(
        columns: isPointwise ? 0 : imagesPerBlock * rowsPerBlock * rowFloats,
        outputs: pool == nil && activation == .linear
          ? 0 : imagesPerBlock * rowsPerBlock * live.width * filters,
        row: live.width * filters)
    }
  }

  /// The blocks of a tile, in order: some samples whole, or some output rows of one sample.
  @inline(__always)
  private func forEachBlock(
    _ tile: Tile, _ body: (_ samples: Range<Int>, _ rows: Range<Int>) -> Void
  ) {
    var sample = 0
    while sample < tile.count {
      let samples = sample..<min(sample + imagesPerBlock, tile.count)
      var row = 0
      while row < live.height {
        let rows = row..<min(row + rowsPerBlock, live.height)
        body(samples, rows)
        row = rows.upperBound
      }
      sample = samples.upperBound
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

  /// Floats of a tile's outputs, where nothing is pooled, before those of a block.
  private func at(_ samples: Range<Int>, _ rows: Range<Int>) -> Int {
    samples.lowerBound * output.size + rows.lowerBound * live.width * filters
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    forEachBlock(tile) { samples, rows in
      let positions = samples.count * rows.count * live.width
      let outputs = Matrix(
        pool == nil ? output.values(of: tile) + at(samples, rows) : workspace.outputs,
        rows: positions, columns: filters)
      for group in 0..<groups {
        let columns = lower(tile, samples, rows, group, workspace)
        let own = part(group, of: filters)
        gemm(columns, weights.kernel.columns(in: own), into: outputs.columns(in: own))
      }
      for (n, sample) in samples.enumerated() {
        finish(
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
    if let winners { return backward(tile, over: winners, biasGradient) }
    var isFirst = true
    forEachBlock(tile) { samples, rows in
      let positions = rows.count * live.width
      // dY as it is, where neither pooling nor an activation has changed it.
      let isPlain = pool == nil && activation == .linear
      let outputs = Matrix(
        isPlain ? output.gradients(of: tile) + at(samples, rows) : workspace.outputs,
        rows: samples.count * positions, columns: filters)
      for (n, sample) in samples.enumerated() {
        unfinish(
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

  private func backward(
    _ tile: Tile, over winners: WinnerGradients, _ biasGradient: UnsafeMutablePointer<Float>?
  ) {
    let workspace = workspaces[tile.worker]
    let scratch = winners.begin(workspace)
    for sample in 0..<tile.count {
      let at = sample * input.size
      winners.add(
        input.values(of: tile) + at, weights.kernelTransposed.base,
        inputGradient: input.hasGradient ? input.gradients(of: tile) + at : nil, scratch
      ) { row in
        pooledGradient(row, sample: sample, tile, workspace, biasGradient)
      }
    }
    winners.finish(scratch, into: weights.kernelGradient(of: tile))
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

  /// The epilogue of one sample's rows: pool, add the bias, activate; without pooling, in place.
  private func finish(
    _ block: UnsafeMutablePointer<Float>, _ rows: Range<Int>, sample: Int, _ tile: Tile
  ) {
    guard let pool else {
      return finish(block, to: block, positions: rows.count * live.width, winners: nil)
    }
    let pooledRow = pool.live.width * filters
    let window = fusedWindow(pool)
    for row in rows.lowerBound / pool.window.height..<rows.upperBound / pool.window.height {
      let at = sample * output.size + row * pooledRow
      let values = output.values(of: tile) + at
      let winners = output.winners(of: tile) + at
      let map = block + (row * pool.window.height - rows.lowerBound) * live.width * filters
      for column in 0..<pool.live.width {
        window.pool(
          map + column * pool.window.width * filters, to: values + column * filters,
          winners: winners + column * filters, windowColumns: window.columns)
      }
      finish(values, to: values, positions: pool.live.width, winners: winners)
    }
  }

  private func fusedWindow(_ pool: FusedPool) -> PoolWindow {
    PoolWindow(
      rows: pool.window.height, columns: pool.window.width, rowStride: live.width * filters,
      columnStride: filters, channels: filters)
  }

  /// y = f(x + b) for some positions; a pooled value that ReLU stops has no winner.
  private func finish(
    _ x: UnsafeMutablePointer<Float>, to y: UnsafeMutablePointer<Float>, positions: Int,
    winners: UnsafeMutablePointer<Float>?
  ) {
    let rectifies = activation == .relu
    if let bias = weights.bias {
      addBias(bias, to: x, into: y, rows: positions, columns: filters, rectified: rectifies)
      if !rectifies { activation.apply(y, to: y, count: positions * filters) }
    } else {
      activation.apply(x, to: y, count: positions * filters)
    }
    if rectifies, let winners {
      for i in 0..<positions * filters { winners[i] = y[i] > 0 ? winners[i] : PoolWindow.none }
    }
  }

  /// dY of one sample's rows before activation and pooling, into `block`; adds to the bias gradient.
  private func unfinish(
    _ block: UnsafeMutablePointer<Float>, _ rows: Range<Int>, sample: Int, _ tile: Tile,
    _ workspace: Workspace, _ biasGradient: UnsafeMutablePointer<Float>?
  ) {
    guard let pool else {
      let at = at(sample..<sample + 1, rows)
      let positions = rows.count * live.width
      let gradients = output.gradients(of: tile) + at
      if block != gradients {
        activation.gradientFromOutput(
          output.values(of: tile) + at, gradients, to: block, count: positions * filters)
      }
      if let biasGradient {
        addColumnSums(of: block, rows: positions, columns: filters, to: biasGradient)
      }
      return
    }
    let window = fusedWindow(pool)
    for row in rows.lowerBound / pool.window.height..<rows.upperBound / pool.window.height {
      let (gradient, winners) = pooledGradient(
        row, sample: sample, tile, workspace, biasGradient)
      let map = block + (row * pool.window.height - rows.lowerBound) * live.width * filters
      for column in 0..<pool.live.width {
        window.unpool(
          gradient + column * filters, winners: winners + column * filters,
          to: map + column * pool.window.width * filters)
      }
    }
  }

  /// The gradient of a row of pooled values before the activation, and the winners; adds to the bias
  /// gradient.
  private func pooledGradient(
    _ row: Int, sample: Int, _ tile: Tile, _ workspace: Workspace,
    _ biasGradient: UnsafeMutablePointer<Float>?
  ) -> (UnsafePointer<Float>, winners: UnsafePointer<Float>) {
    let pooledRow = output.extent.width * filters
    let at = sample * output.size + row * pooledRow
    let gradient = workspace.row
    activation.gradientFromOutput(
      output.values(of: tile) + at, output.gradients(of: tile) + at, to: gradient, count: pooledRow)
    if let biasGradient {
      addColumnSums(of: gradient, rows: output.extent.width, columns: filters, to: biasGradient)
    }
    return (UnsafePointer(gradient), UnsafePointer(output.winners(of: tile) + at))
  }
}
