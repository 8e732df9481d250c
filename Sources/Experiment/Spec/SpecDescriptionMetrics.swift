import ConvNet

extension SpecDescription {
  /// A list of figures by name.
  static let classificationMetrics = Notation<[MetricName]>.list(
    of: Notation<String>.form(
      TextForm(
        pattern: "^(top_([1-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])_accuracy|ece|"
          + "(precision|recall|f1|roc_auc)_[^,\"\\x00-\\x1f]+)$",
        expectation: "a metric such as \"top_3_accuracy\", \"precision_macro\", \"recall_macro\", "
          + "\"f1_macro\", \"f1_3\", \"f1_cat\" (a class by its name), \"roc_auc_macro\" or \"ece\"",
        matches: { MetricName($0).isSound })
    ).converted({ MetricName($0) }, back: { $0.text }), count: 0...256, noun: "metrics")
}

extension SpecChecker {
  mutating func checkMetrics(_ spec: JSONValue) {
    guard let names = spec["metrics"]?.array?.map(\.string) else { return }
    let facts = DatasetFacts(spec["dataset"])
    var seen: [ClassificationMetric: String] = [:]
    for (i, text) in names.enumerated() {
      guard let text else { continue }
      let name = MetricName(text)
      let place = Path() + "metrics" + i
      if names[..<i].contains(text) { report(at: place, "\"\(text)\" is there already") }
      guard let classes = facts?.classes else { continue }
      // Without names, a class may yet be called so.
      let numbered = (0..<classes).map(String.init)
      guard let metric = name.metric(of: facts?.classNames ?? numbered) else {
        let isNumber = name.ofClass.flatMap { Int($0) } != nil
        if facts?.classNames != nil || isNumber {
          report(at: place, name.refusal(facts?.classNames ?? numbered))
        }
        continue
      }
      if let other = seen[metric], other != text {
        report(at: place, "\"\(text)\" is \"\(other)\" by another name")
      }
      seen[metric] = text
      if case .topAccuracy(let k) = metric, k >= classes {
        report(at: place, "one of \(k) is always right where there are \(classes) classes")
      }
    }
  }
}
