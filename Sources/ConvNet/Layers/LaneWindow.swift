// The kernels of a convolution of narrow groups. Letters: K window, P planes, H', W' output positions.
// A lane is a filter; a plane one of the channels that the filter's group sees.

/// A window that slides over an image of sixteen lanes with P planes of each, (H, W, P, 16), that has
/// its padding around it.
struct LaneWindow {
  static let lanes = 16

  let window: Extent
  let stride: Extent
  let dilation: Extent
  let planes: Int
  /// Columns of the image that is read.
  let sourceWidth: Int
  let output: Extent

  /// Floats of a position.
  private var pixel: Int { planes &* Self.lanes }
  private var rowStep: Int { dilation.height &* sourceWidth &* pixel }
  private var columnStep: Int { dilation.width &* pixel }

  /// Some lanes of a tensor: its first, how many there are, and the floats from one position to the
  /// next.
  struct Target {
    let base: UnsafeMutablePointer<Float>
    let lanes: Int
    let step: Int
  }

  /// y[p] = b + Σ_k Σ_j x[p·s + k·d, j]·w[k, j]; w is (K·K, P, 16).
  func correlate(
    _ source: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, bias: Vector, to target: Target
  ) {
    // The last block of a row takes columns again that the one before it took, to the same sums.
    let block = output.width >= 8 ? 8 : (output.width >= 4 ? 4 : 1)
    for row in 0..<output.height {
      let line = source + row &* stride.height &* sourceWidth &* pixel
      var column = 0
      while column < output.width {
        let first = min(column, output.width &- block)
        let x = line + first &* stride.width &* pixel
        let at = target.base + (row &* output.width &+ first) &* target.step
        switch block {
        case 8: eight(x, weights, bias, at, target)
        case 4: four(x, weights, bias, at, target)
        default: one(x, weights, bias, at, target)
        }
        column = first &+ block
      }
    }
  }

  @inline(__always)
  private func eight(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ bias: Vector,
    _ y: UnsafeMutablePointer<Float>, _ target: Target
  ) {
    let next = stride.width &* pixel
    var (a, b, c, d) = (bias, bias, bias, bias)
    var (e, f, g, h) = (bias, bias, bias, bias)
    var w = weights
    var row = x
    for _ in 0..<window.height {
      var tap = row
      for _ in 0..<window.width {
        var from = tap
        for _ in 0..<planes {
          let weight: Vector = load(w)
          a = a.addingProduct(load(from), weight)
          b = b.addingProduct(load(from + next), weight)
          c = c.addingProduct(load(from + 2 &* next), weight)
          d = d.addingProduct(load(from + 3 &* next), weight)
          e = e.addingProduct(load(from + 4 &* next), weight)
          f = f.addingProduct(load(from + 5 &* next), weight)
          g = g.addingProduct(load(from + 6 &* next), weight)
          h = h.addingProduct(load(from + 7 &* next), weight)
          w += Self.lanes
          from += Self.lanes
        }
        tap += columnStep
      }
      row += rowStep
    }
    let step = target.step
    keep(a, target, y)
    keep(b, target, y + step)
    keep(c, target, y + 2 &* step)
    keep(d, target, y + 3 &* step)
    keep(e, target, y + 4 &* step)
    keep(f, target, y + 5 &* step)
    keep(g, target, y + 6 &* step)
    keep(h, target, y + 7 &* step)
  }

  @inline(__always)
  private func four(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ bias: Vector,
    _ y: UnsafeMutablePointer<Float>, _ target: Target
  ) {
    let next = stride.width &* pixel
    var (a, b, c, d) = (bias, bias, bias, bias)
    var w = weights
    var row = x
    for _ in 0..<window.height {
      var tap = row
      for _ in 0..<window.width {
        var from = tap
        for _ in 0..<planes {
          let weight: Vector = load(w)
          a = a.addingProduct(load(from), weight)
          b = b.addingProduct(load(from + next), weight)
          c = c.addingProduct(load(from + 2 &* next), weight)
          d = d.addingProduct(load(from + 3 &* next), weight)
          w += Self.lanes
          from += Self.lanes
        }
        tap += columnStep
      }
      row += rowStep
    }
    keep(a, target, y)
    keep(b, target, y + target.step)
    keep(c, target, y + 2 &* target.step)
    keep(d, target, y + 3 &* target.step)
  }

