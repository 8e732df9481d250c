// Letters: H'·W' live output positions, K window, C channels, F filters; the taps of a window are its K·K·C
// numbers.

/// A convolution of few taps that reads images where they lie, without a lowered matrix:
///
///     y[p, f] = Σ_k x[p + k]·W[k, f]     dW[k, f] += Σ_p x[p + k]·dy[p, f]
///
/// Each sum is a chain of fused multiply-adds that begins with zero, over the taps or the positions in their
/// order. That is how OpenBLAS's small products sum (`BLASCore.elementsAreChains`), so these are the bits of
/// im2col and `sgemm`, which with nine taps move as much memory as they multiply.
struct DirectConvolution {
  let frame: ImageFrame
  private let filters: Int
  /// From the window of a position to that of the next in its row, and in its column.
  private let step: Int
  private let rowStep: Int
  /// W'
  private let width: Int
  /// Where each tap lies, from the first of its window.
  private let places: [Int]

  private typealias Two = Both<Vector, Vector>

  /// - Returns: nil where products are faster, or sum otherwise.
  init?(
    _ geometry: WindowGeometry, groups: Int, live: Extent, stored: Extent, channels: Int,
    filters: Int
  ) {
    let run = geometry.window.width * channels
    let taps = geometry.window.height * run
    guard
      BLASCore.elementsAreChains, groups == 1, geometry.dilation == Extent(1, 1),
      geometry.window != Extent(1, 1), taps <= Self.mostTaps, filters % Vector.scalarCount == 0,
      BLAS.panelOfSum(rows: taps, columns: filters) >= Tile.size
    else { return nil }
    self.filters = filters
    width = live.width
    let frame = ImageFrame(geometry, live: live, stored: stored, channels: channels)
    self.frame = frame
    step = geometry.stride.width * channels
    rowStep = geometry.stride.height * frame.rowStride
    // The numbers of a row of the window lie side by side.
    places = (0..<taps).map { $0 / run * frame.rowStride + $0 % run }
  }

  /// Of more, products are faster.
  private static let mostTaps = 32

  var taps: Int { places.count }

  /// Where the window of a position begins.
  private func place(_ row: Int, _ column: Int) -> Int { row &* rowStep &+ column &* step }

  // MARK: forward

  /// y of some output rows, (rows·W', F).
  /// - Parameters:
  ///   - x: an image's frame.
  ///   - kernel: W, (K·K·C, F).
  func convolve(
    _ x: UnsafePointer<Float>, rows: Range<Int>, _ kernel: UnsafePointer<Float>,
    to y: UnsafeMutablePointer<Float>
  ) {
    places.withUnsafeBufferPointer { places in
      var f = 0
      while f &+ Two.count <= filters {
        convolve(x, rows, places, kernel + f, y + f, Two.self)
        f = f &+ Two.count
      }
      if f < filters { convolve(x, rows, places, kernel + f, y + f, Vector.self) }
    }
  }

  /// Four positions at a time; the last four of a row may have been among those before.
  @inline(__always)
  private func convolve<Held: HeldFloats>(
    _ x: UnsafePointer<Float>, _ rows: Range<Int>, _ places: UnsafeBufferPointer<Int>,
    _ kernel: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _: Held.Type
  ) {
    let (step, width, filters) = (step, width, filters)
    // Of a row of fewer than four, the last stands for those that are not there.
    let (two, three, four) = (min(1, width &- 1), min(2, width &- 1), min(3, width &- 1))
    let (atSecond, atThird, atFourth) = (two &* step, three &* step, four &* step)
    for row in rows {
      let (from, to) = (x + place(row, 0), y + (row &- rows.lowerBound) &* width &* filters)
      var next = 0
      while next < width {
        let column = max(0, min(next, width &- 4))
        let (taps, y) = (from + column &* step, to + column &* filters)
        var (first, second, third, fourth) = (Held(), Held(), Held(), Held())
        var weights = kernel
        for place in places {
          first.add(taps[place], times: weights)
          second.add(taps[place &+ atSecond], times: weights)
          third.add(taps[place &+ atThird], times: weights)
          fourth.add(taps[place &+ atFourth], times: weights)
          weights += filters
        }
        first.store(to: y)
        second.store(to: y + two &* filters)
        third.store(to: y + three &* filters)
        fourth.store(to: y + four &* filters)
        next = next &+ 4
      }
    }
  }

  // MARK: backward

  /// Goes on with the chains of dW, (K·K·C, F), over positions of an image, counted along its rows.
  /// - Parameter dy: of these positions, (positions, F).
  func addKernelGradient(
    _ x: UnsafePointer<Float>, positions: Range<Int>, _ dy: UnsafePointer<Float>,
    to sums: UnsafeMutablePointer<Float>
  ) {
    var (position, dy) = (positions.lowerBound, dy)
    while position < positions.upperBound {
      let (row, column) = (position / width, position % width)
      let left = positions.upperBound - position
      let isWhole = column == 0 && left >= width
      let (rows, columns) = isWhole ? (left / width, width) : (1, min(left, width - column))
      addKernelGradient(x + place(row, column), rows, columns, dy, sums)
      position += rows * columns
      dy += rows * columns * filters
    }
  }

  private func addKernelGradient(
    _ x: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ dy: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>
  ) {
    var f = 0
    while f &+ Two.count <= filters {
      addKernelGradient(x, rows, columns, dy + f, sums + f, Two.self)
      f = f &+ Two.count
    }
    if f < filters { addKernelGradient(x, rows, columns, dy + f, sums + f, Vector.self) }
  }

  /// Five taps at a time; the last five may have been among those before.
  @inline(__always)
  private func addKernelGradient<Held: HeldFloats>(
    _ x: UnsafePointer<Float>, _ rows: Int, _ columns: Int, _ dy: UnsafePointer<Float>,
    _ sums: UnsafeMutablePointer<Float>, _: Held.Type
  ) {
    let (step, rowStep, filters) = (step, rowStep, filters)
    for next in Swift.stride(from: 0, to: taps, by: 5) {
      let tap = max(0, min(next, taps &- 5))
      // Of fewer than five, the last stands for those that are not there.
      let last = min(4, taps &- 1)
      let taps = (tap, tap &+ min(1, last), tap &+ min(2, last), tap &+ min(3, last), tap &+ last)
      var a = Held(at: sums + taps.0 &* filters)
      var b = Held(at: sums + taps.1 &* filters)
      var c = Held(at: sums + taps.2 &* filters)
      var d = Held(at: sums + taps.3 &* filters)
      var e = Held(at: sums + taps.4 &* filters)
      let (atA, atB, atC) = (x + places[taps.0], x + places[taps.1], x + places[taps.2])
      let (atD, atE) = (x + places[taps.3], x + places[taps.4])
      var gradient = dy
      for row in 0..<rows {
        var place = row &* rowStep
        for _ in 0..<columns {
          a.add(atA[place], times: gradient)
          b.add(atB[place], times: gradient)
          c.add(atC[place], times: gradient)
          d.add(atD[place], times: gradient)
          e.add(atE[place], times: gradient)
          place = place &+ step
          gradient += filters
        }
      }
      if taps.0 >= next { a.store(to: sums + taps.0 &* filters) }
      if taps.1 >= next { b.store(to: sums + taps.1 &* filters) }
      if taps.2 >= next { c.store(to: sums + taps.2 &* filters) }
      if taps.3 >= next { d.store(to: sums + taps.3 &* filters) }
      if taps.4 >= next { e.store(to: sums + taps.4 &* filters) }
    }
  }
}
