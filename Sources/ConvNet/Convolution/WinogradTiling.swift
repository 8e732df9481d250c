// Letters: T tiles of a block, m rows and columns of a tile's results, C channels and F filters; images
// lie as (H, W, C).

/// How the images of a convolution of 3x3 are cut into tiles, and the tiles' transforms:
///
///     V = Bᵀ·X·B     M = V·U     Y = Aᵀ·M·A
///     dM = A·dY·Aᵀ   dU += Vᵀ·dM   dV = dM·Uᵀ   dX += B·dV·Bᵀ
///
/// A tile is what m x m results see, (m + 2) x (m + 2); those of neighbours overlap by two. The numbers of
/// one place in all tiles of a block are a matrix, (T, C) or (T, F), so that a block takes as many
/// products as a tile has places (Lavin and Gray 2016, algorithm 1). What a tile sees beyond the image is
/// zero, and of its results only the live ones are kept.
struct WinogradTiling {
  let filter: WinogradFilter
  let channels: Int
  let filters: Int
  /// Results, before pooling.
  let live: Extent
  /// Of the image: only what the live results see.
  private let stored: Extent
  private let padding: (top: Int, left: Int)
  let down: Int
  let across: Int
  /// Rows of tiles, and images, of a block.
  let rowsPerBlock: Int
  let imagesPerBlock: Int

  /// Floats of a block's V and M.
  static let blockBudget = 131_072

  /// - Parameters:
  ///   - isAlone: whether an image shares no product with another.
  ///   - poolHeight: rows of results that must not be parted.
  init(
    _ filter: WinogradFilter, _ geometry: WindowGeometry, live: Extent, stored: Extent,
    channels: Int, filters: Int, poolHeight: Int, isAlone: Bool
  ) {
    self.filter = filter
    self.channels = channels
    self.filters = filters
    self.live = live
    self.stored = stored
    padding = (geometry.top, geometry.left)
    let results = filter.results
    down = (live.height + results - 1) / results
    across = (live.width + results - 1) / results
    var together = 1
    while together * results % poolHeight != 0 { together += 1 }
    let row = filter.products * across * (channels + filters)
    let rows = max(1, Self.blockBudget / row / together) * together
    rowsPerBlock = min(down, rows)
    imagesPerBlock =
      isAlone ? 1 : max(1, min(Tile.size, Self.blockBudget / (row * down)))
  }

  private var tilesPerBlock: Int { imagesPerBlock * rowsPerBlock * across }

  /// Rows of results of some rows of tiles.
  func results(of rows: Range<Int>) -> Range<Int> {
    rows.lowerBound * filter.results..<min(rows.upperBound * filter.results, live.height)
  }

  /// Floats of some rows of results.
  func size(of rows: Range<Int>) -> Int { rows.count * live.width * filters }

  /// Floats of a block's results, before pooling.
  var resultsOfBlock: Int { imagesPerBlock * size(of: results(of: 0..<rowsPerBlock)) }

  // MARK: memory

  /// Floats of a worker's memory.
  func memory(goesBack: Bool) -> Int {
    scratch + patch + filter.products * (apart(channels) + apart(filters))
      + (goesBack ? filter.products * WinogradKernel.apart(channels * filters) : 0)
  }

  private var scratch: Int { filter.products * 16 }
  private var patch: Int { filter.products * (max(channels, filters) + 15) & ~15 }
  private func apart(_ columns: Int) -> Int { WinogradKernel.apart(tilesPerBlock * columns) }

  /// A block in a worker's memory.
  struct Block {
    let samples: Range<Int>
    /// Of tiles.
    let rows: Range<Int>
    let tiles: Int
    let scratch: UnsafeMutablePointer<Float>
    /// A tile with what lies beyond the image.
    let patch: UnsafeMutablePointer<Float>
    /// V or dV, matrices (T, C); M or dM, matrices (T, F).
    let images: UnsafeMutablePointer<Float>
    let results: UnsafeMutablePointer<Float>
  }

