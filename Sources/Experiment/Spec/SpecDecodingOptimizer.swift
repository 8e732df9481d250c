import ConvNet
import Storage

extension OptimizerDescription {
  init(checked value: JSONValue) {
    self.init(
      rule: OptimizerRule(checked: value), learningRate: value.float("learning_rate"),
      weightDecay: value.float("weight_decay"),
      clipping: GradientClipping(
        value: value["clip_value"]?.number?.float, norm: value["clip_norm"]?.number?.float),
      averaging: value["averaging"].flatMap(WeightAveraging.init(checked:)),
      accumulation: value.int("accumulation"), sharpness: value["sam"]?.number?.float,
      layerFactors: value["learning_rate_factors"]!.object!.members.map {
        LayerFactor($0.key, $0.value.number!.float)
      })
  }

  /// As a spec writes it, every default written out.
  var json: JSONValue {
    var json = JSONObject()
    json["name"] = .string(rule.name == "adam" && weightDecay != 0 ? "adamw" : rule.name)
    json["learning_rate"] = JSONValue(learningRate)
    for member in rule.json.object!.members { json[member.key] = member.value }
    json["weight_decay"] = JSONValue(weightDecay)
    json["clip_value"] = clipping.value.map { JSONValue($0) } ?? .null
    json["clip_norm"] = clipping.norm.map { JSONValue($0) } ?? .null
    json["accumulation"] = JSONValue(accumulation)
    json["sam"] = sharpness.map { JSONValue($0) } ?? .null
    var factors = JSONObject()
    for factor in layerFactors { factors[factor.layer] = JSONValue(factor.factor) }
    json["learning_rate_factors"] = .object(factors)
    json["averaging"] = averaging?.json ?? .null
    return .object(json)
  }
}

extension OptimizerRule {
  init(checked value: JSONValue) {
    var convention: OptimizerConvention {
      OptimizerConvention(rawValue: value["convention"]!.string!)!
    }
    switch value["name"]!.string! {
    case "sgd":
      self = .sgd(
        momentum: value.float("momentum"), nesterov: value.bool("nesterov"), convention: convention)
    case "adam", "adamw":
      self = .adam(
        beta1: value.float("beta_1"), beta2: value.float("beta_2"),
        epsilon: value.float("epsilon"), convention: convention, amsgrad: value.bool("amsgrad"))
    case "adadelta":
      self = .adadelta(rho: value.float("rho"), epsilon: value.float("epsilon"))
    case "rmsprop":
      self = .rmsprop(
        RMSpropDescription(
          rho: value.float("rho"), momentum: value.float("momentum"),
          epsilon: value.float("epsilon"), centered: value.bool("centered"), convention: convention)
      )
    case "adagrad":
      self = .adagrad(
        initial: value.float("initial"), epsilon: value.float("epsilon"), convention: convention)
    case "adamax":
      self = .adamax(
        beta1: value.float("beta_1"), beta2: value.float("beta_2"),
        epsilon: value.float("epsilon"), convention: convention)
    case "nadam":
      self = .nadam(
        beta1: value.float("beta_1"), beta2: value.float("beta_2"),
        epsilon: value.float("epsilon"), momentumDecay: value.float("momentum_decay"))
    case "lion": self = .lion(beta1: value.float("beta_1"), beta2: value.float("beta_2"))
    case "muon":
      self = .muon(
        MuonDescription(
          momentum: value.float("momentum"), nesterov: value.bool("nesterov"),
          beta1: value.float("beta_1"), beta2: value.float("beta_2"),
          epsilon: value.float("epsilon")))
    case "shampoo":
      self = .shampoo(
        ShampooDescription(
          beta1: value.float("beta_1"), beta2: value.float("beta_2"),
          epsilon: value.float("epsilon"), decay: value.float("decay"),
          ridge: value.float("ridge"), every: value.int("every"), largest: value.int("largest"),
          grafts: value.bool("graft")))
    case "kfac":
      self = .kfac(
        KFACDescription(
          momentum: value.float("momentum"), damping: value.float("damping"),
          decay: value.float("decay"), trust: value.float("kl_clip"), every: value.int("every"),
          momentsEvery: value.int("moments_every"), largest: value.int("largest")))
    case let name: preconditionFailure("undescribed optimizer \(name)")
    }
  }

