/// What is minimised: the mean over a batch of a loss of each sample's class scores z and its class
/// y. q stands for the one-hot target, qᵧ = 1, over the K classes.
public struct LossDescription: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    /// −Σ qₖ ln softmax(z)ₖ, with q = (1 − ε)·onehot + ε/K when labels are smoothed by ε (Szegedy et
    /// al. 2016; the same in Keras and PyTorch).
    case softmaxCrossEntropy(labelSmoothing: Float = 0)
    case focal(FocalDescription)
    /// Σ (zₖ − qₖ)² / K (the same in Keras and PyTorch).
    case meanSquaredError
    /// Σ h(zₖ − qₖ) / K, h(d) = ½d² where |d| ≤ δ, else δ|d| − ½δ² (Huber 1964; the same in both).
    case huber(delta: Float = 1)
    /// −Σ (qₖ ln σ(zₖ) + (1 − qₖ) ln(1 − σ(zₖ))) / K, with q = (1 − ε)·onehot + ½ε (Keras's
    /// BinaryCrossentropy from logits; PyTorch's BCEWithLogitsLoss).
    case binaryCrossEntropy(labelSmoothing: Float = 0)
  }

  public var kind: Kind
  /// What a sample of each class counts for: its loss is multiplied by wᵧ, and the batch's sum divided
  /// by the number of samples, as with Keras's class_weight (PyTorch divides by the sum of the
  /// weights).
  public var classWeights: [Float]?
  /// Whether the weights are to be those that balance the classes of the samples that are trained on;
  /// until these are known, `classWeights` is nil and a sample counts for 1.
  public var balancesClasses: Bool

  public init(_ kind: Kind, classWeights: [Float]? = nil, balancesClasses: Bool = false) {
    self.kind = kind
    self.classWeights = classWeights
    self.balancesClasses = balancesClasses
  }

  /// wᶜ = n/(K·nᶜ) of n samples, nᶜ of each of the K classes that have any, so that all of these count
  /// for the same (scikit-learn's "balanced", King and Zeng 2001); 1 for a class without any.
  public static func balancingWeights(_ counts: [Int]) -> [Float] {
    let (samples, present) = (counts.reduce(0, +), counts.count { $0 > 0 })
    return counts.map { $0 == 0 ? 1 : Float(Double(samples) / Double(present * $0)) }
  }

  public static let softmaxCrossEntropy = LossDescription(.softmaxCrossEntropy())
}

/// −α(1 − p)^γ ln p with p = softmax(z)ᵧ (Lin et al. 2017), Keras's CategoricalFocalCrossentropy.
public struct FocalDescription: Hashable, Sendable {
  public var gamma: Float
  public var alpha: Float
  public init(gamma: Float = 2, alpha: Float = 0.25) {
    self.gamma = gamma
    self.alpha = alpha
  }
}