  /// dU, matrices (C, F), in a worker's memory.
  func kernelGradient(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> {
    memory + scratch + patch + filter.products * (apart(channels) + apart(filters))
  }

  func scratch(_ memory: UnsafeMutablePointer<Float>) -> UnsafeMutablePointer<Float> { memory }

  /// The blocks of some images, in order: some whole, or some rows of tiles of one.
  @inline(__always)
  func forEachBlock(
    of count: Int, in memory: UnsafeMutablePointer<Float>, _ body: (Block) -> Void
  ) {
    let images = memory + scratch + patch
    for first in stride(from: 0, to: count, by: imagesPerBlock) {
      let samples = first..<min(first + imagesPerBlock, count)
      for row in stride(from: 0, to: down, by: rowsPerBlock) {
        let rows = row..<min(row + rowsPerBlock, down)
        body(
          Block(
            samples: samples, rows: rows, tiles: samples.count * rows.count * across,
            scratch: memory, patch: memory + scratch, images: images,
            results: images + filter.products * apart(channels)))
      }
    }
  }

  // MARK: products

  /// V or dV of a product, (T, C).
  private func images(_ block: Block, _ product: Int) -> Matrix {
    Matrix(
      block.images + product * apart(channels), rows: block.tiles, columns: channels)
  }

  /// M or dM of a product, (T, F).
  private func results(_ block: Block, _ product: Int) -> Matrix {
    Matrix(
      block.results + product * apart(filters), rows: block.tiles, columns: filters)
  }

  /// M = V·U
  func multiply(_ block: Block, by kernel: WinogradKernel) {
    for p in 0..<filter.products {
      gemm(images(block, p), kernel.matrix(p), into: results(block, p))
    }
  }

  /// dU += Vᵀ·dM, and where the image has a gradient dV = dM·Uᵀ in V's place.
  func multiplyBack(
    _ block: Block, _ kernel: WinogradKernel, into gradient: UnsafeMutablePointer<Float>,
    isFirst: Bool
  ) {
    let apart = WinogradKernel.apart(channels * filters)
    for p in 0..<filter.products {
      gemm(
        images(block, p).transposed, results(block, p),
        into: Matrix(gradient + p * apart, rows: channels, columns: filters),
        accumulate: !isFirst)
      if kernel.transposed != nil {
        gemm(results(block, p), kernel.transposedMatrix(p), into: images(block, p))
      }
    }
  }

  // MARK: transforms

  /// V = Bᵀ·X·B of a block's tiles of some images, (H, W, C) each.
  func lower(_ images: UnsafeMutablePointer<Float>, _ block: Block) {
    switch filter {
    case .two: lower(FilterOfTwo.Input.self, images, block)
    case .four: lower(FilterOfFour.Input.self, images, block)
    }
  }

  /// Y = Aᵀ·M·A into (images, rows, W', F).
  func raise(_ block: Block, to results: UnsafeMutablePointer<Float>) {
    switch filter {
    case .two: raise(FilterOfTwo.Output.self, block, results)
    case .four: raise(FilterOfFour.Output.self, block, results)
    }
  }

  /// dM = A·dY·Aᵀ, dY as Y.
  func lowerGradient(_ results: UnsafeMutablePointer<Float>, _ block: Block) {
    switch filter {
    case .two: lowerGradient(FilterOfTwo.OutputAdjoint.self, results, block)
    case .four: lowerGradient(FilterOfFour.OutputAdjoint.self, results, block)
    }
  }

  /// dX += B·dV·Bᵀ
  func raiseGradient(_ block: Block, addTo images: UnsafeMutablePointer<Float>) {
    switch filter {
    case .two: raiseGradient(FilterOfTwo.InputAdjoint.self, block, images)
    case .four: raiseGradient(FilterOfFour.InputAdjoint.self, block, images)
    }
  }

  /// A tile in an image or among results: where it begins, and what of it there is.
  private struct Place {
    /// Of the block's tiles.
    let tile: Int
    let sample: Int
    let row: Int
    let column: Int
    /// Rows and columns of the tile that exist.
    let rows: Range<Int>
    let columns: Range<Int>

    @inline(__always)
    func isWhole(_ size: Int) -> Bool { rows.count == size && columns.count == size }
  }

  /// The tiles of a block, whose first row and column are `step` apart and begin at `origin`, within
  /// `extent`.
  @inline(__always)
  private func forEachTile(
    _ block: Block, size: Int, origin: (row: Int, column: Int), within extent: Extent,
    _ body: (Place) -> Void
  ) {
    var tile = 0
    for sample in 0..<block.samples.count {
      for tileRow in block.rows {
        let row = tileRow &* filter.results &- origin.row
        let rows = max(0, 0 &- row)..<max(0, 0 &- row, min(size, extent.height &- row))
        for tileColumn in 0..<across {
          let column = tileColumn &* filter.results &- origin.column
          let columns =
            max(0, 0 &- column)..<max(0, 0 &- column, min(size, extent.width &- column))
          body(
            Place(
              tile: tile, sample: sample, row: row, column: column, rows: rows, columns: columns))
          tile = tile &+ 1
        }
      }
    }
  }

  @inline(__always)
  private func forEachTileOfImages(_ block: Block, _ body: (Place) -> Void) {
    forEachTile(
      block, size: filter.seen, origin: (padding.top, padding.left), within: stored, body)
  }

  @inline(__always)
  private func forEachTileOfResults(_ block: Block, _ body: (Place) -> Void) {
    forEachTile(block, size: filter.results, origin: (0, 0), within: live, body)
  }

  /// The tile's part of V or M.
  @inline(__always)
  private func lowered(
    _ matrices: UnsafeMutablePointer<Float>, _ tile: Int, _ columns: Int
  ) -> TileGrid {
    let apart = apart(columns)
    return TileGrid(
      matrices + tile &* columns, rowStep: filter.seen &* apart, columnStep: apart)
  }

  /// Of the images' tiles or the results', where they lie: of `extent` columns and so many channels.
  @inline(__always)
  private func tile(
    _ place: Place, in base: UnsafeMutablePointer<Float>, rows: Int, _ extent: Extent,
    _ channels: Int
  ) -> TileGrid {
    let row = place.sample &* rows &+ place.row
    return TileGrid(
      base + (row &* extent.width &+ place.column) &* channels,
      rowStep: extent.width &* channels, columnStep: channels)
  }

  private func lower<B: LineTransform>(
    _: B.Type, _ images: UnsafeMutablePointer<Float>, _ block: Block
  ) {
    forEachTileOfImages(block) { place in
      var from = tile(place, in: images, rows: stored.height, stored, channels)
      if !place.isWhole(filter.seen) {
        from = framed(place, from, filter.seen, channels, block.patch)
      }
      TileTransform(
        B.self, from, to: lowered(block.images, place.tile, channels), scratch: block.scratch
      ).run(channels: channels)
    }
  }

  private func raise<A: LineTransform>(
    _: A.Type, _ block: Block, _ results: UnsafeMutablePointer<Float>
  ) {
    let rows = self.results(of: block.rows)
    let base = results - rows.lowerBound &* live.width &* filters
    let patch = TileGrid(
      block.patch, rowStep: filter.results &* filters, columnStep: filters)
    forEachTileOfResults(block) { place in
      let to = tile(place, in: base, rows: rows.count, live, filters)
      let isWhole = place.isWhole(filter.results)
      TileTransform(
        A.self, lowered(block.results, place.tile, filters), to: isWhole ? to : patch,
        scratch: block.scratch
      ).run(channels: filters)
      guard !isWhole else { return }
      for row in place.rows {
        (to.base + row &* to.rowStep).update(
          from: patch.base + row &* patch.rowStep, count: place.columns.count &* filters)
      }
    }
  }

  private func lowerGradient<A: LineTransform>(
    _: A.Type, _ results: UnsafeMutablePointer<Float>, _ block: Block
  ) {
    let rows = self.results(of: block.rows)
    let base = results - rows.lowerBound &* live.width &* filters
    forEachTileOfResults(block) { place in
      var from = tile(place, in: base, rows: rows.count, live, filters)
      if !place.isWhole(filter.results) {
        from = framed(place, from, filter.results, filters, block.patch)
      }
      TileTransform(
        A.self, from, to: lowered(block.results, place.tile, filters), scratch: block.scratch
      ).run(channels: filters)
    }
  }

  private func raiseGradient<B: LineTransform>(
    _: B.Type, _ block: Block, _ images: UnsafeMutablePointer<Float>
  ) {
    let patch = TileGrid(block.patch, rowStep: filter.seen &* channels, columnStep: channels)
    forEachTileOfImages(block) { place in
      let to = tile(place, in: images, rows: stored.height, stored, channels)
      let isWhole = place.isWhole(filter.seen)
      let from = lowered(block.images, place.tile, channels)
      guard !isWhole else {
        TileTransform(B.self, from, to: to, adds: true, scratch: block.scratch).run(
          channels: channels)
        return
      }
      TileTransform(B.self, from, to: patch, scratch: block.scratch).run(channels: channels)
      let first = place.columns.lowerBound &* channels
      for row in place.rows {
        addRun(
          patch.base + (row &* patch.rowStep &+ first), to: to.base + (row &* to.rowStep &+ first),
          count: place.columns.count &* channels)
      }
    }
  }

  /// What exists of a tile, with zeros for the rest.
  private func framed(
    _ place: Place, _ from: TileGrid, _ size: Int, _ channels: Int,
    _ patch: UnsafeMutablePointer<Float>
  ) -> TileGrid {
    let framed = TileGrid(patch, rowStep: size &* channels, columnStep: channels)
    patch.update(repeating: 0, count: size &* size &* channels)
    let first = place.columns.lowerBound &* channels
    for row in place.rows {
      (patch + row &* framed.rowStep + first).update(
        from: from.base + (row &* from.rowStep &+ first), count: place.columns.count &* channels)
    }
    return framed
  }
}
