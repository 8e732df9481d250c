// What layers share: parameters with each tile's part of their gradients, and scratch memory.

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
  /// What takes the second moments of inputs and gradients, if anything.
  let curvature: KroneckerLayer?

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
  private(set) var size: Int
  private var buffer = Buffer(0)

  init(size: Int = 0) { self.size = size }

  func reserve(_ count: Int) -> Int {
    defer { size += (count + 15) & ~15 }
    return size
  }

  func allocate(tiles: Int, in arena: Arena) { buffer = arena.floats(tiles, size) }

  @inline(__always)
  func pointer(_ tile: Int) -> UnsafeMutablePointer<Float> { buffer.base + tile * size }
}

/// One worker's scratch memory, shared by all layers.
final class Workspace {
  private var sizes = (columns: 0, outputs: 0, row: 0)
  private var buffers = (columns: Buffer(0), outputs: Buffer(0), row: Buffer(0))
  private var winnerSizes = (winners: 0, counts: 0)
  private(set) var winners = UnsafeMutablePointer<WeightedRun>(bitPattern: 64)!
  private(set) var counts = UnsafeMutablePointer<Int>(bitPattern: 64)!

  func reserve(columns: Int, outputs: Int, row: Int) {
    sizes = (max(sizes.columns, columns), max(sizes.outputs, outputs), max(sizes.row, row))
  }

  func reserve(_ gradients: WinnerGradients) {
    reserve(columns: gradients.columns, outputs: gradients.outputs, row: 0)
    winnerSizes = (
      max(winnerSizes.winners, gradients.winners), max(winnerSizes.counts, gradients.counts)
    )
  }

  func allocate(in arena: Arena) {
    buffers = (
      arena.floats(sizes.columns), arena.floats(sizes.outputs), arena.floats(sizes.row)
    )
    guard winnerSizes.winners > 0 else { return }
    winners = arena.take(WeightedRun.self, winnerSizes.winners)
    counts = arena.take(Int.self, winnerSizes.counts)
  }

  var columns: UnsafeMutablePointer<Float> { buffers.columns.base }
  var outputs: UnsafeMutablePointer<Float> { buffers.outputs.base }
  var row: UnsafeMutablePointer<Float> { buffers.row.base }
}
