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
    switch metric.kind.scope {
    case .always: preconditionFailure("\(metric.kind.name) comes with every evaluation")
    case .whole(let value): return value(self)
    case .byCount(let value): return value(self, metric.number!)
    case .byClass(let values):
      let value = values(self)
      if let label = metric.number { return value(label) }
      var sum = 0.0
      for label in 0..<classes {
        guard let value = value(label) else { return nil }
        sum += value
      }
      return sum / Double(classes)
    }
  }
}

// What the kinds of metrics are worked out by.
extension Classification {
  func topAccuracy(_ k: Int) -> Double {
    Double(ranks.count { $0 < k }) / Double(ranks.count)
  }

  /// A figure of each class.
  func figures(_ figure: KeyPath<ClassFigures, Double>) -> (Int) -> Double? {
    let confusion = confusion
    return { ClassFigures(of: $0, in: confusion)[keyPath: figure] }
  }

  /// By the ranks (Mann and Whitney 1947).
  func rocAUC(_ label: Int) -> Double? {
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

  func calibrationError() -> Double {
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
