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
  func pool(
    _ map: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<UInt8>, firstWinner: Int = 0, windowColumns: Int
  ) {
    if rows == 2 && columns == 2 && windowColumns == 2 && firstWinner == 0 {
      return poolFour(map, to: values, winners: winners)
    }
    for c in 0..<channels {
      values[c] = map[c]
      winners[c] = UInt8(truncatingIfNeeded: firstWinner)
    }
    for row in 0..<rows {
      for column in 0..<columns {
        let candidates = map + (row &* rowStride &+ column &* columnStride)
        let position = UInt8(truncatingIfNeeded: firstWinner &+ row &* windowColumns &+ column)
        for c in 0..<channels {
          let isBetter = candidates[c] > values[c]
          values[c] = isBetter ? candidates[c] : values[c]
          winners[c] = isBetter ? position : winners[c]
        }
      }
    }
  }

  /// `pool` over 2x2, in one pass.
  private func poolFour(
    _ map: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<UInt8>
  ) {
    let second = map + columnStride
    let third = map + rowStride
    let fourth = third + columnStride
    for c in 0..<channels {
      var best = map[c]
      var winner: UInt8 = 0
      winner = second[c] > best ? 1 : winner
      best = second[c] > best ? second[c] : best
      winner = third[c] > best ? 2 : winner
      best = third[c] > best ? third[c] : best
      winner = fourth[c] > best ? 3 : winner
      best = fourth[c] > best ? fourth[c] : best
      values[c] = best
      winners[c] = winner
    }
  }

  /// For windows that do not overlap: map[…][c] = gradient[c] at the winner, 0 elsewhere.
  func unpool(
    _ gradient: UnsafePointer<Float>, winners: UnsafePointer<UInt8>,
    to map: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows {
      for column in 0..<columns {
        let position = UInt8(truncatingIfNeeded: row &* columns &+ column)
        let to = map + (row &* rowStride &+ column &* columnStride)
        for c in 0..<channels { to[c] = winners[c] == position ? gradient[c] : 0 }
      }
    }
  }
}
