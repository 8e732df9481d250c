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

  /// - Parameter confusion: how many samples of a class (row) were taken for another (column).
  public init(of label: Int, in confusion: [[Int]]) {
    let right = confusion[label][label]
    let own = confusion[label].reduce(0, +)
    let taken = confusion.reduce(0) { $0 + $1[label] }
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

/// Samples with their classes and what a network made of them, and what is to be said of that.
/// Probabilities are the softmax of the scores.
public struct Classification: Sendable {
  public let classes: Int
  public let labels: [UInt8]
  /// How many samples of a class (row) were taken for another (column).
  public let confusion: [[Int]]
  private let scored: Scored?

  /// What the scores tell beyond the decisions.
  private struct Scored {
    /// (N, classes)
    var probabilities: [Float]
    /// How many classes have a higher score than the sample's own, or as high a one and come before it.
    var ranks: [Int]
  }

  public init(scores: [Float], labels: [UInt8], classes: Int) {
    precondition(scores.count == labels.count * classes)
    self.classes = classes
    self.labels = labels
    var scored = Scored(probabilities: scores, ranks: [])
    var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    scored.probabilities.withUnsafeMutableBufferPointer { scores in
      for (i, label) in labels.enumerated() {
        let row = scores.baseAddress! + i * classes
        let own = Int(label)
        var (rank, prediction) = (0, 0)
        for c in 0..<classes {
          if row[c] > row[own] || (row[c] == row[own] && c < own) { rank += 1 }
          if row[c] > row[prediction] { prediction = c }
        }
        scored.ranks.append(rank)
        confusion[own][prediction] += 1
        softmax(row, to: row, count: classes)
      }
    }
    self.scored = scored
    self.confusion = confusion
  }

  /// Without the scores: only for metrics that need no more than decisions.
  /// - Parameter predictions: the class that each sample was taken for.
  public init(predictions: [UInt8], labels: [UInt8], classes: Int) {
    precondition(predictions.count == labels.count)
    self.classes = classes
    self.labels = labels
    var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    for (label, prediction) in zip(labels, predictions) {
      confusion[Int(label)][Int(prediction)] += 1
    }
    self.confusion = confusion
    scored = nil
  }

  /// A figure; nil where it has no value, as the area under a curve of samples of one class.
  public subscript(metric: ClassificationMetric) -> Double? {
    guard !labels.isEmpty else { return nil }
    switch metric.kind.scope {
    case .always: preconditionFailure("\(metric.kind.name) comes with every evaluation")
    case .whole(let value): return value(self)
    case .byCount(let value): return value(self, metric.number!)
    case .byClass(let value):
      if let label = metric.number { return value(self, label) }
      var sum = 0.0
      for label in 0..<classes {
        guard let value = value(self, label) else { return nil }
        sum += value
      }
      return sum / Double(classes)
    }
  }

  /// How well a class is told from the others.
  public func figures(of label: Int) -> ClassFigures { ClassFigures(of: label, in: confusion) }

  /// How sure it is that a sample is of a class.
  public func probability(_ sample: Int, _ label: Int) -> Float {
    scored!.probabilities[sample * classes + label]
  }
}

// What needs the scores.
extension Classification {
  func topAccuracy(_ k: Int) -> Double {
    let ranks = scored!.ranks
    return Double(ranks.count { $0 < k }) / Double(ranks.count)
  }

  /// By the ranks (Mann and Whitney 1947).
  func rocAUC(_ label: Int) -> Double? {
    let positives = confusion[label].reduce(0, +)
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    let order = labels.indices.sorted {
      let (a, b) = (probability($0, label), probability($1, label))
      return a != b ? a < b : $0 < $1
    }
    var (pairs, below, start) = (0.0, 0, 0)
    while start < order.count {
      let value = probability(order[start], label)
      var (end, own) = (start, 0)
      while end < order.count, probability(order[end], label) == value {
        if Int(labels[order[end]]) == label { own += 1 }
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
    let scored = scored!
    let bins = 15
    var confidence = Array(repeating: 0.0, count: bins)
    var correct = confidence
    for i in labels.indices {
      let row = scored.probabilities[i * classes..<(i + 1) * classes]
      let highest = Double(row.max()!)
      let bin = min(max(Int((highest * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
      confidence[bin] += highest
      if scored.ranks[i] == 0 { correct[bin] += 1 }
    }
    var sum = 0.0
    for bin in 0..<bins { sum += abs(correct[bin] - confidence[bin]) }
    return sum / Double(labels.count)
  }
}
