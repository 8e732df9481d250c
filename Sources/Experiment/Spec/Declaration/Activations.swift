import ConvNet

extension SpecDescription {
  static let activations = Kinds<Activation>(
    key: "name", doc: "The function.", noun: "an activation"
  ) {
    Kind("linear", .linear, aliases: ["none", "identity"], "x.")
    Kind("relu", .relu, "max(x, 0).")
    Kind("relu6", .relu6, "min(max(x, 0), 6) (Krizhevsky 2010).")
    Kind(
      "leaky_relu", .leakyReLU(), as: Activation.leakyReLU,
      held: { if case .leakyReLU(let slope) = $0 { slope } else { nil } },
      "x where it is positive, slope·x elsewhere (Maas et al. 2013)."
    ) {
      Key(
        "slope", \.self, .float(.from(0, to: 1)), aliases: ["alpha", "negative_slope"],
        "The slope below 0 (PyTorch's default; Keras's layer has 0.3).")
    }
    Kind(
      "elu", .elu(), as: Activation.elu,
      held: { if case .elu(let alpha) = $0 { alpha } else { nil } },
      "x where it is positive, alpha·(eˣ − 1) elsewhere (Clevert et al. 2016)."
    ) { Key("alpha", \.self, .float(.from(0, to: 100)), "Minus the limit towards −∞.") }
    Kind(
      "gelu", .gelu(), as: Activation.gelu,
      held: { if case .gelu(let approximate) = $0 { approximate } else { nil } },
      "x·Φ(x), Φ the standard normal distribution (Hendrycks and Gimpel 2016)."
    ) { Key("approximate", \.self, .boolean, "Whether Φ is approximated through tanh.") }
    Kind("sigmoid", .sigmoid, aliases: ["logistic"], "1 / (1 + e⁻ˣ).")
    Kind("hard_sigmoid", .hardSigmoid, "min(max(x/6 + 1/2, 0), 1).")
    Kind("swish", .swish, aliases: ["silu"], "x·sigmoid(x) (Ramachandran et al. 2017).")
    Kind(
      "hard_swish", .hardSwish, aliases: ["hard_silu", "hardswish"],
      "x·hard_sigmoid(x) (Howard et al. 2019).")
    Kind("mish", .mish, "x·tanh(softplus(x)) (Misra 2020).")
    Kind("tanh", .tanh, "The hyperbolic tangent.")
    Kind("softplus", .softplus, "ln(1 + eˣ).")
    Kind("softmax", .softmax, "eˣ over its sum, over the channels of a position.")
  }

  /// A name, or an object with the function's constants.
  static let activation = Notation<Activation>.nameOrKind(of: activations) {
    activations.isPlain($0)
  }.named("activation")
}
