/// The window of most depthwise convolutions, 3x3 with a stride of 1 and zeros around the image,
/// without these zeros in memory: rows above and below are one row of zeros, and the columns at the
/// ends have taps of their own. Nine weights, or their gradients, stay in registers.
struct SameWindow {
  let height: Int
  let width: Int
  let channels: Int

  /// Nil for another window.
  init?(_ geometry: WindowGeometry, channels: Int, multiplier: Int, live: Extent) {
    guard geometry.window == Extent(3, 3), geometry.stride == Extent(1, 1),
      geometry.dilation == Extent(1, 1), geometry.top == 1, geometry.left == 1,
      geometry.input == live, geometry.output == live, live.width >= 2, multiplier == 1
    else { return nil }
    height = live.height
    width = live.width
    self.channels = channels
  }

  /// Makes the row of zeros.
  func clear(_ zeros: UnsafeMutablePointer<Float>) {
    zeros.update(repeating: 0, count: width * channels)
  }

  /// y[p] = b + Σ_k x[p + k]·w[k], k along rows; `step` floats from one w[k] to the next.
  func correlate(
    _ source: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, step: Int,
    bias: UnsafePointer<Float>?, to target: UnsafeMutablePointer<Float>,
    zeros: UnsafePointer<Float>
  ) {
    Correlation(
      rows: Rows(image: source, zeros: zeros, window: self), weights: weights, step: step,
      bias: bias, target: target
    ).run(channels: channels)
  }

  /// dw[k] += Σ_p x[p + k]·dy[p]; dw is (9, C).
  func addKernelGradient(
    _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    to weights: UnsafeMutablePointer<Float>, zeros: UnsafePointer<Float>
  ) {
    KernelGradient(
      rows: Rows(image: source, zeros: zeros, window: self), gradient: gradient, weights: weights
    ).run(channels: channels)
  }

  /// An image's rows, and the row of zeros around them.
  private struct Rows {
    let image: UnsafePointer<Float>
    let zeros: UnsafePointer<Float>
    let window: SameWindow

    @inline(__always)
    subscript(row: Int) -> UnsafePointer<Float> {
      row < 0 || row == window.height
        ? zeros : image + row &* window.width &* window.channels
    }
  }

  private struct Correlation: ChannelLoop {
    let rows: Rows
    let weights: UnsafePointer<Float>
    let step: Int
    let bias: UnsafePointer<Float>?
    let target: UnsafeMutablePointer<Float>

    @inline(__always)
    func run<V: SIMD>(_ channel: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
      let (window, next) = (rows.window, rows.window.channels)
      let w = weights + channel
      // Nobody writes weights while they are read.
      let (a, b, c): (V, V, V) = (load(w), load(w + step), load(w + 2 &* step))
      let (d, e, f): (V, V, V) = (load(w + 3 &* step), load(w + 4 &* step), load(w + 5 &* step))
      let (g, h, i): (V, V, V) = (load(w + 6 &* step), load(w + 7 &* step), load(w + 8 &* step))
      let bias: V = bias.map { load($0 + channel, lanes) } ?? V()
      var y = target + channel
      for row in 0..<window.height {
        var (above, at) = (rows[row &- 1] + channel, rows[row] + channel)
        var below = rows[row &+ 1] + channel
        // At a column's left neighbour, but for the first.
        var sum = bias.addingProduct(load(above, lanes), b)
        sum = sum.addingProduct(load(above + next, lanes), c)
        sum = sum.addingProduct(load(at, lanes), e).addingProduct(load(at + next, lanes), f)
        sum = sum.addingProduct(load(below, lanes), h).addingProduct(load(below + next, lanes), i)
        store(sum, lanes, to: y)
        y += next
        for _ in 0..<window.width &- 2 {
          sum = bias.addingProduct(load(above, lanes), a)
          sum = sum.addingProduct(load(above + next, lanes), b)
          sum = sum.addingProduct(load(above + 2 &* next, lanes), c)
          sum = sum.addingProduct(load(at, lanes), d).addingProduct(load(at + next, lanes), e)
          sum = sum.addingProduct(load(at + 2 &* next, lanes), f)
          sum = sum.addingProduct(load(below, lanes), g).addingProduct(load(below + next, lanes), h)
          sum = sum.addingProduct(load(below + 2 &* next, lanes), i)
          store(sum, lanes, to: y)
          above += next
          at += next
          below += next
          y += next
        }
        sum = bias.addingProduct(load(above, lanes), a).addingProduct(load(above + next, lanes), b)
        sum = sum.addingProduct(load(at, lanes), d).addingProduct(load(at + next, lanes), e)
        sum = sum.addingProduct(load(below, lanes), g).addingProduct(load(below + next, lanes), h)
        store(sum, lanes, to: y)
        y += next
      }
    }
  }

