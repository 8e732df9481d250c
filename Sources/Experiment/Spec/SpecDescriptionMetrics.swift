import ConvNet

extension SpecDescription {
  /// A list of figures by name.
  static let classificationMetrics = FieldType.list(
    of: .form(
      TextForm(
        pattern: "^(top_([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])_accuracy|ece|"
          + "(precision|recall|f1|roc_auc)_"
          + "(macro|[0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]))$",
        expectation: "a metric such as \"top_3_accuracy\", \"precision_macro\", \"recall_macro\", "
          + "\"f1_macro\", \"f1_3\", \"roc_auc_macro\" or \"ece\"",
        matches: { ClassificationMetric($0) != nil })), count: 0...256, noun: "metrics")
}

extension SpecChecker {
  mutating func checkMetrics(_ spec: JSONValue) {
    guard let names = spec["metrics"]?.array?.map(\.string) else { return }
    let classes = DatasetFacts(spec["dataset"])?.classes
    for (i, name) in names.enumerated() {
      guard let name, let metric = ClassificationMetric(name) else { continue }
      let place = Path() + "metrics" + i
      if names[..<i].contains(name) { report(at: place, "\"\(name)\" is there already") }
      guard let classes else { continue }
      if let label = metric.label, label >= classes {
        report(at: place, "there is no class \(label); the last of \(classes) is \(classes - 1)")
      }
      if case .topAccuracy(let k) = metric, k >= classes {
        report(at: place, "one of \(k) is always right where there are \(classes) classes")
      }
    }
  }
}
