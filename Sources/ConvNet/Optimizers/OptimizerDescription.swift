/// Whose form of an optimizer is meant, where Keras and PyTorch differ.
public enum OptimizerConvention: String, Hashable, Sendable, CaseIterable {
  case keras, pytorch
}

/// An update rule. g is the gradient of the objective (with its penalties), w a parameter, t the
/// step counted from 1, η the learning rate of the step.
public enum OptimizerRule: Hashable, Sendable {
  /// Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964), with
  /// Nesterov's as Sutskever et al. 2013 have it.
  /// Keras: `v = μv − ηg; w += v` (Nesterov: `w += μv − ηg`).
  /// PyTorch: `v = μv + g; w −= ηv` (Nesterov: `w −= η(g + μv)`).
  case sgd(momentum: Float, nesterov: Bool, convention: OptimizerConvention)
  /// `m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²` (Kingma and Ba 2015). With b₁ = 1−β₁ᵗ, b₂ = 1−β₂ᵗ,
  /// Keras: `w −= η·√b₂/b₁ · m / (√v + ε)`; PyTorch: `w −= η/b₁ · m / (√v/√b₂ + ε)`.
  /// AMSGrad (Reddi et al. 2018) divides by the largest v so far instead.
  case adam(
    beta1: Float, beta2: Float, epsilon: Float, convention: OptimizerConvention,
    amsgrad: Bool = false)
  /// `a = ρa + (1−ρ)g²; δ = √(d+ε)/√(a+ε)·g; d = ρd + (1−ρ)δ²; w −= ηδ` (Zeiler 2012). The same
  /// in both; Keras's defaults are ρ 0.95, ε 1e-7, PyTorch's ρ 0.9, ε 1e-6.
  case adadelta(rho: Float, epsilon: Float)
  case rmsprop(RMSpropDescription)
  /// `a += g²` (Duchi et al. 2011), a beginning at `initial`. Keras: `w −= ηg/√(a + ε)`; PyTorch:
  /// `w −= ηg/(√a + ε)`.
  case adagrad(initial: Float, epsilon: Float, convention: OptimizerConvention)
  /// `m = β₁m + (1−β₁)g` and, with b₁ = 1−β₁ᵗ (Kingma and Ba 2015), Keras:
  /// `u = max(β₂u, |g|); w −= η/b₁ · m / (u + ε)`; PyTorch: `u = max(β₂u, |g| + ε); w −= η/b₁ · m/u`.
  case adamax(beta1: Float, beta2: Float, epsilon: Float, convention: OptimizerConvention)
  /// Adam with Nesterov's momentum (Dozat 2016): m and v as Adam's, μₜ = β₁(1 − ½·0.96^(tψ)),
  /// pₜ = μ₁⋯μₜ; `w −= η·(μₜ₊₁/(1−pₜ₊₁)·m + (1−μₜ)/(1−pₜ)·g) / (√(v/b₂) + ε)`. The same in both;
  /// Keras's ψ is 1, PyTorch's default 0.004.
  case nadam(beta1: Float, beta2: Float, epsilon: Float, momentumDecay: Float)
  /// `w −= η·sign(β₁m + (1−β₁)g); m = β₂m + (1−β₂)g` (Chen et al. 2023, as in Keras).
  case lion(beta1: Float, beta2: Float)
  case muon(MuonDescription)
  case shampoo(ShampooDescription)
  case kfac(KFACDescription)
}

/// `a = ρa + (1−ρ)g²` (Hinton 2012), and where it is centered `c = ρc + (1−ρ)g; s = a − c²`, else
/// s = a. Keras: `v = μv + ηg/√(s + ε); w −= v`; PyTorch: `v = μv + g/(√s + ε); w −= ηv`.
public struct RMSpropDescription: Hashable, Sendable {
  public var rho: Float
  public var momentum: Float
  public var epsilon: Float
  public var centered: Bool
  public var convention: OptimizerConvention
  public init(
    rho: Float = 0.9, momentum: Float = 0, epsilon: Float = 1e-7, centered: Bool = false,
    convention: OptimizerConvention = .keras
  ) {
    self.rho = rho
    self.momentum = momentum
    self.epsilon = epsilon
    self.centered = centered
    self.convention = convention
  }
}

/// Kernels, as matrices of inputs and outputs, move by an orthogonal matrix (Jordan et al. 2024):
/// `v = μv + (1−μ)g; w −= η·0.2·√max(rows, columns)·O(μv + (1−μ)g)`, or O(v) without Nesterov's form,
/// where O comes near UVᵀ of the singular value decomposition by five steps of Newton and Schulz,
/// X = G/max(‖G‖, 1e-7), `X = aX + (bXXᵀ + c(XXᵀ)²)X` with (a, b, c) = (3.4445, −4.7750, 2.0315). All
/// else is Adam's, in PyTorch's form. The factor lets one learning rate serve both (Liu et al. 2025).
///
/// This is PyTorch's Muon with match_rms_adamw, but for its bfloat16. Keras's, with its default
/// rms_rate, has a velocity 1/(1−μ) times as large, which O takes away, and divides by ‖G‖ + 1e-7.
public struct MuonDescription: Hashable, Sendable {
  public var momentum: Float
  public var nesterov: Bool
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public init(
    momentum: Float = 0.95, nesterov: Bool = true, beta1: Float = 0.9, beta2: Float = 0.95,
    epsilon: Float = 1e-10
  ) {
    self.momentum = momentum
    self.nesterov = nesterov
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// The rule of all that is no kernel.
  var other: OptimizerRule {
    .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, convention: .pytorch)
  }
}

