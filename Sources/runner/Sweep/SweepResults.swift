import ArgumentParser
import ConvNet
import Experiment
import Statistics
import Sweep

/// What a completed sweep prints on stdout.
struct SweepResults {
  let text: String

  init(_ summary: SweepSummary, folder: SweepFolder) {
    let metric = summary.spec.metric
    func figure(_ value: Double) -> String { metric.text(value) }
    var lines: [String] = []
    lines.append(
      "trials         " + summary.counts.map { "\($0.count) \($0.status)" }.joined(separator: ", "))
    if let winner = summary.winner {
      lines.append(
        "winner         trial \(winner.trial): \(metric.rawValue) \(figure(winner.value))")
      for (path, value) in winner.parameters where !value.isEmpty {
        lines.append("               \(path) = \(value)")
      }
      let tests = summary.testAccuracies
      if !tests.isEmpty {
        let sample = Sample(tests)
        var line = "confirmed      test accuracy \(percent(sample.mean))"
        if let deviation = sample.deviation { line += " ± \(fixed(100 * deviation, 2))" }
        let metrics = summary.confirmed.compactMap { $0.testMetric?.value }
        if let own = Metric(.test, metric.name), !metrics.isEmpty {
          let sample = Sample(metrics)
          line += ", \(own.rawValue) \(own.text(sample.mean))"
          if let deviation = sample.deviation {
            line += " ± \(own.isPercentage ? fixed(100 * deviation, 2) : fixed(deviation, 4))"
          }
        }
        let asked = summary.spec.confirmationSeeds.count
        line += " over \(tests.count) fresh seed\(tests.count == 1 ? "" : "s")"
        if tests.count < asked { line += " of \(asked)" }
        lines.append(line)
      }
      for run in summary.confirmed where run.status != .completed {
        lines.append("NOT confirmed  the run on seed \(run.seed) \(run.status.rawValue)")
      }
      let validated = summary.confirmed.compactMap(\.metric)
      if !validated.isEmpty {
        let mean = validated.reduce(0, +) / Double(validated.count)
        lines.append(
          "               \(metric.rawValue) \(figure(mean)) on them; it was chosen by "
            + "\(figure(winner.value)), the best of \(summary.spec.trials)")
      }
      lines.append("best           runner \(folder.best)")
    } else {
      lines.append("winner         none: no trial has a \(metric.rawValue)")
    }
    lines.append("trials         \(folder.trials)")
    lines.append("pictures       \(folder.plots)")
    lines.append("ranking        runner leaderboard \(folder.path)")
    text = lines.joined(separator: "\n") + "\n"
  }
}

extension SweepSummary {
  /// Throws the status of a sweep that went through to its end and did not come to all of it.
  func tellFailures() throws {
    if let lacking { Display.say("error: \(lacking)") }
    if failures > 0 {
      Display.say("\(counted(failures, "trial")) failed; --retry-failed runs them again")
    }
    if lacking != nil || failures > 0 { throw ExitCode(ExitStatus.failures) }
  }
}
