import ConvNet
import Storage

extension Schedule {
  init(checked value: JSONValue) {
    switch value["name"]!.string! {
    case "constant": self = .constant
    case "step": self = .step(every: value.int("every"), factor: value.double("factor"))
    case "exponential":
      self = .exponential(decay: value.double("decay"), staircase: value.bool("staircase"))
    case "cosine":
      self = .cosine(epochs: value.double("epochs"), final: value.double("final"))
    case "cosine_restarts":
      self = .cosineRestarts(
        epochs: value.double("epochs"), growth: value.double("growth"), peak: value.double("peak"),
        final: value.double("final"))
    case "one_cycle": self = .oneCycle(OneCycleDescription(checked: value))
    case "polynomial":
      self = .polynomial(
        epochs: value.double("epochs"), power: value.double("power"), final: value.double("final"))
    case "inverse_sqrt": self = .inverseSquareRoot(timescale: value.double("timescale"))
    case "piecewise":
      self = .piecewise(
        boundaries: value["boundaries"]!.array!.map { $0.double! },
        factors: value["factors"]!.array!.map { $0.double! })
    case "reduce_on_plateau":
      self = .reduceOnPlateau(
        PlateauDescription(
          monitor: Metric(rawValue: value["monitor"]!.string!)!, factor: value.double("factor"),
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
      case .cosineRestarts(let epochs, let growth, let peak, let final):
        [
          "name": "cosine_restarts", "epochs": JSONValue(epochs), "growth": JSONValue(growth),
          "peak": JSONValue(peak), "final": JSONValue(final),
        ]
      case .oneCycle(let cycle): cycle.json
      case .polynomial(let epochs, let power, let final):
        [
          "name": "polynomial", "epochs": JSONValue(epochs), "power": JSONValue(power),
          "final": JSONValue(final),
        ]
      case .inverseSquareRoot(let timescale):
        ["name": "inverse_sqrt", "timescale": JSONValue(timescale)]
      case .piecewise(let boundaries, let factors):
        [
          "name": "piecewise", "boundaries": .array(boundaries.map { JSONValue($0) }),
          "factors": .array(factors.map { JSONValue($0) }),
        ]
      case .reduceOnPlateau(let plateau):
        [
          "name": "reduce_on_plateau", "monitor": .string(plateau.monitor.rawValue),
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

extension OneCycleDescription {
  init(checked value: JSONValue) {
    let bounds = value["momentum"]?.array
    self.init(
      epochs: value.double("epochs"), rise: value.double("rise"), start: value.double("start"),
      final: value.double("final"), anneal: Anneal(rawValue: value["anneal"]!.string!)!,
      threePhase: value.bool("three_phase"),
      momentum: bounds.map { MomentumCycle(low: $0[0].double!, high: $0[1].double!) })
  }

  var json: JSONValue {
    [
      "name": "one_cycle", "epochs": JSONValue(epochs), "rise": JSONValue(rise),
      "start": JSONValue(start), "final": JSONValue(final), "anneal": .string(anneal.rawValue),
      "three_phase": .bool(threePhase),
      "momentum": momentum.map { [JSONValue($0.low), JSONValue($0.high)] } ?? .null,
    ]
  }
}

extension Warmup {
  init?(checked value: JSONValue) {
    if value.isNull { return nil }
    self.init(epochs: value.double("epochs"), from: value.double("from"))
  }
}
