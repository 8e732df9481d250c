import ConvNet
import Storage

/// The learning rate over time: its schedule, and the rise before it.
struct LearningRateCourse: Hashable, Sendable {
  var schedule: Schedule
  var warmup: Warmup?
}

extension SpecDescription {
  static let schedules = Kinds<LearningRateCourse>(
    key: "name", doc: "The course of the learning rate.", noun: "a schedule"
  ) {
    Kind(
      "constant", LearningRateCourse(schedule: .constant),
      includes: { $0.schedule == .constant }, "The optimizer's own, throughout.", keys: [])
    schedule(
      "step", .step(StepDescription(every: 1)), as: Schedule.step,
      held: { if case .step(let step) = $0 { step } else { nil } }, aliases: ["step_lr"],
      "factor^⌊τ/every⌋ after τ epochs (PyTorch's StepLR)."
    ) {
      Key(
        "every", \.every, .integer(1...1_000_000), otherwise: .required,
        aliases: ["step_size", "epochs"], "In epochs.")
      Key(
        "factor", \.factor, .number(.above(0, to: 1)), aliases: ["gamma"],
        "What it is multiplied by.")
    }
    schedule(
      "exponential", .exponential(ExponentialDescription(decay: 1)), as: Schedule.exponential,
      held: { if case .exponential(let fall) = $0 { fall } else { nil } },
      aliases: ["exponential_decay"], "decay^τ after τ epochs (Keras's ExponentialDecay)."
    ) {
      Key(
        "decay", \.decay, .number(.above(0, to: 1)), otherwise: .required,
        aliases: ["decay_rate", "gamma"], "What is left after an epoch.")
      Key("staircase", \.staircase, .boolean, "Whether it falls only at the ends of epochs.")
    }
    schedule(
      "cosine", .cosine(CosineDescription(epochs: 1)), as: Schedule.cosine,
      held: { if case .cosine(let fall) = $0 { fall } else { nil } },
      aliases: ["cosine_decay", "cosine_annealing"],
      "Half a cosine from 1 to final (Loshchilov and Hutter 2017): "
        + "final + (1 − final)·½(1 + cos(πτ/epochs)) after τ epochs."
    ) {
      length(\.epochs, "How long it falls.", aliases: ["t_max", "decay_steps"])
      ending(\.final)
    }
    schedule(
      "cosine_restarts", .cosineRestarts(CosineRestartsDescription(epochs: 1)),
      as: Schedule.cosineRestarts,
      held: { if case .cosineRestarts(let periods) = $0 { periods } else { nil } },
      aliases: ["sgdr", "cosine_decay_restarts", "cosine_annealing_warm_restarts"],
      "Half a cosine from 1 to final, over and over (Loshchilov and Hutter 2017): period i lasts "
        + "epochs·growthⁱ and begins at peakⁱ (Keras's CosineDecayRestarts)."
    ) {
      Key(
        "epochs", \.epochs, .number(.from(0.01, to: 1_000_000)), otherwise: .required,
        aliases: ["t_0", "first_decay_steps"], "How long the first period lasts.")
      Key(
        "growth", \.growth, .number(.from(1, to: 100)), aliases: ["t_mult", "t_mul"],
        "How many times as long each period is as the one before (PyTorch's default; Keras's is 2)."
      )
      Key(
        "peak", \.peak, .number(.above(0, to: 1)), aliases: ["m_mul"],
        "How high each period begins, as a factor of the one before.")
      ending(\.final)
    }
    schedule(
      "one_cycle", .oneCycle(OneCycleDescription(epochs: 1)), as: Schedule.oneCycle,
      held: { if case .oneCycle(let cycle) = $0 { cycle } else { nil } },
      aliases: ["onecycle", "1cycle", "one_cycle_lr", "super_convergence"],
      "One rise and one fall (Smith and Topin 2018), counted in steps as PyTorch's OneCycleLR "
        + "does."
    ) {
      length(\.epochs, "How long the cycle lasts.")
      Key(
        "rise", \.rise, .number(.from(0, below: 1)), aliases: ["pct_start"],
        "The part of it in which the rate rises.")
      Key(
        "start", \.start, .number(.above(0, to: 1)),
        "Where it begins, as a factor of the learning rate: 1 over PyTorch's div_factor.")
      Key(
        "final", \.final, .number(.from(0, to: 1)),
        "Where it ends, as a factor: start over PyTorch's final_div_factor.")
      Key(
        "anneal", \.anneal, .choice("a way between two rates", aliases: ["cos": "cosine"]),
        aliases: ["anneal_strategy"], "How it rises and falls.")
      Key(
        "three_phase", \.threePhase, .boolean,
        "Whether it falls to start as fast as it rose, and only then to final.")
      Key(
        "momentum", \.momentum,
        Notation.number(.from(0, below: 1)).pair(names: "[lowest, highest]").converted(
          { OneCycleDescription.MomentumCycle(low: $0.0, high: $0.1) },
          back: { ($0.low, $0.high) }),
        aliases: ["cycle_momentum"],
        "The bounds between which the momentum, or Adam's β₁, goes the other way (PyTorch's are "
          + "[0.85, 0.95]); null to leave it alone.")
    }
    schedule(
      "polynomial", .polynomial(PolynomialDescription(epochs: 1)), as: Schedule.polynomial,
      held: { if case .polynomial(let fall) = $0 { fall } else { nil } },
      aliases: ["linear", "polynomial_decay", "poly"],
      "Falls as a power of the time that is left: final + (1 − final)·(1 − τ/epochs)^power after τ "
        + "epochs (Keras's PolynomialDecay)."
    ) {
      length(\.epochs, "How long it falls.", aliases: ["decay_steps", "total_iters"])
      Key("power", \.power, .number(.above(0, to: 100)), "1 for a straight line.")
      ending(\.final)
    }
    schedule(
      "inverse_sqrt", .inverseSquareRoot(timescale: 1), as: Schedule.inverseSquareRoot,
      held: { if case .inverseSquareRoot(let timescale) = $0 { timescale } else { nil } },
      aliases: ["inverse_square_root", "rsqrt", "noam"],
      "1 over the root of the time, 1/√(1 + τ/T) after τ epochs, as after the warm-up of Vaswani "
        + "et al. 2017."
    ) {
      Key(
        "timescale", \.self, .number(.above(0, to: 1_000_000)),
        otherwise: .derived("The default is the length of the warm-up, or 1 without one.") {
          Bounds.value(warmupEpochs($0) ?? 1)
        }, "T, in epochs; τ is counted from the end of the warm-up.")
    }
    schedule(
      "piecewise", .piecewise(PiecewiseDescription(boundaries: [], factors: [])),
      as: Schedule.piecewise,
      held: { if case .piecewise(let piecewise) = $0 { piecewise } else { nil } },
      aliases: ["piecewise_constant", "multi_step", "multistep"],
      "Constant between some boundaries (PyTorch's MultiStepLR)."
    ) {
      Key(
        "boundaries", \.boundaries,
        .list(of: .number(.above(0, to: 1_000_000)), count: 1...1000, noun: "boundaries"),
        otherwise: .required, aliases: ["milestones"],
        "When a new factor comes in, in epochs that are over; increasing.")
      Key(
        "factors", \.factors,
        .list(of: .number(.from(0, to: 1000)), count: 2...1001, noun: "factors"),
        otherwise: .required, aliases: ["values"],
        "What the learning rate is multiplied by before the first boundary, and from each on.")
    }
    schedule(
      "reduce_on_plateau", .reduceOnPlateau(PlateauDescription()), as: Schedule.reduceOnPlateau,
      held: { if case .reduceOnPlateau(let plateau) = $0 { plateau } else { nil } },
      aliases: ["plateau", "reduce_lr_on_plateau"],
      "Multiplied by the factor when the metric has stopped getting better (Keras's "
        + "ReduceLROnPlateau)."
    ) {
      Key("monitor", \.monitor, monitor, "What is watched.")
      Key("factor", \.factor, .number(.above(0, below: 1)), "What it is multiplied by.")
      Key(
        "patience", \.patience, .integer(0...1_000_000),
        "How many epochs without an improvement are borne.")
      Key(
        "min_delta", \.minDelta, .number(.from(0, to: 1e9)), aliases: ["threshold"],
        "What an improvement must exceed.")
      Key("cooldown", \.cooldown, .integer(0...1_000_000), "Epochs of rest after a reduction.")
      Key(
        "min_learning_rate", \.minimum, .number(.from(0, to: 1000)),
        aliases: ["min_lr", "minimum"], "The least learning rate.")
    }
  } common: {
    Key(
      "warmup", \.warmup, .object(warmup), aliases: ["warm_up"],
      "A linear rise before the schedule begins; null for none.")
  }

