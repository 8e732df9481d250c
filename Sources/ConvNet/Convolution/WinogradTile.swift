/// A grid of vectors of channels in memory: rows, columns, and the channels of each.
struct TileGrid {
  let base: UnsafeMutablePointer<Float>
  let rowStep: Int
  let columnStep: Int

  @inline(__always)
  init(_ base: UnsafeMutablePointer<Float>, rowStep: Int, columnStep: Int) {
    self.base = base
    self.rowStep = rowStep
    self.columnStep = columnStep
  }
}

/// Y = T·X·Tᵀ for one tile and each of its channels, T one of a minimal filter's matrices: its columns,
/// then its rows.
struct TileTransform<Transform: LineTransform>: ChannelLoop {
  let from: TileGrid
  let to: TileGrid
  /// Whether `to` is added to.
  let adds: Bool
  /// What the columns have become, (outputs, inputs) vectors.
  let scratch: UnsafeMutablePointer<Float>

  @inline(__always)
  init(
    _: Transform.Type, _ from: TileGrid, to: TileGrid, adds: Bool = false,
    scratch: UnsafeMutablePointer<Float>
  ) {
    self.from = from
    self.to = to
    self.adds = adds
    self.scratch = scratch
  }

  @inline(__always)
  func run<V: SIMD>(_ channel: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    let width = V.scalarCount
    let between = Transform.inputs &* width
    for column in 0..<Transform.inputs {
      Transform.apply(
        Line<V>(
          from.base + (channel &+ column &* from.columnStep), step: from.rowStep, lanes: lanes),
        to: Line<V>(scratch + column &* width, step: between))
    }
    if adds {
      finish(channel, lanes, LineOfSums<V>.self)
    } else {
      finish(channel, lanes, Line<V>.self)
    }
  }

  @inline(__always)
  private func finish<Y: LineTarget>(_ channel: Int, _ lanes: Int, _: Y.Type) {
    let width = Y.V.scalarCount
    for row in 0..<Transform.outputs {
      Transform.apply(
        Line<Y.V>(scratch + row &* Transform.inputs &* width, step: width),
        to: Y(to.base + (channel &+ row &* to.rowStep), step: to.columnStep, lanes: lanes))
    }
  }
}
