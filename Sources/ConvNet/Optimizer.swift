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
    if decays && decay != 0 {
      for i in 0..<count { w[i] -= decay * w[i] }
    }
    switch rule {
    case .sgd(let momentum, _, _) where momentum == 0:
      for i in 0..<count { w[i] -= learningRate * g[i] }
    case .sgd(let momentum, let nesterov, .keras):
      for i in 0..<count {
        let change = learningRate * g[i]
        let velocity = momentum * first[i] - change
        first[i] = velocity
        w[i] += nesterov ? momentum * velocity - change : velocity
      }
    case .sgd(let momentum, let nesterov, .pytorch):
      for i in 0..<count {
        let velocity = momentum * first[i] + g[i]
        first[i] = velocity
        w[i] -= learningRate * (nesterov ? g[i] + momentum * velocity : velocity)
      }
    case .adam(let beta1, let beta2, let epsilon, _):
      let (a, b) = (1 - beta1, 1 - beta2)
      for i in 0..<count {
        let m = first[i] + (g[i] - first[i]) * a
        let v = second[i] + (g[i] * g[i] - second[i]) * b
        first[i] = m
        second[i] = v
        w[i] -= factor * m / (v.squareRoot() * root + epsilon)
      }
    case .adadelta(let rho, let epsilon):
      let rest = 1 - rho
      for i in 0..<count {
        let a = rho * first[i] + rest * (g[i] * g[i])
        let d = second[i]
        let delta = (d + epsilon).squareRoot() / (a + epsilon).squareRoot() * g[i]
        first[i] = a
        second[i] = rho * d + rest * (delta * delta)
        w[i] -= learningRate * delta
      }
    }
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
