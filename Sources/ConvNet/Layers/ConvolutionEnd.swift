// What convolutions do to their sums, however these are computed, and the way back.

/// Max pooling over windows that do not overlap, done while a block is in cache.
struct FusedPool {
  let window: Extent
  let live: Extent
}

/// The end of a convolution: y = f(pool(x) + b), F filters at H'·W' live positions, forward and back, some
/// rows of one sample at a time.
struct ConvolutionEnd {
  private let output: Activations
  /// Live positions of the convolution, before pooling.
  private let live: Extent
  private let filters: Int
  private let activation: Activation
  private let pool: FusedPool?
  /// (F)
  private let bias: UnsafeMutablePointer<Float>?

  init(
    _ output: Activations, live: Extent, filters: Int, activation: Activation, pool: FusedPool?,
    bias: UnsafeMutablePointer<Float>?
  ) {
    precondition(activation.followsFromOutput)
    self.output = output
    self.live = live
    self.filters = filters
    self.activation = activation
    self.pool = pool
    self.bias = bias
  }

  /// Whether sums may be made where the outputs are.
  var isInPlace: Bool { pool == nil }
  /// Whether the sums have the outputs' gradient.
  var keepsGradient: Bool { pool == nil && activation == .linear }
  /// Rows of sums that must not be parted.
  var rowsTogether: Int { pool?.window.height ?? 1 }
  /// What of the output its gradient takes.
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }

  /// Floats of a tile's outputs, where nothing is pooled, before those of some rows of a sample.
  func at(_ sample: Int, _ rows: Range<Int>) -> Int {
    sample * output.size + rows.lowerBound * live.width * filters
  }

  // MARK: forward

  /// Pools one sample's rows of sums, adds the bias, activates; without pooling, in place.
  func finish(
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
      if activation == .relu, let bias, window.isFour {
        for column in 0..<pool.live.width {
          window.poolFour(
            map + column * window.columns * filters, addingAndRectifying: bias,
            to: values + column * filters,
            winners: tile.isTraining ? winners + column * filters : nil)
        }
        continue
      }
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
    if let bias {
      addBias(bias, to: x, into: y, rows: positions, columns: filters, rectified: rectifies)
      if !rectifies { activation.apply(y, to: y, count: positions * filters) }
    } else {
      activation.apply(x, to: y, count: positions * filters)
    }
    if rectifies, let winners {
      for i in 0..<positions * filters { winners[i] = y[i] > 0 ? winners[i] : PoolWindow.none }
    }
  }

  // MARK: backward

  /// The gradient of one sample's rows of sums, into `block`; adds to the bias gradient.
  func unfinish(
    _ block: UnsafeMutablePointer<Float>, _ rows: Range<Int>, sample: Int, _ tile: Tile,
    _ workspace: Workspace, _ biasGradient: UnsafeMutablePointer<Float>?
  ) {
    guard let pool else {
      let at = at(sample, rows)
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
  func pooledGradient(
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

extension WinnerGradients {
  /// The gradients of a tile of a convolution with this end; those of the input are zero before.
  func add(
    _ tile: Tile, input: Activations, _ weights: ConvolutionWeights, _ end: ConvolutionEnd,
    _ workspace: Workspace, _ biasGradient: UnsafeMutablePointer<Float>?
  ) {
    let scratch = begin(workspace)
    for sample in 0..<tile.count {
      let at = sample * input.size
      add(
        input.values(of: tile) + at, weights.kernelTransposed.base,
        inputGradient: input.hasGradient ? input.gradients(of: tile) + at : nil, scratch
      ) { row in
        end.pooledGradient(row, sample: sample, tile, workspace, biasGradient)
      }
    }
    finish(scratch, into: weights.kernelGradient(of: tile))
  }
}
