import ConvNet
import Testing

@testable import Experiment

/// Optimizers, schedules and losses as specs write them, with their defaults, and what is wrong with
/// some.
struct SpecTrainingTests {
  @Test func optimizers() throws {
    let cases: [(String, OptimizerRule, Float)] = [
      (
        #"{ "name": "adam", "amsgrad": true }"#,
        .adam(
          AdamDescription(
            beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras, amsgrad: true)), 0.001
      ),
      (#"{ "name": "rmsprop" }"#, .rmsprop(RMSpropDescription()), 0.001),
      (
        #"{ "name": "rmsprop", "convention": "pytorch", "momentum": 0.9, "centered": true }"#,
        .rmsprop(
          RMSpropDescription(
            rho: 0.99, momentum: 0.9, epsilon: 1e-8, centered: true, convention: .pytorch)), 0.01
      ),
      (
        #"{ "name": "adagrad" }"#,
        .adagrad(AdagradDescription(initial: 0.1, epsilon: 1e-7, convention: .keras)), 0.001
      ),
      (
        #"{ "name": "adagrad", "convention": "pytorch" }"#,
        .adagrad(AdagradDescription(initial: 0, epsilon: 1e-10, convention: .pytorch)), 0.01
      ),
      (
        #"{ "name": "adamax" }"#,
        .adamax(AdamaxDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
        0.001
      ),
      (
        #"{ "name": "adamax", "convention": "pytorch", "learning_rate": 0.5 }"#,
        .adamax(AdamaxDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, convention: .pytorch)),
        0.5
      ),
      (
        #"{ "name": "nadam" }"#,
        .nadam(NadamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, momentumDecay: 1)), 0.001
      ),
      (
        #"{ "name": "nadam", "convention": "pytorch" }"#,
        .nadam(NadamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004)),
        0.002
      ),
      (#"{ "name": "lion" }"#, .lion(LionDescription(beta1: 0.9, beta2: 0.99)), 0.001),
      (
        #"{ "name": "shampoo", "every": 3 }"#, .shampoo(ShampooDescription(every: 3)), 0.001
      ),
      (
        #"{ "name": "shampoo", "decay": 1, "graft": false, "largest": 64, "ridge": 0.5 }"#,
        .shampoo(ShampooDescription(decay: 1, ridge: 0.5, largest: 64, grafts: false)), 0.001
      ),
      (#"{ "name": "kfac" }"#, .kfac(KFACDescription()), 0.01),
      (
        """
        { "name": "kfac", "momentum": 0, "damping": 0.1, "decay": 0.5, "kl_clip": 1, "every": 3,
          "moments_every": 2, "largest": 64 }
        """,
        .kfac(
          KFACDescription(
            momentum: 0, damping: 0.1, decay: 0.5, trust: 1, every: 3, momentsEvery: 2, largest: 64)
        ),
        0.01
      ),
    ]
    for (text, rule, rate) in cases {
      let optimizer = try SpecRoundTripTests.load(optimizer: text).optimizer
      #expect(optimizer == OptimizerDescription(rule: rule, learningRate: rate))
    }
  }

  @Test func clipping() throws {
    let optimizer = try SpecRoundTripTests.load(
      optimizer: #"{ "name": "sgd", "clip_norm": 1, "clip_value": 0.5 }"#
    ).optimizer
    #expect(optimizer.clipping == GradientClipping(value: 0.5, norm: 1))
    let none = try SpecRoundTripTests.load(optimizer: #"{ "name": "sgd", "clip_norm": null }"#)
    #expect(none.optimizer.clipping == GradientClipping())
  }

  @Test func wrappers() throws {
    let text = """
      { "name": "muon", "accumulation": 4, "averaging": { "name": "swa" },
        "learning_rate_factors": { "dense_0": 0.5 } }
      """
    let optimizer = try SpecRoundTripTests.load(optimizer: text).optimizer
    #expect(
      optimizer
        == OptimizerDescription(
          rule: .muon(MuonDescription()), learningRate: 0.001, averaging: .stochastic(after: 7),
          accumulation: 4, layerFactors: [.init("dense_0", 0.5)]))
    let other = try SpecRoundTripTests.load(
      optimizer: #"{ "name": "sgd", "sam": 0.05, "averaging": { "name": "ema", "decay": 0.9 } }"#
    ).optimizer
    #expect(other.sharpness == 0.05)
    #expect(other.averaging == .exponential(decay: 0.9))
  }

  @Test func metrics() throws {
    let names = ["top_3_accuracy", "f1_macro", "roc_auc_0", "ece"]
    let list = names.map { "\"\($0)\"" }.joined(separator: ", ")
    let spec = try SpecRoundTripTests.load(rest: ", \"metrics\": [\(list)]")
    #expect(spec.metrics.map(\.text) == names)
    let metrics = try spec.metrics.named(of: #require(spec.dataset.classNames))
    #expect(metrics.map(\.metric.number) == [3, nil, 0, nil])
    #expect(metrics.map(\.metric.kind.name) == ["top_k_accuracy", "f1", "roc_auc", "ece"])
    #expect(metrics.map(\.name.text) == names)
  }

  @Test func schedules() throws {
    let cases: [(String, Schedule)] = [
      (#"{ "name": "one_cycle" }"#, .oneCycle(OneCycleDescription(epochs: 10))),
      (
        """
        { "name": "one_cycle", "epochs": 5, "rise": 0.4, "start": 0.1, "final": 0,
          "anneal": "linear", "three_phase": true, "momentum": [0.8, 0.9] }
        """,
        .oneCycle(
          OneCycleDescription(
            epochs: 5, rise: 0.4, start: 0.1, final: 0, anneal: .linear, threePhase: true,
            momentum: .init(low: 0.8, high: 0.9)))
      ),
      (
        #"{ "name": "cosine_restarts", "epochs": 3 }"#,
        .cosineRestarts(CosineRestartsDescription(epochs: 3, growth: 1, peak: 1, final: 0))
      ),
      (
        #"{ "name": "cosine_restarts", "epochs": 3, "growth": 2, "peak": 0.5, "final": 0.1 }"#,
        .cosineRestarts(CosineRestartsDescription(epochs: 3, growth: 2, peak: 0.5, final: 0.1))
      ),
      (
        #"{ "name": "polynomial" }"#,
        .polynomial(PolynomialDescription(epochs: 10, power: 1, final: 0))
      ),
      (
        #"{ "name": "polynomial", "power": 2, "warmup": { "epochs": 2 } }"#,
        .polynomial(PolynomialDescription(epochs: 8, power: 2, final: 0))
      ),
      (#"{ "name": "inverse_sqrt" }"#, .inverseSquareRoot(timescale: 1)),
      (
        #"{ "name": "inverse_sqrt", "warmup": { "epochs": 2 } }"#, .inverseSquareRoot(timescale: 2)
      ),
      (
        #"{ "name": "piecewise", "boundaries": [2, 4.5], "factors": [1, 0.1, 0] }"#,
        .piecewise(PiecewiseDescription(boundaries: [2, 4.5], factors: [1, 0.1, 0]))
      ),
    ]
    for (text, schedule) in cases {
      let optimizer = #"{ "name": "sgd", "momentum": 0.9 }"#
      let spec = try SpecRoundTripTests.load(optimizer: optimizer, schedule: text)
      #expect(spec.schedule == schedule)
    }
  }

  @Test func losses() throws {
    let cases: [(String, LossDescription)] = [
      (#""softmax_cross_entropy""#, .softmaxCrossEntropy),
      (#"{ "name": "softmax_cross_entropy" }"#, .softmaxCrossEntropy),
      (
        #"{ "name": "softmax_cross_entropy", "label_smoothing": 0.1 }"#,
        LossDescription(.softmaxCrossEntropy(labelSmoothing: 0.1))
      ),
      (#""focal""#, LossDescription(.focal(FocalDescription(gamma: 2, alpha: 0.25)))),
      (
        #"{ "name": "focal", "gamma": 1, "class_weights": [1, 2, 1, 1, 1, 1, 1, 1, 1, 0.5] }"#,
        LossDescription(
          .focal(FocalDescription(gamma: 1, alpha: 0.25)),
          classWeights: [1, 2, 1, 1, 1, 1, 1, 1, 1, 0.5])
      ),
      (
        #"{ "name": "mean_squared_error", "class_weights": "balanced" }"#,
        LossDescription(.meanSquaredError, balancesClasses: true)
      ),
      (#""mean_squared_error""#, LossDescription(.meanSquaredError)),
      (#"{ "name": "huber", "delta": 0.5 }"#, LossDescription(.huber(delta: 0.5))),
      (
        #"{ "name": "binary_cross_entropy", "label_smoothing": 0.2 }"#,
        LossDescription(.binaryCrossEntropy(labelSmoothing: 0.2))
      ),
    ]
    for (text, loss) in cases {
      #expect(try SpecRoundTripTests.load(rest: ", \"loss\": \(text)").loss == loss)
    }
  }

  /// Arguments of the command line, and the one error that they give.
  static let errors: [(String, String)] = [
    (
      "optimizer.name=rmspro",
      #"optimizer.name: "rmspro" is not an optimizer; did you mean "rmsprop"?"#
    ),
    ("optimizer.clipnorm=1", #"optimizer.clipnorm: unknown key; did you mean "clip_norm"?"#),
    (
      "optimizer.clip_value=0",
      "optimizer.clip_value: found 0, but a number more than 0 and at most 1000000000 is expected"
    ),
    (
      #"schedule={"name":"piecewise","boundaries":[1,2],"factors":[1,1]}"#,
      "schedule.factors: 2 factors do not fit 2 boundaries; one more than those is needed"
    ),
    (
      #"schedule={"name":"piecewise","boundaries":[2,1.5],"factors":[1,1,1]}"#,
      "schedule.boundaries[1]: 1.5 does not come after 2"
    ),
    (
      #"schedule={"name":"one_cycle","momentum":[0.9,0.8]}"#,
      "schedule.momentum: 0.9 is more than the highest, 0.8"
    ),
    (
      #"schedule={"name":"one_cycle","start":0.001,"final":0.5}"#,
      "schedule.final: 0.5 is more than the start, 0.001"
    ),
    (
      #"loss={"name":"focal","class_weights":[1,2]}"#,
      "loss.class_weights: 2 weights do not fit the 10 classes of mnist"
    ),
    (
      #"metrics=["f1_macro","f1_macro"]"#, #"metrics[1]: "f1_macro" is there already"#
    ),
    ("metrics=[\"recall_10\"]", "metrics[0]: there is no class 10; the last of 10 is 9"),
    (
      #"metrics=["top_10_accuracy"]"#,
      "metrics[0]: one of 10 is always right where there are 10 classes"
    ),
    (
      #"metrics=["f2"]"#,
      #"metrics[0]: found "f2", but a metric such as "top_5_accuracy", "precision_macro", "#
        + #""recall_macro", "f1_macro", "roc_auc_macro" or "ece" (for "macro" also the number or the "#
        + #"name of a class) is expected"#
    ),
    (
      #"metrics=["f1_nine"]"#,
      #"metrics[0]: no class is called "nine"; they are "0", "1", "2", "3", "4", "5", "6", "7", "8", "9""#
    ),
    (
      #"augmentation_fill=mirror"#,
      #"augmentation_fill: "mirror" is not a way to fill; did you mean "reflect"?"#
    ),
    (
      "dataset.keep_aspect=true",
      #"dataset.keep_aspect: is of images that are resized; give "resize" "bilinear" or "area" too"#
    ),
    (
      #"loss={"name":"focal","class_weights":"balance"}"#,
      #"loss.class_weights: "balance" is not a way to weigh classes; did you mean "balanced"?"#
    ),
    (
      #"optimizer.averaging={"name":"swa","after":3}"#,
      "optimizer.averaging.after: 3 leaves none of the 3 epochs to average"
    ),
    (
      #"optimizer.learning_rate_factors={"conv2d_1":0}"#,
      #"optimizer.learning_rate_factors.conv2d_1: there is no such layer with weights; did you mean "conv2d_0"?"#
    ),
    (
      "loss=cross_entropy",
      #"loss: "cross_entropy" is not a loss; did you mean "softmax_cross_entropy"?"#
    ),
  ]

  @Test(arguments: errors) func mistakes(argument: String, message: String) {
    #expect(
      SpecErrorTests.errors(SpecErrorTests.base, [argument]) == ["command line: \(message)"])
  }

  @Test func momentumThatIsNotThere() {
    let cycle = #"schedule={"name":"one_cycle","momentum":[0.8,0.9]}"#
    let message =
      "command line: schedule.momentum: the optimizer has no momentum that could be cycled; give it "
      + "one, or leave this out"
    for (optimizer, isFine) in [
      (#"{"name":"sgd"}"#, false), (#"{"name":"sgd","momentum":0.9}"#, true),
      (#"{"name":"adam"}"#, true), (#"{"name":"lion"}"#, false), (#"{"name":"rmsprop"}"#, false),
    ] {
      let errors = SpecErrorTests.errors(SpecErrorTests.base, ["optimizer=\(optimizer)", cycle])
      #expect(errors == (isFine ? [] : [message]), "\(optimizer)")
    }
    // What is wrong with the optimizer is told once, and as what it is.
    let errors = SpecErrorTests.errors(SpecErrorTests.base, [#"optimizer={"name":"x"}"#, cycle])
    #expect(errors.count == 1)
  }
}
