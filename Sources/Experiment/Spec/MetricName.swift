import ConvNet
import Datasets

/// A figure that a spec asks for, by the name that the spec, metrics.csv and summary.json have for it:
/// `f1_macro`, or `f1_3` or `f1_square` of one class, whose names go before numbers.
public struct MetricName: Hashable, Sendable {
  public let text: String

  public init(_ text: String) { self.text = text }

  /// What a figure of one class begins with.
  private static let kinds = ["precision_", "recall_", "f1_", "roc_auc_"]

  /// What the name says of a class: its name, its number, or `macro`; nil for a figure of none.
  var ofClass: Substring? {
    Self.kinds.first(where: text.hasPrefix).map { text.dropFirst($0.count) }
  }

  /// Whether it is a name whatever the classes are called: a comma or a quote would break the header of
  /// metrics.csv.
  var isSound: Bool {
    if ClassificationMetric(text) != nil { return true }
    guard let ofClass else { return false }
    return !ofClass.isEmpty && ofClass.utf8.count <= 200
      && !ofClass.unicodeScalars.contains { $0.value < 32 || $0 == "," || $0 == "\"" }
  }

  /// The figure; nil where no class is called so.
  /// - Parameter classNames: in the order of the labels.
  public func metric(of classNames: [String]) -> ClassificationMetric? {
    if let ofClass, ofClass != "macro", let label = classNames.firstIndex(of: String(ofClass)) {
      return ClassificationMetric("\(text.dropLast(ofClass.count))\(label)")
    }
    guard let metric = ClassificationMetric(text), metric.label ?? 0 < classNames.count else {
      return nil
    }
    return metric
  }

  /// Why it has no figure, to the user.
  func refusal(_ classNames: [String]) -> String {
    let name = String(ofClass ?? "")
    if let label = Int(name) {
      return
        "there is no class \(label); the last of \(classNames.count) is \(classNames.count - 1)"
    }
    let hint =
      nearMiss(to: name, among: classNames).map { "did you mean \"\($0)\"?" }
      ?? "they are \(Array(classNames.prefix(100)).quotedList)"
      + (classNames.count > 100 ? " and \(classNames.count - 100) more" : "")
    return "no class is called \(shortened(name)); \(hint)"
  }
}

/// A figure with the name that it was asked for by.
public struct NamedMetric: Hashable, Sendable {
  public let name: String
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
      metrics.append(NamedMetric(name: name.text, metric: metric))
    }
    return metrics
  }
}
