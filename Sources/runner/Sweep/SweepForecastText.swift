import Experiment
import Report
import Sweep

extension SweepForecast {
  /// What a sweep will try, and what it will take.
  /// - Parameter jobs: how many trials run at once.
  func document(_ spec: SweepSpec, _ check: TrialCheck, jobs: Int) -> TextDocument {
    var table = TextTable(
      [.init("trial", .right)] + spec.space.columns + [
        .init("parameters", .right), .init("mflop", title: "MFLOP", .right),
        .init("memory_mb", title: "memory", .right), .init("seconds", title: "time", .right),
        .init("disk_mb", title: "disk", .right),
      ])
    func megabytes(_ bytes: Int) -> TextTable.Cell {
      .number(Double(bytes) / 1e6, "\(fixed(Double(bytes) / 1e6, 1)) MB")
    }
    for trial in trials {
      table.append(
        [.integer(trial.number)] + spec.space.cells(of: trial.configuration) + [
          .integer(trial.parameters, grouped(trial.parameters)),
          .number(Double(trial.flops) / 1e6, fixed(Double(trial.flops) / 1e6, 2)),
          megabytes(trial.memory), .number(trial.seconds, duration(trial.seconds)),
          megabytes(trial.disk),
        ])
    }
    var notes = [
      "\(spec.trials) trials, \(spec.seeds.count) seed\(spec.seeds.count == 1 ? "" : "s") each, "
        + "winner confirmed on \(spec.confirm)"
    ]
    if unknown > 0 {
      notes.append(
        spec.sampler.usesResults
          ? "\(unknown) trials will be chosen from the results of these"
          : "\(unknown) more are not shown")
    }
    if share < 1 {
      notes.append("\(percent(share)) of all epochs are trained; the rest is cut short")
    }
    notes.append(
      "about \(duration(seconds / Double(jobs))) with \(jobs) jobs, "
        + "\(fixed(Double(disk) / 1e9, 2)) GB of disk")
    if let note = check.leastMoved?.movingStatisticsNote() {
      notes.append("in some trials, \(note)")
    }
    var document = TextDocument()
    document.append(table, key: "trials")
    document.append(notes, key: "notes")
    return document
  }
}
