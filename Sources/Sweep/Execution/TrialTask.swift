import ConvNet
import Experiment
import Storage

/// What a worker is told to do, and what it answers: one line of JSON each.
struct TrialTask: Sendable {
  let stage: StageID
  /// The resolved experiment.
  let experiment: JSONValue
  /// The folder of its run.
  let folder: String
  let until: Int?
  let bar: Bar?
  /// The folder of the run whose checkpoint it begins with.
  let parent: String?
  /// What the result is judged by.
  let metric: Metric
  let maximizes: Bool
  let key: String
  /// For tests: end by a trap, or give figures without any training.
  var rehearsal: Rehearsal?

  enum Rehearsal: String, Sendable { case trap, figures }

  var line: String {
    let bar = bar.map { bar -> JSONValue in
      .array(bar.values.map { $0.map { JSONValue($0) } ?? .null })
    }
    let json: JSONValue = [
      "trial": JSONValue(stage.trial), "seed": JSONValue(stage.seed),
      "stage": JSONValue(stage.stage), "folder": .string(folder), "until": JSONValue(until),
      "bar": bar ?? .null, "parent": JSONValue(parent), "metric": .string(metric.rawValue),
      "maximizes": .bool(maximizes), "key": .string(key),
      "rehearsal": JSONValue(rehearsal?.rawValue), "experiment": experiment,
    ]
    return json.compact
  }

  init(
    stage: StageID, experiment: JSONValue, folder: String, until: Int?, bar: Bar?, parent: String?,
    metric: Metric, maximizes: Bool, key: String, rehearsal: Rehearsal? = nil
  ) {
    self.stage = stage
    self.experiment = experiment
    self.folder = folder
    self.until = until
    self.bar = bar
    self.parent = parent
    self.metric = metric
    self.maximizes = maximizes
    self.key = key
    self.rehearsal = rehearsal
  }

  /// Nil when the line isn't a task.
  init?(line: [UInt8]) {
    guard let json = try? JSONValue(parsing: line, name: "task"),
      let trial = json["trial"]?.int, let seed = json["seed"]?.uint64,
      let stage = json["stage"]?.int, let folder = json["folder"]?.string,
      let metric = json["metric"]?.string.flatMap(Metric.init(rawValue:)),
      let key = json["key"]?.string,
      let maximizes = json["maximizes"]?.bool, let experiment = json["experiment"]
    else { return nil }
    self.init(
      stage: StageID(trial: trial, seed: seed, stage: stage), experiment: experiment,
      folder: folder, until: json["until"]?.int,
      bar: json["bar"]?.array.map {
        Bar(metric: metric, values: $0.map(\.double), maximizes: maximizes)
      },
      parent: json["parent"]?.string, metric: metric, maximizes: maximizes, key: key,
      rehearsal: json["rehearsal"]?.string.flatMap(Rehearsal.init))
  }
}

/// A worker's answer.
enum TrialAnswer {
  /// What it came to, and what the user is to know besides.
  case result(StageResult, [String] = [])
  /// A signal came; the trial is at a checkpoint.
  case interrupted

  var line: String {
    guard case .result(let result, let notices) = self else { return #"{"interrupted":true}"# }
    let row: (EpochRow?) -> JSONValue = { $0.map { .string($0.csv) } ?? .null }
    let json: JSONValue = [
      "trial": JSONValue(result.id.trial), "seed": JSONValue(result.id.seed),
      "stage": JSONValue(result.id.stage), "status": .string(result.status.rawValue),
      "reason": .string(result.reason), "key": .string(result.key),
      "curve": .array(result.curve.map { JSONValue($0) }), "best": row(result.best),
      "last": row(result.last),
      "metrics": .array((result.last?.metrics ?? []).map { .string($0.name.text) }),
      "notices": .array(notices.map { .string($0) }),
    ]
    return json.compact
  }

  init?(line: [UInt8]) {
    guard let json = try? JSONValue(parsing: line, name: "answer") else { return nil }
    if json["interrupted"]?.bool == true {
      self = .interrupted
      return
    }
    guard let trial = json["trial"]?.int, let seed = json["seed"]?.uint64,
      let stage = json["stage"]?.int,
      let status = json["status"]?.string.flatMap(StageResult.Status.init),
      let curve = json["curve"]?.array
    else { return nil }
    let metrics = json["metrics"]?.array?.compactMap { $0.string.flatMap(MetricName.init) } ?? []
    func row(_ key: String) -> EpochRow? {
      json[key]?.string.flatMap { EpochRow(csv: $0, metrics: metrics) }
    }
    self = .result(
      StageResult(
        id: StageID(trial: trial, seed: seed, stage: stage), status: status,
        reason: json["reason"]?.string ?? "", curve: curve.compactMap(\.double),
        best: row("best"), last: row("last"), key: json["key"]?.string ?? ""),
      json["notices"]?.array?.compactMap(\.string) ?? [])
  }
}
