/// Whose form of an optimizer is meant, where Keras and PyTorch differ.
public enum OptimizerConvention: String, Hashable, Sendable, CaseIterable {
  case keras, pytorch
}

/// An update rule. g is the gradient of the objective (with its L2 terms), w a parameter, t the
/// step counted from 1, η the learning rate of the step.
public enum OptimizerRule: Hashable, Sendable {
  /// Keras: `v = μv − ηg; w += v` (Nesterov: `w += μv − ηg`).
  /// PyTorch: `v = μv + g; w −= ηv` (Nesterov: `w −= η(g + μv)`).
  case sgd(momentum: Float, nesterov: Bool, convention: OptimizerConvention)
  /// `m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g²` (Kingma and Ba 2015). With b₁ = 1−β₁ᵗ, b₂ = 1−β₂ᵗ,
  /// Keras: `w −= η·√b₂/b₁ · m / (√v + ε)`; PyTorch: `w −= η/b₁ · m / (√v/√b₂ + ε)`.
  case adam(beta1: Float, beta2: Float, epsilon: Float, convention: OptimizerConvention)
  /// `a = ρa + (1−ρ)g²; δ = √(d+ε)/√(a+ε)·g; d = ρd + (1−ρ)δ²; w −= ηδ` (Zeiler 2012). The same
  /// in both; Keras's defaults are ρ 0.95, ε 1e-7, PyTorch's ρ 0.9, ε 1e-6.
  case adadelta(rho: Float, epsilon: Float)
}

public struct OptimizerDescription: Hashable, Sendable {
  public var rule: OptimizerRule
  public var learningRate: Float
  /// Decoupled weight decay: before its update, `w −= η·λ·w`, for kernels only, not for biases or
  /// normalisation (Loshchilov and Hutter 2019).
  public var weightDecay: Float
  public init(rule: OptimizerRule, learningRate: Float, weightDecay: Float = 0) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }
}
