// Letters: K window, C channels, F filters; k = K·K·C floats of a patch, of which a row of the window,
// K·C, is a run in the image.

/// The gradients of a convolution that ends in max pooling over windows that do not overlap, by the
/// positions that won their window alone: everywhere else its outputs have no gradient.
///
///     dWᵀ[f] += Σ_p g[p, f]·patch(p)     dpatch(p) += Σ_f g[p, f]·Wᵀ[f]
///
/// over the winners (p, f) whose gradient g, behind the pooling's activation, is not zero: at most one
/// for each pooled value, where the products of a window of 2x2 take four. Sums are chains of fused
/// multiply-adds that begin with zero: over a block's winners in the order of their positions, added to
/// dWᵀ block after block of a tile's images; and over the filters of a position, added to dX position
/// after position. A block is some rows of pooled values, by the shapes alone.
struct WinnerGradients {
  private let channels: Int
  private let filters: Int
  private let window: Extent
  private let stride: Extent
  /// Live positions of the convolution.
  private let live: Extent
  private let pool: Extent
  let pooled: Extent
  private let frame: ImageFrame
  /// Rows of pooled values that are worked on together, so that what their windows see stays in the
  /// first-level cache. It decides bits.
  let rowsPerBlock: Int

  /// Floats of the part of an image that a block sees.
  private static let blockBudget = 8_192

  init?(
    _ geometry: WindowGeometry, live: Extent, pool: FusedPool, stored: Extent, channels: Int,
    filters: Int
  ) {
    guard
      Self.pays(
        window: geometry.window, dilation: geometry.dilation, pool: pool.window, channels: channels,
        filters: filters)
    else { return nil }
    self.channels = channels
    self.filters = filters
    self.live = live
    self.pool = pool.window
    pooled = pool.live
    window = geometry.window
    stride = geometry.stride
    frame = ImageFrame(geometry, live: live, stored: stored, channels: channels)
    let rowFloats = frame.rowStride
    let rows = Self.blockBudget / rowFloats - window.height
    rowsPerBlock = max(1, min(pooled.height, rows / (pool.window.height * stride.height)))
    let seen = rowsPerBlock * pool.window.height * stride.height + window.height
    guard seen * rowFloats <= Int(Int32.max), filters * patch <= Int(Int32.max) else { return nil }
  }

  /// Whether the winners are faster than the products: a rule on shapes alone.
  static func pays(
    window: Extent, dilation: Extent, pool: Extent, channels: Int, filters: Int
  ) -> Bool {
    dilation == Extent(1, 1) && pool.height * pool.width >= 4 && window.width * channels >= 16
      && window.height * window.width * channels * filters <= 262_144
  }

  // MARK: memory

  private var run: Int { window.width * channels }
  private var patch: Int { window.height * run }
  private var rowStride: Int { frame.rowStride }
  private var positionsOfBlock: Int { rowsPerBlock * pool.height * live.width }
  private var pooledOfBlock: Int { rowsPerBlock * pooled.width }

  /// Floats of dWᵀ, (F, K·K·C), and of the frames of an image and its gradient.
  var columns: Int { filters * patch }
  var outputs: Int { 2 * frame.floats }
  /// Winners of a block, by filter and by position, and how many there are of each.
  var winners: Int { filters * (pooledOfBlock + positionsOfBlock) }
  var counts: Int { filters + positionsOfBlock + found }
  /// Of which there is room for `Found`.
  private var found: Int { (3 * filters + 1) / 2 }

  // MARK: a tile

  /// What a worker has in hand.
  struct Scratch {
    /// (F, K·K·C)
    let kernelGradient: UnsafeMutablePointer<Float>
    let frames: UnsafeMutablePointer<Float>
    let winners: UnsafeMutablePointer<WeightedRun>
    let counts: UnsafeMutablePointer<Int>
    let found: Found
  }

  /// Of a worker's memory, for a tile; dWᵀ is zero.
  func begin(_ workspace: Workspace) -> Scratch {
    let found = UnsafeMutableRawPointer(workspace.counts + filters + positionsOfBlock)
      .assumingMemoryBound(to: Int32.self)
    workspace.columns.update(repeating: 0, count: filters * patch)
    return Scratch(
      kernelGradient: workspace.columns, frames: workspace.outputs, winners: workspace.winners,
      counts: workspace.counts,
      found: Found(
        positions: found, offsets: found + filters, isWinner: found + 2 * filters))
  }

  /// Adds what an image gives to dWᵀ and, where `inputGradient` is not nil, to that.
  /// - Parameters:
  ///   - kernel: Wᵀ, (F, K·K·C).
  ///   - gradients: writes those of some rows of pooled values, behind the activation, and gives them
  ///     with the winners.
  func add(
    _ image: UnsafePointer<Float>, _ kernel: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>?, _ scratch: Scratch,
    gradients: (_ row: Int) -> (UnsafePointer<Float>, winners: UnsafePointer<Float>)
  ) {
    let x = frame.holding(image, in: scratch.frames)
    var dx = inputGradient
    if frame.isNeeded, inputGradient != nil {
      dx = scratch.frames + frame.floats
      dx!.update(repeating: 0, count: frame.floats)
    }
    var row = 0
    while row < pooled.height {
      let rows = row..<min(row + rowsPerBlock, pooled.height)
      scratch.counts.update(repeating: 0, count: filters + positionsOfBlock)
      for row in rows {
        let (gradient, winners) = gradients(row)
        collect(gradient, winners, row - rows.lowerBound, scratch)
      }
      let first = rows.lowerBound * pool.height * stride.height * rowStride
      addKernelGradient(x + first, scratch)
      if let dx { addInputGradient(dx + first, kernel, rows.count, scratch) }
      row = rows.upperBound
    }
    if frame.isNeeded, let inputGradient, let dx { frame.take(inputGradient, from: dx) }
  }

