/// A schedule as it runs: the learning rate of each step, and, for `reduce_on_plateau`, what it
/// remembers of the epochs so far.
public struct LearningRate: Sendable {
  public let base: Double
  public let schedule: Schedule
  public let warmup: Warmup?
  public let stepsPerEpoch: Int
  /// What a checkpoint must hold.
  public var plateau = PlateauState()

  /// The state of `reduce_on_plateau`.
  public struct PlateauState: Sendable, Hashable {
    /// The product of the reductions so far.
    public var factor = 1.0
    /// NaN until a value was seen.
    public var best = Double.nan
    public var wait = 0
    public var cooldown = 0
    public init() {}
  }

  /// - Parameter base: the optimizer's learning rate, which the schedule multiplies.
  public init(base: Float, schedule: Schedule, warmup: Warmup?, stepsPerEpoch: Int) {
    precondition(stepsPerEpoch > 0)
    self.base = Double(base)
    self.schedule = schedule
    self.warmup = warmup
    self.stepsPerEpoch = stepsPerEpoch
  }

  /// The rate of a step, counted from 0 over the whole run.
  public func rate(step: Int) -> Float {
    let time = time(of: step)
    if time < 0, let warmup {
      let elapsed = Double(step) / Double(stepsPerEpoch)
      return Float(base * (warmup.from + (1 - warmup.from) * elapsed / warmup.epochs))
    }
    switch schedule {
    case .constant: return Float(base)
    case .step(let step):
      return Float(base * power(step.factor, (time / Double(step.every)).rounded(.down)))
    case .piecewise(let piecewise):
      return Float(base * piecewise.factors[piecewise.boundaries.count { $0 <= time }])
    case .exponential(let fall):
      return Float(base * power(fall.decay, fall.staircase ? time.rounded(.down) : time))
    case .polynomial(let fall):
      let rest = 1 - min(time / fall.epochs, 1)
      let part = rest > 0 ? Elementary.exp(fall.power * Elementary.log(rest)) : 0
      return Float(base * (fall.final + (1 - fall.final) * part))
    case .inverseSquareRoot(let timescale):
      return Float(base / (1 + time / timescale).squareRoot())
    case .cosine(let fall):
      let part = min(time / fall.epochs, 1)
      return Float(base * (fall.final + (1 - fall.final) * 0.5 * (1 + Self.cosine(part))))
    case .cosineRestarts(let periods):
      let (period, part) = restart(at: time, first: periods.epochs, growth: periods.growth)
      let (final, peak) = (periods.final, power(periods.peak, period))
      let fall = 0.5 * (1 + Self.cosine(part))
      return Float(base * (final + (1 - final) * peak * fall))
    case .oneCycle(let cycle):
      let values = OneCycle(cycle, stepsPerEpoch: stepsPerEpoch).values(at: steps(time))
      return Float(base * values.factor)
    case .reduceOnPlateau(let plateau):
      return Float(max(base * self.plateau.factor, min(base, plateau.minimum)))
    }
  }

  /// The momentum of a step, where the schedule has a say in it.
  public func momentum(step: Int) -> Float? {
    guard case .oneCycle(let cycle) = schedule, cycle.momentum != nil else { return nil }
    let time = max(time(of: step), 0)
    let values = OneCycle(cycle, stepsPerEpoch: stepsPerEpoch).values(at: steps(time))
    return values.momentum.map { Float($0) }
  }

  /// τ, in epochs since the end of the warm-up; below 0 before it.
  private func time(of step: Int) -> Double {
    let time = Double(step) / Double(stepsPerEpoch)
    guard let warmup, warmup.epochs > 0 else { return time }
    return time - warmup.epochs
  }

  private func steps(_ time: Double) -> Double { time * Double(stepsPerEpoch) }

  /// Which period a time is in, from 0, and how much of that is over.
  private func restart(
    at time: Double, first: Double, growth: Double
  ) -> (period: Double, part: Double) {
    guard growth > 1 else {
      let period = (time / first).rounded(.down)
      return (period, min(max((time - period * first) / first, 0), 1))
    }
    var (period, rest, length) = (0.0, time, first)
    while rest >= length {
      rest -= length
      length *= growth
      period += 1
    }
    return (period, rest / length)
  }

  /// Tells the schedule what the monitored value was at the end of an epoch (Keras's
  /// ReduceLROnPlateau); nil, or NaN, where it has none, which is no improvement.
  public mutating func finishEpoch(monitored value: Double?) {
    guard case .reduceOnPlateau(let description) = schedule else { return }
    let (value, margin) = (value ?? .nan, description.minDelta)
    let isBetter =
      !value.isNaN
      && (plateau.best.isNaN
        || (description.monitor.growsBetter
          ? value > plateau.best + margin : value < plateau.best - margin))
    if plateau.cooldown > 0 {
      plateau.cooldown -= 1
      plateau.wait = 0
    }
    if isBetter {
      plateau.best = value
      plateau.wait = 0
    } else if plateau.cooldown == 0 {
      plateau.wait += 1
      if plateau.wait >= description.patience {
        if base * plateau.factor > description.minimum { plateau.factor *= description.factor }
        plateau.cooldown = description.cooldown
        plateau.wait = 0
      }
    }
  }

  /// What `finishEpoch` wants to be told, if anything.
  public var monitor: Metric? {
    if case .reduceOnPlateau(let description) = schedule { description.monitor } else { nil }
  }

  /// xʸ for x > 0: whole powers by squaring, the fraction by our own exp and log.
  private func power(_ x: Double, _ y: Double) -> Double {
    var (result, base, rest) = (1.0, x, Int(y.rounded(.down)))
    let fraction = y - y.rounded(.down)
    while rest > 0 {
      if rest & 1 == 1 { result *= base }
      base *= base
      rest >>= 1
    }
    return fraction == 0
      ? result : result * Double(Elementary.exp(Float(fraction) * Elementary.log(Float(x))))
  }

  /// cos(π·t) for t in [0, 1], in `Double`: the Taylor series of sine at the distance from ½.
  static func cosine(_ t: Double) -> Double {
    let x = (0.5 - t) * Double.pi
    let z = x * x
    var sum = 0.0
    for n in stride(from: 19, through: 1, by: -2) { sum = 1 - z / Double((n + 1) * (n + 2)) * sum }
    return x * sum
  }
}
