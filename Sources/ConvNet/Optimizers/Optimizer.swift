/// An optimizer at one step: the rule of `OptimizerDescription` with this step's coefficients. It
/// sees runs of parameters, never layers.
struct OptimizerStep {
  private let rule: OptimizerRule
  private let learningRate: Float
  private let decay: Float
  /// The factor of m, and the factor of √v; Nadam's factor of g.
  private var factor: Float = 0
  private var root: Float = 1
  private var direct: Float = 0

  /// - Parameters:
  ///   - step: from 1; the corrections of the moments' bias are functions of it.
  ///   - momentum: the schedule's, where that has a say in it.
  init(
    _ description: OptimizerDescription, learningRate: Float, step: Int, momentum: Float? = nil
  ) {
    // Whole kernels have a `KernelRule`.
    let rule = (momentum.map(description.rule.with) ?? description.rule).elsewhere
    self.rule = rule
    self.learningRate = learningRate
    decay = learningRate * description.weightDecay
    let rate = Double(learningRate)
    switch rule {
    case .adam(let adam):
      let first = 1 - Self.power(Double(adam.beta1), step)
      let second = (1 - Self.power(Double(adam.beta2), step)).squareRoot()
      switch adam.convention {
      case .keras: factor = Float(rate * second / first)
      case .pytorch:
        factor = Float(rate / first)
        root = Float(1 / second)
      }
    case .adamax(let adamax):
      factor = Float(rate / (1 - Self.power(Double(adamax.beta1), step)))
    case .nadam(let nadam):
      let momenta = NesterovMomenta(
        beta: Double(nadam.beta1), decay: Double(nadam.momentumDecay), step: step)
      factor = Float(rate * momenta.next / (1 - momenta.nextProduct))
      direct = Float(rate * (1 - momenta.current) / (1 - momenta.product))
      root = Float(1 / (1 - Self.power(Double(nadam.beta2), step)).squareRoot())
    default: break
    }
  }

  /// xⁿ by squaring, the same on every machine.
  static func power(_ x: Double, _ n: Int) -> Double {
    var (result, base, rest) = (1.0, x, n)
    while rest > 0 {
      if rest & 1 == 1 { result *= base }
      base *= base
      rest >>= 1
    }
    return result
  }

  /// Updates `count` parameters w with the gradient g.
  func update(
    _ w: UnsafeMutablePointer<Float>, gradient g: UnsafePointer<Float>, _ moments: MomentRun,
    count: Int, decays: Bool
  ) {
    let decay = decays ? self.decay : 0
    let learningRate = learningRate
    let (factor, root, direct) = (factor, root, direct)
    switch rule {
    case .sgd(let sgd) where sgd.momentum == 0:
      sweep(w, g, moments, count) { w, g, _, _ in
        w -= decay * w
        w -= learningRate * g
      }
    case .sgd(let sgd) where sgd.convention == .keras:
      let (momentum, nesterov) = (sgd.momentum, sgd.nesterov)
      sweep(w, g, moments, count) { w, g, velocity, _ in
        w -= decay * w
        let change = learningRate * g
        velocity = momentum * velocity - change
        w += nesterov ? momentum * velocity - change : velocity
      }
    case .sgd(let sgd):
      let (momentum, nesterov) = (sgd.momentum, sgd.nesterov)
      sweep(w, g, moments, count) { w, g, velocity, _ in
        w -= decay * w
        velocity = momentum * velocity + g
        w -= learningRate * (nesterov ? g + momentum * velocity : velocity)
      }
    case .adam(let adam) where !adam.amsgrad:
      let (a, b, epsilon) = (1 - adam.beta1, 1 - adam.beta2, adam.epsilon)
      sweep(w, g, moments, count) { w, g, m, v in
        w -= decay * w
        m += (g - m) * a
        v += (g * g - v) * b
        w -= factor * m / (v.squareRoot() * root + epsilon)
      }
    case .adam(let adam):
      let (a, b, epsilon) = (1 - adam.beta1, 1 - adam.beta2, adam.epsilon)
      sweep(w, g, moments, count) { w, g, m, v, largest in
        w -= decay * w
        m += (g - m) * a
        v += (g * g - v) * b
        largest = larger(largest, v)
        w -= factor * m / (largest.squareRoot() * root + epsilon)
      }
    case .adadelta(let adadelta):
      let (rho, rest, epsilon) = (adadelta.rho, 1 - adadelta.rho, adadelta.epsilon)
      sweep(w, g, moments, count) { w, g, squares, updates in
        w -= decay * w
        squares = rho * squares + rest * (g * g)
        let delta = (updates + epsilon).squareRoot() / (squares + epsilon).squareRoot() * g
        updates = rho * updates + rest * (delta * delta)
        w -= learningRate * delta
      }
    case .rmsprop(let rmsprop):
      update(w, gradient: g, moments, count: count, decay: decay, rmsprop)
    case .adagrad(let adagrad):
      let epsilon = adagrad.epsilon
      let isKeras = adagrad.convention == .keras
      sweep(w, g, moments, count) { w, g, squares, _ in
        w -= decay * w
        squares += g * g
        w -=
          learningRate * g
          / (isKeras ? (squares + epsilon).squareRoot() : squares.squareRoot() + epsilon)
      }
    case .adamax(let adamax):
      let (a, beta2, epsilon) = (1 - adamax.beta1, adamax.beta2, adamax.epsilon)
      let isKeras = adamax.convention == .keras
      sweep(w, g, moments, count) { w, g, m, u in
        w -= decay * w
        m += (g - m) * a
        let size = larger(g, -g)
        u = larger(beta2 * u, isKeras ? size : size + epsilon)
        w -= factor * m / (isKeras ? u + epsilon : u)
      }
    case .nadam(let nadam):
      let (a, b, epsilon) = (1 - nadam.beta1, 1 - nadam.beta2, nadam.epsilon)
      sweep(w, g, moments, count) { w, g, m, v in
        w -= decay * w
        m += (g - m) * a
        v += (g * g - v) * b
        w -= (factor * m + direct * g) / (v.squareRoot() * root + epsilon)
      }
    case .lion(let lion):
      let (beta1, beta2) = (lion.beta1, lion.beta2)
      let (a, b) = (1 - beta1, 1 - beta2)
      sweep(w, g, moments, count) { w, g, m, _ in
        w -= decay * w
        w -= learningRate * sign(beta1 * m + a * g)
        m = beta2 * m + b * g
      }
    case .muon, .shampoo, .kfac: preconditionFailure("the rule of all else is another")
    }
  }

