import ConvNet
import Storage

extension SpecDescription {
  static let optimizers = Kinds<OptimizerDescription>(
    key: "name", doc: "The update rule.", noun: "an optimizer"
  ) {
    rule(
      "sgd", SGDDescription(), learningRate: 0.01, aliases: ["momentum", "nesterov", "gd"],
      "Stochastic gradient descent, with momentum on request (Sutskever et al. 2013). Keras: "
        + "v = μv − ηg; w += v, or w += μv − ηg with nesterov. PyTorch: v = μv + g; w −= ηv, or "
        + "w −= η(g + μv)."
    ) {
      Key("momentum", \.momentum, .float(.from(0, below: 1)), "μ.")
      Key("nesterov", \.nesterov, .boolean, "Whether it looks ahead; needs a momentum.")
      convention(
        \.convention, "the momentum is taken of the step, or of the gradient")
    }
    rule(
      "adam", AdamDescription(), learningRate: 0.001, includes: { $0.weightDecay == 0 },
      "Adam (Kingma and Ba 2015): m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g². With b₁ = 1−β₁ᵗ and "
        + "b₂ = 1−β₂ᵗ, Keras: w −= η·√b₂/b₁·m/(√v + ε); PyTorch: w −= η/b₁·m/(√v/√b₂ + ε)."
    ) { adam }
    rule(
      "adamw", AdamDescription(), learningRate: 0.001,
      weightDecay: Conventional { $0 == .keras ? 0.004 : 0.01 }, includes: { $0.weightDecay != 0 },
      "Adam with decoupled weight decay (Loshchilov and Hutter 2019): w −= ηλw for kernels, then "
        + "adam's update."
    ) { adam }
    rule(
      "adadelta", AdadeltaDescription(), learningRate: 1,
      note: "; 1 is PyTorch's default and the paper's; Keras's own default is 0.001.",
      "Adadelta (Zeiler 2012): a = ρa + (1−ρ)g²; δ = √(d+ε)/√(a+ε)·g; d = ρd + (1−ρ)δ²; w −= ηδ."
    ) {
      spentConvention("the defaults of rho and epsilon are Keras's or PyTorch's")
      rho(\.rho, Conventional { AdadeltaDescription(convention: $0).rho })
      epsilon(\.epsilon, Conventional { AdadeltaDescription(convention: $0).epsilon })
    }
    rule(
      "rmsprop", RMSpropDescription(),
      convention: convention(
        \.convention,
        "how epsilon enters, whether the momentum is of the step, and the defaults"),
      learningRate: Conventional { $0 == .keras ? 0.001 : 0.01 }, aliases: ["rms_prop"],
      "The gradient over the root of its mean square (Hinton 2012): s = ρs + (1−ρ)g². Keras: "
        + "v = μv + ηg/√(s + ε); w −= v. PyTorch: v = μv + g/(√s + ε); w −= ηv."
    ) {
      rho(\.rho, Conventional { RMSpropDescription(convention: $0).rho }, aliases: ["alpha"])
      Key("momentum", \.momentum, .float(.from(0, below: 1)), "μ.")
      epsilon(\.epsilon, Conventional { RMSpropDescription(convention: $0).epsilon })
      Key(
        "centered", \.centered, .boolean,
        "Whether the square of the mean is taken off the mean square.")
    }
    rule(
      "adagrad", AdagradDescription(),
      convention: convention(\.convention, "how epsilon enters, and the defaults"),
      learningRate: Conventional { $0 == .keras ? 0.001 : 0.01 },
      "The gradient over the root of its squares' sum (Duchi et al. 2011): a += g². Keras: "
        + "w −= ηg/√(a + ε); PyTorch: w −= ηg/(√a + ε)."
    ) {
      Key(
        "initial", \.initial, .float(.from(0, to: 1000)),
        otherwise: Conventional { AdagradDescription(convention: $0).initial }.fallback,
        aliases: ["initial_accumulator_value"], "Where the sum of the squares begins.")
      epsilon(\.epsilon, Conventional { AdagradDescription(convention: $0).epsilon })
    }
    rule(
      "adamax", AdamaxDescription(),
      convention: convention(\.convention, "how epsilon enters, and the defaults"),
      learningRate: Conventional { $0 == .keras ? 0.001 : 0.002 },
      "Adam with the largest gradient for the root (Kingma and Ba 2015): m = β₁m + (1−β₁)g. With "
        + "b₁ = 1−β₁ᵗ, Keras: u = max(β₂u, |g|); w −= η/b₁·m/(u + ε). PyTorch: "
        + "u = max(β₂u, |g| + ε); w −= η/b₁·m/u."
    ) {
      beta1(\.beta1)
      beta2(\.beta2)
      epsilon(\.epsilon, Conventional { AdamaxDescription(convention: $0).epsilon })
    }
    rule(
      "nadam", NadamDescription(),
      convention: spentConvention("the defaults are Keras's or PyTorch's"),
      learningRate: Conventional { $0 == .keras ? 0.001 : 0.002 },
      "Adam with Nesterov's momentum (Dozat 2016): m, v and b₂ as adam's, pₜ = μ₁⋯μₜ; "
        + "w −= η·(μₜ₊₁/(1−pₜ₊₁)·m + (1−μₜ)/(1−pₜ)·g)/(√(v/b₂) + ε)."
    ) {
      beta1(\.beta1)
      beta2(\.beta2)
      epsilon(\.epsilon, Conventional { NadamDescription(convention: $0).epsilon })
      Key(
        "momentum_decay", \.momentumDecay, .float(.from(0, to: 100)),
        otherwise: Conventional { NadamDescription(convention: $0).momentumDecay }.fallback,
        "ψ: the momentum of step t is β₁(1 − ½·0.96^(tψ)).")
    }
    rule(
      "lion", LionDescription(), learningRate: 0.001,
      "The sign of an interpolated momentum (Chen et al. 2023, as in Keras): "
        + "w −= η·sign(β₁m + (1−β₁)g); m = β₂m + (1−β₂)g."
    ) {
      beta1(\.beta1)
      beta2(\.beta2)
    }
    rule(
      "muon", MuonDescription(), learningRate: 0.001,
      "An orthogonal step for kernels (Jordan et al. 2024): v = μv + (1−μ)g; "
        + "w −= η·0.2·√max(rows, columns)·O(μv + (1−μ)g), or O(v) without nesterov, where O is near "
        + "UVᵀ of the singular value decomposition by five steps of Newton and Schulz. The factor is "
        + "Keras's default and PyTorch's match_rms_adamw; all else is PyTorch's Adam."
    ) {
      Key("momentum", \.momentum, .float(.from(0, below: 1)), "μ, of kernels.")
      Key("nesterov", \.nesterov, .boolean, "Whether that looks ahead.")
      Key("beta_1", \.beta1, .float(.from(0, below: 1)), aliases: ["beta1"], "β₁ of the rest.")
      Key("beta_2", \.beta2, .float(.from(0, below: 1)), aliases: ["beta2"], "β₂ of the rest.")
      Key("epsilon", \.epsilon, .float(.above(0, to: 1)), aliases: ["eps"], "ε of the rest.")
    }
    rule(
      "shampoo", ShampooDescription(), learningRate: 0.001,
      "A preconditioner on each side of a kernel (Gupta et al. 2018, in the form of Shi et al. "
        + "2023): L = βL + (1−β)GGᵀ; R = βR + (1−β)GᵀG; D = (L + εI)^(−1/4)·m·(R + εI)^(−1/4); "
        + "w −= η·‖A‖/‖D‖·D, A Adam's step, whose length it takes over; all else is Adam's."
    ) {
      beta1(\.beta1)
      beta2(\.beta2)
      Key("epsilon", \.epsilon, .float(.above(0, to: 1)), aliases: ["eps"], "ε of Adam.")
      Key(
        "decay", \.decay, .float(.from(0, to: 1)), aliases: ["beta_3"],
        "What the preconditioners keep at each step; 1 sums them up.")
      Key(
        "ridge", \.ridge, .float(.above(0, to: 1)), aliases: ["matrix_epsilon"],
        "ε of the preconditioners, added to their eigenvalues.")
      Key(
        "every", \.every, .integer(1...65_536), aliases: ["precondition_frequency"],
        "How many steps pass from one eigendecomposition to the next.")
      Key(
        "largest", \.largest, .integer(1...8192), aliases: ["max_preconditioner_dim"],
        "The longest side that has a preconditioner.")
      Key(
        "graft", \.grafts, .boolean, aliases: ["grafting"],
        "Whether a step is as long as Adam's.")
    }
    rule(
      "kfac", KFACDescription(), learningRate: 0.01, aliases: ["k_fac", "k-fac"],
      "Dense and convolution layers by the Kronecker factors of their empirical Fisher matrix "
        + "(Martens and Grosse 2015, Grosse and Martens 2016): U = (A + π√λI)⁻¹·V·(S + √λ/πI)⁻¹, A and "
        + "S the second moments of a layer's inputs and of its outputs' gradients, V the gradient; "
        + "v = μv + νU; w −= ηv; SGD for all else."
    ) {
      Key("momentum", \.momentum, .float(.from(0, below: 1)), "μ.")
      Key(
        "damping", \.damping, .float(.above(0, to: 1e6)),
        "λ, added to the Fisher matrix, shared out between its factors.")
      Key(
        "decay", \.decay, .float(.from(0, below: 1)), aliases: ["factor_decay"],
        "The most that the factors keep at each step.")
      Key(
        "kl_clip", \.trust, .float(.above(0, to: 1e9)),
        "κ, the largest square of a step's length by the Fisher matrix; a longer one is scaled "
          + "down to it.")
      Key(
        "every", \.every, .integer(1...65_536), aliases: ["inv_update_steps"],
        "How many steps pass from one inversion of the factors to the next.")
      Key(
        "moments_every", \.momentsEvery, .integer(1...65_536), aliases: ["factor_update_steps"],
        "How many steps pass from one batch that the factors take in to the next.")
      Key(
        "largest", \.largest, .integer(1...8192),
        "The most inputs or outputs of a layer that has factors.")
    }
  } common: {
    Key(
      "clip_value", \.clipping.value, .float(.above(0, to: 1e9)), aliases: ["clipvalue", "clip"],
      "The largest size of an element of the gradient; what is larger is cut to it (Keras's "
        + "clipvalue, PyTorch's clip_grad_value_); null for none.")
    Key(
      "clip_norm", \.clipping.norm, .float(.above(0, to: 1e9)),
      aliases: ["clipnorm", "global_clipnorm", "max_grad_norm", "max_norm"],
      "The largest Euclidean norm of the whole gradient; a longer one is scaled down to it (Pascanu et "
        + "al. 2013, Keras's global_clipnorm); null for none.")
    Key(
      "accumulation", \.accumulation, .integer(1...65_536),
      aliases: ["accumulation_steps", "gradient_accumulation_steps", "accumulate"],
      "How many batches a step's gradient is the mean of.")
    Key(
      "sam", \.sharpness, .float(.above(0, to: 1000)), aliases: ["rho_sam", "sharpness"],
      "ρ of sharpness-aware minimisation (Foret et al. 2021): the gradient is taken at w + ρ·g/‖g‖, in "
        + "a second pass; null for none.")
    Key(
      "learning_rate_factors", \.layerFactors,
      Notation.float(.from(0, to: 1000)).map(count: 0...1000, noun: "layers").converted(
        { $0.map { OptimizerDescription.LayerFactor($0.key, $0.value) } },
        back: { $0.map { (key: $0.layer, value: $0.factor) } }),
      aliases: ["layer_factors", "lr_factors", "frozen"],
      "What the learning rate of some layers is multiplied by; 0 freezes one. A layer is called as in "
        + "model.safetensors: by its name, or else by its kind and number among its kind, from 0: "
        + "{ \"conv2d_0\": 0.1 }.")
    Key(
      "averaging", \.averaging, .kind(of: averages),
      aliases: ["average", "weight_averaging", "ema"],
      "An average of the weights that is validated, tested and kept in their place; null for none.")
  }

