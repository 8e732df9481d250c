// The loops of a convolution of narrow groups. A vector holds sixteen neighbouring positions of one
// channel; what a row of im2col(X)ᵀ would hold is a run of x's planes from an offset on, read in place.

/// Sums over rows of an unwritten im2col(X)ᵀ: row r is x[offset[r]…].
struct PlaneCorrelation {
  /// As many as `rows` and then some of any rows, up to a multiple of `rowsTogether`.
  let offsets: UnsafePointer<Int>
  let rows: Int

  /// The most positions and rows that a loop takes at once.
  static let widest = 128
  static let rowsTogether = 6

  static func padded(_ rows: Int) -> Int { (rows + rowsTogether - 1) / rowsTogether * rowsTogether }

  /// y[f, p] = b[f] + Σ_r w[r, f]·x[offset[r] + p]; b and then w are (1 + R, F), F even, y's planes are
  /// `apart`. Positions are filled up to a multiple of 128.
  func correlate(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, filters: Int,
    to y: UnsafeMutablePointer<Float>, apart: Int, positions: Int
  ) {
    let inFours = filters & ~3
    var p = 0
    while p < positions {
      var f = 0
      while f < inFours {
        four(x + p, weights + f, filters, y + (f &* apart &+ p), apart)
        if p &+ 64 < positions {
          four(x + p + 64, weights + f, filters, y + (f &* apart &+ p &+ 64), apart)
        }
        f = f &+ 4
      }
      if f < filters {
        two(x + p, weights + f, filters, y + (f &* apart &+ p), apart)
      }
      p = p &+ Self.widest
    }
  }

  /// Four filters at 64 positions.
  @inline(__always)
  private func four(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ filters: Int,
    _ y: UnsafeMutablePointer<Float>, _ apart: Int
  ) {
    var a = Vector(repeating: weights[0])
    var e = Vector(repeating: weights[1])
    var i = Vector(repeating: weights[2])
    var m = Vector(repeating: weights[3])
    var (b, c, d) = (a, a, a)
    var (f, g, h) = (e, e, e)
    var (j, k, l) = (i, i, i)
    var (n, o, p) = (m, m, m)
    var w = weights + filters
    for row in 0..<rows {
      let from = x + offsets[row]
      let (first, second): (Vector, Vector) = (load(from), load(from + 16))
      let (third, fourth): (Vector, Vector) = (load(from + 32), load(from + 48))
      let v = Vector(repeating: w[0])
      a = a.addingProduct(first, v)
      b = b.addingProduct(second, v)
      c = c.addingProduct(third, v)
      d = d.addingProduct(fourth, v)
      let u = Vector(repeating: w[1])
      e = e.addingProduct(first, u)
      f = f.addingProduct(second, u)
      g = g.addingProduct(third, u)
      h = h.addingProduct(fourth, u)
      let t = Vector(repeating: w[2])
      i = i.addingProduct(first, t)
      j = j.addingProduct(second, t)
      k = k.addingProduct(third, t)
      l = l.addingProduct(fourth, t)
      let s = Vector(repeating: w[3])
      m = m.addingProduct(first, s)
      n = n.addingProduct(second, s)
      o = o.addingProduct(third, s)
      p = p.addingProduct(fourth, s)
      w += filters
    }
    store(a, b, c, d, to: y)
    store(e, f, g, h, to: y + apart)
    store(i, j, k, l, to: y + 2 &* apart)
    store(m, n, o, p, to: y + 3 &* apart)
  }

