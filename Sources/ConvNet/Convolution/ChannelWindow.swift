// The loops of a depthwise convolution. Channels lie together, so a vector holds sixteen of them;
// what is left over of C is done by eight, four and one to three.

/// A window that slides over an image, every channel by itself. No position that it reads lies
/// outside: the image has its padding around it.
struct ChannelWindow {
  let window: Extent
  let stride: Extent
  let dilation: Extent
  let channels: Int
  /// Columns of the image that is read.
  let sourceWidth: Int
  let output: Extent

  private var rowStep: Int { dilation.height * sourceWidth * channels }
  private var columnStep: Int { dilation.width * channels }

  /// y[p] = b + Σ_k x[p·s + k·d]·w[k], k along rows; `step` floats from one w[k] to the next.
  func correlate(
    _ source: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, step: Int,
    bias: UnsafePointer<Float>?, to target: UnsafeMutablePointer<Float>
  ) {
    Correlation(
      window: self, source: source, weights: weights, step: step, bias: bias, target: target
    ).run(channels: channels)
  }

  private struct Correlation: ChannelLoop {
    let window: ChannelWindow
    let source: UnsafePointer<Float>
    let weights: UnsafePointer<Float>
    let step: Int
    let bias: UnsafePointer<Float>?
    let target: UnsafeMutablePointer<Float>

