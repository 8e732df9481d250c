import Experiment
import Glibc

/// The progress of a sweep, on stderr: a table of what is running where that is a terminal, a line
/// for each trial that ends in any case.
struct SweepDisplay {
  private let spec: SweepSpec
  private let folder: SweepFolder
  private let style: Display.Style
  private var drawnLines = 0
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
    var line = "\(name(result.id))  "
    switch result.status {
    case .reached: line += "\(figure(result)) after \(result.curve.count) epochs"
    case .completed:
      line += figure(result)
      if let best = result.best { line += " in epoch \(best.epoch)" }
      if result.reason == "early_stopping" { line += ", stopped early" }
    case .stopped: line += "\(figure(result)), below the median after \(result.curve.count) epochs"
    case .diverged, .failed, .crashed: line += "\(result.status.rawValue): \(result.reason)"
    }
    if result.id.stage != StageID.confirmation { line += "  \(parameters(result.id.trial, run))" }
    line += isReused ? "  reused" : "  \(fixed(seconds, 1)) s"
    Display.say(line)
  }

  /// Draws what is running, five times a second at most.
  mutating func update(_ run: SweepRun) {
    let now = run.clock.seconds
    guard style == .bar, now - drawnAt >= 0.2 else { return }
    drawnAt = now
    var lines: [String] = []
    let total = spec.trials
    var head = "\(run.plan.settled) of \(total) trials"
    if let winner = run.plan.winner, let value = run.plan.value(of: run.plan.trials[winner]) {
      head += "   best \(text(value)) (trial \(winner))"
    }
    if ended > 0, run.plan.settled < total {
      let runs = Double((total - run.plan.settled) * spec.seeds.count)
      head += "   at most \(duration(now / Double(ended) * runs)) left"
    }
    lines.append(head)
    for worker in run.workers {
      guard let task = worker.task else { continue }
      var line = "  \(name(task.stage))  \(fixed(now - worker.started, 0)) s"
      let rows = (try? EpochRow.read("\(task.folder)/metrics.csv")) ?? []
      line += "  epoch \(rows.count + 1)"
      if let value = rows.last?[spec.metric] { line += "  \(text(value))" }
      line += "  \(parameters(task.stage.trial, run))"
      lines.append(line)
    }
    var size = winsize()
    let columns = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    let drawing = erasing + lines.map { "\($0.prefix(columns - 1))\n" }.joined()
    drawnLines = lines.count
    write(2, drawing, drawing.utf8.count)
  }

  /// Removes the table.
  mutating func clear() {
    guard drawnLines > 0 else { return }
    write(2, erasing, erasing.utf8.count)
    drawnLines = 0
  }

  private var erasing: String {
    String(repeating: "\u{1B}[A\u{1B}[2K", count: drawnLines) + "\r"
  }

  private func name(_ stage: StageID) -> String {
    if stage.stage == StageID.confirmation { return "winner, fresh seed \(stage.seed)" }
    let seed = spec.seeds.count > 1 ? " seed \(stage.seed)" : ""
    return "trial \(stage.trial)\(seed)"
  }

  private func figure(_ result: StageResult) -> String {
    result.value(epochs: nil, maximizes: spec.maximizes).map {
      "\(spec.metric.rawValue) \(text($0))"
    }
      ?? "no \(spec.metric.rawValue)"
  }

  private func text(_ value: Double) -> String {
    spec.metric.isAccuracy ? percent(value) : fixed(value, 4)
  }

  private func parameters(_ trial: Int, _ run: SweepRun) -> String {
    zip(spec.space.parameters, spec.space.labels(of: run.plan.trials[trial].configuration))
      .compactMap { parameter, label in label.map { "\(parameter.shortName)=\($0)" } }
      .joined(separator: " ")
  }
}

extension Parameter {
  /// The last key of the path, which is enough to know it by in one line.
  var shortName: Substring {
    path[(path.lastIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...]
  }
}
