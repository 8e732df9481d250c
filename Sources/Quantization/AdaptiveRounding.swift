import ConvNet

/// Which weights of a filter are rounded up and which down (Nagel et al. 2020, AdaRound), so that what the layer
/// gives for some images changes least.
///
/// With d = s(q − w/s) the change of a filter's weights and H = E[x·xᵀ] of what it multiplies, the mean square of
/// the change of its sums is dᵀHd. Of q = ⌊w/s⌋ + h, h = 0 or 1, it is brought down by Adam over
/// h(v) = min(max(1.2·sigmoid(v) − 0.1, 0), 1), with the term λ·Σ(1 − |2h − 1|^β) that drives each h to an end,
/// β going from 20 to 2. Where the nearest numbers are better in the end, these are taken.
final class AdaptiveRounding: TeamWork {
  private let moments: LayerMoments
  private let isDepthwise: Bool
  private let iterations: Int
  /// (filters, K): w/s, and q.
  private let ratios: [Float]
  private let limit: Float
  private var rounded: [Int8]
  private let filters: Int
  private let size: Int
  /// H over the mean of its diagonal, of each channel.
  private let normalized: [Float]

  /// Filters that are worked on together.
  private static let lanes = 8
  private typealias Lanes = SIMD8<Float>

  /// - Parameter ratios: w/s of each weight, (filters, K).
  init(
    _ ratios: [Float], filters: Int, bits: Int, _ moments: LayerMoments, isDepthwise: Bool,
    iterations: Int
  ) {
    self.ratios = ratios
    self.filters = filters
    self.moments = moments
    self.isDepthwise = isDepthwise
    self.iterations = iterations
    size = moments.size
    limit = Float(1 << (bits - 1) - 1)
    let most = limit
    rounded = ratios.map { Int8(min(max($0.rounded(), -most), most)) }
    let size = size
    normalized = moments.second.indices.map { place in
      let channel = place / (size * size)
      var trace: Float = 0
      for i in 0..<size { trace += moments.second[channel * size * size + i * size + i] }
      return trace > 0 ? moments.second[place] * Float(size) / trace : 0
    }
  }

  /// q of each weight.
  func carriedOut(_ team: Team) -> [Int8] {
    rounded.withUnsafeMutableBufferPointer { place in
      target = place.baseAddress
      team.run(
        self, phase: 0, tiles: isDepthwise ? filters : (filters + Self.lanes - 1) / Self.lanes)
      target = nil
    }
    return rounded
  }

  /// `rounded`, while it is worked on: each tile writes its own filters.
  private var target: UnsafeMutablePointer<Int8>!

  func perform(phase: Int, tile: Int, worker: Int) {
    let first = isDepthwise ? tile : tile * Self.lanes
    let count = isDepthwise ? 1 : min(Self.lanes, filters - first)
    normalized.withUnsafeBufferPointer { all in
      round(first, count, all.baseAddress! + (isDepthwise ? tile * size * size : 0))
    }
  }

