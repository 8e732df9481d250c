import ConvNet

extension SpecDescription {
  static let schedule = VariantType(
    key: "name", doc: "The course of the learning rate.", noun: "a schedule",
    cases: [
      .init(name: "constant", doc: "The optimizer's own, throughout."),
      .init(
        name: "step", doc: "factor^⌊τ/every⌋ after τ epochs (PyTorch's StepLR).",
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
        name: "exponential", doc: "decay^τ after τ epochs (Keras's ExponentialDecay).",
        aliases: ["exponential_decay"],
        fields: [
          Field(
            "decay", .number(.above(0, to: 1)), .required, aliases: ["decay_rate", "gamma"],
            "What is left after an epoch."),
          Field(
            "staircase", .boolean, .value(false), "Whether it falls only at the ends of epochs."),
        ]),
      .init(
        name: "cosine",
        doc:
          "Half a cosine from 1 to final (Loshchilov and Hutter 2017): "
          + "final + (1 − final)·½(1 + cos(πτ/epochs)) after τ epochs.",
        aliases: ["cosine_decay", "cosine_annealing"],
        fields: [
          length("How long it falls.", aliases: ["t_max", "decay_steps"]), finalFactor,
        ]),
      .init(
        name: "cosine_restarts",
        doc:
          "Half a cosine from 1 to final, over and over (Loshchilov and Hutter 2017): period i lasts "
          + "epochs·growthⁱ and begins at peakⁱ (Keras's CosineDecayRestarts).",
        aliases: ["sgdr", "cosine_decay_restarts", "cosine_annealing_warm_restarts"],
        fields: [
          Field(
            "epochs", .number(.from(0.01, to: 1_000_000)), .required,
            aliases: ["t_0", "first_decay_steps"], "How long the first period lasts."),
          Field(
            "growth", .number(.from(1, to: 100)), .value(1), aliases: ["t_mult", "t_mul"],
            "How many times as long each period is as the one before (PyTorch's default; Keras's is 2)."
          ),
          Field(
            "peak", .number(.above(0, to: 1)), .value(1), aliases: ["m_mul"],
            "How high each period begins, as a factor of the one before."),
          finalFactor,
        ]),
      .init(
        name: "one_cycle",
        doc:
          "One rise and one fall (Smith and Topin 2018), counted in steps as PyTorch's OneCycleLR "
          + "does.",
        aliases: ["onecycle", "1cycle", "one_cycle_lr", "super_convergence"],
        fields: [
          length("How long the cycle lasts."),
          Field(
            "rise", .number(.from(0, below: 1)), .value(0.3), aliases: ["pct_start"],
            "The part of it in which the rate rises."),
          Field(
            "start", .number(.above(0, to: 1)), .value(0.04),
            "Where it begins, as a factor of the learning rate: 1 over PyTorch's div_factor."),
          Field(
            "final", .number(.from(0, to: 1)), .value(0.000004),
            "Where it ends, as a factor: start over PyTorch's final_div_factor."),
          Field(
            "anneal",
            .choice(
              Choice(
                noun: "a way between two rates",
                names: OneCycleDescription.Anneal.allCases.map(\.rawValue),
                aliases: ["cos": "cosine"])),
            .value("cosine"), aliases: ["anneal_strategy"], "How it rises and falls."),
          Field(
            "three_phase", .boolean, .value(false),
            "Whether it falls to start as fast as it rose, and only then to final."),
          Field(
            "momentum",
            .pair(.number(.from(0, below: 1)), names: "[lowest, highest]"), .none,
            aliases: ["cycle_momentum"],
            "The bounds between which the momentum, or Adam's β₁, goes the other way (PyTorch's are "
              + "[0.85, 0.95]); null to leave it alone."),
        ]),
      .init(
        name: "polynomial",
        doc:
          "Falls as a power of the time that is left: final + (1 − final)·(1 − τ/epochs)^power after τ "
          + "epochs (Keras's PolynomialDecay).",
        aliases: ["linear", "polynomial_decay", "poly"],
        fields: [
          length("How long it falls.", aliases: ["decay_steps", "total_iters"]),
          Field(
            "power", .number(.above(0, to: 100)), .value(1), "1 for a straight line."),
          finalFactor,
        ]),
      .init(
        name: "inverse_sqrt",
        doc:
          "1 over the root of the time, 1/√(1 + τ/T) after τ epochs, as after the warm-up of Vaswani "
          + "et al. 2017.",
        aliases: ["inverse_square_root", "rsqrt", "noam"],
        fields: [
          Field(
            "timescale", .number(.above(0, to: 1_000_000)),
            .derived("The default is the length of the warm-up, or 1 without one.") {
              Bounds.value(warmupEpochs($0) ?? 1)
            }, "T, in epochs; τ is counted from the end of the warm-up.")
        ]),
      .init(
        name: "piecewise", doc: "Constant between some boundaries (PyTorch's MultiStepLR).",
        aliases: ["piecewise_constant", "multi_step", "multistep"],
        fields: [
          Field(
            "boundaries",
            .list(
              of: .number(.above(0, to: 1_000_000)), count: 1...1000, noun: "boundaries"),
            .required, aliases: ["milestones"],
            "When a new factor comes in, in epochs that are over; increasing."),
          Field(
            "factors", .list(of: .number(.from(0, to: 1000)), count: 2...1001, noun: "factors"),
            .required, aliases: ["values"],
            "What the learning rate is multiplied by before the first boundary, and from each on."),
        ]),
      .init(
        name: "reduce_on_plateau",
        doc:
          "Multiplied by the factor when the metric has stopped getting better (Keras's "
          + "ReduceLROnPlateau).",
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

  private static let finalFactor = Field(
    "final", .number(.from(0, to: 1)), .value(0), aliases: ["alpha", "eta_min"],
    "What is left of the learning rate then, as a factor.")

  /// For how many epochs a schedule lasts.
  private static func length(_ doc: String, aliases: [String] = []) -> Field {
    Field(
      "epochs", .number(.above(0, to: 1_000_000)),
      .derived("The default is what the training has left after the warm-up.") {
        let epochs = $0.number("training", "epochs") ?? 1
        let rest = epochs - (warmupEpochs($0) ?? 0)
        return Bounds.value(rest > 0 ? rest : max(epochs, 1))
      }, aliases: aliases, doc)
  }

  private static func warmupEpochs(_ context: DefaultContext) -> Double? {
    context.root["schedule"]?.value["warmup"]?.value["epochs"]?.value.value.double
  }

  private static let warmup = ObjectType(fields: [
    Field("epochs", .number(.above(0, to: 1_000_000)), .required, "How long it rises."),
    Field(
      "from", .number(.from(0, to: 1)), .value(0), "Where it begins, as a factor."),
  ])
}
