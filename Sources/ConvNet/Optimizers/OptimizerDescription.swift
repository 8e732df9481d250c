/// Whose form of an optimizer is meant, where Keras and PyTorch differ.
public enum OptimizerConvention: String, Hashable, Sendable, CaseIterable {
  case keras, pytorch
}

/// What an update rule tells of itself.
package protocol UpdateRule: Hashable, Sendable {
  /// What a spec calls it.
  var name: String { get }
  /// What its moments are called, one number per parameter each.
  var moments: [String] { get }
  /// The momentum that a schedule may cycle; nil where there is none.
  var momentumToCycle: Float? { get }
  /// The same rule with another momentum.
  func with(momentum: Float) -> Self
  /// This as one of all rules.
  var rule: OptimizerRule { get }
}

extension UpdateRule {
  package var momentumToCycle: Float? { nil }
  package func with(momentum: Float) -> Self { self }
}

/// An update rule. g is the gradient of the objective (with its penalties), w a parameter, t the
/// step counted from 1, η the learning rate of the step.
public enum OptimizerRule: Hashable, Sendable {
  case sgd(SGDDescription)
  case adam(AdamDescription)
  case adadelta(AdadeltaDescription)
  case rmsprop(RMSpropDescription)
  case adagrad(AdagradDescription)
  case adamax(AdamaxDescription)
  case nadam(NadamDescription)
  case lion(LionDescription)
  case muon(MuonDescription)
  case shampoo(ShampooDescription)
  case kfac(KFACDescription)

  /// The rule's own account of itself.
  package var form: any UpdateRule {
    switch self {
    case .sgd(let sgd): sgd
    case .adam(let adam): adam
    case .adadelta(let adadelta): adadelta
    case .rmsprop(let rmsprop): rmsprop
    case .adagrad(let adagrad): adagrad
    case .adamax(let adamax): adamax
    case .nadam(let nadam): nadam
    case .lion(let lion): lion
    case .muon(let muon): muon
    case .shampoo(let shampoo): shampoo
    case .kfac(let kfac): kfac
    }
  }
}

extension OptimizerConvention {
  /// The default of one's form or the other's.
  fileprivate func chooses<Value>(keras: Value, pytorch: Value) -> Value {
    self == .keras ? keras : pytorch
  }
}

/// Stochastic gradient descent (Robbins and Monro 1951), with momentum (Polyak 1964), with
/// Nesterov's as Sutskever et al. 2013 have it.
/// Keras: `v = μv − ηg; w += v` (Nesterov: `w += μv − ηg`).
/// PyTorch: `v = μv + g; w −= ηv` (Nesterov: `w −= η(g + μv)`).
public struct SGDDescription: UpdateRule {
  public var momentum: Float
  public var nesterov: Bool
  public var convention: OptimizerConvention
  public init(
    momentum: Float = 0, nesterov: Bool = false, convention: OptimizerConvention = .keras
  ) {
    self.momentum = momentum
    self.nesterov = nesterov
    self.convention = convention
  }

  package var name: String { "sgd" }
  package var moments: [String] { momentum == 0 ? [] : ["velocity"] }
  package var momentumToCycle: Float? { momentum == 0 ? nil : momentum }
  package func with(momentum: Float) -> SGDDescription {
    var sgd = self
    sgd.momentum = momentum
    return sgd
  }
  package var rule: OptimizerRule { .sgd(self) }
}

/// `m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²` (Kingma and Ba 2015). With b₁ = 1−β₁ᵗ, b₂ = 1−β₂ᵗ,
/// Keras: `w −= η·√b₂/b₁ · m / (√v + ε)`; PyTorch: `w −= η/b₁ · m / (√v/√b₂ + ε)`; ε is by default
/// Keras's 1e-7, or PyTorch's 1e-8. AMSGrad (Reddi et al. 2018) divides by the largest v so far instead.
public struct AdamDescription: UpdateRule {
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public var convention: OptimizerConvention
  public var amsgrad: Bool
  public init(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float? = nil,
    convention: OptimizerConvention = .keras, amsgrad: Bool = false
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon ?? convention.chooses(keras: 1e-7, pytorch: 1e-8)
    self.convention = convention
    self.amsgrad = amsgrad
  }

