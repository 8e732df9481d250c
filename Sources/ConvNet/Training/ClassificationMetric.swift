/// A figure of how samples were classified, beside their loss and accuracy; all are from 0 to 1.
///
/// Those of a class c take it against the rest: TP are the samples of c that were taken for it, FP those
/// of others that were, FN those of c that were not. They are scikit-learn's, with zero_division 0;
/// those over all classes are the means, its `macro`.
public enum ClassificationMetric: Hashable, Sendable {
  /// The part of the samples whose class is among the k with the highest scores; of equal scores the
  /// first class has the highest.
  case topAccuracy(Int)
  /// TP/(TP + FP) of one class, or the mean over all classes where that is nil; 0 where nothing was
  /// taken for it.
  case precision(Int?)
  /// TP/(TP + FN), likewise; 0 where nothing is of it.
  case recall(Int?)
  /// The harmonic mean of the two, 2·TP/(2·TP + FP + FN), likewise; 0 where all of these are.
  case f1(Int?)
  /// The area under the curve of TP/(TP + FN) over FP/(FP + TN) for all thresholds of the class's
  /// probability: the chance that a sample of the class has a higher one than a sample of another,
  /// equal ones half counted (Hanley and McNeil 1982). No value where all samples are of the class or
  /// none is; its mean over all classes is scikit-learn's `ovr`, and has none where one class has none.
  case rocAUC(Int?)
  /// The expected calibration error, Σ nᵦ/N·|accᵦ − confᵦ| over fifteen bins ((b − 1)/15, b/15] of the
  /// highest probability: nᵦ samples, of which the part accᵦ was recognised, whose highest
  /// probabilities have the mean confᵦ (Guo et al. 2017; torchmetrics' calibration_error).
  case calibrationError

  /// `top_3_accuracy`, `precision_macro`, `f1_7`, `roc_auc_macro`, `ece`.
  public var name: String {
    switch self {
    case .topAccuracy(let k): "top_\(k)_accuracy"
    case .precision(let label): "precision_\(Self.suffix(label))"
    case .recall(let label): "recall_\(Self.suffix(label))"
    case .f1(let label): "f1_\(Self.suffix(label))"
    case .rocAUC(let label): "roc_auc_\(Self.suffix(label))"
    case .calibrationError: "ece"
    }
  }

  /// The metric of a name; nil where there is none such.
  public init?(_ name: String) {
    func number(_ text: some StringProtocol) -> Int? {
      // As it is written back: no sign, no leading zero.
      guard let value = Int(text), (0..<Labels.mostClasses).contains(value), String(value) == text
      else { return nil }
      return value
    }
    if name == "ece" {
      self = .calibrationError
      return
    }
    if name.hasPrefix("top_"), name.hasSuffix("_accuracy"), name.utf8.count > 13 {
      guard let k = number(name.dropFirst(4).dropLast(9)), k > 0 else { return nil }
      self = .topAccuracy(k)
      return
    }
    guard let line = name.lastIndex(of: "_") else { return nil }
    let suffix = name[name.index(after: line)...]
    let label = number(suffix)
    guard label != nil || suffix == "macro" else { return nil }
    switch name[..<line] {
    case "precision": self = .precision(label)
    case "recall": self = .recall(label)
    case "f1": self = .f1(label)
    case "roc_auc": self = .rocAUC(label)
    default: return nil
    }
  }

  /// The class that it is of; nil where it is of none, or of all.
  public var label: Int? {
    switch self {
    case .precision(let label), .recall(let label), .f1(let label), .rocAUC(let label): label
    case .topAccuracy, .calibrationError: nil
    }
  }

  /// Whether it needs the probabilities of all classes, not only those of each sample's two.
  public var needsProbabilities: Bool { if case .rocAUC = self { true } else { false } }

  private static func suffix(_ label: Int?) -> String { label.map(String.init) ?? "macro" }
}

/// How well a class is told from the others, as scikit-learn's `classification_report` has it, with
/// zero_division 0.
public struct ClassFigures: Hashable, Sendable {
  /// TP/(TP + FP); 0 where nothing was taken for the class.
  public let precision: Double
  /// TP/(TP + FN); 0 where nothing is of it.
  public let recall: Double
  /// 2·TP/(2·TP + FP + FN); 0 where all of these are.
  public let f1: Double
  /// TP + FN, the samples that are of the class, scikit-learn's support; of a mean those of all classes.
  public let samples: Int

  init(precision: Double, recall: Double, f1: Double, samples: Int) {
    self.precision = precision
    self.recall = recall
    self.f1 = f1
    self.samples = samples
  }

  public init(of label: Int, in confusion: ConfusionMatrix) {
    let right = confusion.recognised[label]
    let (own, taken) = (confusion.samples[label], confusion.taken[label])
    func part(_ count: Int, of total: Int) -> Double {
      total == 0 ? 0 : Double(count) / Double(total)
    }
    self.init(
      precision: part(right, of: taken), recall: part(right, of: own),
      f1: part(2 * right, of: taken + own), samples: own)
  }