  /// w −= ηs·d for a kernel, whose decay comes first.
  func move(
    _ w: UnsafeMutablePointer<Float>, along d: UnsafePointer<Float>, scale: Float, count: Int
  ) {
    let (decay, rate) = (decay, learningRate * scale)
    for i in 0..<count { w[i] = w[i] - decay * w[i] - rate * d[i] }
  }

  private func update(
    _ w: UnsafeMutablePointer<Float>, gradient g: UnsafePointer<Float>, _ moments: MomentRun,
    count: Int, decay: Float, _ rmsprop: RMSpropDescription
  ) {
    let (rho, rest, epsilon) = (rmsprop.rho, 1 - rmsprop.rho, rmsprop.epsilon)
    let (momentum, isCentered) = (rmsprop.momentum, rmsprop.centered)
    let isKeras = rmsprop.convention == .keras
    let (inner, outer) = isKeras ? (learningRate, 1) : (1, learningRate)
    // Without a momentum the means are the second moment.
    let hasVelocity = momentum != 0
    sweep(w, g, moments, count) { w, g, squares, second, third in
      w -= decay * w
      squares = rho * squares + rest * (g * g)
      var spread = squares
      if isCentered {
        var means = hasVelocity ? third : second
        means = rho * means + rest * g
        if hasVelocity { third = means } else { second = means }
        spread = larger(squares - means * means, Vector())
      }
      let step =
        inner * g / (isKeras ? (spread + epsilon).squareRoot() : spread.squareRoot() + epsilon)
      if hasVelocity {
        second = momentum * second + step
        w -= outer * second
      } else {
        w -= outer * step
      }
    }
  }
}

/// The moments of a run of parameters. Where a rule has fewer, the others point to the gradient,
/// whose every element is written back as it was.
struct MomentRun {
  let first, second, third: UnsafeMutablePointer<Float>

  init(_ moments: [Buffer], at offset: Int, gradient: UnsafeMutablePointer<Float>) {
    first = moments.isEmpty ? gradient : moments[0].base + offset
    second = moments.count < 2 ? gradient : moments[1].base + offset
    third = moments.count < 3 ? gradient : moments[2].base + offset
  }
}

/// Nadam's momenta μₜ and μₜ₊₁, and their products from the first on.
private struct NesterovMomenta {
  let current, next, product, nextProduct: Double

  init(beta: Double, decay: Double, step: Int) {
    let base = Elementary.exp(decay * Elementary.log(0.96 as Double))
    var (power, product) = (1.0, 1.0)
    for _ in 1...step {
      power *= base
      product *= beta * (1 - 0.5 * power)
      // 1 − p is 1 from here on.
      if product < 1e-18 { break }
    }
    let time = Double(step) * decay * Elementary.log(0.96 as Double)
    current = beta * (1 - 0.5 * Elementary.exp(time))
    next = beta * (1 - 0.5 * Elementary.exp(time) * base)
    self.product = product
    nextProduct = product * next
  }
}

@inline(__always)
private func larger(_ a: Vector, _ b: Vector) -> Vector { a.replacing(with: b, where: b .> a) }

/// −1, 0 or 1; 0 for NaN.
@inline(__always)
private func sign(_ x: Vector) -> Vector {
  Vector().replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

/// Applies `body` to (w, g, first, second), sixteen numbers at a time; the last few in a vector of
/// their own.
@inline(__always)
private func sweep(
  _ w: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>, _ moments: MomentRun, _ count: Int,
  _ body: (inout Vector, Vector, inout Vector, inout Vector) -> Void
) {
  let (first, second) = (moments.first, moments.second)
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

/// The same for the rules with a third moment.
@inline(__always)
private func sweep(
  _ w: UnsafeMutablePointer<Float>, _ g: UnsafePointer<Float>, _ moments: MomentRun, _ count: Int,
  _ body: (inout Vector, Vector, inout Vector, inout Vector, inout Vector) -> Void
) {
  let third = moments.third
  var i = 0
  // The third moment goes along sixteen at a time, as the others do.
  sweep(w, g, moments, count) { w, g, m, v in
    var rest = Vector()
    if i &+ 16 <= count {
      rest = load(third + i)
    } else {
      for lane in 0..<count - i { rest[lane] = third[i + lane] }
    }
    body(&w, g, &m, &v, &rest)
    if i &+ 16 <= count {
      store(rest, to: third + i)
    } else {
      for lane in 0..<count - i { third[i + lane] = rest[lane] }
    }
    i = i &+ 16
  }
}