  private static let warmup = Declaration(Warmup(epochs: 1)) {
    Key(
      "epochs", \.epochs, .number(.above(0, to: 1_000_000)), otherwise: .required,
      "How long it rises.")
    Key("from", \.from, .number(.from(0, to: 1)), "Where it begins, as a factor.")
  }

  /// A schedule by a case of the enum, as `Kind` has it.
  @_semantics("optimize.sil.specialize.generic.never")
  private static func schedule<Content>(
    _ name: String, _ schedule: Schedule, as embed: @escaping @Sendable (Content) -> Schedule,
    held: @escaping @Sendable (Schedule) -> Content?, aliases: [String] = [], _ doc: String,
    @ListBuilder<Key<Content>> keys: () -> [Key<Content>]
  ) -> Kind<LearningRateCourse> {
    Kind(
      name, LearningRateCourse(schedule: schedule), includes: { held($0.schedule) != nil },
      aliases: aliases, doc,
      keys: keys().map {
        $0.within(get: { held($0.schedule) }, set: { $1.schedule = embed($0) })
      })
  }

  private static func ending<Fall>(_ place: Key<Fall>.Place<Double>) -> Key<Fall> {
    Key(
      "final", place, .number(.from(0, to: 1)), aliases: ["alpha", "eta_min"],
      "What is left of the learning rate then, as a factor.")
  }

  /// For how many epochs a schedule lasts.
  private static func length<Fall>(
    _ place: Key<Fall>.Place<Double>, _ doc: String, aliases: [String] = []
  ) -> Key<Fall> {
    Key(
      "epochs", place, .number(.above(0, to: 1_000_000)),
      otherwise: .derived("The default is what the training has left after the warm-up.") {
        let epochs = $0.number("training", "epochs") ?? 1
        let rest = epochs - (warmupEpochs($0) ?? 0)
        return Bounds.value(rest > 0 ? rest : max(epochs, 1))
      }, aliases: aliases, doc)
  }

  private static func warmupEpochs(_ context: DefaultContext) -> Double? {
    context.root["schedule"]?.value["warmup"]?.value["epochs"]?.value.value.double
  }
}