  private static let averages = Kinds<WeightAveraging>(
    key: "name", doc: "The kind of average.", noun: "an average of weights"
  ) {
    Kind(
      "ema", .exponential(), as: WeightAveraging.exponential,
      held: { if case .exponential(let decay) = $0 { decay } else { nil } },
      aliases: ["exponential", "exponential_moving_average"],
      "An exponential moving average over the steps: a = decay·a + (1 − decay)·w."
    ) {
      Key(
        "decay", \.self, .float(.from(0, below: 1)), aliases: ["momentum"],
        "How much of it each step keeps (PyTorch's default; Keras's is 0.99).")
    }
    Kind(
      "swa", .stochastic(after: 0), as: WeightAveraging.stochastic,
      held: { if case .stochastic(let after) = $0 { after } else { nil } },
      aliases: ["stochastic_weight_averaging", "mean"],
      "The mean over the ends of the last epochs (Izmailov et al. 2018)."
    ) {
      Key(
        "after", \.self, .integer(0...1_000_000),
        otherwise: .derived("The default is three quarters of the epochs.") {
          let epochs = $0.number("training", "epochs") ?? 0
          return JSONValue((0...1_000_000).contains(epochs) ? Int(0.75 * epochs) : 0)
        }, aliases: ["start", "swa_start"], "How many epochs it leaves out.")
    }
  }

