import ConvNet
import Experiment
import Search
import TerminalText

/// The progress of a sweep, on stderr: a table of what is running where that is a terminal, a line
/// for each trial that ends in any case.
struct SweepDisplay {
  private let spec: SweepSpec
  private let folder: SweepFolder
  private let style: Display.Style
  private var live = LiveLines(on: .errors)
  private var drawnAt = -1.0
  /// Trial-seeds that ended in this session, to tell how long the others will take.
  private var ended = 0

  init(_ spec: SweepSpec, folder: SweepFolder, isQuiet: Bool) {
    self.spec = spec
    self.folder = folder
    style = Display.style(quiet: isQuiet)
  }

  /// Says what a stage came to.
  mutating func tell(_ result: StageResult, of run: SweepRun, seconds: Double, isReused: Bool) {
    ended += 1
    guard style != .quiet else { return }
    clear()
    let line = Self.line(
      of: result, name: name(result.id), metric: spec.metric, maximizes: spec.maximizes,
      parameters: result.id.stage == StageID.confirmation ? [] : labels(result.id.trial, run),
      seconds: isReused ? nil : seconds)
    // Why a trial failed is told whole.
    let columns = Terminal.errors.columns
    Display.say(
      result.status.isSound
        ? line.text(columns: columns, on: .errors)
        : WrappedText.lines(of: line.text(columns: nil), columns: columns ?? .max, indentation: 2)
          .joined(separator: "\n"))
  }

  /// A stage's line: its figure matters most, then what it was tried with, the time least.
  static func line(
    of result: StageResult, name: String, metric: Metric, maximizes: Bool, parameters: [String],
    seconds: Double?
  ) -> FittedLine {
    let value = result.value(epochs: nil, maximizes: maximizes).map { metric.text($0) }
    let figure = value.map { "\(metric.rawValue) \($0)" } ?? "no \(metric.rawValue)"
    func told(_ detail: String) -> FittedLine.Part {
      .init([(figure + detail, 2), (figure, 4)], then: value ?? "none")
    }
    let epochs = "after \(result.curve.count) epochs"
    let what: FittedLine.Part =
      switch result.status {
      case .reached: told(" \(epochs)")
      case .completed:
        told(
          (result.best.map { " in epoch \($0.epoch)" } ?? "")
            + (result.reason == "early_stopping" ? ", stopped early" : ""))
      case .stopped: told(", below the median \(epochs)")
      case .diverged, .failed, .crashed:
        .init("\(result.status.rawValue): \(result.reason)")
      }
    return FittedLine([
      .init(name), what, Self.part(parameters, worth: 3),
      .init(seconds.map { "\(fixed($0, 1)) s" } ?? "reused", worth: 1),
    ])
  }

  /// The values of a trial; where there is no room for all, the first of them.
  private static func part(_ labels: [String], worth: Int) -> FittedLine.Part {
    let forms = (1...max(1, labels.count)).reversed().map { count in
      (labels.prefix(count) + (count < labels.count ? ["…"] : [])).joined(separator: " ")
    }
    return .init(forms.map { ($0, worth) }, then: "")
  }

  /// Says what is no progress, and is said in any case.
  mutating func say(_ notice: String) {
    clear()
    Display.say(notice)
  }

  /// Draws what is running, five times a second at most.
  mutating func update(_ run: SweepRun) {
    let now = run.clock.seconds
    guard style == .bar, now - drawnAt >= 0.2 else { return }
    drawnAt = now
    let columns = Terminal.errors.columns.map { $0 - 1 }
    let total = spec.trials
    var head = FittedLine([.init("\(run.plan.settled) of \(total) trials")], separator: "   ")
    if let winner = run.plan.winner, let value = run.plan.value(of: run.plan.trials[winner]) {
      let best = "best \(spec.metric.text(value))"
      head.parts.append(.init([("\(best) (trial \(winner))", 1), (best, 3)], then: ""))
    }
    if ended > 0, run.plan.settled < total {
      let runs = Double((total - run.plan.settled) * spec.seeds.count)
      let left = duration(now / Double(ended) * runs)
      head.parts.append(.init([("at most \(left) left", 2)], then: "\(left) left"))
    }
    let running = run.workers.compactMap { worker -> FittedLine? in
      guard let task = worker.task else { return nil }
      let rows = (try? EpochRow.read("\(task.folder)/metrics.csv")) ?? []
      let value = rows.last?[spec.metric].map { spec.metric.text($0) }
      return FittedLine([
        .init("  \(name(task.stage))"), .init("\(fixed(now - worker.started, 0)) s", worth: 1),
        .init("epoch \(rows.count + 1)", worth: 3), .init(value ?? "", worth: 4),
        Self.part(labels(task.stage.trial, run), worth: 2),
      ])
    }
    Display.write(live.redrawing(([head] + running).map { $0.text(columns: columns) }))
  }

  /// Removes the table.
  mutating func clear() { Display.write(live.erasing()) }

  private func name(_ stage: StageID) -> String {
    if stage.stage == StageID.confirmation { return "winner, fresh seed \(stage.seed)" }
    let seed = spec.seeds.count > 1 ? " seed \(stage.seed)" : ""
    return "trial \(stage.trial)\(seed)"
  }

  private func labels(_ trial: Int, _ run: SweepRun) -> [String] {
    zip(spec.space.parameters, spec.space.labels(of: run.plan.trials[trial].configuration))
      .compactMap { parameter, label in label.map { "\(parameter.shortName)=\($0)" } }
  }
}

extension Parameter {
  /// The last key of the path, which is enough to know it by in one line.
  var shortName: Substring {
    path[(path.lastIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...]
  }
}
