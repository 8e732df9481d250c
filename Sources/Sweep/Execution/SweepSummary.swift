import ConvNet
import Datasets
import Experiment
import Glibc
import Storage
import Watching

/// What a sweep came to: its winner by the validation images, and what the winner's runs on fresh
/// seeds gave on the test images, which nobody had read before. A function of the spec alone.
public struct SweepSummary: Sendable {
  public struct Winner: Sendable {
    public let trial: Int
    /// By the path of each parameter; empty for one that isn't active.
    public let parameters: [(path: String, value: String)]
    /// The metric that it was chosen by: its mean over the seeds.
    public let value: Double
    public let experiment: ExperimentSpec
  }

  /// One of the winner's runs on fresh seeds.
  public struct Confirmed: Sendable {
    public let seed: UInt64
    public let status: StageResult.Status
    public let metric: Double?
    public let testAccuracy: Double?
    public let testLoss: Double?
    /// The metric of the sweep, of the test images, where that is neither accuracy nor loss.
    public let testMetric: MeasuredMetric?
  }

  public let spec: SweepSpec
  /// The runs of the winner, from the sweep's folder: on fresh seeds, then those that it was chosen by.
  private let runs: [String]
  public let winner: Winner?
  public let confirmed: [Confirmed]
  /// How many trials ended how, in the order of `StageResult.Status`.
  public let counts: [(status: String, count: Int)]

  init(_ run: SweepRun) throws {
    let (spec, plan) = (run.spec, run.plan)
    self.spec = spec
    winner = try plan.winner.map { number in
      let configuration = plan.trials[number].configuration
      return Winner(
        trial: number,
        parameters: zip(spec.space.parameters, spec.space.labels(of: configuration)).map {
          ($0.path, $1 ?? "")
        },
        value: plan.value(of: plan.trials[number])!,
        experiment: try spec.experiment(for: configuration, seed: spec.seeds[0]))
    }
    let fresh = spec.confirmationSeeds.compactMap { run.confirmed[$0] }
      .filter { $0.status == .completed }.map { run.folder.run(of: $0.id) }
    let chosen = plan.winner.map { number in
      spec.seeds.map { run.folder.run(of: StageID(trial: number, seed: $0, stage: 0)) }
    }
    runs = fresh + (chosen ?? [])
    confirmed = try spec.confirmationSeeds.compactMap { seed in
      guard let result = run.confirmed[seed] else { return nil }
      let tested = try Self.tested(
        result, in: "\(run.folder.path)/\(run.folder.run(of: result.id))")
      return Confirmed(
        seed: seed, status: result.status,
        metric: result.value(epochs: nil, maximizes: spec.maximizes),
        testAccuracy: tested?["test_accuracy"]?.double, testLoss: tested?["test_loss"]?.double,
        testMetric: spec.metric.kind.isAlways
          ? nil
          : MeasuredMetric(
            name: spec.metric.name,
            value: tested?["test_metrics"]?[spec.metric.name.text]?.double))
    }
    var counts = StageResult.Status.allCases.map { (status: $0.rawValue, count: 0) }
    for trial in plan.trials where trial.isOver {
      // A trial is as bad as the worst of its seeds; those that others overtook are stopped.
      let statuses = plan.results(of: trial.number).compactMap { $0?.status }.map {
        $0 == .reached ? .stopped : $0
      }
      let worst = StageResult.Status.allCases.last { statuses.contains($0) }
      if let place = StageResult.Status.allCases.firstIndex(where: { $0 == worst }) {
        counts[place].count += 1
      }
    }
    self.counts = counts.filter { $0.count > 0 }
  }

  /// What a run on a fresh seed says of the test images, after its files have been held against each other
  /// and against the journal; nil where it came to nothing, or its folder is gone.
  private static func tested(_ result: StageResult, in path: String) throws -> JSONValue? {
    guard result.status == .completed, Files.exists(path) else { return nil }
    let folder = try RunFolder(opening: path)
    guard try folder.checkedRows().last == result.last else {
      throw RecordError(
        folder.metrics, "its last epoch is not the one that the sweep's journal tells of")
    }
    return try folder.readSummary()
  }

  /// Writes summary.json, best.json, the winner's experiment, and model.safetensors, what the first of
  /// its runs has learned that came to its end, with its profile.
  func write(to folder: SweepFolder) throws {
    try AtomicFile.write(json.pretty, to: folder.summary)
    if let winner {
      var experiment = winner.experiment
      experiment.name = String("\(spec.name)-best".prefix(100))
      try AtomicFile.write(experiment.resolved().pretty, to: folder.best)
      let models = runs.map { "\(folder.path)/\($0)/model.safetensors" }
      if let model = models.first(where: Files.exists) {
        try AtomicFile.write(Files.read(model), to: folder.model)
        let profile = ValidationProfile.path(besideModel: model)
        if Files.exists(profile) {
          try AtomicFile.write(
            Files.read(profile), to: ValidationProfile.path(besideModel: folder.model))
        }
      }
    }
  }

  /// How many trials could not be run.
  public var failures: Int {
    counts.reduce(0) { sum, entry in
      StageResult.Status(rawValue: entry.status)!.isWorthRetrying ? sum + entry.count : sum
    }
  }

  /// What a sweep that is over did not come to, as a sentence; nil for one that came to all of it.
  public var lacking: String? {
    guard winner != nil else {
      let endings = counts.map { "\($0.count) \($0.status)" }.joined(separator: ", ")
      return "no trial has a \(spec.metric.rawValue): \(endings)"
    }
    let missing = confirmed.filter { $0.status != .completed }
    guard let first = missing.first else { return nil }
    let runs = missing.map { "seed \($0.seed) \($0.status.rawValue)" }.joined(separator: ", ")
    let isWorthRetrying = missing.contains { $0.status.isWorthRetrying }
    return "of the winner's \(spec.confirmationSeeds.count) runs on fresh seeds "
      + "\(missing.count == 1 ? "that on seed \(first.seed) \(first.status.rawValue)" : runs)"
      + (isWorthRetrying ? "; runner sweep runs what failed again" : "")
  }

  public var testAccuracies: [Double] { confirmed.compactMap(\.testAccuracy) }

  private var json: JSONValue {
    func number(_ value: Double?) -> JSONValue { value.map { JSONValue($0) } ?? .null }
    var statuses = JSONObject()
    for (status, count) in counts { statuses[status] = JSONValue(count) }
    var best = JSONValue.null
    if let winner {
      var parameters = JSONObject()
      for (path, value) in winner.parameters { parameters[path] = .string(value) }
      best = [
        "trial": JSONValue(winner.trial), "parameters": .object(parameters),
        spec.metric.rawValue: number(winner.value),
      ]
    }
    return [
      "name": .string(spec.name),
      "metric": .string(spec.metric.rawValue),
      "direction": .string(spec.maximizes ? "maximize" : "minimize"),
      "trials": .object(statuses),
      "winner": best,
      "confirmed": .array(
        confirmed.map { run in
          var json: JSONValue = [
            "seed": JSONValue(run.seed), spec.metric.rawValue: number(run.metric),
            "test_accuracy": number(run.testAccuracy), "test_loss": number(run.testLoss),
          ]
          if let metric = run.testMetric {
            json[Metric(.test, metric.name)!.rawValue] = number(metric.value)
          }
          if run.status != .completed { json["status"] = .string(run.status.rawValue) }
          return json
        }),
    ]
  }
}
