// Max pooling of windows of rows of channels, forward and back.

/// A window as a kernel sees it.
struct PoolWindow {
  let rows: Int
  let columns: Int
  /// Floats between two rows, and between two columns, of the pooled map.
  let rowStride: Int
  let columnStride: Int
  let channels: Int

  /// The winner that says "none of them": the gradient of such a value goes nowhere.
  static let none: UInt8 = 255

  /// values[c] = max over the window of map[…][c]; winners[c] = the first position that has it,
  /// counted along rows of a window that is `stride` columns wide.
  @inline(__always)
  func pool(
    _ map: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<UInt8>, firstWinner: Int = 0, windowColumns: Int
  ) {
    var c = 0
    while c &+ 16 <= channels {
      var best: Vector = load(map + c)
      var winner = SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: firstWinner))
      for row in 0..<rows {
        for column in 0..<columns {
          let value: Vector = load(map + (row &* rowStride &+ column &* columnStride &+ c))
          let isBetter = value .> best
          best.replace(with: value, where: isBetter)
          winner.replace(
            with: Int32(truncatingIfNeeded: firstWinner &+ row &* windowColumns &+ column),
            where: isBetter)
        }
      }
      store(best, to: values + c)
      UnsafeMutableRawPointer(winners + c)
        .storeBytes(of: SIMD16<UInt8>(truncatingIfNeeded: winner), as: SIMD16<UInt8>.self)
      c = c &+ 16
    }
    while c < channels {
      var best = map[c]
      var winner = firstWinner
      for row in 0..<rows {
        for column in 0..<columns {
          let value = map[row &* rowStride &+ column &* columnStride &+ c]
          if value > best {
            best = value
            winner = firstWinner &+ row &* windowColumns &+ column
          }
        }
      }
      values[c] = best
      winners[c] = UInt8(truncatingIfNeeded: winner)
      c = c &+ 1
    }
  }

  /// For windows that do not overlap: map[…][c] = gradient[c] at the winner, 0 elsewhere.
  @inline(__always)
  func unpool(
    _ gradient: UnsafePointer<Float>, winners: UnsafePointer<UInt8>,
    to map: UnsafeMutablePointer<Float>
  ) {
    var c = 0
    while c &+ 16 <= channels {
      let g: Vector = load(gradient + c)
      let winner = SIMD16<Int32>(
        truncatingIfNeeded: UnsafeRawPointer(winners + c)
          .loadUnaligned(as: SIMD16<UInt8>.self))
      for row in 0..<rows {
        for column in 0..<columns {
          let position = Int32(truncatingIfNeeded: row &* columns &+ column)
          let part = Vector().replacing(with: g, where: winner .== position)
          store(part, to: map + (row &* rowStride &+ column &* columnStride &+ c))
        }
      }
      c = c &+ 16
    }
    while c < channels {
      for row in 0..<rows {
        for column in 0..<columns {
          map[row &* rowStride &+ column &* columnStride &+ c] =
            Int(winners[c]) == row &* columns &+ column ? gradient[c] : 0
        }
      }
      c = c &+ 1
    }
  }
}
