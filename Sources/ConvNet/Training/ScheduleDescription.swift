/// A learning rate over time, as a factor of the optimizer's own. Time is counted in epochs, with
/// the fraction of the current one: τ = step / steps per epoch.
public enum Schedule: Hashable, Sendable {
  /// The optimizer's own all the time (PyTorch's ConstantLR with factor 1).
  case constant
  case step(StepDescription)
  case piecewise(PiecewiseDescription)
  case exponential(ExponentialDescription)
  case polynomial(PolynomialDescription)
  /// 1/√(1 + τ/timescale): after a warm-up as long as the timescale, the rate of Vaswani et al.
  /// 2017, which falls as the root of the time since the beginning.
  case inverseSquareRoot(timescale: Double)
  case cosine(CosineDescription)
  case cosineRestarts(CosineRestartsDescription)
  case oneCycle(OneCycleDescription)
  /// Multiplied by `factor` when the monitored value has not bettered its best by more than
  /// `minDelta` for `patience` epochs; then `cooldown` epochs of rest (Keras's ReduceLROnPlateau).
  case reduceOnPlateau(PlateauDescription)
}

/// factor^⌊τ / every⌋ (PyTorch's StepLR when `every` is whole and τ counts epochs).
public struct StepDescription: Hashable, Sendable {
  public var every: Int
  public var factor: Double
  public init(every: Int, factor: Double = 0.1) {
    self.every = every
    self.factor = factor
  }
}

/// factors[i], where i counts the boundaries b ≤ τ; one factor more than boundaries. As PyTorch's
/// MultiStepLR, a boundary belongs to what follows it; Keras's PiecewiseConstantDecay gives its
/// one step to what comes before.
public struct PiecewiseDescription: Hashable, Sendable {
  public var boundaries: [Double]
  public var factors: [Double]
  public init(boundaries: [Double], factors: [Double]) {
    self.boundaries = boundaries
    self.factors = factors
  }
}

/// decay^τ, with τ rounded down to whole epochs when `staircase` (Keras's ExponentialDecay).
public struct ExponentialDescription: Hashable, Sendable {
  public var decay: Double
  public var staircase: Bool
  public init(decay: Double, staircase: Bool = false) {
    self.decay = decay
    self.staircase = staircase
  }
}

/// final + (1 − final)·(1 − min(τ/epochs, 1))^power (Keras's PolynomialDecay without its cycle;
/// PyTorch's PolynomialLR has final 0, its LinearLR is power 1).
public struct PolynomialDescription: Hashable, Sendable {
  public var epochs: Double
  public var power: Double
  public var final: Double
  public init(epochs: Double, power: Double = 1, final: Double = 0) {
    self.epochs = epochs
    self.power = power
    self.final = final
  }
}

/// final + (1 − final)·½(1 + cos(π·min(τ/epochs, 1))) (Loshchilov and Hutter 2017, one period).
public struct CosineDescription: Hashable, Sendable {
  public var epochs: Double
  public var final: Double
  public init(epochs: Double, final: Double = 0) {
    self.epochs = epochs
    self.final = final
  }
}

/// As `CosineDescription`, over and over: period i lasts epochs·growthⁱ and begins at peakⁱ, so that
/// with t the part of it that is over, final + (1 − final)·peakⁱ·½(1 + cos πt) (Keras's
/// CosineDecayRestarts; PyTorch's CosineAnnealingWarmRestarts has peak 1).
public struct CosineRestartsDescription: Hashable, Sendable {
  public var epochs: Double
  public var growth: Double
  public var peak: Double
  public var final: Double
  public init(epochs: Double, growth: Double = 1, peak: Double = 1, final: Double = 0) {
    self.epochs = epochs
    self.growth = growth
    self.peak = peak
    self.final = final
  }
}

/// One rise and one fall over the whole training (Smith and Topin 2018), as PyTorch's OneCycleLR
/// counts them: of n steps, the first ⌈`rise`·n⌉ − 1 go from `start` to 1, the rest to `final`, which
/// the last step has. With `threePhase` the fall to `start` takes as long as the rise, and what is
/// left goes on to `final`.
public struct OneCycleDescription: Hashable, Sendable {
  public enum Anneal: String, Hashable, Sendable, CaseIterable { case cosine, linear }

  public var epochs: Double
  /// The part of the steps in which the rate rises.
  public var rise: Double
  /// Factors of the optimizer's learning rate, which is that of the top: PyTorch's 1/div_factor and
  /// 1/(div_factor·final_div_factor).
  public var start: Double
  public var final: Double
  public var anneal: Anneal
  public var threePhase: Bool
  /// Whether the momentum (Adam's β₁) goes the other way, from `high` to `low` and back.
  public var momentum: MomentumCycle?

  public struct MomentumCycle: Hashable, Sendable {
    public var low: Double
    public var high: Double
    public init(low: Double = 0.85, high: Double = 0.95) {
      self.low = low
      self.high = high
    }
  }

  public init(
    epochs: Double, rise: Double = 0.3, start: Double = 0.04, final: Double = 4e-6,
    anneal: Anneal = .cosine, threePhase: Bool = false, momentum: MomentumCycle? = nil
  ) {
    self.epochs = epochs
    self.rise = rise
    self.start = start
    self.final = final
    self.anneal = anneal
    self.threePhase = threePhase
    self.momentum = momentum
  }
}

public struct PlateauDescription: Hashable, Sendable {
  public var monitor: Metric
  public var factor: Double
  public var patience: Int
  public var minDelta: Double
  public var cooldown: Int
  /// The least learning rate (not a factor).
  public var minimum: Double
  public init(
    monitor: Metric = .valLoss, factor: Double = 0.1, patience: Int = 10,
    minDelta: Double = 1e-4, cooldown: Int = 0, minimum: Double = 0
  ) {
    self.monitor = monitor
    self.factor = factor
    self.patience = patience
    self.minDelta = minDelta
    self.cooldown = cooldown
    self.minimum = minimum
  }
}

/// A linear rise of the factor, from + (1 − from)·τ/epochs over the first `epochs`, before any schedule,
/// whose own time begins when the warm-up ends (Goyal et al. 2017; PyTorch's LinearLR as the first of a
/// SequentialLR). A plateau is looked for from the first epoch on, and reductions show after the rise.
public struct Warmup: Hashable, Sendable {
  public var epochs: Double
  public var from: Double
  public init(epochs: Double, from: Double = 0) {
    self.epochs = epochs
    self.from = from
  }
}
