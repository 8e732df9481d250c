import ConvNet
import Experiment
import Search
import Storage

// What the parts of a sweep say about each other, and the defaults that come of it.

extension SweepReader {
  mutating func checkRules(
    _ spec: SweepSpec, _ parameters: [ReadParameter], _ trials: TrialChecker
  ) -> SweepSpec {
    var spec = spec
    if spec.metric.needsValidation, trials.lacksValidation {
      let other = Metric(.training, spec.metric.name).map { ", or judge by \"\($0.rawValue)\"" }
      report(
        at: Path() + "metric",
        "\(spec.metric.rawValue) is never measured, since the base's dataset.validation is 0; hold "
          + "images out\(other ?? "")")
    } else if trials.measured.count > 1 {
      report(
        at: Path() + "parameters",
        "the trials do not all measure the same \"metrics\"; say these in the base or in set")
    } else if let lack = spec.metric.lack(
      of: spec.measured,
      trials.template.check(trials.configuration([:])).experiment?.dataset.classNames,
      list: "the base's \"metrics\"")
    {
      report(at: Path() + "metric", lack)
    }
    if trials.kernels.count > 1 {
      report(
        at: Path() + "parameters",
        "compute.kernel: a kernel is of a whole process, and of all trials of a sweep; run a sweep for each"
      )
    }
    checkTermination(&spec, trials)
    if case .populationBased(let options) = spec.sampler {
      checkPopulation(options, &spec, parameters, trials)
    } else {
      checkTrialCount(&spec, parameters)
    }
    return spec
  }

  // MARK: - How many trials

  private mutating func checkTrialCount(_ spec: inout SweepSpec, _ parameters: [ReadParameter]) {
    let path = Path() + "trials"
    let given = checked["trials"]?.int
    if case .grid = spec.sampler {
      let missing = parameters.filter {
        if case .range = $0.parameter.domain { $0.parameter.points == nil } else { false }
      }
      for read in missing {
        report(
          read.keyOrigin, read.path,
          "\"points\" is missing; a grid takes so many values of a range")
      }
      guard missing.isEmpty else { return }
      let limit = SweepSpec.trialLimit
      guard let count = spec.space.gridSize, count <= limit else {
        let size = spec.space.gridSize.map(String.init) ?? Self.gridSize(spec.space)
        report(
          at: Path() + "parameters",
          "the grid has \(size) configurations; at most \(limit) are allowed")
        return
      }
      if let given, given > count {
        report(at: path, "\(given) is more than the \(count) configurations of the grid")
      }
      spec.trials = min(given ?? count, count)
      return
    }
    if spec.space.parameters.isEmpty {
      report(at: Path() + "parameters", "nothing is varied; only a grid can do with that")
    }
    guard let given else {
      report(
        root["trials"]?.value.origin ?? root.origin, root["trials"] == nil ? Path() : path,
        "\"trials\" is missing; only a grid and pbt have a number of their own")
      return
    }
    spec.trials = given
  }

  /// About how many configurations a grid has whose number no `Int` holds.
  static func gridSize(_ space: SearchSpace) -> String {
    var size = 1.0
    for parameter in space.parameters where parameter.condition == nil {
      let count: Double =
        switch parameter.domain {
        case .choice(let options): Double(options.count)
        case .range: Double(parameter.points ?? 1)
        case .integers(let lower, let upper, _):
          min(Double(parameter.points ?? .max), Double(upper) - Double(lower) + 1)
        }
      size *= count
    }
    return size.isFinite ? "more than \(size)" : "beyond all numbers"
  }

  // MARK: - Early termination