  @inline(__always)
  private func one(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ bias: Vector,
    _ y: UnsafeMutablePointer<Float>, _ target: Target
  ) {
    var sum = bias
    var w = weights
    var row = x
    for _ in 0..<window.height {
      var tap = row
      for _ in 0..<window.width {
        for plane in 0..<planes {
          sum = sum.addingProduct(load(tap + plane &* Self.lanes), load(w))
          w += Self.lanes
        }
        tap += columnStep
      }
      row += rowStep
    }
    keep(sum, target, y)
  }

  @inline(__always)
  private func keep(_ vector: Vector, _ target: Target, _ y: UnsafeMutablePointer<Float>) {
    if target.lanes == Self.lanes {
      store(vector, to: y)
    } else {
      for lane in 0..<target.lanes { y[lane] = vector[lane] }
    }
  }

  /// dw[k, j] += Σ_p x[p·s + k·d, j]·dy[p]; dy's positions are `step` floats apart.
  func addKernelGradient(
    _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, step: Int,
    to weights: UnsafeMutablePointer<Float>
  ) {
    var to = weights
    for i in 0..<window.height {
      for j in 0..<window.width {
        let tap = source + (i &* rowStep &+ j &* columnStep)
        var plane = 0
        while plane &+ 4 <= planes {
          fourPlanes(tap + plane &* Self.lanes, gradient, step, to)
          to += 4 &* Self.lanes
          plane = plane &+ 4
        }
        while plane < planes {
          onePlane(tap + plane &* Self.lanes, gradient, step, to)
          to += Self.lanes
          plane = plane &+ 1
        }
      }
    }
  }

  /// Even and odd columns are summed apart, so that no sum waits for the one before.
  @inline(__always)
  private func fourPlanes(
    _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ step: Int,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    let next = stride.width &* pixel
    var (a, b, c, d) = (Vector(), Vector(), Vector(), Vector())
    var (e, f, g, h) = (Vector(), Vector(), Vector(), Vector())
    var dy = gradient
    for row in 0..<output.height {
      var x = source + row &* stride.height &* sourceWidth &* pixel
      for _ in 0..<output.width &>> 1 {
        let even: Vector = load(dy)
        a = a.addingProduct(load(x), even)
        b = b.addingProduct(load(x + 16), even)
        c = c.addingProduct(load(x + 32), even)
        d = d.addingProduct(load(x + 48), even)
        x += next
        let odd: Vector = load(dy + step)
        e = e.addingProduct(load(x), odd)
        f = f.addingProduct(load(x + 16), odd)
        g = g.addingProduct(load(x + 32), odd)
        h = h.addingProduct(load(x + 48), odd)
        x += next
        dy += 2 &* step
      }
      if output.width & 1 == 1 {
        let even: Vector = load(dy)
        a = a.addingProduct(load(x), even)
        b = b.addingProduct(load(x + 16), even)
        c = c.addingProduct(load(x + 32), even)
        d = d.addingProduct(load(x + 48), even)
        dy += step
      }
    }
    store(load(weights, as: Vector.self) + (a + e), to: weights)
    store(load(weights + 16, as: Vector.self) + (b + f), to: weights + 16)
    store(load(weights + 32, as: Vector.self) + (c + g), to: weights + 32)
    store(load(weights + 48, as: Vector.self) + (d + h), to: weights + 48)
  }

  @inline(__always)
  private func onePlane(
    _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, _ step: Int,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    let next = stride.width &* pixel
    var (a, b) = (Vector(), Vector())
    var dy = gradient
    for row in 0..<output.height {
      var x = source + row &* stride.height &* sourceWidth &* pixel
      for _ in 0..<output.width &>> 1 {
        a = a.addingProduct(load(x), load(dy))
        b = b.addingProduct(load(x + next), load(dy + step))
        x += 2 &* next
        dy += 2 &* step
      }
      if output.width & 1 == 1 {
        a = a.addingProduct(load(x), load(dy))
        dy += step
      }
    }
    store(load(weights, as: Vector.self) + (a + b), to: weights)
  }
}