  // MARK: - What several rules have

  /// An optimizer by its rule, whose keys stand between the learning rate and the weight decay.
  /// - Parameters:
  ///   - convention: the key that names one, where the learning rate's default follows from it.
  ///   - note: what else is to be said of the learning rate.
  ///   - includes: which optimizers of this rule it names, where two names share one.
  @_semantics("optimize.sil.specialize.generic.never")
  private static func rule<Rule: UpdateRule>(
    _ name: String, _ rule: Rule, convention: Key<Rule>? = nil, learningRate: Conventional,
    note: String = ".", weightDecay: Conventional = 0,
    includes: @escaping @Sendable (OptimizerDescription) -> Bool = { _ in true },
    aliases: [String] = [], _ doc: String, @ListBuilder<Key<Rule>> keys: () -> [Key<Rule>]
  ) -> Kind<OptimizerDescription> {
    func own(_ key: Key<Rule>) -> Key<OptimizerDescription> {
      key.within(get: { $0.rule.form as? Rule }, set: { $1.rule = $0.rule })
    }
    let rate = Key<OptimizerDescription>(
      "learning_rate", \.learningRate, .float(.above(0, to: 1000)),
      otherwise: learningRate.fallback, aliases: ["lr", "rate", "eta"], written: .first, "η" + note)
    let decay = Key<OptimizerDescription>(
      "weight_decay", \.weightDecay, .float(.from(0, below: 1)), otherwise: weightDecay.fallback,
      aliases: ["decay", "wd"],
      "Decoupled weight decay λ, of kernels only: w −= ηλw before each update.")
    return Kind(
      name,
      OptimizerDescription(
        rule: rule.rule, learningRate: learningRate.keras, weightDecay: weightDecay.keras),
      includes: { $0.rule.form is Rule && includes($0) }, aliases: aliases, doc,
      keys: (convention.map { [own($0)] } ?? []) + [rate] + keys().map(own) + [decay])
  }