  /// The mean over all classes, each counted once (`macro`), or by its samples (`weighted`).
  public static func mean(of classes: [ClassFigures], weighted: Bool) -> ClassFigures {
    let samples = classes.reduce(0) { $0 + $1.samples }
    let weights = classes.map { weighted ? Double($0.samples) : 1 }
    let sum = weights.reduce(0, +)
    func mean(_ figure: (ClassFigures) -> Double) -> Double {
      sum == 0 ? 0 : zip(classes, weights).reduce(0) { $0 + figure($1.0) * $1.1 } / sum
    }
    return ClassFigures(
      precision: mean(\.precision), recall: mean(\.recall), f1: mean(\.f1), samples: samples)
  }
}

/// Samples with their classes and the scores that a network gave each class, and what is to be said
/// of them. Probabilities are the softmax of the scores.
public struct Classification: Sendable {
  public let classes: Int
  public private(set) var labels = Labels()
  /// The class of the highest score, the first of equals.
  public private(set) var predictions = Labels()
  /// The probability of what each sample was taken for, and that of its own class.
  public private(set) var confidences: [Float] = []
  public private(set) var ownProbabilities: [Float] = []
  /// How many classes have a higher score than the sample's own, or as high a one and come before it.
  private var ranks: [Int32] = []
  /// (N, classes), where they are kept.
  private var probabilities: [Float] = []
  private let keepsProbabilities: Bool

  /// Of no samples yet.
  /// - Parameter keepsProbabilities: whether those of all classes are kept, which areas under curves need.
  public init(classes: Int, keepsProbabilities: Bool) {
    self.classes = classes
    self.keepsProbabilities = keepsProbabilities
  }

  /// - Parameter scores: (N, classes)
  public init(scores: [Float], labels: Labels, classes: Int) {
    self.init(classes: classes, keepsProbabilities: true)
    var scores = scores
    scores.withUnsafeMutableBufferPointer { append(scores: $0, labels: labels) }
  }

  /// Takes up more samples.
  /// - Parameter scores: (labels.count, classes); the probabilities are left in their place.
  mutating func append(
    scores: UnsafeMutableBufferPointer<Float>, labels: some Collection<Int>
  ) {
    precondition(scores.count == labels.count * classes)
    for (i, own) in labels.enumerated() {
      let row = scores.baseAddress! + i * classes
      var (rank, prediction) = (0, 0)
      for c in 0..<classes {
        if row[c] > row[own] || (row[c] == row[own] && c < own) { rank += 1 }
        if row[c] > row[prediction] { prediction = c }
      }
      softmax(row, to: row, count: classes)
      ranks.append(Int32(rank))
      self.labels.append(own)
      predictions.append(prediction)
      confidences.append(row[prediction])
      ownProbabilities.append(row[own])
    }
    if keepsProbabilities { probabilities += scores }
  }

  public var confusion: ConfusionMatrix {
    ConfusionMatrix(labels: labels, predictions: predictions, classes: classes)
  }

  /// A figure; nil where it has no value, as the area under a curve of samples of one class.
  public subscript(metric: ClassificationMetric) -> Double? {
    guard !labels.isEmpty else { return nil }
    return switch metric {
    case .topAccuracy(let k): Double(ranks.count { $0 < k }) / Double(ranks.count)
    case .precision(let label): figure(of: label, \.precision)
    case .recall(let label): figure(of: label, \.recall)
    case .f1(let label): figure(of: label, \.f1)
    case .rocAUC(let label): mean(of: label, rocAUC)
    case .calibrationError: calibrationError()
    }
  }

  private func figure(of label: Int?, _ figure: KeyPath<ClassFigures, Double>) -> Double? {
    let confusion = confusion
    return mean(of: label) { ClassFigures(of: $0, in: confusion)[keyPath: figure] }
  }

  /// A figure of one class, or its mean over all of them.
  private func mean(of label: Int?, _ figure: (Int) -> Double?) -> Double? {
    if let label { return figure(label) }
    var sum = 0.0
    for label in 0..<classes {
      guard let value = figure(label) else { return nil }
      sum += value
    }
    return sum / Double(classes)
  }

  /// By the ranks (Mann and Whitney 1947).
  private func rocAUC(_ label: Int) -> Double? {
    precondition(keepsProbabilities)
    func probability(_ sample: Int) -> Float { probabilities[sample * classes + label] }
    let positives = labels.count { $0 == label }
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    let order = labels.indices.sorted {
      let (a, b) = (probability($0), probability($1))
      return a != b ? a < b : $0 < $1
    }
    var (pairs, below, start) = (0.0, 0, 0)
    while start < order.count {
      let value = probability(order[start])
      var (end, own) = (start, 0)
      while end < order.count, probability(order[end]) == value {
        if labels[order[end]] == label { own += 1 }
        end += 1
      }
      let others = end - start - own
      pairs += Double(own) * (Double(below) + 0.5 * Double(others))
      below += others
      start = end
    }
    return pairs / (Double(positives) * Double(negatives))
  }

  private func calibrationError() -> Double {
    let bins = 15
    var confidence = Array(repeating: 0.0, count: bins)
    var correct = confidence
    for (i, highest) in confidences.enumerated() {
      let highest = Double(highest)
      let bin = min(max(Int((highest * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
      confidence[bin] += highest
      if ranks[i] == 0 { correct[bin] += 1 }
    }
    var sum = 0.0
    for bin in 0..<bins { sum += abs(correct[bin] - confidence[bin]) }
    return sum / Double(labels.count)
  }
}