public struct OptimizerDescription: Hashable, Sendable {
  public var rule: OptimizerRule
  public var learningRate: Float
  /// Decoupled weight decay: before its update, `w −= η·λ·w`, for kernels only, not for biases or
  /// normalisation (Loshchilov and Hutter 2019).
  public var weightDecay: Float
  /// What is done to the gradient before the update.
  public var clipping: GradientClipping
  /// Nil for none: the weights are evaluated as they are.
  public var averaging: WeightAveraging?
  /// How many batches a step's gradient is the mean of: a step takes so many times the batch size of
  /// samples, in passes of a batch each. Statistics of a batch are those of a pass.
  public var accumulation: Int
  /// The radius ρ of sharpness-aware minimisation (Foret et al. 2021): the gradient is taken at
  /// w + ρ·g/‖g‖, in a second pass, and w updated with it; nil for none.
  public var sharpness: Float?
  /// Layers, by the names that their tensors begin with, whose learning rate is multiplied by a
  /// factor; 0 freezes them. Their gradient is then no part of its norm.
  public var layerFactors: [LayerFactor]

  public struct LayerFactor: Hashable, Sendable {
    public let layer: String
    public let factor: Float
    public init(_ layer: String, _ factor: Float) {
      self.layer = layer
      self.factor = factor
    }
  }

  public init(
    rule: OptimizerRule, learningRate: Float, weightDecay: Float = 0,
    clipping: GradientClipping = GradientClipping(), averaging: WeightAveraging? = nil,
    accumulation: Int = 1, sharpness: Float? = nil, layerFactors: [LayerFactor] = []
  ) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.clipping = clipping
    self.averaging = averaging
    self.accumulation = accumulation
    self.sharpness = sharpness
    self.layerFactors = layerFactors
  }
}

/// Bounds of the gradient of the objective; nil for none. By norm comes first where both are there.
public struct GradientClipping: Hashable, Sendable {
  /// Every element is brought into [−value, value] (Keras's clipvalue, PyTorch's clip_grad_value_).
  public var value: Float?
  /// With ‖g‖ the Euclidean norm over all parameters together, `g ·= min(1, norm/‖g‖)` (Pascanu
  /// et al. 2013; Keras's global_clipnorm; PyTorch's clip_grad_norm_ adds 1e-6 to ‖g‖).
  public var norm: Float?
  public init(value: Float? = nil, norm: Float? = nil) {
    self.value = value
    self.norm = norm
  }
}

extension OptimizerRule {
  /// What a spec calls it. AdamW is Adam with a weight decay.
  public var name: String {
    switch self {
    case .sgd: "sgd"
    case .adam: "adam"
    case .adadelta: "adadelta"
    case .rmsprop: "rmsprop"
    case .adagrad: "adagrad"
    case .adamax: "adamax"
    case .nadam: "nadam"
    case .lion: "lion"
    case .muon: "muon"
    case .shampoo: "shampoo"
    case .kfac: "kfac"
    }
  }

  /// The names of the rule's moments, one number per parameter each: what a checkpoint must hold.
  public var moments: [String] {
    let kinds: [String] =
      switch self {
      case .sgd(let momentum, _, _): momentum == 0 ? [] : ["velocity"]
      case .adam(_, _, _, _, let amsgrad): amsgrad ? ["m", "v", "largest_v"] : ["m", "v"]
      case .adadelta: ["squares", "updates"]
      case .rmsprop(let rmsprop):
        ["squares"] + (rmsprop.momentum == 0 ? [] : ["velocity"])
          + (rmsprop.centered ? ["means"] : [])
      case .adagrad: ["squares"]
      case .adamax: ["m", "u"]
      case .nadam: ["m", "v"]
      case .lion: ["m"]
      case .muon, .shampoo: ["m", "v"]
      case .kfac(let kfac): kfac.momentum == 0 ? [] : ["velocity"]
      }
    return kinds.map { "\(name)/\($0)" }
  }

  /// What the moments are before the first step.
  var initialMoment: Float {
    if case .adagrad(let initial, _, _) = self { initial } else { 0 }
  }

  /// The momentum that a schedule may cycle: that of the rules that have one, or Adam's β₁.
  public var momentum: Float? {
    switch self {
    case .sgd(let momentum, _, _): momentum == 0 ? nil : momentum
    case .rmsprop(let rmsprop): rmsprop.momentum == 0 ? nil : rmsprop.momentum
    case .adam(let beta1, _, _, _, _), .adamax(let beta1, _, _, _): beta1
    case .muon(let muon): muon.momentum
    case .shampoo(let shampoo): shampoo.beta1
    case .kfac(let kfac): kfac.momentum == 0 ? nil : kfac.momentum
    case .adadelta, .adagrad, .nadam, .lion: nil
    }
  }

  /// The same rule with another momentum.
  func with(momentum: Float) -> OptimizerRule {
    switch self {
    case .sgd(_, let nesterov, let convention):
      return .sgd(momentum: momentum, nesterov: nesterov, convention: convention)
    case .rmsprop(var rmsprop):
      rmsprop.momentum = momentum
      return .rmsprop(rmsprop)
    case .adam(_, let beta2, let epsilon, let convention, let amsgrad):
      return .adam(
        beta1: momentum, beta2: beta2, epsilon: epsilon, convention: convention, amsgrad: amsgrad)
    case .muon(var muon):
      muon.momentum = momentum
      return .muon(muon)
    case .shampoo(var shampoo):
      shampoo.beta1 = momentum
      return .shampoo(shampoo)
    case .kfac(var kfac):
      kfac.momentum = momentum
      return .kfac(kfac)
    case .adamax(_, let beta2, let epsilon, let convention):
      return .adamax(beta1: momentum, beta2: beta2, epsilon: epsilon, convention: convention)
    case .adadelta, .adagrad, .nadam, .lion: return self
    }
  }
}