  /// Two filters at 128 positions.
  @inline(__always)
  private func two(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ filters: Int,
    _ y: UnsafeMutablePointer<Float>, _ apart: Int
  ) {
    var a = Vector(repeating: weights[0])
    var i = Vector(repeating: weights[1])
    var (b, c, d) = (a, a, a)
    var (e, f, g, h) = (a, a, a, a)
    var (j, k, l) = (i, i, i)
    var (m, n, o, p) = (i, i, i, i)
    var w = weights + filters
    for row in 0..<rows {
      let from = x + offsets[row]
      let (v, u) = (Vector(repeating: w[0]), Vector(repeating: w[1]))
      let (first, second): (Vector, Vector) = (load(from), load(from + 16))
      a = a.addingProduct(first, v)
      i = i.addingProduct(first, u)
      b = b.addingProduct(second, v)
      j = j.addingProduct(second, u)
      let (third, fourth): (Vector, Vector) = (load(from + 32), load(from + 48))
      c = c.addingProduct(third, v)
      k = k.addingProduct(third, u)
      d = d.addingProduct(fourth, v)
      l = l.addingProduct(fourth, u)
      let (fifth, sixth): (Vector, Vector) = (load(from + 64), load(from + 80))
      e = e.addingProduct(fifth, v)
      m = m.addingProduct(fifth, u)
      f = f.addingProduct(sixth, v)
      n = n.addingProduct(sixth, u)
      let (seventh, eighth): (Vector, Vector) = (load(from + 96), load(from + 112))
      g = g.addingProduct(seventh, v)
      o = o.addingProduct(seventh, u)
      h = h.addingProduct(eighth, v)
      p = p.addingProduct(eighth, u)
      w += filters
    }
    store(a, b, c, d, to: y)
    store(e, f, g, h, to: y + 64)
    store(i, j, k, l, to: y + apart)
    store(m, n, o, p, to: y + apart + 64)
  }

  @inline(__always)
  private func store(
    _ a: Vector, _ b: Vector, _ c: Vector, _ d: Vector, to y: UnsafeMutablePointer<Float>
  ) {
    ConvNet.store(a, to: y)
    ConvNet.store(b, to: y + 16)
    ConvNet.store(c, to: y + 32)
    ConvNet.store(d, to: y + 48)
  }

  /// sums[r, f] += Σ_p x[offset[r] + p]·dy[f, p], in sixteen partial sums, p mod 16; sums is
  /// (R, F, 16), R padded. dy is zero from the last position to the next multiple of 16.
  func addKernelGradient(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, filters: Int, apart: Int,
    positions: Int, to sums: UnsafeMutablePointer<Float>
  ) {
    var f = 0
    while f &+ 4 <= filters {
      for row in stride(from: 0, to: rows, by: 3) {
        fourByThree(
          x, offsets + row, dy + f &* apart, apart, positions, sums + (row &* filters &+ f) &* 16,
          filters &* 16)
      }
      f = f &+ 4
    }
    if f < filters {
      for row in stride(from: 0, to: rows, by: 6) {
        twoBySix(
          x, offsets + row, dy + f &* apart, apart, positions, sums + (row &* filters &+ f) &* 16,
          filters &* 16)
      }
    }
  }

  /// Four filters and three rows.
  @inline(__always)
  private func fourByThree(
    _ x: UnsafePointer<Float>, _ offsets: UnsafePointer<Int>, _ dy: UnsafePointer<Float>,
    _ apart: Int, _ positions: Int, _ sums: UnsafeMutablePointer<Float>, _ next: Int
  ) {
    let (first, second, third) = (x + offsets[0], x + offsets[1], x + offsets[2])
    var (a, b, c, d) = loadFour(sums)
    var (e, f, g, h) = loadFour(sums + next)
    var (i, j, k, l) = loadFour(sums + 2 &* next)
    var p = 0
    while p < positions {
      let (s, t): (Vector, Vector) = (load(dy + p), load(dy + (apart &+ p)))
      let u: Vector = load(dy + (2 &* apart &+ p))
      let v: Vector = load(dy + (3 &* apart &+ p))
      let x0: Vector = load(first + p)
      a = a.addingProduct(x0, s)
      b = b.addingProduct(x0, t)
      c = c.addingProduct(x0, u)
      d = d.addingProduct(x0, v)
      let x1: Vector = load(second + p)
      e = e.addingProduct(x1, s)
      f = f.addingProduct(x1, t)
      g = g.addingProduct(x1, u)
      h = h.addingProduct(x1, v)
      let x2: Vector = load(third + p)
      i = i.addingProduct(x2, s)
      j = j.addingProduct(x2, t)
      k = k.addingProduct(x2, u)
      l = l.addingProduct(x2, v)
      p = p &+ 16
    }
    store(a, b, c, d, to: sums)
    store(e, f, g, h, to: sums + next)
    store(i, j, k, l, to: sums + 2 &* next)
  }