  private static var adam: [Key<AdamDescription>] {
    [
      convention(\.convention, "how epsilon enters, and the defaults"), beta1(\.beta1),
      beta2(\.beta2),
      epsilon(\.epsilon, Conventional { AdamDescription(convention: $0).epsilon }),
      Key(
        "amsgrad", \.amsgrad, .boolean,
        "Whether the largest mean square so far is divided by (Reddi et al. 2018)."),
    ]
  }

  private static func convention<Rule>(
    _ place: Key<Rule>.Place<OptimizerConvention>, _ difference: String
  ) -> Key<Rule> {
    Key("convention", place, conventions, "Whose form is meant: \(difference).")
  }

  /// A convention that only chooses the defaults of other keys.
  private static func spentConvention<Rule>(_ difference: String) -> Key<Rule> {
    Key(
      unbound: Field(
        "convention", conventions.type, .value(conventions.encode(.keras)),
        "Whose form is meant: \(difference)."))
  }

  private static let conventions = Notation<OptimizerConvention>.choice(
    "a convention", aliases: ["tensorflow": "keras", "torch": "pytorch"])

  private static func beta1<Rule>(_ place: Key<Rule>.Place<Float>) -> Key<Rule> {
    Key("beta_1", place, .float(.from(0, below: 1)), aliases: ["beta1", "betas"], "β₁.")
  }

  private static func beta2<Rule>(_ place: Key<Rule>.Place<Float>) -> Key<Rule> {
    Key("beta_2", place, .float(.from(0, below: 1)), aliases: ["beta2"], "β₂.")
  }

  private static func rho<Rule>(
    _ place: Key<Rule>.Place<Float>, _ value: Conventional, aliases: [String] = []
  ) -> Key<Rule> {
    Key(
      "rho", place, .float(.from(0, below: 1)), otherwise: value.fallback, aliases: aliases, "ρ.")
  }

  private static func epsilon<Rule>(
    _ place: Key<Rule>.Place<Float>, _ value: Conventional
  ) -> Key<Rule> {
    Key(
      "epsilon", place, .float(.above(0, to: 1)), otherwise: value.fallback, aliases: ["eps"], "ε.")
  }
}

/// A number whose default may differ between Keras and PyTorch.
private struct Conventional: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  let keras: Float
  let pytorch: Float

  init(_ value: (OptimizerConvention) -> Float) {
    (keras, pytorch) = (value(.keras), value(.pytorch))
  }
  init(floatLiteral value: Float) { (keras, pytorch) = (value, value) }
  init(integerLiteral value: Int) { self.init(floatLiteral: Float(value)) }

  /// By the object's convention; nil where they agree, and the value has it.
  var fallback: Field.Fallback? {
    if keras == pytorch { return nil }
    let (keras, pytorch) = (JSONValue(keras).withoutPoints, JSONValue(pytorch).withoutPoints)
    return .derived(
      "The default is \(keras.compact) with Keras's convention, \(pytorch.compact) with PyTorch's."
    ) {
      $0.siblings["convention"] == "pytorch" ? pytorch : keras
    }
  }
}