  /// The rule's own keys. The convention of Adadelta and Nadam chose their constants and is spent.
  fileprivate var json: JSONValue {
    switch self {
    case .sgd(let momentum, let nesterov, let convention):
      [
        "momentum": JSONValue(momentum), "nesterov": .bool(nesterov),
        "convention": .string(convention.rawValue),
      ]
    case .adam(let beta1, let beta2, let epsilon, let convention, let amsgrad):
      [
        "convention": .string(convention.rawValue), "beta_1": JSONValue(beta1),
        "beta_2": JSONValue(beta2), "epsilon": JSONValue(epsilon), "amsgrad": .bool(amsgrad),
      ]
    case .adadelta(let rho, let epsilon):
      ["rho": JSONValue(rho), "epsilon": JSONValue(epsilon)]
    case .rmsprop(let rmsprop):
      [
        "convention": .string(rmsprop.convention.rawValue), "rho": JSONValue(rmsprop.rho),
        "momentum": JSONValue(rmsprop.momentum), "epsilon": JSONValue(rmsprop.epsilon),
        "centered": .bool(rmsprop.centered),
      ]
    case .adagrad(let initial, let epsilon, let convention):
      [
        "convention": .string(convention.rawValue), "initial": JSONValue(initial),
        "epsilon": JSONValue(epsilon),
      ]
    case .adamax(let beta1, let beta2, let epsilon, let convention):
      [
        "convention": .string(convention.rawValue), "beta_1": JSONValue(beta1),
        "beta_2": JSONValue(beta2), "epsilon": JSONValue(epsilon),
      ]
    case .nadam(let beta1, let beta2, let epsilon, let momentumDecay):
      [
        "beta_1": JSONValue(beta1), "beta_2": JSONValue(beta2), "epsilon": JSONValue(epsilon),
        "momentum_decay": JSONValue(momentumDecay),
      ]
    case .lion(let beta1, let beta2): ["beta_1": JSONValue(beta1), "beta_2": JSONValue(beta2)]
    case .muon(let muon):
      [
        "momentum": JSONValue(muon.momentum), "nesterov": .bool(muon.nesterov),
        "beta_1": JSONValue(muon.beta1), "beta_2": JSONValue(muon.beta2),
        "epsilon": JSONValue(muon.epsilon),
      ]
    case .shampoo(let shampoo):
      [
        "beta_1": JSONValue(shampoo.beta1), "beta_2": JSONValue(shampoo.beta2),
        "epsilon": JSONValue(shampoo.epsilon), "decay": JSONValue(shampoo.decay),
        "ridge": JSONValue(shampoo.ridge), "every": JSONValue(shampoo.every),
        "largest": JSONValue(shampoo.largest), "graft": .bool(shampoo.grafts),
      ]
    case .kfac(let kfac):
      [
        "momentum": JSONValue(kfac.momentum), "damping": JSONValue(kfac.damping),
        "decay": JSONValue(kfac.decay), "kl_clip": JSONValue(kfac.trust),
        "every": JSONValue(kfac.every), "moments_every": JSONValue(kfac.momentsEvery),
        "largest": JSONValue(kfac.largest),
      ]
    }
  }
}

extension WeightAveraging {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    switch value["name"]!.string! {
    case "ema": self = .exponential(decay: value.float("decay"))
    case "swa": self = .stochastic(after: value.int("after"))
    case let name: preconditionFailure("undescribed averaging \(name)")
    }
  }

  var json: JSONValue {
    switch self {
    case .exponential(let decay): ["name": "ema", "decay": JSONValue(decay)]
    case .stochastic(let after): ["name": "swa", "after": JSONValue(after)]
    }
  }
}
