// Between an image, whose channels lie together, and its channels as planes.

/// Some channels of some of an image's positions, and where they are in planes. Four channels of
/// eight or four neighbours in a row are turned about in registers.
struct PlaneTransposition {
  /// Positions, and the floats of the image from one row and column to the next.
  let rows: Int
  let columns: Int
  let rowStep: Int
  let columnStep: Int
  let channels: Int
  /// Floats from one row of a plane to the next, and from one channel's plane to the next.
  let pitch: Int
  let apart: Int

  func pack(_ image: UnsafePointer<Float>, to planes: UnsafeMutablePointer<Float>) {
    let inFours = channels & ~3
    for row in 0..<rows {
      let (from, to) = (image + row &* rowStep, planes + row &* pitch)
      forEachRun { first, count in
        var (x, y) = (from + first &* columnStep, to + first)
        for _ in 0..<inFours &>> 2 {
          switch count {
          case 8: packEight(x, y)
          case 4: packFour(x, y)
          default: for k in 0..<4 { y[k &* apart] = x[k] }
          }
          x += 4
          y += 4 &* apart
        }
      }
      for c in inFours..<channels {
        for column in 0..<columns { to[c &* apart &+ column] = from[column &* columnStep &+ c] }
      }
    }
  }

  func unpack(_ planes: UnsafePointer<Float>, to image: UnsafeMutablePointer<Float>) {
    let inFours = channels & ~3
    for row in 0..<rows {
      let (from, to) = (planes + row &* pitch, image + row &* rowStep)
      forEachRun { first, count in
        var (x, y) = (from + first, to + first &* columnStep)
        for _ in 0..<inFours &>> 2 {
          switch count {
          case 8: unpackEight(x, y)
          case 4: unpackFour(x, y)
          default: for k in 0..<4 { y[k] = x[k &* apart] }
          }
          x += 4 &* apart
          y += 4
        }
      }
      for c in inFours..<channels {
        for column in 0..<columns { to[column &* columnStep &+ c] = from[c &* apart &+ column] }
      }
    }
  }

  /// A row in runs of eight, four or one; the last takes some again that the one before it took.
  @inline(__always)
  private func forEachRun(_ body: (_ first: Int, _ count: Int) -> Void) {
    if columns >= 8 {
      forEachRun(of: 8, body)
    } else if columns >= 4 {
      forEachRun(of: 4, body)
    } else {
      forEachRun(of: 1, body)
    }
  }

  @inline(__always)
  private func forEachRun(of count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    var column = 0
    while column < columns {
      body(min(column, columns &- count), count)
      column = column &+ count
    }
  }

  /// (8, 4) to (4, 8)
  @inline(__always)
  private func packEight(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let all = SIMD32(lowHalf: positions(x), highHalf: positions(x + 4 &* columnStep))
    let (even, odd) = (all.evenHalf, all.oddHalf)
    store(even.evenHalf, to: y)
    store(odd.evenHalf, to: y + apart)
    store(even.oddHalf, to: y + 2 &* apart)
    store(odd.oddHalf, to: y + 3 &* apart)
  }

  /// (4, 4) to (4, 4)
  @inline(__always)
  private func packFour(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    let all = positions(x)
    let (even, odd) = (all.evenHalf, all.oddHalf)
    store(even.evenHalf, to: y)
    store(odd.evenHalf, to: y + apart)
    store(even.oddHalf, to: y + 2 &* apart)
    store(odd.oddHalf, to: y + 3 &* apart)
  }

  /// (4, 8) to (8, 4)
  @inline(__always)
  private func unpackEight(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    var (all, even, odd) = (SIMD32<Float>(), Vector(), Vector())
    even.evenHalf = load(x)
    odd.evenHalf = load(x + apart)
    even.oddHalf = load(x + 2 &* apart)
    odd.oddHalf = load(x + 3 &* apart)
    all.evenHalf = even
    all.oddHalf = odd
    place(all.lowHalf, y)
    place(all.highHalf, y + 4 &* columnStep)
  }

  /// (4, 4) to (4, 4)
  @inline(__always)
  private func unpackFour(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>) {
    var (all, even, odd) = (Vector(), SIMD8<Float>(), SIMD8<Float>())
    even.evenHalf = load(x)
    odd.evenHalf = load(x + apart)
    even.oddHalf = load(x + 2 &* apart)
    odd.oddHalf = load(x + 3 &* apart)
    all.evenHalf = even
    all.oddHalf = odd
    place(all, y)
  }

  /// Four channels of four positions.
  @inline(__always)
  private func positions(_ x: UnsafePointer<Float>) -> Vector {
    let low = SIMD8(lowHalf: load(x, as: SIMD4<Float>.self), highHalf: load(x + columnStep))
    let high = SIMD8(
      lowHalf: load(x + 2 &* columnStep, as: SIMD4<Float>.self),
      highHalf: load(x + 3 &* columnStep))
    return Vector(lowHalf: low, highHalf: high)
  }

  @inline(__always)
  private func place(_ four: Vector, _ y: UnsafeMutablePointer<Float>) {
    store(four.lowHalf.lowHalf, to: y)
    store(four.lowHalf.highHalf, to: y + columnStep)
    store(four.highHalf.lowHalf, to: y + 2 &* columnStep)
    store(four.highHalf.highHalf, to: y + 3 &* columnStep)
  }
}
