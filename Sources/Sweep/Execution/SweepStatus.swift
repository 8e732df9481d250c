import ConvNet
import Experiment
import Storage

/// Where a sweep stands, by its folder alone; it may be at work meanwhile.
public struct SweepStatus: Sendable {
  public let name: String
  public let total: Int
  /// Trials that are over.
  public let settled: Int
  /// Stages that were begun and have not ended, and who has them.
  public let running: [(stage: StageID, task: String)]
  /// The best trial so far and its figure.
  public let best: (trial: Int, value: Double)?
  public let metric: Metric
  /// Trials that could not be run.
  public let failures: Int
  /// As sweep.json says it: running, completed, interrupted or failed.
  public let status: String

  public init(_ spec: SweepSpec, _ folder: SweepFolder) throws {
    guard folder.isSweep else { throw RecordError(folder.path, "there is no such sweep yet") }
    let known = try Journal.read(
      folder: folder.journal, format: JournalFormat(spec), hasRows: false)
    var plan = Plan(spec, journal: known)
    while let stage = plan.next() {
      if let entry = known[stage.id] { plan.record(entry.result) }
    }
    name = spec.name
    total = spec.trials
    settled = plan.settled
    running = Claims.read(folder: folder.claims).filter { known[$0.stage] == nil }.sorted {
      $0.stage < $1.stage
    }
    best = plan.winner.map { ($0, plan.value(of: plan.trials[$0])!) }
    metric = spec.metric
    failures = known.values.count { $0.result.status.isWorthRetrying }
    let json = try JSONValue(
      parsing: Files.read(folder.record, limit: Files.documentLimit), name: folder.record)
    status = json["status"]?.string ?? "unknown"
  }
}
