import ConvNet

extension SpecDescription {
  static let losses = VariantType(
    key: "name", doc: "The loss.", noun: "a loss",
    cases: [
      .init(
        name: "softmax_cross_entropy",
        doc:
          "−Σ qₖ·ln softmax(scores)ₖ over the classes; q is 1 at the class and 0 elsewhere, smoothed to "
          + "(1 − s)·q + s/classes.",
        aliases: [
          "cross_entropy", "categorical_crossentropy", "sparse_categorical_crossentropy",
          "categorical_cross_entropy", "nll",
        ],
        fields: [labelSmoothing("over all the classes")]),
      .init(
        name: "focal", doc: "−α(1 − p)^γ ln p, p = softmax(scores)[class] (Lin et al. 2017).",
        aliases: ["focal_loss", "categorical_focal_crossentropy"],
        fields: [
          Field(
            "gamma", .float(.from(0, to: 100)), .value(2), aliases: ["focusing"],
            "γ, how much less what is recognised already counts."),
          Field("alpha", .float(.above(0, to: 1000)), .value(0.25), "α, a factor of it all."),
        ]),
      .init(
        name: "mean_squared_error",
        doc:
          "The mean over the classes of (score − target)², the target 1 at the class and 0 elsewhere.",
        aliases: ["mse", "mean_squared"]),
      .init(
        name: "huber",
        doc:
          "The mean over the classes of ½d² up to |d| = δ, and of δ(|d| − ½δ) beyond, d as in "
          + "mean_squared_error (Huber 1964).",
        aliases: ["smooth_l1", "huber_loss"],
        fields: [
          Field("delta", .float(.above(0, to: 1e6)), .value(1), "δ.")
        ]),
      .init(
        name: "binary_cross_entropy",
        doc:
          "The mean over the classes of −t·ln p − (1 − t)·ln(1 − p), p = sigmoid(score), t 1 at the class "
          + "and 0 elsewhere.",
        aliases: ["binary_crossentropy", "bce", "bce_with_logits"],
        fields: [labelSmoothing("between yes and no")]),
    ],
    common: [
      Field(
        "class_weights",
        .either([
          .list(of: .float(.from(0, to: 1e6)), count: 2...Labels.mostClasses, noun: "weights"),
          .choice(
            Choice(noun: "a way to weigh classes", names: [balanced], aliases: ["auto": balanced])),
        ]), .none, aliases: ["class_weight", "weights", "weight"],
        "What a sample of each class counts for, in the order of the classes; \"balanced\" for n/(K·nᶜ) "
          + "of the n images that are trained on, nᶜ of them of the class and K the classes, as "
          + "scikit-learn has it; null for 1 each.")
    ])

  /// What a spec says for weights that balance the classes.
  static let balanced = "balanced"

  /// A name, or an object with the loss's constants.
  static let loss = FieldType.named(
    "loss", .either([.choice(losses.choice), .variants(losses)]))

  private static func labelSmoothing(_ how: String) -> Field {
    Field(
      "label_smoothing", .float(.from(0, below: 1)), .value(0), aliases: ["smoothing"],
      "The part of the target that is spread \(how).")
  }
}
