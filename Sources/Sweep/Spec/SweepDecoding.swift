import ConvNet
import Datasets
import Experiment
import Search
import Storage

// A sweep from a document that the checker has passed and completed, and back.

extension SweepSpec {
  /// What the checks of the whole work out is yet to come: the number of trials, the rule of early
  /// termination.
  init(
    checked value: JSONValue, base: JSONValue, set: [Assignment], space: SearchSpace,
    measured: [MetricName], seeds: [UInt64], timeLimit: Double?, epochs: Int
  ) {
    self.init(
      name: value["name"]!.string!, description: value["description"]!.string!,
      seed: value["seed"]!.uint64!, base: base, set: set, space: space,
      sampler: SamplerSpec(checked: value["sampler"]!),
      metric: Metric(rawValue: value["metric"]!.string!)!, measured: measured,
      maximizes: value["direction"] == "maximize", trials: value["trials"]?.int ?? 1, seeds: seeds,
      termination: nil, lag: value["lag"]!.int!, timeLimit: timeLimit,
      confirm: value["confirm"]!.int!, epochs: epochs)
  }

  /// The sweep as a document, every default written out and the base inline. Reading it gives this
  /// very spec.
  public func resolved() -> JSONValue {
    var assignments = JSONObject()
    for assignment in set { assignments[assignment.path] = assignment.value }
    var parameters = JSONObject()
    for parameter in space.parameters { parameters[parameter.path] = parameter.json(in: space) }
    return [
      "name": .string(name), "description": .string(description), "seed": JSONValue(seed),
      "base": base, "set": .object(assignments), "parameters": .object(parameters),
      "sampler": sampler.json, "metric": .string(metric.rawValue),
      "direction": maximizes ? "maximize" : "minimize", "trials": JSONValue(trials),
      "seeds": .array(seeds.map { JSONValue($0) }),
      "early_termination": termination?.json ?? .null, "lag": JSONValue(lag),
      "time_limit": timeLimit.map { JSONValue($0) } ?? .null, "confirm": JSONValue(confirm),
    ]
  }

  /// Equal for sweeps whose trials of one number are the same: the SHA-256 of all but the name, the
  /// description, and what may change when a sweep is continued (`trials`, `time_limit`,
  /// `confirm`), however its numbers are written.
  public var identity: String {
    var document = resolved()
    for key in ["name", "description", "trials", "time_limit", "confirm"] { document[key] = nil }
    document["base"]!["description"] = nil
    return SHA256.hex(of: Array(document.canonical.compact.utf8))
  }
}

extension Parameter {
  fileprivate func json(in space: SearchSpace) -> JSONValue {
    var object = JSONObject()
    switch domain {
    case .choice(let options): object["choice"] = Self.json(options)
    case .range(let lower, let upper, let scale):
      object["range"] = [JSONValue(lower), JSONValue(upper)]
      object["scale"] = .string(scale.rawValue)
      object["points"] = JSONValue(points)
    case .integers(let lower, let upper, let scale):
      object["integers"] = [JSONValue(lower), JSONValue(upper)]
      object["scale"] = .string(scale.rawValue)
      object["points"] = JSONValue(points)
    }
    object["when"] = .null
    if let condition {
      let other = space.parameters[condition.parameter]
      guard case .choice(let options) = other.domain else {
        preconditionFailure("a condition on what is no choice")
      }
      let isLabelled = !options.allSatisfy { $0.label == $0.value.label }
      var when = JSONObject()
      when[other.path] = .array(
        condition.options.map { isLabelled ? .string(options[$0].label) : options[$0].value })
      object["when"] = .object(when)
    }
    return .object(object)
  }

  /// A list, or an object where the labels are not the values' own.
  private static func json(_ options: [Domain.Option]) -> JSONValue {
    if options.allSatisfy({ $0.label == $0.value.label }) { return .array(options.map(\.value)) }
    var labelled = JSONObject()
    for option in options { labelled[option.label] = option.value }
    return .object(labelled)
  }
}

extension SamplerSpec {
  init(checked value: JSONValue) {
    switch value["name"]!.string! {
    case "grid": self = .grid
    case "random": self = .random
    case "sobol": self = .sobol
    case "tpe":
      var options = TPESampler.Options()
      options.startup = value["startup"]!.int!
      options.candidates = value["candidates"]!.int!
      options.goodFraction = value["good_fraction"]!.double!
      options.maximumGood = value["max_good"]!.int!
      options.priorWeight = value["prior_weight"]!.double!
      options.bandwidth = value["bandwidth"]!.double!
      self = .tpe(options)
    case "gp":
      var options = GaussianProcessSampler.Options()
      options.startup = value["startup"]!.int!
      options.candidates = value["candidates"]!.int!
      options.starts = value["starts"]!.int!
      options.maximumObservations = value["max_observations"]!.int!
      self = .gaussianProcess(options)
    case "pbt":
      self = .populationBased(
        PopulationBased(
          population: value["population"]!.int!, interval: value["interval"]!.int!,
          truncation: value["truncation"]!.double!, resampling: value["resampling"]!.double!))
    case let name: preconditionFailure("undescribed sampler \(name)")
    }
  }

  var json: JSONValue {
    switch self {
    case .grid, .random, .sobol: ["name": .string(name)]
    case .tpe(let options):
      [
        "name": .string(name), "startup": JSONValue(options.startup),
        "candidates": JSONValue(options.candidates),
        "good_fraction": JSONValue(options.goodFraction),
        "max_good": JSONValue(options.maximumGood),
        "prior_weight": JSONValue(options.priorWeight), "bandwidth": JSONValue(options.bandwidth),
      ]
    case .gaussianProcess(let options):
      [
        "name": .string(name), "startup": JSONValue(options.startup),
        "candidates": JSONValue(options.candidates), "starts": JSONValue(options.starts),
        "max_observations": JSONValue(options.maximumObservations),
      ]
    case .populationBased(let options):
      [
        "name": .string(name), "population": JSONValue(options.population),
        "interval": JSONValue(options.interval), "truncation": JSONValue(options.truncation),
        "resampling": JSONValue(options.resampling),
      ]
    }
  }
}

extension TerminationSpec {
  var json: JSONValue {
    switch self {
    case .successiveHalving(let minEpochs, let eta, let bracket):
      [
        "name": .string(name), "min_epochs": JSONValue(minEpochs), "eta": JSONValue(eta),
        "bracket": JSONValue(bracket),
      ]
    case .hyperband(let minEpochs, let eta):
      ["name": .string(name), "min_epochs": JSONValue(minEpochs), "eta": JSONValue(eta)]
    case .median(let warmupEpochs, let startupTrials):
      [
        "name": .string(name), "warmup_epochs": JSONValue(warmupEpochs),
        "startup_trials": JSONValue(startupTrials),
      ]
    }
  }
}
