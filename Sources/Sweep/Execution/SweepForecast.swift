import ConvNet
import Experiment
import Search
import Storage

/// What a sweep will take, before any of it is run.
public struct SweepForecast: Sendable {
  public struct TrialForecast: Sendable {
    public let number: Int
    public let configuration: Configuration
    /// Trainable numbers.
    public let parameters: Int
    /// Operations of one image's textbook forward pass.
    public let flops: Int
    /// Bytes that the network and its optimizer take.
    public let memory: Int
    /// Seconds of training on one thread, over all seeds, when nothing ends it early.
    public let seconds: Double
    /// Bytes of its runs' folders.
    public let disk: Int
  }

  /// The trials that are known before any has run.
  public let trials: [TrialForecast]
  /// How many will be chosen from the results of others.
  public let unknown: Int
  /// The share of the epochs that is trained when trials are ended early as planned.
  public let share: Double
  /// All of it, the unknown trials taken for the mean of the known: seconds on one thread, and bytes.
  public let seconds: Double
  public let disk: Int

  /// The most trials that are looked at one by one; the others are taken for the mean.
  public static let limit = 1000

  /// Times a few steps of every network that is unlike the others, ten of them at most, one after
  /// another on one thread.
  public init(_ spec: SweepSpec) throws {
    var plan = Plan(spec)
    let template = TrialTemplate(spec)
    var trials: [TrialForecast] = []
    var probes: [Shape: TrainingProbe] = [:]
    var rate: (seconds: Double, flops: Double) = (0, 0)
    while let stage = plan.next(), trials.count < Self.limit {
      guard stage.id.stage == 0, stage.id.seed == spec.seeds[0] else { continue }
      let configuration = plan.trials[stage.id.trial].configuration
      let experiment = try template.trial(configuration, seed: stage.id.seed)
      let network = try NetworkPlan(experiment.network)
      let shape = Shape(experiment)
      if probes[shape] == nil, probes.count < 10 {
        let probe = try TrainingProbe(experiment, threads: 1)
        probes[shape] = probe
        rate.seconds += probe.secondsPerStep
        rate.flops += Double(network.trainingFLOPs) * Double(experiment.training.batchSize)
      }
      // Where only the files will tell how many images there are, MNIST's number stands for it.
      let split = experiment.dataset.split ?? (validation: 0, training: 60_000)
      let images = split.training
      // The last evaluation of an epoch costs a third of a step for each image.
      let training = Double(network.trainingFLOPs) * Double(images)
      let validation = Double(network.forwardFLOPs) * Double(split.validation)
      var epoch = (training + validation) * rate.seconds / max(1, rate.flops)
      if let probe = probes[shape] {
        let batch = experiment.training.batchSize
        let steps =
          probe.secondsPerStep * Double(probe.stepsPerEpoch ?? (images + batch - 1) / batch)
        epoch = steps * (training + validation) / max(1, training)
      }
      let seeds = Double(spec.seeds.count)
      let memory = try TrainingMemory(experiment, threads: 1).network
      // The last checkpoint holds the weights and the optimizer's state; the best, and the model, the
      // weights.
      let disk = spec.seeds.count * (memory.checkpoint + 8 * network.parameters + 20_000)
      trials.append(
        TrialForecast(
          number: stage.id.trial,
          configuration: configuration,
          parameters: network.parameters, flops: network.forwardFLOPs, memory: memory.bytes,
          seconds: epoch * Double(experiment.training.epochs) * seeds, disk: disk))
    }
    self.trials = trials
    unknown = spec.trials - trials.count
    share = spec.plannedShare
    let known = Double(max(1, trials.count))
    let scale = Double(spec.trials) / known
    let total = trials.reduce(0) { $0 + $1.seconds } * scale
    let confirmation = trials.isEmpty ? 0 : total / Double(spec.trials * spec.seeds.count)
    seconds = total * share + confirmation * Double(spec.confirm)
    disk = Int(Double(trials.reduce(0) { $0 + $1.disk }) * scale)
  }

  /// What decides how long a step takes.
  fileprivate struct Shape: Hashable {
    let model: [ModelItem]
    let batchSize: Int
    let optimizer: OptimizerRule
    init(_ experiment: ExperimentSpec) {
      model = experiment.model
      batchSize = experiment.training.batchSize
      optimizer = experiment.optimizer.rule
    }
  }
}

extension SweepSpec {
  /// Refuses to begin what will not fit into memory: as many of the largest network among the trials
  /// that are known before any has run as there are jobs, and the images that all share.
  /// - Throws: `MemoryShortage`.
  public func checkMemory(jobs: Int) throws {
    var plan = Plan(self)
    let template = TrialTemplate(self)
    var largest: (experiment: ExperimentSpec, bytes: Int)?
    var seen: Set<SweepForecast.Shape> = []
    while let stage = plan.next(), stage.id.trial < SweepForecast.limit {
      guard stage.id.stage == 0, stage.id.seed == seeds[0] else { continue }
      let experiment = try template.trial(
        plan.trials[stage.id.trial].configuration, seed: stage.id.seed)
      guard seen.insert(SweepForecast.Shape(experiment)).inserted else { continue }
      let bytes = try TrainingMemory(experiment, threads: 1).total
      if bytes > largest?.bytes ?? -1 { largest = (experiment, bytes) }
    }
    guard let (experiment, _) = largest else { return }
    try experiment.checkMemory(threads: 1)
    try experiment.checkMemory(threads: 1, processes: min(jobs, trials), isBeginning: false)
  }

  /// The share of all trials' epochs that is trained when rungs end trials as planned.
  fileprivate var plannedShare: Double {
    guard let brackets else {
      guard case .populationBased(let rule) = sampler else { return 1 }
      // A member's generations share one training.
      return min(1, Double(rule.interval) / Double(epochs))
    }
    var trained = 0
    var first = 0
    while first < trials {
      let bracket = brackets.bracket(of: first, total: trials)
      var before = 0
      for (rung, size) in zip(bracket.rungs, bracket.sizes) {
        trained += size * (rung - before)
        before = rung
      }
      first = bracket.trials.upperBound
    }
    return Double(trained) / Double(trials * epochs)
  }
}
