// The activation functions and their derivatives over runs of floats. The case is chosen once per
// run; every loop below is free of branches, so that it vectorises.

extension Activation {
  /// Whether f′(x) follows from y = f(x) alone and f never falls. Such a function can end a
  /// convolution: max(f(x₁), f(x₂)) = f(max(x₁, x₂)), so pooling may come first, and x is not kept.
  var followsFromOutput: Bool {
    switch self {
    case .linear, .relu, .relu6, .sigmoid, .hardSigmoid, .tanh, .softplus: true
    case .leakyReLU(let slope): slope > 0
    case .elu(let alpha): alpha > 0
    case .gelu, .swish, .hardSwish, .mish, .softmax: false
    }
  }

  /// y = f(x), for every function but softmax. `y` may be `x`. NaN gives NaN.
  func apply(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    if x == y {
      return forEachCopiedRun(of: x, count: count) { run, at, count in
        apply(run, to: y + at, count: count)
      }
    }
    switch self {
    case .linear: y.update(from: x, count: count)
    case .relu: for i in 0..<count { y[i] = x[i] < 0 ? 0 : x[i] }
    case .relu6: for i in 0..<count { y[i] = x[i] < 0 ? 0 : (x[i] > 6 ? 6 : x[i]) }
    case .leakyReLU(let slope): for i in 0..<count { y[i] = x[i] > 0 ? x[i] : slope * x[i] }
    case .elu(let alpha):
      for i in 0..<count { y[i] = x[i] > 0 ? x[i] : alpha * Elementary.expMinusOne(x[i]) }
    case .gelu(approximate: true):
      for i in 0..<count { y[i] = 0.5 * x[i] * (1 + Elementary.tanh(Self.geluInner(x[i]))) }
    case .gelu(approximate: false):
      for i in 0..<count { y[i] = 0.5 * x[i] * (1 + Elementary.erf(x[i] * 0.707_106_77)) }
    case .sigmoid: for i in 0..<count { y[i] = Elementary.sigmoid(x[i]) }
    case .hardSigmoid: for i in 0..<count { y[i] = Self.hardSigmoid(x[i]) }
    case .swish: for i in 0..<count { y[i] = x[i] * Elementary.sigmoid(x[i]) }
    case .hardSwish: for i in 0..<count { y[i] = x[i] * Self.hardSigmoid(x[i]) }
    case .mish:
      for i in 0..<count {
        let n = Self.mishInner(x[i])
        y[i] = x[i] * (n / (n + 2))
      }
    case .softplus: for i in 0..<count { y[i] = Elementary.softplus(x[i]) }
    case .tanh: for i in 0..<count { y[i] = Elementary.tanh(x[i]) }
    case .softmax: preconditionFailure("softmax is not element by element")
    }
  }

  /// dx = dy·f′, from y alone. `dx` may be `dy`.
  func gradientFromOutput(
    _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>,
    count: Int
  ) {
    if dy == dx {
      return forEachCopiedRun(of: dy, count: count) { run, at, count in
        gradientFromOutput(y + at, run, to: dx + at, count: count)
      }
    }
    switch self {
    case .linear: dx.update(from: dy, count: count)
    case .relu: for i in 0..<count { dx[i] = y[i] > 0 ? dy[i] : 0 }
    case .relu6: for i in 0..<count { dx[i] = y[i] > 0 && y[i] < 6 ? dy[i] : 0 }
    case .leakyReLU(let slope): for i in 0..<count { dx[i] = y[i] > 0 ? dy[i] : slope * dy[i] }
    case .elu(let alpha):
      for i in 0..<count { dx[i] = y[i] > 0 ? dy[i] : dy[i] * (y[i] + alpha) }
    case .sigmoid: for i in 0..<count { dx[i] = dy[i] * y[i] * (1 - y[i]) }
    case .tanh: for i in 0..<count { dx[i] = dy[i] * (1 - y[i] * y[i]) }
    case .hardSigmoid:
      for i in 0..<count { dx[i] = y[i] > 0 && y[i] < 1 ? dy[i] * (1 / 6 as Float) : 0 }
    case .softplus: for i in 0..<count { dx[i] = dy[i] * -Elementary.expMinusOne(-y[i]) }
    case .gelu, .swish, .hardSwish, .mish, .softmax:
      preconditionFailure("the derivative needs the input")
    }
  }

