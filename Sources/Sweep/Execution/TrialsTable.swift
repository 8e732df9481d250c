import Experiment

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
    var text = CSV.row(header) + "\n"
    func cells(_ row: EpochRow?) -> String {
      figures.map { row?[$0]?.description ?? "" }.joined(separator: ",")
    }
    for trial in plan.trials where trial.isOver {
      let values = plan.spec.space.labels(of: trial.configuration).map {
        CSV.field($0 ?? "") + ","
      }.joined()
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
        text += "\(trial.number),\(status.rawValue),\(result.id.seed),\(values)"
        text += "\(result.last.map { "\($0.epoch)" } ?? ""),"
        text += "\(result.best.map { "\($0.epoch)" } ?? ""),"
        text += "\(cells(result.best)),\(cells(result.last)),\(CSV.field(reason)),"
        text += "\(folder.run(of: place))\n"
      }
    }
    csv = text
  }
}
