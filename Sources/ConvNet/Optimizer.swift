/// An optimizer at one step: the rule of `OptimizerDescription` with this step's coefficients. It
/// sees runs of parameters, never layers.
struct OptimizerStep {
  private let rule: OptimizerRule
  private let learningRate: Float
  private let decay: Float
  /// Adam's: the factor of m, and the factor of √v.
  private var factor: Float = 0
  private var root: Float = 1

  /// - Parameter step: from 1; Adam's bias correction is a function of it.
  init(_ description: OptimizerDescription, learningRate: Float, step: Int) {
    rule = description.rule
    self.learningRate = learningRate
    decay = learningRate * description.weightDecay
    if case .adam(let beta1, let beta2, _, let convention) = rule {
      let rate = Double(learningRate)
      let first = 1 - Self.power(Double(beta1), step)
      let second = (1 - Self.power(Double(beta2), step)).squareRoot()
      switch convention {
      case .keras: factor = Float(rate * second / first)
      case .pytorch:
        factor = Float(rate / first)
        root = Float(1 / second)
      }
    }
  }

  /// xⁿ by squaring, the same on every machine.
  private static func power(_ x: Double, _ n: Int) -> Double {
    var (result, base, rest) = (1.0, x, n)
    while rest > 0 {
      if rest & 1 == 1 { result *= base }
      base *= base
      rest >>= 1
    }
    return result
  }

  /// Updates `count` parameters w with the gradient g. `first` and `second` are the rule's moments.
  func update(
    _ w: UnsafeMutablePointer<Float>, gradient g: UnsafePointer<Float>,
    first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>, count: Int,
    decays: Bool
  ) {
    let decay = decays ? self.decay : 0
    let learningRate = learningRate
    switch rule {
    case .sgd(let momentum, _, _) where momentum == 0:
      sweep(w, g, first, second, count) { w, g, _, _ in
        w -= decay * w
        w -= learningRate * g
      }
    case .sgd(let momentum, let nesterov, .keras):
      sweep(w, g, first, second, count) { w, g, velocity, _ in
        w -= decay * w
        let change = learningRate * g
        velocity = momentum * velocity - change
        w += nesterov ? momentum * velocity - change : velocity
      }
    case .sgd(let momentum, let nesterov, .pytorch):
      sweep(w, g, first, second, count) { w, g, velocity, _ in
        w -= decay * w
        velocity = momentum * velocity + g
        w -= learningRate * (nesterov ? g + momentum * velocity : velocity)
      }
    case .adam(let beta1, let beta2, let epsilon, _):
      let (a, b) = (1 - beta1, 1 - beta2)
      let (factor, root) = (factor, root)
      sweep(w, g, first, second, count) { w, g, m, v in
        w -= decay * w
        m += (g - m) * a
        v += (g * g - v) * b
        w -= factor * m / (v.squareRoot() * root + epsilon)
      }
    case .adadelta(let rho, let epsilon):
      let rest = 1 - rho
      sweep(w, g, first, second, count) { w, g, squares, updates in
        w -= decay * w
        squares = rho * squares + rest * (g * g)
        let delta = (updates + epsilon).squareRoot() / (squares + epsilon).squareRoot() * g
        updates = rho * updates + rest * (delta * delta)
        w -= learningRate * delta
      }
    }
  }
}

/// Applies `body` to (w, g, first, second), sixteen numbers at a time; the last few in a vector of
/// their own.
@inline(__always)
private func sweep(
  _ w: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>,
  _ first: UnsafeMutablePointer<Float>, _ second: UnsafeMutablePointer<Float>, _ count: Int,
  _ body: (inout Vector, Vector, inout Vector, inout Vector) -> Void
) {
  var i = 0
  while i &+ 16 <= count {
    var (a, m, v): (Vector, Vector, Vector) = (load(w + i), load(first + i), load(second + i))
    body(&a, load(g + i), &m, &v)
    // The moments first: where a rule has none, they stand for memory that no one reads again.
    store(m, to: first + i)
    store(v, to: second + i)
    store(a, to: w + i)
    i = i &+ 16
  }
  guard i < count else { return }
  var (a, b, m, v) = (Vector(), Vector(), Vector(), Vector())
  for lane in 0..<count - i {
    (a[lane], b[lane], m[lane], v[lane]) = (
      w[i + lane], g[i + lane], first[i + lane], second[i + lane]
    )
  }
  body(&a, b, &m, &v)
  for lane in 0..<count - i {
    (first[i + lane], second[i + lane], w[i + lane]) = (m[lane], v[lane], a[lane])
  }
}

extension OptimizerRule {
  /// The names of the rule's moments, one number per parameter each.
  var moments: [String] {
    switch self {
    case .sgd(let momentum, _, _): momentum == 0 ? [] : ["sgd/velocity"]
    case .adam: ["adam/m", "adam/v"]
    case .adadelta: ["adadelta/squares", "adadelta/updates"]
    }
  }
}
