// Max pooling of windows of rows of channels, forward and back.

/// A window as a loop sees it.
struct PoolWindow {
  let rows: Int
  let columns: Int
  /// Floats between two rows, and between two columns, of the pooled map.
  let rowStride: Int
  let columnStride: Int
  let channels: Int

  /// The winner that says "none of them": the gradient of such a value goes nowhere.
  static let none: Float = -1

  /// values[c] = max over the window of map[…][c]; winners[c] = the first position that has it,
  /// counted along rows of a window that is `windowColumns` wide. Winners are floats, so that one
  /// vector holds as many of them as of the values.
  @inline(__always)
  func pool(
    _ map: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<Float>, firstWinner: Int = 0, windowColumns: Int
  ) {
    if isFour && windowColumns == 2 {
      return poolFour(map, to: values, winners: winners)
    }
    var c = 0
    while c &+ 16 <= channels {
      var best: Vector = load(map + c)
      var winner = Vector(repeating: Float(firstWinner))
      for row in 0..<rows {
        for column in 0..<columns {
          let value: Vector = load(map + (row &* rowStride &+ column &* columnStride &+ c))
          let position = Float(firstWinner &+ row &* windowColumns &+ column)
          let isBetter = value .> best
          best.replace(with: value, where: isBetter)
          winner.replace(with: position, where: isBetter)
        }
      }
      store(best, to: values + c)
      store(winner, to: winners + c)
      c = c &+ 16
    }
    while c < channels {
      var best = map[c]
      var winner = Float(firstWinner)
      for row in 0..<rows {
        for column in 0..<columns {
          let value = map[row &* rowStride &+ column &* columnStride &+ c]
          if value > best {
            best = value
            winner = Float(firstWinner &+ row &* windowColumns &+ column)
          }
        }
      }
      values[c] = best
      winners[c] = winner
      c = c &+ 1
    }
  }

  /// `pool` of a whole 2x2 window and a multiple of sixteen channels: what most networks do.
  @inline(__always)
  private func poolFour(
    _ map: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<Float>
  ) {
    let below = map + rowStride
    var c = 0
    while c < channels {
      var best: Vector = load(map + c)
      var winner = Vector()
      let second: Vector = load(map + (columnStride &+ c))
      winner.replace(with: 1, where: second .> best)
      best.replace(with: second, where: second .> best)
      let third: Vector = load(below + c)
      winner.replace(with: 2, where: third .> best)
      best.replace(with: third, where: third .> best)
      let fourth: Vector = load(below + (columnStride &+ c))
      winner.replace(with: 3, where: fourth .> best)
      best.replace(with: fourth, where: fourth .> best)
      store(best, to: values + c)
      store(winner, to: winners + c)
      c = c &+ 16
    }
  }

  /// Whether it is a 2x2 window of a multiple of sixteen channels.
  var isFour: Bool { rows == 2 && columns == 2 && channels & 15 == 0 }

  /// `pool` where the window `isFour`, and what follows in most networks: the bias, and ReLU, whose zeros have
  /// no winner.
  /// - Parameter winners: nil where nothing goes back.
  @inline(__always)
  func poolFour(
    _ map: UnsafePointer<Float>, addingAndRectifying bias: UnsafePointer<Float>,
    to values: UnsafeMutablePointer<Float>, winners: UnsafeMutablePointer<Float>?
  ) {
    let below = map + rowStride
    let zero = Vector()
    var c = 0
    while c < channels {
      let first: Vector = load(map + c)
      let second: Vector = load(map + (columnStride &+ c))
      let third: Vector = load(below + c)
      let fourth: Vector = load(below + (columnStride &+ c))
      let ofTwo = first.replacing(with: second, where: second .> first)
      let ofThree = ofTwo.replacing(with: third, where: third .> ofTwo)
      let best = ofThree.replacing(with: fourth, where: fourth .> ofThree)
      let sum = best + load(bias + c)
      store(sum.replacing(with: zero, where: sum .< zero), to: values + c)
      if let winners {
        var winner = zero.replacing(with: 1, where: second .> first)
        winner.replace(with: 2, where: third .> ofTwo)
        winner.replace(with: 3, where: fourth .> ofThree)
        winner.replace(with: Self.none, where: .!(sum .> zero))
        store(winner, to: winners + c)
      }
      c = c &+ 16
    }
  }

  @inline(__always)
  private func unpoolFour(
    _ gradient: UnsafePointer<Float>, winners: UnsafePointer<Float>,
    to map: UnsafeMutablePointer<Float>
  ) {
    let below = map + rowStride
    let zero = Vector()
    var c = 0
    while c < channels {
      let g: Vector = load(gradient + c)
      let winner: Vector = load(winners + c)
      store(zero.replacing(with: g, where: winner .== 0), to: map + c)
      store(zero.replacing(with: g, where: winner .== 1), to: map + (columnStride &+ c))
      store(zero.replacing(with: g, where: winner .== 2), to: below + c)
      store(zero.replacing(with: g, where: winner .== 3), to: below + (columnStride &+ c))
      c = c &+ 16
    }
  }

  /// For windows that do not overlap: map[…][c] = gradient[c] at the winner, 0 elsewhere.
  @inline(__always)
  func unpool(
    _ gradient: UnsafePointer<Float>, winners: UnsafePointer<Float>,
    to map: UnsafeMutablePointer<Float>
  ) {
    if isFour {
      return unpoolFour(gradient, winners: winners, to: map)
    }
    var c = 0
    while c &+ 16 <= channels {
      let g: Vector = load(gradient + c)
      let winner: Vector = load(winners + c)
      for row in 0..<rows {
        for column in 0..<columns {
          let position = Float(row &* columns &+ column)
          store(
            Vector().replacing(with: g, where: winner .== position),
            to: map + (row &* rowStride &+ column &* columnStride &+ c))
        }
      }
      c = c &+ 16
    }
    while c < channels {
      for row in 0..<rows {
        for column in 0..<columns {
          map[row &* rowStride &+ column &* columnStride &+ c] =
            winners[c] == Float(row &* columns &+ column) ? gradient[c] : 0
        }
      }
      c = c &+ 1
    }
  }
}