  private struct KernelGradient: ChannelLoop {
    let rows: Rows
    let gradient: UnsafePointer<Float>
    let weights: UnsafeMutablePointer<Float>

    @inline(__always)
    func run<V: SIMD>(_ channel: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
      let (window, next) = (rows.window, rows.window.channels)
      var (a, b, c) = (V(), V(), V())
      var (d, e, f) = (V(), V(), V())
      var (g, h, i) = (V(), V(), V())
      var dy = gradient + channel
      for row in 0..<window.height {
        var (above, at) = (rows[row &- 1] + channel, rows[row] + channel)
        var below = rows[row &+ 1] + channel
        var slope: V = load(dy, lanes)
        b = b.addingProduct(load(above, lanes), slope)
        c = c.addingProduct(load(above + next, lanes), slope)
        e = e.addingProduct(load(at, lanes), slope)
        f = f.addingProduct(load(at + next, lanes), slope)
        h = h.addingProduct(load(below, lanes), slope)
        i = i.addingProduct(load(below + next, lanes), slope)
        dy += next
        for _ in 0..<window.width &- 2 {
          slope = load(dy, lanes)
          a = a.addingProduct(load(above, lanes), slope)
          b = b.addingProduct(load(above + next, lanes), slope)
          c = c.addingProduct(load(above + 2 &* next, lanes), slope)
          d = d.addingProduct(load(at, lanes), slope)
          e = e.addingProduct(load(at + next, lanes), slope)
          f = f.addingProduct(load(at + 2 &* next, lanes), slope)
          g = g.addingProduct(load(below, lanes), slope)
          h = h.addingProduct(load(below + next, lanes), slope)
          i = i.addingProduct(load(below + 2 &* next, lanes), slope)
          above += next
          at += next
          below += next
          dy += next
        }
        slope = load(dy, lanes)
        a = a.addingProduct(load(above, lanes), slope)
        b = b.addingProduct(load(above + next, lanes), slope)
        d = d.addingProduct(load(at, lanes), slope)
        e = e.addingProduct(load(at + next, lanes), slope)
        g = g.addingProduct(load(below, lanes), slope)
        h = h.addingProduct(load(below + next, lanes), slope)
        dy += next
      }
      let w = weights + channel
      add(a, b, c, to: w, next, lanes)
      add(d, e, f, to: w + 3 &* next, next, lanes)
      add(g, h, i, to: w + 6 &* next, next, lanes)
    }

    @inline(__always)
    private func add<V: SIMD>(
      _ a: V, _ b: V, _ c: V, to w: UnsafeMutablePointer<Float>, _ next: Int, _ lanes: Int
    ) where V.Scalar == Float {
      store(load(w, lanes, as: V.self) + a, lanes, to: w)
      store(load(w + next, lanes, as: V.self) + b, lanes, to: w + next)
      store(load(w + 2 &* next, lanes, as: V.self) + c, lanes, to: w + 2 &* next)
    }
  }
}