  /// dW of a tile, (K·K·C, F).
  func finish(_ scratch: Scratch, into kernelGradient: Matrix) {
    let turned = PlaneTransposition(
      rows: 1, columns: patch, rowStep: 0, columnStep: kernelGradient.stride, channels: filters,
      pitch: 0, apart: patch)
    turned.unpack(scratch.kernelGradient, to: kernelGradient.base)
  }

  // MARK: the winners of a block

  /// Sorts a row of pooled gradients by filter and by position. What is no winner is written too, where
  /// the next one will be: half of them are none, which no branch would foresee.
  private func collect(
    _ gradients: UnsafePointer<Float>, _ winners: UnsafePointer<Float>, _ row: Int,
    _ scratch: Scratch
  ) {
    let (filters, patch, ofFilter, poolWidth) = (filters, patch, pooledOfBlock, pool.width)
    let byFilter = scratch.winners
    let byPosition = byFilter + filters &* ofFilter
    let (filterCounts, positionCounts) = (scratch.counts, scratch.counts + filters)
    let found = scratch.found
    for column in 0..<pooled.width {
      let g = gradients + column &* filters
      find(g, winners + column &* filters, found)
      let first = row &* pool.height &* live.width &+ column &* poolWidth
      let firstOffset =
        row &* pool.height &* stride.height &* rowStride
        &+ column &* poolWidth &* stride.width &* channels
      for f in 0..<filters {
        let position = first &+ Int(found.positions[f])
        let (ofThis, atThis) = (filterCounts[f], positionCounts[position])
        byFilter[f &* ofFilter &+ ofThis] = WeightedRun(
          offset: Int32(truncatingIfNeeded: firstOffset) &+ found.offsets[f], factor: g[f])
        byPosition[position &* filters &+ atThis] = WeightedRun(
          offset: Int32(truncatingIfNeeded: f &* patch), factor: g[f])
        let isWinner = Int(found.isWinner[f])
        filterCounts[f] = ofThis &+ isWinner
        positionCounts[position] = atThis &+ isWinner
      }
    }
  }

  /// Where a window's winners are.
  struct Found {
    /// From the window's first position, in positions and in floats of the image.
    let positions: UnsafeMutablePointer<Int32>
    let offsets: UnsafeMutablePointer<Int32>
    /// 1 for one whose gradient is not zero, else 0.
    let isWinner: UnsafeMutablePointer<Int32>
  }

  private func find(
    _ gradients: UnsafePointer<Float>, _ winners: UnsafePointer<Float>, _ found: Found
  ) {
    let poolWidth = Float(pool.width)
    let (down, right) = (Int32(live.width), Int32(1))
    let downOffset = Int32(truncatingIfNeeded: stride.height &* rowStride)
    let rightOffset = Int32(truncatingIfNeeded: stride.width &* channels)
    for f in 0..<filters {
      let place = winners[f] < 0 ? 0 : winners[f]
      let row = (place / poolWidth).rounded(.down)
      let (rows, columns) = (small(row), small(place - row * poolWidth))
      found.positions[f] = rows &* down &+ columns &* right
      found.offsets[f] = rows &* downOffset &+ columns &* rightOffset
      found.isWinner[f] = winners[f] >= 0 && gradients[f] != 0 ? 1 : 0
    }
  }

  /// A whole number from 0 to 2²² as an integer, in vectors as well: its float plus 1.5·2²³ has it in its
  /// last bits.
  @inline(__always)
  private func small(_ number: Float) -> Int32 {
    Int32(bitPattern: (number + 12_582_912).bitPattern) &- 0x4B40_0000
  }

  private func addKernelGradient(_ x: UnsafePointer<Float>, _ scratch: Scratch) {
    for f in 0..<filters {
      for i in 0..<window.height {
        WeightedSum(
          runs: scratch.winners + f &* pooledOfBlock, count: scratch.counts[f],
          from: x + i &* rowStride, to: scratch.kernelGradient + (f &* patch &+ i &* run)
        ).add(run)
      }
    }
  }

  /// Rows of the window from the last, so that each element of dX is reached in the order of positions.
  private func addInputGradient(
    _ dx: UnsafeMutablePointer<Float>, _ kernel: UnsafePointer<Float>, _ rows: Int,
    _ scratch: Scratch
  ) {
    let byPosition = scratch.winners + filters &* pooledOfBlock
    let counts = scratch.counts + filters
    for i in (0..<window.height).reversed() {
      for row in 0..<rows &* pool.height {
        let to = dx + (row &* stride.height &+ i) &* rowStride
        for column in 0..<live.width {
          let position = row &* live.width &+ column
          let count = counts[position]
          guard count > 0 else { continue }
          WeightedSum(
            runs: byPosition + position &* filters, count: count, from: kernel + i &* run,
            to: to + column &* stride.width &* channels
          ).add(run)
        }
      }
    }
  }
}
