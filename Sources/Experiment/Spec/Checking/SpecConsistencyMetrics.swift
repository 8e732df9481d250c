import ConvNet
import Datasets
import Storage

// What is measured, and what is to be decided by it.

extension SpecChecker {
  mutating func checkMetrics(_ spec: JSONValue) {
    let facts = DatasetFacts(spec["dataset"])
    checkNames(spec, facts)
    for section in ["schedule", "early_stopping"] {
      guard let metric = spec[section]?["monitor"]?.string.flatMap(Metric.init(rawValue:)) else {
        continue
      }
      checkMeasured(metric, at: Path() + section + "monitor", spec, facts, isWatched: true)
    }
    for member in spec["expect"]?.object?.members ?? [] where !member.value.isNull {
      guard let figure = ExpectedFigure(member.key) else { continue }
      let path = Path() + "expect" + member.key
      // Integers are asked about the test images too.
      if let metric = figure == .integerAccuracy ? .testAccuracy : figure.metric {
        checkMeasured(metric, at: path, spec, facts, isWatched: false)
      }
      if let least = member.value["min"]?.double, let most = member.value["max"]?.double,
        least > most
      {
        report(
          at: path + "min", "\(Bounds.text(least)) is more than the \"max\", \(Bounds.text(most))")
      }
    }
  }

  private mutating func checkNames(_ spec: JSONValue, _ facts: DatasetFacts?) {
    guard let names = spec["metrics"]?.array?.map(\.string) else { return }
    var seen: [ClassificationMetric: String] = [:]
    for (i, text) in names.enumerated() {
      guard let text, let name = MetricName(text) else { continue }
      let place = Path() + "metrics" + i
      if names[..<i].contains(text) { report(at: place, "\"\(text)\" is there already") }
      if let refusal = facts?.refusal(of: name) {
        report(at: place, refusal)
        continue
      }
      guard let classes = facts?.classes, let metric = name.metric(of: facts!.knownNames) else {
        continue
      }
      if let other = seen[metric], other != text {
        report(at: place, "\"\(text)\" is \"\(other)\" by another name")
      }
      seen[metric] = text
      if case .count(let k) = name.subject, k >= classes {
        report(at: place, "one of \(k) is always right where there are \(classes) classes")
      }
    }
  }

  /// What decides something must be measured in this very experiment.
  /// - Parameter isWatched: whether another metric would do.
  private mutating func checkMeasured(
    _ metric: Metric, at path: Path, _ spec: JSONValue, _ facts: DatasetFacts?, isWatched: Bool
  ) {
    let (name, dataset) = (metric.rawValue, spec["dataset"])
    if metric.needsValidation, dataset?["validation"]?.double == 0,
      dataset?["validation_path"]?.string == nil
    {
      let other = Metric(.training, metric.name).map { "monitor \"\($0.rawValue)\" or " } ?? ""
      return report(
        at: path,
        "\(name) is never measured, since dataset.validation is 0"
          + (isWatched ? "; \(other)hold images out" : ""))
    }
    let isNone = dataset?["test"]?.string == TestSet.noneName
    if metric.part == .test, isNone || dataset?["test_count"]?.int == 0 {
      return report(
        at: path,
        "\(name) is never measured, since dataset."
          + (isNone ? "test is \"\(TestSet.noneName)\"" : "test_count is 0"))
    }
    if let refusal = facts?.refusal(of: metric.name) { return report(at: path, refusal) }
    guard let measured = spec["metrics"]?.array else { return }
    if let lack = metric.lack(
      of: measured.compactMap { $0.string.flatMap(MetricName.init) }, facts?.knownNames)
    {
      report(at: path, lack)
    }
  }
}

extension DatasetFacts {
  /// The classes' names, or their numbers where only the files will tell.
  var knownNames: [String] { classNames ?? (0..<(classes ?? 0)).map(String.init) }

  /// Why a metric can be of no class; nil where it can, or only the files will tell.
  func refusal(of name: MetricName) -> String? {
    guard classes != nil, let ofClass = name.ofClass, name.metric(of: knownNames) == nil else {
      return nil
    }
    // Without names, a class may yet be called so.
    return classNames != nil || Int(ofClass) != nil ? name.refusal(knownNames) : nil
  }
}

extension Metric {
  /// Why a run has no such figure, and what to do; nil where it has one.
  /// - Parameters:
  ///   - measured: what it measures besides loss and accuracy.
  ///   - classNames: in the order of the labels; nil where they aren't known.
  ///   - list: what the user has to add it to.
  package func lack(
    of measured: [MetricName], _ classNames: [String]?, list: String = "\"metrics\""
  ) -> String? {
    if kind.isAlways || measured.contains(name) { return nil }
    let names = classNames ?? []
    if let own = name.metric(of: names),
      let other = measured.first(where: { $0.metric(of: names) == own }),
      let same = Metric(part, other)
    {
      return "\(rawValue) is measured by another name; write \"\(same.rawValue)\""
    }
    return "\(rawValue) is not measured; add \"\(name.text)\" to \(list)"
  }
}
