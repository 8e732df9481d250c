/// The blocks of a tile whose lowered matrices stay in the second-level cache, each of which makes one product:
/// some samples whole, or some output rows of one sample. They decide bits, where sums are over positions.
struct LoweredBlocks {
  let images: Int
  let rows: Int
  /// Live output rows of a sample.
  private let height: Int

  /// Floats of a lowered block: 256 kB, a quarter of a core's second-level cache.
  static let budget = 65_536
  /// Positions of a block where the kernel is larger than that cache, lest it be read for only a few.
  private static let positionsOfWideKernel = 128

  /// - Parameters:
  ///   - kernel: W, (K·K·C, groups·F).
  ///   - patch: numbers of a patch of one group.
  ///   - together: rows that must not be parted.
  ///   - isAlone: whether a sample shares its blocks with no other.
  init(_ kernel: Matrix, patch: Int, live: Extent, together: Int, isAlone: Bool) {
    height = live.height
    let rowFloats = live.width * patch
    let isWide = kernel.rows * kernel.columns > 262_144
    let budget = max(Self.budget, isWide ? Self.positionsOfWideKernel * patch : 0)
    images = isAlone ? 1 : max(1, min(Tile.size, budget / (live.height * rowFloats)))
    rows = min(live.height, max(1, budget / rowFloats / together) * together)
  }

  /// A tile's blocks, in order.
  @inline(__always)
  func forEach(_ tile: Tile, _ body: (_ samples: Range<Int>, _ rows: Range<Int>) -> Void) {
    var sample = 0
    while sample < tile.count {
      let samples = sample..<min(sample + images, tile.count)
      var row = 0
      while row < height {
        let rows = row..<min(row + self.rows, height)
        body(samples, rows)
        row = rows.upperBound
      }
      sample = samples.upperBound
    }
  }
}
