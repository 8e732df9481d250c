import ConvNet
import Storage

extension SpecDescription {
  static let losses = Kinds<LossDescription>(key: "name", doc: "The loss.", noun: "a loss") {
    kind(
      "softmax_cross_entropy", .softmaxCrossEntropy(), as: LossDescription.Kind.softmaxCrossEntropy,
      held: { if case .softmaxCrossEntropy(let smoothing) = $0 { smoothing } else { nil } },
      aliases: [
        "cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
        "categorical_cross_entropy", "nll",
      ],
      "−Σ qₖ·ln softmax(scores)ₖ over the classes; q is 1 at the class and 0 elsewhere, smoothed to "
        + "(1 − s)·q + s/classes."
    ) { labelSmoothing("over all the classes") }
    kind(
      "focal", .focal(FocalDescription()), as: LossDescription.Kind.focal,
      held: { if case .focal(let focal) = $0 { focal } else { nil } },
      aliases: ["focal_loss", "categorical_focal_crossentropy"],
      "−α(1 − p)^γ ln p, p = softmax(scores)[class] (Lin et al. 2017)."
    ) {
      Key(
        "gamma", \.gamma, .float(.from(0, to: 100)), aliases: ["focusing"],
        "γ, how much less what is recognised already counts.")
      Key("alpha", \.alpha, .float(.above(0, to: 1000)), "α, a factor of it all.")
    }
    Kind(
      "mean_squared_error", LossDescription(.meanSquaredError),
      includes: { $0.kind == .meanSquaredError }, aliases: ["mse", "mean_squared"],
      "The mean over the classes of (score − target)², the target 1 at the class and 0 elsewhere.",
      keys: [])
    kind(
      "huber", .huber(), as: LossDescription.Kind.huber,
      held: { if case .huber(let delta) = $0 { delta } else { nil } },
      aliases: ["smooth_l1", "huber_loss"],
      "The mean over the classes of ½d² up to |d| = δ, and of δ(|d| − ½δ) beyond, d as in "
        + "mean_squared_error (Huber 1964)."
    ) { Key("delta", \.self, .float(.above(0, to: 1e6)), "δ.") }
    kind(
      "binary_cross_entropy", .binaryCrossEntropy(), as: LossDescription.Kind.binaryCrossEntropy,
      held: { if case .binaryCrossEntropy(let smoothing) = $0 { smoothing } else { nil } },
      aliases: ["binary_crossentropy", "bce", "bce_with_logits"],
      "The mean over the classes of −t·ln p − (1 − t)·ln(1 − p), p = sigmoid(score), t 1 at the class "
        + "and 0 elsewhere."
    ) { labelSmoothing("between yes and no") }
  } common: {
    Key(
      "class_weights", \.classWeighting, classWeights,
      aliases: ["class_weight", "weights", "weight"],
      "What a sample of each class counts for, in the order of the classes; \"balanced\" for n/(K·nᶜ) "
        + "of the n images that are trained on, nᶜ of them of the class and K the classes, as "
        + "scikit-learn has it; null for 1 each.")
  }

  /// A name, or an object with the loss's constants; the plain cross-entropy is its name.
  static let loss = Notation<LossDescription>.nameOrKind(of: losses) {
    $0 == .softmaxCrossEntropy
  }.named("loss")

  /// A loss by a case of the enum, as `Kind` has it.
  @_semantics("optimize.sil.specialize.generic.never")
  private static func kind<Content>(
    _ name: String, _ loss: LossDescription.Kind,
    as embed: @escaping @Sendable (Content) -> LossDescription.Kind,
    held: @escaping @Sendable (LossDescription.Kind) -> Content?, aliases: [String],
    _ doc: String, @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) -> Kind<LossDescription> {
    Kind(
      name, LossDescription(loss), includes: { held($0.kind) != nil }, aliases: aliases,
      doc,
      keys: keys().map { $0.within(get: { held($0.kind) }, set: { $1.kind = embed($0) }) })
  }

  private static func labelSmoothing(_ how: String) -> Key<Float> {
    Key(
      "label_smoothing", \.self, .float(.from(0, below: 1)), aliases: ["smoothing"],
      "The part of the target that is spread \(how).")
  }

  private static let classWeights: Notation<ClassWeighting> = {
    let weights = Notation<[Float]>.list(
      of: .float(.from(0, to: 1e6)), count: 2...Labels.mostClasses, noun: "weights")
    let balanced = "balanced"
    let way = Choice(noun: "a way to weigh classes", names: [balanced], aliases: ["auto": balanced])
    return Notation(
      .either([weights.type, .choice(way)]),
      decode: { $0.string == balanced ? .balanced : weights.decode($0).map { .given($0) } },
      encode: {
        switch $0 {
        case .balanced: .string(balanced)
        case .given(let values): weights.encode(values)
        }
      })
  }()
}

/// What a sample of each class counts for.
private enum ClassWeighting {
  case balanced
  case given([Float])
}

extension LossDescription {
  /// Nil for 1 each.
  fileprivate var classWeighting: ClassWeighting? {
    get { balancesClasses ? .balanced : classWeights.map { .given($0) } }
    set {
      if case .given(let weights)? = newValue { classWeights = weights } else { classWeights = nil }
      if case .balanced? = newValue { balancesClasses = true } else { balancesClasses = false }
    }
  }
}