  package var name: String { "adam" }
  package var moments: [String] { amsgrad ? ["m", "v", "largest_v"] : ["m", "v"] }
  package var momentumToCycle: Float? { beta1 }
  package func with(momentum: Float) -> AdamDescription {
    var adam = self
    adam.beta1 = momentum
    return adam
  }
  package var rule: OptimizerRule { .adam(self) }
}

/// `a = ρa + (1−ρ)g²; δ = √(d+ε)/√(a+ε)·g; d = ρd + (1−ρ)δ²; w −= ηδ` (Zeiler 2012). The same in
/// both; Keras's defaults are ρ 0.95, ε 1e-7, PyTorch's ρ 0.9, ε 1e-6.
public struct AdadeltaDescription: UpdateRule {
  public var rho: Float
  public var epsilon: Float
  public init(rho: Float, epsilon: Float) {
    self.rho = rho
    self.epsilon = epsilon
  }
  /// With the defaults of a convention.
  public init(convention: OptimizerConvention = .keras) {
    rho = convention.chooses(keras: 0.95, pytorch: 0.9)
    epsilon = convention.chooses(keras: 1e-7, pytorch: 1e-6)
  }

  package var name: String { "adadelta" }
  package var moments: [String] { ["squares", "updates"] }
  package var rule: OptimizerRule { .adadelta(self) }
}

/// `a = ρa + (1−ρ)g²` (Hinton 2012), and where it is centered `c = ρc + (1−ρ)g; s = a − c²`, else
/// s = a. Keras: `v = μv + ηg/√(s + ε); w −= v`; PyTorch: `v = μv + g/(√s + ε); w −= ηv`. By default ρ
/// and ε are Keras's 0.9 and 1e-7, or PyTorch's 0.99 and 1e-8.
public struct RMSpropDescription: UpdateRule {
  public var rho: Float
  public var momentum: Float
  public var epsilon: Float
  public var centered: Bool
  public var convention: OptimizerConvention
  public init(
    rho: Float? = nil, momentum: Float = 0, epsilon: Float? = nil, centered: Bool = false,
    convention: OptimizerConvention = .keras
  ) {
    self.rho = rho ?? convention.chooses(keras: 0.9, pytorch: 0.99)
    self.momentum = momentum
    self.epsilon = epsilon ?? convention.chooses(keras: 1e-7, pytorch: 1e-8)
    self.centered = centered
    self.convention = convention
  }

  package var name: String { "rmsprop" }
  package var moments: [String] {
    ["squares"] + (momentum == 0 ? [] : ["velocity"]) + (centered ? ["means"] : [])
  }
  package var momentumToCycle: Float? { momentum == 0 ? nil : momentum }
  package func with(momentum: Float) -> RMSpropDescription {
    var rmsprop = self
    rmsprop.momentum = momentum
    return rmsprop
  }
  package var rule: OptimizerRule { .rmsprop(self) }
}

/// `a += g²` (Duchi et al. 2011), a beginning at `initial`. Keras: `w −= ηg/√(a + ε)`; PyTorch:
/// `w −= ηg/(√a + ε)`. By default `initial` and ε are Keras's 0.1 and 1e-7, or PyTorch's 0 and 1e-10.
public struct AdagradDescription: UpdateRule {
  public var initial: Float
  public var epsilon: Float
  public var convention: OptimizerConvention
  public init(
    initial: Float? = nil, epsilon: Float? = nil, convention: OptimizerConvention = .keras
  ) {
    self.initial = initial ?? convention.chooses(keras: 0.1, pytorch: 0)
    self.epsilon = epsilon ?? convention.chooses(keras: 1e-7, pytorch: 1e-10)
    self.convention = convention
  }

  package var name: String { "adagrad" }
  package var moments: [String] { ["squares"] }
  package var rule: OptimizerRule { .adagrad(self) }
}

/// `m = β₁m + (1−β₁)g` and, with b₁ = 1−β₁ᵗ (Kingma and Ba 2015), Keras:
/// `u = max(β₂u, |g|); w −= η/b₁ · m / (u + ε)`; PyTorch: `u = max(β₂u, |g| + ε); w −= η/b₁ · m/u`; ε is
/// by default Keras's 1e-7, or PyTorch's 1e-8.
public struct AdamaxDescription: UpdateRule {
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  public var convention: OptimizerConvention
  public init(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float? = nil,
    convention: OptimizerConvention = .keras
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon ?? convention.chooses(keras: 1e-7, pytorch: 1e-8)
    self.convention = convention
  }