  private mutating func checkTermination(_ spec: inout SweepSpec, _ trials: TrialChecker) {
    guard let rule = checked["early_termination"], !rule.isNull, let name = rule["name"]?.string
    else { return }
    let path = Path() + "early_termination"
    if case .populationBased = spec.sampler {
      report(at: path, "pbt ends no trial early; leave it out")
      return
    }
    let epochs = spec.epochs
    if name == "median" {
      let warmup = rule["warmup_epochs"]!.int!
      if warmup + 1 >= trials.epochs!.upperBound {
        report(
          at: path + "warmup_epochs",
          "after \(warmup + 1) epochs there is nothing left to end: the training has \(epochs)")
      }
      spec.termination = .median(
        warmupEpochs: warmup, startupTrials: rule["startup_trials"]!.int!)
      return
    }
    guard isOneLength(trials, path, name) else { return }
    let least = rule["min_epochs"]!.int!
    let eta = rule["eta"]!.int!
    guard least * eta <= epochs else {
      report(
        at: path + "min_epochs",
        "the second rung would be at \(least * eta) epochs, but the training has \(epochs)")
      return
    }
    spec.termination =
      name == "hyperband"
      ? .hyperband(minEpochs: least, eta: eta)
      : .successiveHalving(
        minEpochs: least, eta: eta,
        bracket: rule["bracket"]?.int
          ?? SuccessiveHalving(minimumEpochs: least, maximumEpochs: epochs, eta: eta).bracketSize)
  }

  private mutating func isOneLength(_ trials: TrialChecker, _ path: Path, _ name: String) -> Bool {
    guard let epochs = trials.epochs, epochs.lowerBound < epochs.upperBound else { return true }
    report(
      at: path,
      "\(name) needs the same training.epochs in all trials; here they are from "
        + "\(epochs.lowerBound) to \(epochs.upperBound)")
    return false
  }

  // MARK: - Population-based training

  private mutating func checkPopulation(
    _ options: SamplerSpec.PopulationBased, _ spec: inout SweepSpec,
    _ parameters: [ReadParameter], _ trials: TrialChecker
  ) {
    let path = Path() + "sampler"
    if spec.space.parameters.isEmpty {
      report(at: Path() + "parameters", "nothing is varied; only a grid can do with that")
    }
    if checked["lag"]?.int != 1 {
      report(at: Path() + "lag", "pbt always looks at the generation before; leave it out")
    }
    guard isOneLength(trials, path, "pbt") else { return }
    guard spec.epochs % options.interval == 0, spec.epochs > options.interval else {
      report(
        at: path + "interval",
        "generations of \(options.interval) epochs do not make up the \(spec.epochs) of the "
          + "training in two or more")
      return
    }
    let generations = spec.epochs / options.interval
    let (count, overflow) = generations.multipliedReportingOverflow(by: options.population)
    guard !overflow, count <= SweepSpec.trialLimit else {
      report(
        at: path + "population",
        "\(options.population) members in \(generations) generations are more than "
          + "\(SweepSpec.trialLimit) trials")
      return
    }
    if let given = checked["trials"]?.int, given != count {
      report(
        at: Path() + "trials",
        "\(options.population) members in \(generations) generations are \(count) trials, not "
          + "\(given); leave it out")
    }
    spec.trials = count
    guard let first = trials.template.check(trials.configuration([:])).experiment else { return }
    for (place, read) in parameters.enumerated() {
      for value in read.parameter.domain.samples {
        let configuration = trials.configuration([place: value])
        if let other = trials.template.check(configuration).experiment,
          let change = first.whatKeepsWeights(from: other)
        {
          report(
            read.keyOrigin, read.path,
            "changes \(change), but pbt hands weights from one trial to another")
          break
        }
      }
    }
  }
}

extension ExperimentSpec {
  /// Why the weights and the optimizer's state of one experiment can't go on in the other; nil when
  /// they can.
  fileprivate func whatKeepsWeights(from other: ExperimentSpec) -> String? {
    if dataset != other.dataset { return "the data" }
    if compute.convolution != other.compute.convolution { return "the way of convolutions" }
    if compute != other.compute { return "the kernel" }
    let (own, others) = (optimizer.rule, other.optimizer.rule)
    if own.name != others.name || own.moments != others.moments { return "the optimizer's kind" }
    if (optimizer.averaging == nil) != (other.optimizer.averaging == nil) { return "the averaging" }
    guard let plan = try? NetworkPlan(network), let otherPlan = try? NetworkPlan(other.network)
    else { return "the network" }
    let isAlike =
      plan.layers.count == otherPlan.layers.count
      && zip(plan.layers, otherPlan.layers).allSatisfy {
        $0.description.kind == $1.description.kind && $0.inputs == $1.inputs && $0.input == $1.input
          && $0.output == $1.output && $0.parameters == $1.parameters
      }
    return isAlike ? nil : "the network's shape"
  }
}
