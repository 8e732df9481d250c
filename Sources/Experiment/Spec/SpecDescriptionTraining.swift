import ConvNet

extension SpecDescription {
  static let optimizer = VariantType(
    key: "name", doc: "The update rule.", noun: "an optimizer",
    cases: [
      .init(
        name: "sgd", doc: "Stochastic gradient descent, with momentum on request.",
        aliases: ["momentum", "nesterov", "gd"],
        fields: [
          learningRate(0.01),
          Field("momentum", .float(.from(0, below: 1)), .value(0), "μ."),
          Field(
            "nesterov", .boolean, .value(false), "Whether it looks ahead; needs a momentum."),
          convention("the momentum is taken of the step, or of the gradient"),
          weightDecay(.value(0)),
        ]),
      .init(
        name: "adam", doc: "Adam (Kingma and Ba 2015).",
        fields: [learningRate(0.001)] + moments + [weightDecay(.value(0))]),
      .init(
        name: "adamw", doc: "Adam with decoupled weight decay (Loshchilov and Hutter 2019).",
        fields: [learningRate(0.001)] + moments + [
          weightDecay(byConvention(keras: 0.004, pytorch: 0.01))
        ]),
      .init(
        name: "adadelta", doc: "Adadelta (Zeiler 2012).",
        fields: [
          learningRate(
            1, note: "1 is PyTorch's default and the paper's; Keras's own default is 0.001."),
          convention("the defaults of rho and epsilon are Keras's or PyTorch's"),
          Field("rho", .float(.from(0, below: 1)), byConvention(keras: 0.95, pytorch: 0.9), "ρ."),
          Field(
            "epsilon", .float(.above(0, to: 1)), byConvention(keras: 1e-7, pytorch: 1e-6),
            aliases: ["eps"], "ε."),
          weightDecay(.value(0)),
        ]),
    ])

  private static func learningRate(_ value: JSONValue, note: String = "") -> Field {
    Field(
      "learning_rate", .float(.above(0, to: 1000)), .value(value), aliases: ["lr", "rate", "eta"],
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

  private static let moments = [
    convention("how epsilon enters, and the defaults"),
    Field(
      "beta_1", .float(.from(0, below: 1)), .value(0.9), aliases: ["beta1", "betas"], "β₁."),
    Field("beta_2", .float(.from(0, below: 1)), .value(0.999), aliases: ["beta2"], "β₂."),
    Field(
      "epsilon", .float(.above(0, to: 1)), byConvention(keras: 1e-7, pytorch: 1e-8),
      aliases: ["eps"], "ε."),
  ]

  private static func byConvention(keras: Double, pytorch: Double) -> Field.Fallback {
    .derived("The default is \(keras) with Keras's convention, \(pytorch) with PyTorch's.") {
      JSONValue($0.siblings["convention"] == "pytorch" ? pytorch : keras)
    }
  }

  // MARK: - Schedules

  static let schedule = VariantType(
    key: "name", doc: "The course of the learning rate.", noun: "a schedule",
    cases: [
      .init(name: "constant", doc: "The optimizer's own, throughout."),
      .init(
        name: "step", doc: "Multiplied by the factor after every so many epochs.",
        aliases: ["step_lr"],
        fields: [
          Field(
            "every", .integer(1...1_000_000), .required, aliases: ["step_size", "epochs"],
            "In epochs."),
          Field(
            "factor", .number(.above(0, to: 1)), .value(0.1), aliases: ["gamma"],
            "What it is multiplied by."),
        ]),
      .init(
        name: "exponential", doc: "Multiplied by decay to the power of the epochs gone by.",
        aliases: ["exponential_decay"],
        fields: [
          Field(
            "decay", .number(.above(0, to: 1)), .required, aliases: ["decay_rate", "gamma"],
            "What is left after an epoch."),
          Field(
            "staircase", .boolean, .value(false), "Whether it falls only at the ends of epochs."),
        ]),
      .init(
        name: "cosine", doc: "Half a cosine from 1 to final (Loshchilov and Hutter 2017).",
        aliases: ["cosine_decay", "cosine_annealing"],
        fields: [
          Field(
            "epochs", .number(.above(0, to: 1_000_000)),
            .derived("The default is what the training has left after the warm-up.") {
              let epochs = $0.number("training", "epochs") ?? 1
              let warmup = $0.root["schedule"]?.value["warmup"]?.value["epochs"]?.value.value.double
              let rest = epochs - (warmup ?? 0)
              return Bounds.value(rest > 0 ? rest : max(epochs, 1))
            }, aliases: ["t_max", "decay_steps"], "How long it falls."),
          Field(
            "final", .number(.from(0, to: 1)), .value(0), aliases: ["alpha", "eta_min"],
            "What is left of the learning rate then, as a factor."),
        ]),
      .init(
        name: "reduce_on_plateau",
        doc: "Multiplied by the factor when the metric has stopped getting better.",
        aliases: ["plateau", "reduce_lr_on_plateau"],
        fields: [
          Field("monitor", monitor, .value("val_loss"), "What is watched."),
          Field(
            "factor", .number(.above(0, below: 1)), .value(0.1), "What it is multiplied by."),
          Field(
            "patience", .integer(0...1_000_000), .value(10),
            "How many epochs without an improvement are borne."),
          Field(
            "min_delta", .number(.from(0, to: 1e9)), .value(0.0001), aliases: ["threshold"],
            "What an improvement must exceed."),
          Field(
            "cooldown", .integer(0...1_000_000), .value(0), "Epochs of rest after a reduction."),
          Field(
            "min_learning_rate", .number(.from(0, to: 1000)), .value(0),
            aliases: ["min_lr", "minimum"], "The least learning rate."),
        ]),
    ],
    common: [
      Field(
        "warmup", .object(warmup), .none, aliases: ["warm_up"],
        "A linear rise before the schedule begins; null for none.")
    ])

  private static let warmup = ObjectType(fields: [
    Field("epochs", .number(.above(0, to: 1_000_000)), .required, "How long it rises."),
    Field(
      "from", .number(.from(0, to: 1)), .value(0), "Where it begins, as a factor."),
  ])
}
