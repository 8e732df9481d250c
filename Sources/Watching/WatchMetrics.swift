import Storage

/// What the watch found as text for Prometheus (its exposition format 0.0.4): a gauge for each figure, of
/// the last look where there are several.
public struct WatchMetrics: Sendable {
  private var families: [(name: String, help: String, samples: [(labels: String, value: Double)])] =
    []

  public init(_ looks: [WatchLook], requests: Int, model: String) {
    let all = "model=\(JSONValue.quoted(model))"
    func family(_ name: String, _ help: String, _ samples: [(String, Double?)]) {
      let known = samples.compactMap { label, value in
        value.map { (labels: label.isEmpty ? all : "\(all),\(label)", value: $0) }
      }
      if !known.isEmpty { families.append(("runner_watch_\(name)", help, known)) }
    }
    family("requests", "Requests that the log has of this model.", [("", Double(requests))])
    family("looks", "Windows of requests that were looked at.", [("", Double(looks.count))])
    family(
      "broken", "1 where a bound is broken in any look, else 0.",
      [("", looks.contains { !$0.broken.isEmpty } ? 1 : 0)])
    guard let last = looks.last else { return }
    family(
      "moved", "1 where a test of the last look says that requests are not as in validation.",
      last.tests.map { ("test=\"\($0.name)\"", $0.hasMoved ? 1 : 0) })
    family(
      "p_value", "p of each test of the last look, after Holm's correction.",
      last.tests.map { ("test=\"\($0.name)\"", $0.adjustedP) })
    family("level", "What p of the last look is held against.", [("", last.level)])
    family(
      "stability_index", "Population stability index of each quantity in the last look.",
      last.shifts.map { ("quantity=\"\($0.name)\"", $0.stability.index) })
    if let condition = last.condition, condition.isNear {
      family(
        "condition", "Share of the last look's requests that look like a known condition.",
        condition.parts.map { ("condition=\(JSONValue.quoted($0.condition.name))", $0.share) })
    }
    for (name, help, estimate) in [
      ("expected_accuracy", "Accuracy expected without labels", last.expected),
      ("accuracy", "Accuracy of the answers that feedback was given to", last.accuracy),
      ("calibration_error", "Expected calibration error of those", last.calibrationError),
    ] {
      family(name, "\(help), in the last look.", [("", estimate?.value)])
      family("\(name)_low", "Lower end of its 95 % interval.", [("", estimate?.interval.low)])
      family("\(name)_high", "Upper end of its 95 % interval.", [("", estimate?.interval.high)])
    }
  }

  /// The file; ends with a line feed.
  public var text: String {
    families.map { family in
      "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) gauge\n"
        + family.samples.map { "\(family.name){\($0.labels)} \($0.value)\n" }.joined()
    }.joined()
  }
}
