import ConvNet

extension OptimizerDescription {
  init(checked value: JSONValue) {
    let rule: OptimizerRule
    switch value["name"]!.string! {
    case "sgd":
      rule = .sgd(
        momentum: value.float("momentum"), nesterov: value.bool("nesterov"),
        convention: OptimizerConvention(rawValue: value["convention"]!.string!)!)
    case "adam", "adamw":
      rule = .adam(
        beta1: value.float("beta_1"), beta2: value.float("beta_2"),
        epsilon: value.float("epsilon"),
        convention: OptimizerConvention(rawValue: value["convention"]!.string!)!)
    case "adadelta":
      rule = .adadelta(rho: value.float("rho"), epsilon: value.float("epsilon"))
    case let name: preconditionFailure("undescribed optimizer \(name)")
    }
    self.init(
      rule: rule, learningRate: value.float("learning_rate"),
      weightDecay: value.float("weight_decay"))
  }

  /// As a spec writes it, every default written out. Adadelta's convention chose its constants and
  /// is spent.
  var json: JSONValue {
    switch rule {
    case .sgd(let momentum, let nesterov, let convention):
      [
        "name": "sgd", "learning_rate": JSONValue(learningRate), "momentum": JSONValue(momentum),
        "nesterov": .bool(nesterov), "convention": .string(convention.rawValue),
        "weight_decay": JSONValue(weightDecay),
      ]
    case .adam(let beta1, let beta2, let epsilon, let convention):
      [
        "name": weightDecay == 0 ? "adam" : "adamw", "learning_rate": JSONValue(learningRate),
        "convention": .string(convention.rawValue), "beta_1": JSONValue(beta1),
        "beta_2": JSONValue(beta2), "epsilon": JSONValue(epsilon),
        "weight_decay": JSONValue(weightDecay),
      ]
    case .adadelta(let rho, let epsilon):
      [
        "name": "adadelta", "learning_rate": JSONValue(learningRate), "rho": JSONValue(rho),
        "epsilon": JSONValue(epsilon), "weight_decay": JSONValue(weightDecay),
      ]
    }
  }
}

extension Schedule {
  init(checked value: JSONValue) {
    switch value["name"]!.string! {
    case "constant": self = .constant
    case "step": self = .step(every: value.int("every"), factor: value.double("factor"))
    case "exponential":
      self = .exponential(decay: value.double("decay"), staircase: value.bool("staircase"))
    case "cosine":
      self = .cosine(epochs: value.double("epochs"), final: value.double("final"))
    case "reduce_on_plateau":
      self = .reduceOnPlateau(
        PlateauDescription(
          monitor: value["monitor"]!.string!, factor: value.double("factor"),
          patience: value.int("patience"), minDelta: value.double("min_delta"),
          cooldown: value.int("cooldown"), minimum: value.double("min_learning_rate")))
    case let name: preconditionFailure("undescribed schedule \(name)")
    }
  }

  /// As a spec writes it, every default written out.
  func json(warmup: Warmup?) -> JSONValue {
    var json: JSONValue =
      switch self {
      case .constant: ["name": "constant"]
      case .step(let every, let factor):
        ["name": "step", "every": JSONValue(every), "factor": JSONValue(factor)]
      case .exponential(let decay, let staircase):
        ["name": "exponential", "decay": JSONValue(decay), "staircase": .bool(staircase)]
      case .cosine(let epochs, let final):
        ["name": "cosine", "epochs": JSONValue(epochs), "final": JSONValue(final)]
      case .reduceOnPlateau(let plateau):
        [
          "name": "reduce_on_plateau", "monitor": .string(plateau.monitor),
          "factor": JSONValue(plateau.factor), "patience": JSONValue(plateau.patience),
          "min_delta": JSONValue(plateau.minDelta), "cooldown": JSONValue(plateau.cooldown),
          "min_learning_rate": JSONValue(plateau.minimum),
        ]
      }
    json["warmup"] =
      warmup.map { ["epochs": JSONValue($0.epochs), "from": JSONValue($0.from)] } ?? .null
    return json
  }
}

extension Warmup {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    self.init(epochs: value.double("epochs"), from: value.double("from"))
  }
}
