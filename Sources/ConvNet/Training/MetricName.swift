/// A figure as a spec's `metrics`, metrics.csv and summary.json call it: `ece`, `top_3_accuracy`, `f1_macro`
/// for the mean over the classes, `f1_3` or `f1_square` of one class, whose names go before numbers.
public struct MetricName: Sendable {
  /// What of its kind it is.
  public enum Subject: Hashable, Sendable {
    case whole
    /// A class by its name or its number, or `macro`.
    case ofClass(String)
    /// The k of `top_k_accuracy`.
    case count(Int)
  }

  public let kind: MetricKind
  public let subject: Subject
  public let text: String

  public static let loss = MetricName(MetricKind.loss, .whole, "loss")
  public static let accuracy = MetricName(MetricKind.accuracy, .whole, "accuracy")

  private init(_ kind: MetricKind, _ subject: Subject, _ text: String) {
    self.kind = kind
    self.subject = subject
    self.text = text
  }

  /// Reads a name; nil where it is none, whatever the classes are called.
  public init?(_ text: String) {
    // Of kinds that a name might be of, the longer is meant.
    let found = MetricKind.all.compactMap { kind in kind.subject(of: text).map { (kind, $0) } }
      .max { $0.0.name.utf8.count < $1.0.name.utf8.count }
    guard let (kind, subject) = found else { return nil }
    self.init(kind, subject, text)
  }

  /// What the name says of a class: its name, its number, or `macro`; nil for a figure of none.
  public var ofClass: String? { if case .ofClass(let name) = subject { name } else { nil } }

  /// The metric; nil where no class is called so, and for what is always measured.
  /// - Parameter classNames: in the order of the labels.
  public func metric(of classNames: [String]) -> ClassificationMetric? {
    switch subject {
    case .whole: return kind.isAlways ? nil : ClassificationMetric(kind: kind, number: nil)
    case .count(let k): return ClassificationMetric(kind: kind, number: k)
    case .ofClass("macro"): return ClassificationMetric(kind: kind, number: nil)
    case .ofClass(let name):
      let label = classNames.firstIndex(of: name) ?? MetricKind.number(name)
      guard let label, label < classNames.count else { return nil }
      return ClassificationMetric(kind: kind, number: label)
    }
  }
}

extension MetricName: Hashable {
  public static func == (a: MetricName, b: MetricName) -> Bool { a.text == b.text }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension MetricKind {
  /// What stands before and after the k of a kind that has one of each number.
  public var aroundCount: (before: Substring, after: Substring) {
    let parts = name.split(separator: "k", maxSplits: 1, omittingEmptySubsequences: false)
    return (parts[0], parts[1])
  }

  /// What of this kind a name is; nil where it is none of it.
  fileprivate func subject(of text: String) -> MetricName.Subject? {
    switch scope {
    case .always, .whole: return text == name ? .whole : nil
    case .byClass:
      guard text.hasPrefix("\(name)_") else { return nil }
      let ofClass = text.dropFirst(name.count + 1)
      // A comma or a quote would break the header of metrics.csv.
      guard !ofClass.isEmpty, ofClass.utf8.count <= 200,
        !ofClass.unicodeScalars.contains(where: { $0.value < 32 || $0 == "," || $0 == "\"" })
      else { return nil }
      return .ofClass(String(ofClass))
    case .byCount:
      let (before, after) = aroundCount
      guard text.utf8.count > before.utf8.count + after.utf8.count, text.hasPrefix(before),
        text.hasSuffix(after),
        let k = Self.number(text.dropFirst(before.count).dropLast(after.count)), k > 0
      else { return nil }
      return .count(k)
    }
  }

  /// A number from 0 to 65,535 as it is written back: no sign, no leading zero.
  fileprivate static func number(_ text: some StringProtocol) -> Int? {
    guard let value = Int(text), (0..<Labels.mostClasses).contains(value), String(value) == text
    else { return nil }
    return value
  }
}

/// A figure of a run: what is measured, and of which of its images. Its name is that of its column in
/// metrics.csv and of its value in summary.json: `train_loss`, `val_f1_macro`, `test_accuracy`.
public struct Metric: Hashable, Sendable, RawRepresentable {
  public enum Part: String, Hashable, Sendable, CaseIterable {
    /// The images that are trained on, each in the step that does.
    case training = "train"
    /// Those that are held out, at the end of every epoch.
    case validation = "val"
    /// Those that the weights are tested on in the end.
    case test
  }

  public let part: Part
  public let name: MetricName

  public static let trainLoss = Metric(.training, .loss)!
  public static let trainAccuracy = Metric(.training, .accuracy)!
  public static let valLoss = Metric(.validation, .loss)!
  public static let valAccuracy = Metric(.validation, .accuracy)!
  public static let testLoss = Metric(.test, .loss)!
  public static let testAccuracy = Metric(.test, .accuracy)!

  /// What every run measures.
  public static let always = [
    trainLoss, trainAccuracy, valLoss, valAccuracy, testLoss, testAccuracy,
  ]

  /// Nil for what isn't measured of these images.
  public init?(_ part: Part, _ name: MetricName) {
    guard part != .training || name.kind.isAlways else { return nil }
    self.part = part
    self.name = name
  }

  public init?(rawValue: String) {
    guard let line = rawValue.firstIndex(of: "_"),
      let part = Part(rawValue: String(rawValue[..<line])),
      let name = MetricName(String(rawValue[rawValue.index(after: line)...]))
    else { return nil }
    self.init(part, name)
  }

  public var rawValue: String { "\(part.rawValue)_\(name.text)" }

  public var kind: MetricKind { name.kind }
  /// Whether it can be watched while training.
  public var isMonitorable: Bool { part != .test }
  public var needsValidation: Bool { part == .validation }
  public var isPercentage: Bool { kind.unit == .percent }
  public var growsBetter: Bool { kind.better == .higher }
}
