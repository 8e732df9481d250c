import ConvNet
import Storage

extension SpecDescription {
  static let optimizer = VariantType(
    key: "name", doc: "The update rule.", noun: "an optimizer",
    cases: [
      .init(
        name: "sgd",
        doc:
          "Stochastic gradient descent, with momentum on request (Sutskever et al. 2013). Keras: "
          + "v = μv − ηg; w += v, or w += μv − ηg with nesterov. PyTorch: v = μv + g; w −= ηv, or "
          + "w −= η(g + μv).",
        aliases: ["momentum", "nesterov", "gd"],
        fields: [
          learningRate(.value(0.01)), momentum,
          Field(
            "nesterov", .boolean, .value(false), "Whether it looks ahead; needs a momentum."),
          convention("the momentum is taken of the step, or of the gradient"),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "adam",
        doc:
          "Adam (Kingma and Ba 2015): m = β₁m + (1−β₁)g; v = β₂v + (1−β₂)g². With b₁ = 1−β₁ᵗ and "
          + "b₂ = 1−β₂ᵗ, Keras: w −= η·√b₂/b₁·m/(√v + ε); PyTorch: w −= η/b₁·m/(√v/√b₂ + ε).",
        fields: [learningRate(.value(0.001))] + adaptive + [amsgrad, weightDecay(.value(0))]),
      .init(
        name: "adamw",
        doc:
          "Adam with decoupled weight decay (Loshchilov and Hutter 2019): w −= ηλw for kernels, then "
          + "adam's update.",
        fields: [learningRate(.value(0.001))] + adaptive + [
          amsgrad, weightDecay(byConvention(keras: 0.004, pytorch: 0.01)),
        ]),
      .init(
        name: "adadelta",
        doc:
          "Adadelta (Zeiler 2012): a = ρa + (1−ρ)g²; δ = √(d+ε)/√(a+ε)·g; d = ρd + (1−ρ)δ²; w −= ηδ.",
        fields: [
          learningRate(
            .value(1), note: "1 is PyTorch's default and the paper's; Keras's own default is 0.001."
          ),
          convention("the defaults of rho and epsilon are Keras's or PyTorch's"),
          rho(keras: 0.95, pytorch: 0.9), epsilon(keras: 1e-7, pytorch: 1e-6),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "rmsprop",
        doc:
          "The gradient over the root of its mean square (Hinton 2012): s = ρs + (1−ρ)g². Keras: "
          + "v = μv + ηg/√(s + ε); w −= v. PyTorch: v = μv + g/(√s + ε); w −= ηv.",
        aliases: ["rms_prop"],
        fields: [
          convention("how epsilon enters, whether the momentum is of the step, and the defaults"),
          learningRate(byConvention(keras: 0.001, pytorch: 0.01)),
          rho(keras: 0.9, pytorch: 0.99, aliases: ["alpha"]), momentum,
          epsilon(keras: 1e-7, pytorch: 1e-8),
          Field(
            "centered", .boolean, .value(false),
            "Whether the square of the mean is taken off the mean square."),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "adagrad",
        doc:
          "The gradient over the root of its squares' sum (Duchi et al. 2011): a += g². Keras: "
          + "w −= ηg/√(a + ε); PyTorch: w −= ηg/(√a + ε).",
        fields: [
          convention("how epsilon enters, and the defaults"),
          learningRate(byConvention(keras: 0.001, pytorch: 0.01)),
          Field(
            "initial", .float(.from(0, to: 1000)), byConvention(keras: 0.1, pytorch: 0),
            aliases: ["initial_accumulator_value"], "Where the sum of the squares begins."),
          epsilon(keras: 1e-7, pytorch: 1e-10), weightDecay(.value(0)),
        ]),
      .init(
        name: "adamax",
        doc:
          "Adam with the largest gradient for the root (Kingma and Ba 2015): m = β₁m + (1−β₁)g. With "
          + "b₁ = 1−β₁ᵗ, Keras: u = max(β₂u, |g|); w −= η/b₁·m/(u + ε). PyTorch: "
          + "u = max(β₂u, |g| + ε); w −= η/b₁·m/u.",
        fields: [
          convention("how epsilon enters, and the defaults"),
          learningRate(byConvention(keras: 0.001, pytorch: 0.002)), beta1, beta2,
          epsilon(keras: 1e-7, pytorch: 1e-8), weightDecay(.value(0)),
        ]),
      .init(
        name: "nadam",
        doc:
          "Adam with Nesterov's momentum (Dozat 2016): m, v and b₂ as adam's, pₜ = μ₁⋯μₜ; "
          + "w −= η·(μₜ₊₁/(1−pₜ₊₁)·m + (1−μₜ)/(1−pₜ)·g)/(√(v/b₂) + ε).",
        fields: [
          convention("the defaults are Keras's or PyTorch's"),
          learningRate(byConvention(keras: 0.001, pytorch: 0.002)), beta1, beta2,
          epsilon(keras: 1e-7, pytorch: 1e-8),
          Field(
            "momentum_decay", .float(.from(0, to: 100)), byConvention(keras: 1, pytorch: 0.004),
            "ψ: the momentum of step t is β₁(1 − ½·0.96^(tψ))."),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "lion",
        doc:
          "The sign of an interpolated momentum (Chen et al. 2023, as in Keras): "
          + "w −= η·sign(β₁m + (1−β₁)g); m = β₂m + (1−β₂)g.",
        fields: [
          learningRate(.value(0.001)), beta1,
          Field(
            "beta_2", .float(.from(0, below: 1)), .value(0.99), aliases: ["beta2"], "β₂."),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "muon",
        doc:
          "An orthogonal step for kernels (Jordan et al. 2024): v = μv + (1−μ)g; "
          + "w −= η·0.2·√max(rows, columns)·O(μv + (1−μ)g), or O(v) without nesterov, where O is near "
          + "UVᵀ of the singular value decomposition by five steps of Newton and Schulz. The factor is "
          + "Keras's default and PyTorch's match_rms_adamw; all else is PyTorch's Adam.",
        fields: [
          learningRate(.value(0.001)),
          Field("momentum", .float(.from(0, below: 1)), .value(0.95), "μ, of kernels."),
          Field("nesterov", .boolean, .value(true), "Whether that looks ahead."),
          Field(
            "beta_1", .float(.from(0, below: 1)), .value(0.9), aliases: ["beta1"], "β₁ of the rest."
          ),
          Field(
            "beta_2", .float(.from(0, below: 1)), .value(0.95), aliases: ["beta2"],
            "β₂ of the rest."),
          Field(
            "epsilon", .float(.above(0, to: 1)), .value(1e-10), aliases: ["eps"], "ε of the rest."),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "shampoo",
        doc:
          "A preconditioner on each side of a kernel (Gupta et al. 2018, in the form of Shi et al. "
          + "2023): L = βL + (1−β)GGᵀ; R = βR + (1−β)GᵀG; D = (L + εI)^(−1/4)·m·(R + εI)^(−1/4); "
          + "w −= η·‖A‖/‖D‖·D, A Adam's step, whose length it takes over; all else is Adam's.",
        fields: [
          learningRate(.value(0.001)), beta1, beta2,
          Field(
            "epsilon", .float(.above(0, to: 1)), .value(1e-8), aliases: ["eps"], "ε of Adam."),
          Field(
            "decay", .float(.from(0, to: 1)), .value(0.95), aliases: ["beta_3"],
            "What the preconditioners keep at each step; 1 sums them up."),
          Field(
            "ridge", .float(.above(0, to: 1)), .value(1e-12), aliases: ["matrix_epsilon"],
            "ε of the preconditioners, added to their eigenvalues."),
          Field(
            "every", .integer(1...65_536), .value(10), aliases: ["precondition_frequency"],
            "How many steps pass from one eigendecomposition to the next."),
          Field(
            "largest", .integer(1...8192), .value(1024), aliases: ["max_preconditioner_dim"],
            "The longest side that has a preconditioner."),
          Field(
            "graft", .boolean, .value(true), aliases: ["grafting"],
            "Whether a step is as long as Adam's."),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "kfac",
        doc:
          "Dense and convolution layers by the Kronecker factors of their empirical Fisher matrix "
          + "(Martens and Grosse 2015, Grosse and Martens 2016): U = (A + π√λI)⁻¹·V·(S + √λ/πI)⁻¹, A and "
          + "S the second moments of a layer's inputs and of its outputs' gradients, V the gradient; "
          + "v = μv + νU; w −= ηv; SGD for all else.",
        aliases: ["k_fac", "k-fac"],
        fields: [
          learningRate(.value(0.01)),
          Field("momentum", .float(.from(0, below: 1)), .value(0.9), "μ."),
          Field(
            "damping", .float(.above(0, to: 1e6)), .value(0.01),
            "λ, added to the Fisher matrix, shared out between its factors."),
          Field(
            "decay", .float(.from(0, below: 1)), .value(0.95), aliases: ["factor_decay"],
            "The most that the factors keep at each step."),
          Field(
            "kl_clip", .float(.above(0, to: 1e9)), .value(0.0001),
            "κ, the largest square of a step's length by the Fisher matrix; a longer one is scaled "
              + "down to it."),
          Field(
            "every", .integer(1...65_536), .value(50), aliases: ["inv_update_steps"],
            "How many steps pass from one inversion of the factors to the next."),
          Field(
            "moments_every", .integer(1...65_536), .value(1), aliases: ["factor_update_steps"],
            "How many steps pass from one batch that the factors take in to the next."),
          Field(
            "largest", .integer(1...8192), .value(2048),
            "The most inputs or outputs of a layer that has factors."),
          weightDecay(.value(0)),
        ]),
    ],
    common: [
      Field(
        "clip_value", .float(.above(0, to: 1e9)), .none, aliases: ["clipvalue", "clip"],
        "The largest size of an element of the gradient; what is larger is cut to it (Keras's "
          + "clipvalue, PyTorch's clip_grad_value_); null for none."),
      Field(
        "clip_norm", .float(.above(0, to: 1e9)), .none,
        aliases: ["clipnorm", "global_clipnorm", "max_grad_norm", "max_norm"],
        "The largest Euclidean norm of the whole gradient; a longer one is scaled down to it (Pascanu et "
          + "al. 2013, Keras's global_clipnorm); null for none."),
      Field(
        "accumulation", .integer(1...65_536), .value(1),
        aliases: ["accumulation_steps", "gradient_accumulation_steps", "accumulate"],
        "How many batches a step's gradient is the mean of."),
      Field(
        "sam", .float(.above(0, to: 1000)), .none, aliases: ["rho_sam", "sharpness"],
        "ρ of sharpness-aware minimisation (Foret et al. 2021): the gradient is taken at w + ρ·g/‖g‖, in "
          + "a second pass; null for none."),
      Field(
        "learning_rate_factors",
        .map(MapType(of: .float(.from(0, to: 1000)), count: 0...1000, noun: "layers")), .value([:]),
        aliases: ["layer_factors", "lr_factors", "frozen"],
        "What the learning rate of some layers is multiplied by; 0 freezes one. A layer is called as in "
          + "model.safetensors: by its name, or else by its kind and number among its kind, from 0: "
          + "{ \"conv2d_0\": 0.1 }."),
      Field(
        "averaging", .variants(averaging), .none, aliases: ["average", "weight_averaging", "ema"],
        "An average of the weights that is validated, tested and kept in their place; null for none."
      ),
    ])

  private static let averaging = VariantType(
    key: "name", doc: "The kind of average.", noun: "an average of weights",
    cases: [
      .init(
        name: "ema",
        doc: "An exponential moving average over the steps: a = decay·a + (1 − decay)·w.",
        aliases: ["exponential", "exponential_moving_average"],
        fields: [
          Field(
            "decay", .float(.from(0, below: 1)), .value(0.999), aliases: ["momentum"],
            "How much of it each step keeps (PyTorch's default; Keras's is 0.99).")
        ]),
      .init(
        name: "swa", doc: "The mean over the ends of the last epochs (Izmailov et al. 2018).",
        aliases: ["stochastic_weight_averaging", "mean"],
        fields: [
          Field(
            "after", .integer(0...1_000_000),
            .derived("The default is three quarters of the epochs.") {
              let epochs = $0.number("training", "epochs") ?? 0
              return JSONValue((0...1_000_000).contains(epochs) ? Int(0.75 * epochs) : 0)
            }, aliases: ["start", "swa_start"], "How many epochs it leaves out.")
        ]),
    ])

  private static func learningRate(_ fallback: Field.Fallback, note: String = "") -> Field {
    Field(
      "learning_rate", .float(.above(0, to: 1000)), fallback, aliases: ["lr", "rate", "eta"],
      "η" + (note.isEmpty ? "." : "; \(note)"))
  }

  private static func weightDecay(_ fallback: Field.Fallback) -> Field {
    Field(
      "weight_decay", .float(.from(0, below: 1)), fallback, aliases: ["decay", "wd"],
      "Decoupled weight decay λ, of kernels only: w −= ηλw before each update.")
  }

  private static func convention(_ difference: String) -> Field {
    Field(
      "convention",
      .choice(
        Choice(
          noun: "a convention", names: OptimizerConvention.allCases.map(\.rawValue),
          aliases: ["tensorflow": "keras", "torch": "pytorch"])),
      .value("keras"), "Whose form is meant: \(difference).")
  }

  private static let momentum = Field("momentum", .float(.from(0, below: 1)), .value(0), "μ.")

  private static func rho(keras: Double, pytorch: Double, aliases: [String] = []) -> Field {
    Field(
      "rho", .float(.from(0, below: 1)), byConvention(keras: keras, pytorch: pytorch),
      aliases: aliases, "ρ.")
  }

  private static func epsilon(keras: Double, pytorch: Double) -> Field {
    Field(
      "epsilon", .float(.above(0, to: 1)), byConvention(keras: keras, pytorch: pytorch),
      aliases: ["eps"], "ε.")
  }

  private static let beta1 = Field(
    "beta_1", .float(.from(0, below: 1)), .value(0.9), aliases: ["beta1", "betas"], "β₁.")
  private static let beta2 = Field(
    "beta_2", .float(.from(0, below: 1)), .value(0.999), aliases: ["beta2"], "β₂.")

  private static let adaptive = [
    convention("how epsilon enters, and the defaults"), beta1, beta2,
    epsilon(keras: 1e-7, pytorch: 1e-8),
  ]

  private static let amsgrad = Field(
    "amsgrad", .boolean, .value(false),
    "Whether the largest mean square so far is divided by (Reddi et al. 2018).")

  private static func byConvention(keras: Double, pytorch: Double) -> Field.Fallback {
    .derived(
      "The default is \(Bounds.text(keras)) with Keras's convention, \(Bounds.text(pytorch)) with "
        + "PyTorch's."
    ) {
      Bounds.value($0.siblings["convention"] == "pytorch" ? pytorch : keras)
    }
  }
}
