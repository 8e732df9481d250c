import Experiment
import Storage

/// trials.csv: a row for each trial and seed that is over, in order. A function of the spec alone.
struct TrialsTable {
  let csv: String

  init(_ plan: Plan, folder: SweepFolder) {
    let parameters = plan.spec.space.parameters
    let figures = plan.spec.figures
    let header =
      ["trial", "status", "seed"] + parameters.map(\.path) + ["epochs", "best_epoch"]
      + figures.map { "best_\($0.rawValue)" } + figures.map { "last_\($0.rawValue)" }
      + ["stop_reason", "run"]
    var rows = [header]
    func fields(_ row: EpochRow?) -> [String] {
      figures.map { row?[$0]?.description ?? "" }
    }
    for trial in plan.trials where trial.isOver {
      let values = plan.spec.space.labels(of: trial.configuration).map { $0 ?? "" }
      for case let result? in plan.results(of: trial.number) {
        var (status, reason) = (result.status, result.reason)
        // Others of its bracket went on, or this member of a population as a later trial.
        if status == .reached {
          status = .stopped
          reason =
            plan.generation(of: trial.number).map { "generation \($0)" }
            ?? "rung \(result.id.stage)"
        }
        let place = StageID(trial: result.id.trial, seed: result.id.seed, stage: 0)
        rows.append(
          CSV.fields(trial.number, status.rawValue, result.id.seed) + values
            + CSV.fields(result.last?.epoch, result.best?.epoch)
            + fields(result.best) + fields(result.last) + [reason, folder.run(of: place)])
      }
    }
    csv = CSV.text(rows)
  }
}