  /// Calls `body` with a copy of some floats, where they come from and how many they are, run after
  /// run. A loop from memory to the same memory is one that the compiler does not vectorise.
  @inline(__always)
  private func forEachCopiedRun(
    of values: UnsafePointer<Float>, count: Int,
    _ body: (_ run: UnsafePointer<Float>, _ start: Int, _ count: Int) -> Void
  ) {
    if self == .linear { return }
    withUnsafeTemporaryAllocation(of: Float.self, capacity: 256) { copy in
      guard let run = copy.baseAddress else { return }
      for start in stride(from: 0, to: count, by: 256) {
        let length = min(256, count - start)
        run.initialize(from: values + start, count: length)
        body(run, start, length)
      }
    }
  }

  /// Whether `gradient` looks at y alone.
  var gradientIgnoresInput: Bool {
    switch self {
    case .linear, .relu, .relu6, .sigmoid, .hardSigmoid, .tanh, .softplus: true
    default: false
    }
  }

  /// dx = dy·f′(x), for every function but softmax; y = f(x).
  func gradient(
    input x: UnsafePointer<Float>, output y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    to dx: UnsafeMutablePointer<Float>, count: Int
  ) {
    switch self {
    case .leakyReLU(let slope): for i in 0..<count { dx[i] = x[i] > 0 ? dy[i] : slope * dy[i] }
    case .elu(let alpha):
      for i in 0..<count { dx[i] = x[i] > 0 ? dy[i] : dy[i] * (y[i] + alpha) }
    case .gelu(approximate: true):
      for i in 0..<count {
        let t = Elementary.tanh(Self.geluInner(x[i]))
        let slope = 0.797_884_6 * (1 + 0.134_145 * x[i] * x[i])
        dx[i] = dy[i] * (0.5 * (1 + t) + 0.5 * x[i] * (1 - t * t) * slope)
      }
    case .gelu(approximate: false):
      for i in 0..<count {
        let cumulative = 0.5 * (1 + Elementary.erf(x[i] * 0.707_106_77))
        let density = 0.398_942_3 * Elementary.exp(-0.5 * x[i] * x[i])
        dx[i] = dy[i] * (cumulative + x[i] * density)
      }
    case .swish:
      for i in 0..<count {
        let s = Elementary.sigmoid(x[i])
        dx[i] = dy[i] * (s * (1 + x[i] * (1 - s)))
      }
    case .hardSwish:
      for i in 0..<count {
        let slope = x[i] * (1 / 3 as Float) + 0.5
        dx[i] = x[i] <= -3 ? 0 : (x[i] >= 3 ? dy[i] : dy[i] * slope)
      }
    case .mish:
      for i in 0..<count {
        let n = Self.mishInner(x[i])
        let slope = 4 * (n + 1) / ((n + 2) * (n + 2))
        dx[i] = dy[i] * (n / (n + 2) + x[i] * Elementary.sigmoid(x[i]) * slope)
      }
    default: gradientFromOutput(y, dy, to: dx, count: count)
    }
  }

  /// min(max(x/6 + ½, 0), 1)
  @inline(__always)
  private static func hardSigmoid(_ x: Float) -> Float {
    let line = x * (1 / 6 as Float) + 0.5
    return line < 0 ? 0 : (line > 1 ? 1 : line)
  }

  /// n = e²ˣ + 2eˣ, with which tanh(ln(1 + eˣ)) = n/(n + 2); from x = 20 on that is 1.
  @inline(__always)
  private static func mishInner(_ x: Float) -> Float {
    let e = Elementary.exp(x > 20 ? 20 : x)
    return e * (e + 2)
  }

  /// √(2/π)·(x + 0.044715x³)
  @inline(__always)
  private static func geluInner(_ x: Float) -> Float {
    0.797_884_6 * (x + 0.044_715 * x * x * x)
  }
}

/// y = softmax(x) of one vector: eˣ⁻ᵐᵃˣ over its sum. `y` may be `x`. Returns (max, sum).
@discardableResult
func softmax(
  _ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int
) -> (maximum: Float, sum: Float) {
  var maximum = x[0]
  for i in 1..<max(count, 1) where !(x[i] <= maximum) { maximum = x[i] }
  var sum: Float = 0
  for i in 0..<count {
    let e = Elementary.exp(x[i] - maximum)
    y[i] = e
    sum += e
  }
  for i in 0..<count { y[i] = y[i] / sum }
  return (maximum, sum)
}
