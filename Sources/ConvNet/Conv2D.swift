// Letters: N samples of a block, H'·W' live output positions, K window, C channels, F filters.

/// A convolution with its bias and activation, and with the max pooling that follows it, if any.
///
///     Y = im2col(X)·W     dW += im2col(X)ᵀ·dY     dX = col2im(dY·Wᵀ)
///
/// Computed in blocks whose lowered matrix stays in the second-level cache; the backward pass lowers
/// again rather than keep it. W is stored (K·K·C, F).
final class Conv2D: Layer {
  var inputs: [Activations] { [input] }
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
  private let activation: Activation
  private let pool: FusedPool?
  private let weights: ConvolutionWeights
  private let workspaces: [Workspace]
  private let imagesPerBlock: Int
  private let rowsPerBlock: Int

  /// Floats of a lowered block: 256 kB, a quarter of a core's second-level cache.
  private static let blockBudget = 65_536

  init(
    _ description: Conv2DDescription, geometry: WindowGeometry, live: Extent, pool: FusedPool?,
    input: Activations, output: Activations, weights: ConvolutionWeights, workspaces: [Workspace]
  ) {
    precondition(description.activation.followsFromOutput)
    self.input = input
    self.output = output
    self.live = live
    self.pool = pool
    self.weights = weights
    self.workspaces = workspaces
    filters = description.filters
    activation = description.activation
    lowering = Lowering(
      geometry: geometry, channels: input.channels, stored: input.extent, columns: live.width)
    let rowFloats = live.width * lowering.patch
    imagesPerBlock = max(1, min(Tile.size, Self.blockBudget / (live.height * rowFloats)))
    let together = pool?.window.height ?? 1
    let rows = max(1, Self.blockBudget / rowFloats / together) * together
    rowsPerBlock = min(live.height, rows)
    for workspace in workspaces {
      workspace.reserve(
        columns: imagesPerBlock * rowsPerBlock * rowFloats,
        outputs: imagesPerBlock * rowsPerBlock * live.width * filters,
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

  /// im2col(X) of a block, (N·H'·W', K·K·C).
  private func lower(
    _ tile: Tile, _ samples: Range<Int>, _ rows: Range<Int>, _ workspace: Workspace
  ) -> Matrix {
    let positions = rows.count * live.width
    for (n, sample) in samples.enumerated() {
      lowering.im2col(
        input.values(of: tile) + sample * input.size, rows: rows,
        to: workspace.columns + n * positions * lowering.patch)
    }
    return Matrix(workspace.columns, rows: samples.count * positions, columns: lowering.patch)
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    forEachBlock(tile) { samples, rows in
      let columns = lower(tile, samples, rows, workspace)
      let outputs = Matrix(workspace.outputs, rows: columns.rows, columns: filters)
      gemm(columns, weights.kernel, into: outputs)
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
    if input.hasGradient {
      input.gradients(of: tile).update(repeating: 0, count: tile.count * input.size)
    }
    var isFirst = true
    forEachBlock(tile) { samples, rows in
      let positions = rows.count * live.width
      let outputs = Matrix(workspace.outputs, rows: samples.count * positions, columns: filters)
      for (n, sample) in samples.enumerated() {
        unfinish(
          outputs.base + n * positions * filters, rows, sample: sample, tile, workspace,
          biasGradient)
      }
      let columns = lower(tile, samples, rows, workspace)
      gemm(columns.transposed, outputs, into: kernelGradient, accumulate: !isFirst)
      isFirst = false
      guard input.hasGradient else { return }
      gemm(outputs, weights.kernelTransposed, into: columns)
      for (n, sample) in samples.enumerated() {
        lowering.col2im(
          columns.base + n * positions * lowering.patch, rows: rows,
          addTo: input.gradients(of: tile) + sample * input.size)
      }
    }
  }

  /// The epilogue of one sample's rows: pool, add the bias, activate.
  private func finish(
    _ block: UnsafeMutablePointer<Float>, _ rows: Range<Int>, sample: Int, _ tile: Tile
  ) {
    guard let pool else {
      let values =
        output.values(of: tile) + sample * output.size + rows.lowerBound * live.width * filters
      finish(block, to: values, positions: rows.count * live.width, winners: nil)
      return
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
    if activation == .relu, let bias = weights.bias {
      for position in 0..<positions {
        let from = x + position * filters
        let to = y + position * filters
        for f in 0..<filters {
          let sum = from[f] + bias[f]
          to[f] = sum < 0 ? 0 : sum
        }
      }
    } else {
      if let bias = weights.bias {
        for position in 0..<positions {
          let from = x + position * filters
          let to = y + position * filters
          for f in 0..<filters { to[f] = from[f] + bias[f] }
        }
        activation.apply(y, to: y, count: positions * filters)
      } else {
        activation.apply(x, to: y, count: positions * filters)
      }
    }
    if activation == .relu, let winners {
      for i in 0..<positions * filters { winners[i] = y[i] > 0 ? winners[i] : PoolWindow.none }
    }
  }

  /// dY of one sample's rows before activation and pooling, into `block`; adds to the bias gradient.
  private func unfinish(
    _ block: UnsafeMutablePointer<Float>, _ rows: Range<Int>, sample: Int, _ tile: Tile,
    _ workspace: Workspace, _ biasGradient: UnsafeMutablePointer<Float>?
  ) {
    guard let pool else {
      let at = sample * output.size + rows.lowerBound * live.width * filters
      let positions = rows.count * live.width
      activation.gradientFromOutput(
        output.values(of: tile) + at, output.gradients(of: tile) + at, to: block,
        count: positions * filters)
      if let biasGradient {
        addColumnSums(of: block, rows: positions, columns: filters, to: biasGradient)
      }
      return
    }
    let pooledRow = pool.live.width * filters
    let window = fusedWindow(pool)
    let scaled = workspace.row
    for row in rows.lowerBound / pool.window.height..<rows.upperBound / pool.window.height {
      let at = sample * output.size + row * pooledRow
      activation.gradientFromOutput(
        output.values(of: tile) + at, output.gradients(of: tile) + at, to: scaled,
        count: pooledRow)
      let winners = output.winners(of: tile) + at
      let map = block + (row * pool.window.height - rows.lowerBound) * live.width * filters
      for column in 0..<pool.live.width {
        window.unpool(
          scaled + column * filters, winners: winners + column * filters,
          to: map + column * pool.window.width * filters)
      }
      if let biasGradient {
        addColumnSums(of: scaled, rows: pool.live.width, columns: filters, to: biasGradient)
      }
    }
  }
}

/// A convolution's parameters in its network's memory.
struct ConvolutionWeights {
  /// (K·K·C, F)
  let kernel: Matrix
  /// (F, K·K·C), kept by the update; empty where no input gradient is wanted.
  let kernelTransposed: Matrix
  /// (F)
  let bias: UnsafeMutablePointer<Float>?
  let partials: Partials
  let kernelOffset: Int
  let biasOffset: Int?

  /// The tile's part of dW, (K·K·C, F).
  func kernelGradient(of tile: Tile) -> Matrix {
    Matrix(
      partials.pointer(tile.index) + kernelOffset, rows: kernel.rows, columns: kernel.columns)
  }

  func biasGradient(of tile: Tile) -> UnsafeMutablePointer<Float>? {
    biasOffset.map { partials.pointer(tile.index) + $0 }
  }
}

/// Each tile's own part of the gradients, summed in tile order by the update.
final class Partials {
  private(set) var size = 0
  private var buffer = Buffer(0)

  func reserve(_ count: Int) -> Int {
    defer { size += (count + 15) & ~15 }
    return size
  }

  func allocate(tiles: Int) { buffer = Buffer(tiles * size) }

  var bytes: Int { buffer.count * 4 }

  @inline(__always)
  func pointer(_ tile: Int) -> UnsafeMutablePointer<Float> { buffer.base + tile * size }
}

/// One worker's scratch memory, shared by all layers.
final class Workspace {
  private var sizes = (columns: 0, outputs: 0, row: 0)
  private var buffers = (columns: Buffer(0), outputs: Buffer(0), row: Buffer(0))

  func reserve(columns: Int, outputs: Int, row: Int) {
    sizes = (max(sizes.columns, columns), max(sizes.outputs, outputs), max(sizes.row, row))
  }

  func allocate() {
    buffers = (Buffer(sizes.columns), Buffer(sizes.outputs), Buffer(sizes.row))
  }

  var columns: UnsafeMutablePointer<Float> { buffers.columns.base }
  var outputs: UnsafeMutablePointer<Float> { buffers.outputs.base }
  var row: UnsafeMutablePointer<Float> { buffers.row.base }
}
