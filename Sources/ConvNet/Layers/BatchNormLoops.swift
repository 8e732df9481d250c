// The loops of batch normalisation, each over some rows of C channels. Sums of a channel are taken row
// after row.

/// Σ x of each channel, added to `sums`.
struct ChannelSums: ChannelLoop {
  let x: UnsafePointer<Float>
  let rows: Int
  let channels: Int
  let sums: UnsafeMutablePointer<Float>

  @inline(__always)
  func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    var sum: V = load(sums + c, lanes)
    var from = x + c
    for _ in 0..<rows {
      sum += load(from, lanes)
      from += channels
    }
    store(sum, lanes, to: sums + c)
  }
}

/// Σ (x − μ)² of each channel, added to `sums`.
struct ChannelDeviations: ChannelLoop {
  let x: UnsafePointer<Float>
  let rows: Int
  let channels: Int
  let mean: UnsafePointer<Float>
  let sums: UnsafeMutablePointer<Float>

  @inline(__always)
  func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    let mean: V = load(mean + c, lanes)
    var sum: V = load(sums + c, lanes)
    var from = x + c
    for _ in 0..<rows {
      let difference: V = load(from, lanes) - mean
      sum += difference * difference
      from += channels
    }
    store(sum, lanes, to: sums + c)
  }
}

/// What the values of a batch norm are limited to: the activation that ends it, if it is such a one.
struct Limits {
  let low: Float
  let high: Float

  static let none = Limits(low: -.infinity, high: .infinity)

  init(low: Float, high: Float) {
    self.low = low
    self.high = high
  }

  /// Nil for an activation that is more than limits.
  init?(_ activation: Activation) {
    switch activation {
    case .linear: self = .none
    case .relu: self.init(low: 0, high: .infinity)
    case .relu6: self.init(low: 0, high: 6)
    default: return nil
    }
  }

  var isNone: Bool { low == -.infinity }

  /// z, limited in place; NaN stays.
  func limit(_ z: UnsafeMutablePointer<Float>, count: Int) {
    var i = 0
    while i &+ 16 <= count {
      let v: Vector = load(z + i)
      store(
        v.replacing(with: low, where: v .< low).replacing(with: high, where: v .> high), to: z + i)
      i = i &+ 16
    }
    while i < count {
      z[i] = z[i] < low ? low : (z[i] > high ? high : z[i])
      i = i &+ 1
    }
  }

  /// dz = dy where z keeps to the limits, else 0; it takes z's place.
  func pass(
    _ dy: UnsafePointer<Float>, inPlaceOf z: UnsafeMutablePointer<Float>, count: Int
  ) {
    var i = 0
    while i &+ 16 <= count {
      let v: Vector = load(z + i)
      store(Vector().replacing(with: load(dy + i), where: (v .> low) .& (v .< high)), to: z + i)
      i = i &+ 16
    }
    while i < count {
      z[i] = z[i] > low && z[i] < high ? dy[i] : 0
      i = i &+ 1
    }
  }

  /// g = 0 where y, which was limited, is at a limit.
  func stop(_ g: UnsafeMutablePointer<Float>, where y: UnsafePointer<Float>, count: Int) {
    var i = 0
    while i &+ 16 <= count {
      let v: Vector = load(y + i)
      store(Vector().replacing(with: load(g + i), where: (v .> low) .& (v .< high)), to: g + i)
      i = i &+ 16
    }
    while i < count {
      if !(y[i] > low && y[i] < high) { g[i] = 0 }
      i = i &+ 1
    }
  }
}

/// z = x·factor + shift
struct ChannelScaling: ChannelLoop {
  let x: UnsafePointer<Float>
  let y: UnsafeMutablePointer<Float>
  let rows: Int
  let channels: Int
  let factor: UnsafePointer<Float>
  let shift: UnsafePointer<Float>

  @inline(__always)
  func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    let (factor, shift): (V, V) = (load(factor + c, lanes), load(shift + c, lanes))
    var (from, to) = (x + c, y + c)
    for _ in 0..<rows {
      store(load(from, lanes, as: V.self) * factor + shift, lanes, to: to)
      from += channels
      to += channels
    }
  }
}

/// What the two passes back share: the batch's statistics of each channel, and x̂ from x.
struct BatchStatistics {
  let mean: UnsafePointer<Float>
  let inverse: UnsafePointer<Float>
  let factor: UnsafePointer<Float>
}

/// Σ dz and Σ dz·x̂ of each channel, added to `plain` and `scaled`.
struct BatchNormGather: ChannelLoop {
  let x: UnsafePointer<Float>
  let dz: UnsafePointer<Float>
  let rows: Int
  let channels: Int
  let statistics: BatchStatistics
  let plain: UnsafeMutablePointer<Float>
  let scaled: UnsafeMutablePointer<Float>

  @inline(__always)
  func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    let (mean, inverse): (V, V) = (
      load(statistics.mean + c, lanes), load(statistics.inverse + c, lanes)
    )
    var (plain, scaled): (V, V) = (load(plain + c, lanes), load(scaled + c, lanes))
    var (from, gradient) = (x + c, dz + c)
    for _ in 0..<rows {
      let x: V = load(from, lanes)
      let dz: V = load(gradient, lanes)
      plain += dz
      scaled += dz * ((x - mean) * inverse)
      from += channels
      gradient += channels
    }
    store(plain, lanes, to: self.plain + c)
    store(scaled, lanes, to: self.scaled + c)
  }
}

/// dx = γ/√(σ² + ε) · (dz − dβ/m − x̂·dγ/m)
struct BatchNormBackward: ChannelLoop {
  let x: UnsafePointer<Float>
  let dz: UnsafePointer<Float>
  let dx: UnsafeMutablePointer<Float>
  let rows: Int
  let channels: Int
  let statistics: BatchStatistics
  let meanGradient: UnsafePointer<Float>
  let meanScaled: UnsafePointer<Float>

  @inline(__always)
  func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
    let (mean, inverse): (V, V) = (
      load(statistics.mean + c, lanes), load(statistics.inverse + c, lanes)
    )
    let factor: V = load(statistics.factor + c, lanes)
    let (meanGradient, meanScaled): (V, V) = (
      load(meanGradient + c, lanes), load(meanScaled + c, lanes)
    )
    var (from, gradient, to) = (x + c, dz + c, dx + c)
    for _ in 0..<rows {
      let x: V = load(from, lanes)
      let dz: V = load(gradient, lanes)
      let normalized = (x - mean) * inverse
      store(factor * (dz - meanGradient - normalized * meanScaled), lanes, to: to)
      from += channels
      gradient += channels
      to += channels
    }
  }
}
