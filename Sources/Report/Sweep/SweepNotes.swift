/// What the pictures of a sweep say in words.
extension SweepTable {
  /// The lines under a picture's title: how the trials ended, which is the best, and `more`.
  func notes(ranking: [Int], more: [String?], width: Double) -> [String] {
    var clauses: [String] = []
    let counts = [("completed", TrialRow.State.completed), ("stopped early", .stoppedEarly)]
      .map { name, state in (name, trials.count { Self.shownState(of: $0) == state }) }
    let failed = trials.count - counts.reduce(0) { $0 + $1.1 }
    let ends = (counts + [("failed", failed)]).filter { $0.1 > 0 }
    let all = Self.counted(trials.count, "trial")
    switch ends.count {
    case 0: clauses.append("no trials")
    case 1: clauses.append("\(all), \(trials.count == 1 ? "" : "all ")\(ends[0].0)")
    default:
      let parts = ends.map { "\(DecimalText.grouped($0.1)) \($0.0)" }
      clauses.append("\(all): \(parts.joined(separator: ", "))")
    }
    if let best = ranking.first, let value = Self.value(of: trials[best]) {
      clauses.append(
        "best \(metric.name) \(metric.format.text(value)) (trial \(trials[best].number))")
    }
    return SVGText.lines(of: clauses + more.compactMap { $0 }, to: width, size: Page.noteSize)
  }

  /// A trial and what it came to, as a hint says it: "trial 17: 99.12%".
  func hint(_ trial: TrialRow) -> String {
    "trial \(trial.number): \(Self.value(of: trial).map(metric.format.text) ?? "failed")"
  }

  /// The table in a sentence, for those who hear it.
  func spoken(_ picture: String, ranking: [Int]) -> String {
    let names = parameters.prefix(20).map(\.name).joined(separator: ", ")
    let more = parameters.count > 20 ? " and \(parameters.count - 20) more" : ""
    let best = ranking.first.map { " Best: \(hint(trials[$0]))." } ?? ""
    return "\(picture), \(Self.counted(trials.count, "trial")) over \(names)\(more).\(best)"
  }

  /// "1 trial", "100,000 trials".
  static func counted(_ count: Int, _ noun: String) -> String {
    "\(DecimalText.grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }
}