  /// Two filters and six rows.
  @inline(__always)
  private func twoBySix(
    _ x: UnsafePointer<Float>, _ offsets: UnsafePointer<Int>, _ dy: UnsafePointer<Float>,
    _ apart: Int, _ positions: Int, _ sums: UnsafeMutablePointer<Float>, _ next: Int
  ) {
    let (first, second, third) = (x + offsets[0], x + offsets[1], x + offsets[2])
    let (fourth, fifth, sixth) = (x + offsets[3], x + offsets[4], x + offsets[5])
    var (a, b) = loadTwo(sums)
    var (c, d) = loadTwo(sums + next)
    var (e, f) = loadTwo(sums + 2 &* next)
    var (g, h) = loadTwo(sums + 3 &* next)
    var (i, j) = loadTwo(sums + 4 &* next)
    var (k, l) = loadTwo(sums + 5 &* next)
    var p = 0
    while p < positions {
      let (u, v): (Vector, Vector) = (load(dy + p), load(dy + (apart &+ p)))
      let (x0, x1): (Vector, Vector) = (load(first + p), load(second + p))
      a = a.addingProduct(x0, u)
      b = b.addingProduct(x0, v)
      c = c.addingProduct(x1, u)
      d = d.addingProduct(x1, v)
      let (x2, x3): (Vector, Vector) = (load(third + p), load(fourth + p))
      e = e.addingProduct(x2, u)
      f = f.addingProduct(x2, v)
      g = g.addingProduct(x3, u)
      h = h.addingProduct(x3, v)
      let (x4, x5): (Vector, Vector) = (load(fifth + p), load(sixth + p))
      i = i.addingProduct(x4, u)
      j = j.addingProduct(x4, v)
      k = k.addingProduct(x5, u)
      l = l.addingProduct(x5, v)
      p = p &+ 16
    }
    storeTwo(a, b, to: sums)
    storeTwo(c, d, to: sums + next)
    storeTwo(e, f, to: sums + 2 &* next)
    storeTwo(g, h, to: sums + 3 &* next)
    storeTwo(i, j, to: sums + 4 &* next)
    storeTwo(k, l, to: sums + 5 &* next)
  }

  @inline(__always)
  private func loadTwo(_ x: UnsafePointer<Float>) -> (Vector, Vector) { (load(x), load(x + 16)) }

  @inline(__always)
  private func storeTwo(_ a: Vector, _ b: Vector, to y: UnsafeMutablePointer<Float>) {
    ConvNet.store(a, to: y)
    ConvNet.store(b, to: y + 16)
  }
}

@inline(__always)
private func loadFour(_ x: UnsafePointer<Float>) -> (Vector, Vector, Vector, Vector) {
  (load(x), load(x + 16), load(x + 32), load(x + 48))
}

/// sums[i] = the sum of the i-th vector of `sums` itself, up to a multiple of four.
func addAcross(_ sums: UnsafeMutablePointer<Float>, vectors: Int) {
  for i in stride(from: 0, to: vectors, by: 4) {
    let (a, b, c, d) = loadFour(sums + 16 &* i)
    let all = pairs(SIMD32(lowHalf: pairs(a, b), highHalf: pairs(c, d)))
    let eight = all.evenHalf + all.oddHalf
    store(eight.evenHalf + eight.oddHalf, to: sums + i)
  }
}

@inline(__always)
private func pairs(_ a: Vector, _ b: Vector) -> Vector { pairs(SIMD32(lowHalf: a, highHalf: b)) }

/// The sums of neighbours.
@inline(__always)
private func pairs(_ both: SIMD32<Float>) -> Vector { both.evenHalf + both.oddHalf }