    @inline(__always)
    func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
      let (output, channels) = (window.output, window.channels)
      let bias: V = bias.map { load($0 + c, lanes) } ?? V()
      var y = target + c
      for row in 0..<output.height {
        var x = source + (row &* window.stride.height &* window.sourceWidth &* channels &+ c)
        var column = 0
        while column &+ 4 <= output.width {
          window.four(x, weights + c, step, bias, y, lanes)
          x += 4 &* window.stride.width &* channels
          y += 4 &* channels
          column = column &+ 4
        }
        while column < output.width {
          window.one(x, weights + c, step, bias, y, lanes)
          x += window.stride.width &* channels
          y += channels
          column = column &+ 1
        }
      }
    }
  }

  /// Some channels of four neighbouring outputs.
  @inline(__always)
  private func four<V: SIMD>(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ step: Int, _ bias: V,
    _ y: UnsafeMutablePointer<Float>, _ lanes: Int
  ) where V.Scalar == Float {
    let pixel = stride.width &* channels
    var (first, second, third, fourth) = (bias, bias, bias, bias)
    var w = weights
    var row = x
    for _ in 0..<window.height {
      var tap = row
      for _ in 0..<window.width {
        let weight: V = load(w, lanes)
        first = first.addingProduct(load(tap, lanes), weight)
        second = second.addingProduct(load(tap + pixel, lanes), weight)
        third = third.addingProduct(load(tap + 2 &* pixel, lanes), weight)
        fourth = fourth.addingProduct(load(tap + 3 &* pixel, lanes), weight)
        w += step
        tap += columnStep
      }
      row += rowStep
    }
    store(first, lanes, to: y)
    store(second, lanes, to: y + channels)
    store(third, lanes, to: y + 2 &* channels)
    store(fourth, lanes, to: y + 3 &* channels)
  }

  @inline(__always)
  private func one<V: SIMD>(
    _ x: UnsafePointer<Float>, _ weights: UnsafePointer<Float>, _ step: Int, _ bias: V,
    _ y: UnsafeMutablePointer<Float>, _ lanes: Int
  ) where V.Scalar == Float {
    var sum = bias
    var w = weights
    var row = x
    for _ in 0..<window.height {
      var tap = row
      for _ in 0..<window.width {
        sum = sum.addingProduct(load(tap, lanes), load(w, lanes))
        w += step
        tap += columnStep
      }
      row += rowStep
    }
    store(sum, lanes, to: y)
  }

  /// dw[k] += Σ_p x[p·s + k·d]·dy[p]; dw is (K·K, C).
  func addKernelGradient(
    _ source: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>,
    to weights: UnsafeMutablePointer<Float>
  ) {
    KernelGradient(window: self, source: source, gradient: gradient, weights: weights)
      .run(channels: channels)
  }

  private struct KernelGradient: ChannelLoop {
    let window: ChannelWindow
    let source: UnsafePointer<Float>
    let gradient: UnsafePointer<Float>
    let weights: UnsafeMutablePointer<Float>

    @inline(__always)
    func run<V: SIMD>(_ c: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float {
      var (x, dy) = (source + c, gradient + c)
      for _ in 0..<window.output.height {
        window.rowGradient(x, dy, weights + c, lanes, V.self)
        x += window.stride.height &* window.sourceWidth &* window.channels
        dy += window.output.width &* window.channels
      }
    }
  }

  /// Some channels of one output row: every tap, up to three of a kernel's row at a time.
  @inline(__always)
  private func rowGradient<V: SIMD>(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>,
    _ lanes: Int, _: V.Type
  ) where V.Scalar == Float {
    for i in 0..<window.height {
      var j = 0
      while j < window.width {
        let from = x + (i &* rowStep &+ j &* columnStep)
        let to = weights + (i &* window.width &+ j) &* channels
        if j &+ 3 <= window.width {
          threeTaps(from, dy, to, lanes, V.self)
          j = j &+ 3
        } else {
          oneTap(from, dy, to, lanes, V.self)
          j = j &+ 1
        }
      }
    }
  }

  /// Even and odd columns are summed apart, so that no sum waits for the one before.
  @inline(__always)
  private func threeTaps<V: SIMD>(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>,
    _ lanes: Int, _: V.Type
  ) where V.Scalar == Float {
    let pixel = stride.width &* channels
    let (second, third) = (columnStep, 2 &* columnStep)
    var (a, b, c) = (V(), V(), V())
    var (d, e, f) = (V(), V(), V())
    var from = x
    var gradient = dy
    for _ in 0..<output.width &>> 1 {
      let even: V = load(gradient, lanes)
      a = a.addingProduct(load(from, lanes), even)
      b = b.addingProduct(load(from + second, lanes), even)
      c = c.addingProduct(load(from + third, lanes), even)
      from += pixel
      let odd: V = load(gradient + channels, lanes)
      d = d.addingProduct(load(from, lanes), odd)
      e = e.addingProduct(load(from + second, lanes), odd)
      f = f.addingProduct(load(from + third, lanes), odd)
      from += pixel
      gradient += 2 &* channels
    }
    if output.width & 1 == 1 {
      let even: V = load(gradient, lanes)
      a = a.addingProduct(load(from, lanes), even)
      b = b.addingProduct(load(from + second, lanes), even)
      c = c.addingProduct(load(from + third, lanes), even)
    }
    store(load(weights, lanes, as: V.self) + (a + d), lanes, to: weights)
    store(load(weights + channels, lanes, as: V.self) + (b + e), lanes, to: weights + channels)
    store(
      load(weights + 2 &* channels, lanes, as: V.self) + (c + f), lanes, to: weights + 2 &* channels
    )
  }

  @inline(__always)
  private func oneTap<V: SIMD>(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>,
    _ lanes: Int, _: V.Type
  ) where V.Scalar == Float {
    let pixel = stride.width &* channels
    var sum = V()
    var from = x
    var gradient = dy
    for _ in 0..<output.width {
      sum = sum.addingProduct(load(from, lanes), load(gradient, lanes))
      from += pixel
      gradient += channels
    }
    store(load(weights, lanes, as: V.self) + sum, lanes, to: weights)
  }

  /// dx[p·s + k·d] += dy[p]·w[k].
  func scatter(
    _ gradient: UnsafePointer<Float>, _ weights: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    var dy = gradient
    for row in 0..<output.height {
      for column in 0..<output.width {
        let corner =
          target
          + (row &* stride.height &* sourceWidth &+ column &* stride.width) &* channels
        var w = weights
        for i in 0..<window.height {
          for j in 0..<window.width {
            let dx = corner + (i &* rowStep &+ j &* columnStep)
            for c in 0..<channels { dx[c] += dy[c] * w[c] }
            w += channels
          }
        }
        dy += channels
      }
    }
  }
}