  private func round(_ first: Int, _ count: Int, _ h: UnsafePointer<Float>) {
    let size = size
    func lanes(_ k: Int) -> Lanes {
      var lanes = Lanes()
      for f in 0..<count { lanes[f] = ratios[(first + f) * size + k] }
      return lanes
    }
    let given = (0..<size).map(lanes)
    let floors = given.map { $0.rounded(.down) }
    // h(v) begins as what is behind the point.
    var v = zip(given, floors).map { ratio, floor in
      var v = Lanes()
      for f in 0..<Self.lanes {
        let sigmoid = (ratio[f] - floor[f] + 0.1) / 1.2
        v[f] = logarithm(sigmoid / (1 - sigmoid))
      }
      return v
    }
    var change = [Lanes](repeating: Lanes(), count: size)
    var gradient = change
    var (slopes, hs) = (change, change)
    var (mean, square) = (change, change)
    let warm = iterations / 5
    var (power1, power2): (Float, Float) = (1, 1)
    for step in 0..<iterations {
      for k in 0..<size {
        let sigmoid = 1 / (1 + exponential(-v[k]))
        let stretched = 1.2 * sigmoid - 0.1
        let held = stretched.clamped(lowerBound: Lanes(), upperBound: Lanes(repeating: 1))
        hs[k] = held
        slopes[k] = (1.2 * sigmoid * (1 - sigmoid)).replacing(
          with: 0, where: held .!= stretched)
        change[k] = floors[k] + held - given[k]
      }
      multiply(h, change, into: &gradient)
      let part = Float(max(0, step - warm)) / Float(max(1, iterations - warm))
      let beta: Float = 20 - 18 * part
      (power1, power2) = (power1 * 0.9, power2 * 0.999)
      for k in 0..<size {
        var slope = 2 * gradient[k]
        if step >= warm {
          // −λβ|2h − 1|^(β−1)·2·sign(2h − 1)
          let side = 2 * hs[k] - 1
          var pull = Lanes()
          for f in 0..<count { pull[f] = powered(abs(side[f]), beta - 1) }
          let sign = Lanes(repeating: 1).replacing(with: -1, where: side .< 0)
          slope -= Self.strength * beta * 2 * pull * sign
        }
        slope *= slopes[k]
        mean[k] = 0.9 * mean[k] + 0.1 * slope
        square[k] = 0.999 * square[k] + 0.001 * slope * slope
        let root = (square[k] / (1 - power2)).squareRoot()
        v[k] -= Self.rate * (mean[k] / (1 - power1)) / (root + 1e-8)
      }
    }
    // The better of both, filter by filter.
    var nearest = [Lanes](repeating: Lanes(), count: size)
    var adapted = nearest
    let (low, high) = (Lanes(repeating: -limit), Lanes(repeating: limit))
    for k in 0..<size {
      let up = Lanes().replacing(with: 1, where: v[k] .>= 0)
      adapted[k] = (floors[k] + up).clamped(lowerBound: low, upperBound: high)
      nearest[k] = given[k].rounded(.toNearestOrAwayFromZero)
        .clamped(lowerBound: low, upperBound: high)
    }
    let (old, new) = (loss(h, nearest, given), loss(h, adapted, given))
    for f in 0..<count where new[f] < old[f] {
      for k in 0..<size { target[(first + f) * size + k] = Int8(adapted[k][f]) }
    }
  }

  /// λ, where the mean of H's diagonal is 1. Of less, many h are undecided in the end, and rounded after all; found
  /// with small layers, of which the best of all roundings is known.
  private static let strength: Float = 0.1
  private static let rate: Float = 0.03

  /// y = H·x
  private func multiply(_ h: UnsafePointer<Float>, _ x: [Lanes], into y: inout [Lanes]) {
    let size = size
    x.withUnsafeBufferPointer { x in
      y.withUnsafeMutableBufferPointer { y in
        var i = 0
        while i + 4 <= size {
          var (a, b, c, d) = (Lanes(), Lanes(), Lanes(), Lanes())
          let row = h + i * size
          for k in 0..<size {
            let value = x[k]
            a += row[k] * value
            b += row[size + k] * value
            c += row[2 * size + k] * value
            d += row[3 * size + k] * value
          }
          (y[i], y[i + 1], y[i + 2], y[i + 3]) = (a, b, c, d)
          i += 4
        }
        while i < size {
          var sum = Lanes()
          for k in 0..<size { sum += h[i * size + k] * x[k] }
          y[i] = sum
          i += 1
        }
      }
    }
  }

  /// dᵀHd of each filter.
  private func loss(_ h: UnsafePointer<Float>, _ q: [Lanes], _ given: [Lanes]) -> Lanes {
    let change = zip(q, given).map { $0 - $1 }
    var product = change
    multiply(h, change, into: &product)
    return zip(change, product).reduce(Lanes()) { $0 + $1.0 * $1.1 }
  }

  // Of the mathematics alone, for libraries' own differ between versions.

  private func exponential(_ x: Lanes) -> Lanes {
    var result = Lanes()
    for f in 0..<Self.lanes { result[f] = Elementary.exp(x[f]) }
    return result
  }

  private func logarithm(_ x: Float) -> Float { Elementary.log(x) }

  /// x^y of x in 0 to 1.
  private func powered(_ x: Float, _ y: Float) -> Float {
    x > 0 ? Elementary.exp(y * Elementary.log(x)) : 0
  }
}
