import ConvNet
import Datasets

extension MetricName {
  /// Why no class has this figure, to the user.
  func refusal(_ classNames: [String]) -> String {
    let name = ofClass ?? ""
    if let label = Int(name) {
      return
        "there is no class \(label); the last of \(classNames.count) is \(classNames.count - 1)"
    }
    // scikit-learn's f1_score is no figure of a class called score.
    let near =
      kind.aliases.contains(text)
      ? "macro" : Experiment.nearMiss(to: name, among: classNames + ["macro"])
    let hint =
      near.map { "did you mean \"\($0)\"?" }
      ?? "they are \(Array(classNames.prefix(100)).quotedList)"
      + (classNames.count > 100 ? " and \(classNames.count - 100) more" : "")
    return "no class is called \(shortened(name)); \(hint)"
  }

  /// What a word that is no name was probably to be, with macro for the class and 5, as in Keras, for a k
  /// that it doesn't give.
  static func nearMiss(to word: String) -> MetricName? {
    let digits = word.filter(\.isNumber)
    var names: [String] = []
    var aliases: [String: String] = [:]
    for kind in MetricKind.all {
      let example = kind.example(count: Int(digits) ?? 5)
      names.append(example)
      for alias in [kind.name] + kind.aliases {
        aliases[alias] = example
        if case .byClass = kind.scope { aliases["\(alias)_macro"] = example }
        guard case .byCount = kind.scope, let number = Int(digits) else { continue }
        // top5, top_5, top_5_acc: the number where the k is, or at the end.
        let parts = alias.split(separator: "k", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { aliases["\(parts[0])\(number)\(parts[1])"] = example }
        aliases["\(alias)\(number)"] = example
      }
    }
    // Before what may be a class: f1_score is no figure of a class called score.
    let target = folded(word)
    if let example = aliases.first(where: { folded($0.key) == target })?.value {
      return MetricName(example)
    }
    return MetricName(word)
      ?? Experiment.nearMiss(to: word, among: names).flatMap { MetricName($0) }
  }

  /// What it came to, as people are told: "98.52 %", "0.9871", or "none" where it has no value.
  public func text(_ value: Double?) -> String {
    guard let value else { return "none" }
    return kind.unit == .percent ? percent(value) : fixed(value, 4)
  }
}

extension MetricKind {
  /// A name of the kind: `f1_macro`, `top_5_accuracy`.
  func example(count k: Int = 5) -> String {
    switch scope {
    case .always, .whole: name
    case .byClass: "\(name)_macro"
    case .byCount: "\(aroundCount.before)\(k)\(aroundCount.after)"
    }
  }
}

extension Metric {
  /// What a word that is no metric of some parts of the images was probably to be; nil where none is near.
  /// - Parameter parts: those that there may be; a word that says no part is of the first that has it.
  package static func nearMiss(to word: String, of parts: [Part]) -> Metric? {
    let folded = String(word.lowercased().map { $0 == "-" || $0 == " " ? "_" : $0 })
    let pieces = folded.split(separator: "_", maxSplits: 1).map(String.init)
    let said = pieces.count == 2 ? Part(calledElsewhere: pieces[0]) : nil
    guard let name = MetricName.nearMiss(to: said == nil ? folded : pieces[1]) else { return nil }
    // What is said of other images is meant of those that are held out.
    let wanted = said.map { parts.contains($0) ? [$0] : [.validation] } ?? []
    return (wanted + parts).lazy.compactMap { Metric($0, name) }.first
  }

  /// What it came to, as people are told.
  public func text(_ value: Double?) -> String { name.text(value) }
}

extension Metric.Part {
  fileprivate init?(calledElsewhere word: String) {
    switch word {
    case "train", "training": self = .training
    case "val", "valid", "validation", "dev": self = .validation
    case "test", "testing": self = .test
    default: return nil
    }
  }
}

/// A figure with its name.
public struct MeasuredMetric: Hashable, Sendable {
  public let name: MetricName
  /// Nil where it has no value.
  public let value: Double?

  public init(name: MetricName, value: Double?) {
    self.name = name
    self.value = value
  }
}

/// A figure that is asked for, its class by its number.
public struct NamedMetric: Hashable, Sendable {
  public let name: MetricName
  public let metric: ClassificationMetric
}

extension [MetricName] {
  /// The figures, in their order.
  /// - Throws: `DatasetError` for a name that none of the classes has.
  public func named(of classNames: [String]) throws(DatasetError) -> [NamedMetric] {
    var metrics: [NamedMetric] = []
    for name in self {
      guard let metric = name.metric(of: classNames) else {
        throw DatasetError(.invalid, "metrics: \"\(name.text)\": \(name.refusal(classNames))")
      }
      metrics.append(NamedMetric(name: name, metric: metric))
    }
    return metrics
  }
}