  package var name: String { "adamax" }
  package var moments: [String] { ["m", "u"] }
  package var momentumToCycle: Float? { beta1 }
  package func with(momentum: Float) -> AdamaxDescription {
    var adamax = self
    adamax.beta1 = momentum
    return adamax
  }
  package var rule: OptimizerRule { .adamax(self) }
}

/// Adam with Nesterov's momentum (Dozat 2016): m and v as Adam's, μₜ = β₁(1 − ½·0.96^(tψ)),
/// pₜ = μ₁⋯μₜ; `w −= η·(μₜ₊₁/(1−pₜ₊₁)·m + (1−μₜ)/(1−pₜ)·g) / (√(v/b₂) + ε)`. The same in both;
/// Keras's defaults are ε 1e-7, ψ 1, PyTorch's ε 1e-8, ψ 0.004.
public struct NadamDescription: UpdateRule {
  public var beta1: Float
  public var beta2: Float
  public var epsilon: Float
  /// ψ
  public var momentumDecay: Float
  /// - Parameter convention: whose defaults ε and ψ have.
  public init(
    beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float? = nil, momentumDecay: Float? = nil,
    convention: OptimizerConvention = .keras
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon ?? convention.chooses(keras: 1e-7, pytorch: 1e-8)
    self.momentumDecay = momentumDecay ?? convention.chooses(keras: 1, pytorch: 0.004)
  }

  package var name: String { "nadam" }
  package var moments: [String] { ["m", "v"] }
  package var rule: OptimizerRule { .nadam(self) }
}

/// `w −= η·sign(β₁m + (1−β₁)g); m = β₂m + (1−β₂)g` (Chen et al. 2023, as in Keras).
public struct LionDescription: UpdateRule {
  public var beta1: Float
  public var beta2: Float
  public init(beta1: Float = 0.9, beta2: Float = 0.99) {
    self.beta1 = beta1
    self.beta2 = beta2
  }

  package var name: String { "lion" }
  package var moments: [String] { ["m"] }
  package var rule: OptimizerRule { .lion(self) }
}

/// Kernels, as matrices of inputs and outputs, move by an orthogonal matrix (Jordan et al. 2024):
/// `v = μv + (1−μ)g; w −= η·0.2·√max(rows, columns)·O(μv + (1−μ)g)`, or O(v) without Nesterov's form,
/// where O comes near UVᵀ of the singular value decomposition by five steps of Newton and Schulz,
/// X = G/max(‖G‖, 1e-7), `X = aX + (bXXᵀ + c(XXᵀ)²)X` with (a, b, c) = (3.4445, −4.7750, 2.0315). All
/// else is Adam's, in PyTorch's form. The factor lets one learning rate serve both (Liu et al. 2025).
///
/// This is PyTorch's Muon with match_rms_adamw, but for its bfloat16. Keras's, with its default
/// rms_rate, has a velocity 1/(1−μ) times as large, which O takes away, and divides by ‖G‖ + 1e-7.
public struct MuonDescription: UpdateRule {
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
    .adam(AdamDescription(beta1: beta1, beta2: beta2, epsilon: epsilon, convention: .pytorch))
  }

  package var name: String { "muon" }
  package var moments: [String] { ["m", "v"] }
  package var momentumToCycle: Float? { momentum }
  package func with(momentum: Float) -> MuonDescription {
    var muon = self
    muon.momentum = momentum
    return muon
  }
  package var rule: OptimizerRule { .muon(self) }
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
  public var name: String { form.name }

  /// The names of the rule's moments, one number per parameter each: what a checkpoint must hold.
  public var moments: [String] {
    let form = form
    return form.moments.map { "\(form.name)/\($0)" }
  }

  /// What the moments are before the first step.
  var initialMoment: Float {
    if case .adagrad(let adagrad) = self { adagrad.initial } else { 0 }
  }

  /// The momentum that a schedule may cycle: that of the rules that have one, or Adam's β₁.
  public var momentum: Float? { form.momentumToCycle }

  /// The same rule with another momentum.
  func with(momentum: Float) -> OptimizerRule { form.with(momentum: momentum).rule }
}
