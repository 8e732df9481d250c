import TestSupport
import Testing

@testable import ConvNet

/// Figures of classified samples, against those of scikit-learn and torchmetrics.
@Suite struct ClassificationMetricTests {
  struct Case: Decodable {
    let name: String
    let classes: Int
    let labels: [Int]
    let scores: [Float]
    let confusion: [[Int]]
    let figures: [String: Double?]
  }

  @Test func againstOthers() throws {
    let cases = try Fixture.cases("metrics", as: Case.self)
    #expect(cases.count == 5)
    for c in cases {
      let classification = Classification(
        scores: c.scores, labels: Labels(c.labels), classes: c.classes)
      #expect(classification.confusion.rows == c.confusion)
      for (name, expected) in c.figures {
        let metric = try Self.metric(name, classes: c.classes)
        guard let value = classification[metric], let expected else {
          #expect(classification[metric] == nil && expected == nil, "\(c.name), \(name)")
          continue
        }
        // Probabilities are of 32 bits.
        #expect(
          abs(value - expected) <= 2e-6 * expected, "\(c.name), \(name): \(value), not \(expected)")
      }
    }
  }

  /// A metric whose classes are called by their numbers.
  static func metric(_ name: String, classes: Int) throws -> ClassificationMetric {
    let named = try #require(MetricName(name), "\(name)")
    #expect(named.text == name)
    return try #require(named.metric(of: (0..<classes).map(String.init)), "\(name)")
  }

  /// What needs no probabilities of all classes comes to the same without them.
  @Test func withoutProbabilities() throws {
    for c in try Fixture.cases("metrics", as: Case.self) {
      let labels = Labels(c.labels)
      let whole = Classification(scores: c.scores, labels: labels, classes: c.classes)
      var lean = Classification(classes: c.classes, keepsProbabilities: false)
      var scores = c.scores
      scores.withUnsafeMutableBufferPointer { lean.append(scores: $0, labels: labels) }
      #expect(lean.confusion == whole.confusion)
      for name in c.figures.keys {
        let metric = try Self.metric(name, classes: c.classes)
        if !metric.kind.needsProbabilities { #expect(lean[metric] == whole[metric], "\(name)") }
      }
    }
  }

  /// Whether there is a value depends on the classes of the samples alone.
  @Test func valuesAreThereOrNotByTheClassesAlone() throws {
    for c in try Fixture.cases("metrics", as: Case.self) {
      for (name, expected) in c.figures {
        let metric = try Self.metric(name, classes: c.classes)
        let isDefined = metric.isDefined(on: Set(c.labels), classes: c.classes)
        #expect(isDefined == (expected != nil), "\(c.name), \(name)")
      }
    }
    let one = try Self.metric("roc_auc_1", classes: 2)
    #expect(!one.isDefined(on: [1], classes: 2) && !one.isDefined(on: [0], classes: 2))
    #expect(one.isDefined(on: [0, 1], classes: 2))
  }

  /// The fixtures have a figure of every kind that must be asked for: none is without an oracle.
  @Test func everyKindHasAnOracle() throws {
    let names = Set(
      try Fixture.cases("metrics", as: Case.self).flatMap { $0.figures.keys }
        .compactMap { MetricName($0)?.kind.name })
    #expect(names == Set(MetricKind.all.filter { !$0.isAlways }.map(\.name)))
    for kind in MetricKind.all { #expect(kind.range.contains(kind.range.lowerBound)) }
  }

  /// Precision, recall, F1 and support of each class and their means, as classification_report has them.
  @Test func figuresByClass() throws {
    struct Report: Decodable {
      let name: String
      let confusion: [[Int]]
      let rows: [String: [Double]]
    }
    let reports = try Fixture.cases("classification_report", as: Report.self)
    #expect(reports.count == 5)
    for report in reports {
      // As many samples of each pair as it counts.
      let pairs = report.confusion.enumerated().flatMap { label, row in
        row.enumerated().flatMap { Array(repeating: (label, $0.offset), count: $0.element) }
      }
      let confusion = ConfusionMatrix(
        labels: Labels(pairs.map(\.0)), predictions: Labels(pairs.map(\.1)),
        classes: report.confusion.count)
      #expect(confusion.rows == report.confusion)
      let classes = report.confusion.indices.map { ClassFigures(of: $0, in: confusion) }
      var rows = Dictionary(
        uniqueKeysWithValues: classes.enumerated().map { (String($0.offset), $0.element) })
      rows["macro avg"] = .mean(of: classes, weighted: false)
      rows["weighted avg"] = .mean(of: classes, weighted: true)
      #expect(rows.count == report.rows.count)
      for (name, figures) in rows {
        let expected = try #require(report.rows[name])
        let values = [figures.precision, figures.recall, figures.f1, Double(figures.samples)]
        for (value, expected) in zip(values, expected) {
          #expect(abs(value - expected) <= 1e-12, "\(report.name), \(name)")
        }
      }
    }
  }

  @Test func names() throws {
    for name in [
      "top_0_accuracy", "top_01_accuracy", "top_-1_accuracy", "top_accuracy", "top__accuracy",
      "top_65536_accuracy", "precision", "precision_", "precision_micro", "f1_+3", "f1_03",
      "f1_65536",
      "roc_auc", "roc_auc_x", "ece_macro", "", "_", "macro",
    ] {
      #expect(MetricName(name)?.metric(of: (0..<256).map(String.init)) == nil, "\(name)")
    }
    for (name, number) in [
      ("top_5_accuracy", 5), ("top_65535_accuracy", 65_535), ("precision_macro", nil),
      ("recall_0", 0), ("f1_255", 255), ("f1_65535", 65_535), ("roc_auc_macro", nil), ("ece", nil),
    ] {
      #expect(try Self.metric(name, classes: Labels.mostClasses).number == number)
    }
  }

  /// A column's name says of which images it is.
  @Test func columns() throws {
    for name in [
      "train_loss", "val_accuracy", "test_ece", "val_top_3_accuracy", "test_f1_T-shirt/top",
      "val_roc_auc_val_x",
    ] {
      #expect(try #require(Metric(rawValue: name), "\(name)").rawValue == name)
    }
    for name in [
      "train_ece", "train_f1_macro", "val", "val_", "loss", "VAL_loss", "val_f1", "best_val_loss",
      "_loss", "test_f1_a,b", "epoch", "learning_rate",
    ] {
      #expect(Metric(rawValue: name) == nil, "\(name)")
    }
    #expect(Metric(rawValue: "val_f1_3") == Metric(.validation, MetricName("f1_3")!))
    #expect(Metric(rawValue: "val_ece")?.growsBetter == false)
    #expect(Metric(rawValue: "val_roc_auc_macro")?.growsBetter == true)
    #expect(Metric(rawValue: "test_top_2_accuracy")?.isPercentage == true)
  }

  /// By val_roc_auc_macro with patience 2 and min_delta 0.001, by hand: 0.9505 does not better 0.95 by
  /// enough, 0.94 is the second epoch without an improvement; what has no value is none either.
  @Test func aPlateauOfAnArea() throws {
    func factors(_ monitor: String, _ values: [Double?]) throws -> [Double] {
      let plateau = PlateauDescription(
        monitor: try #require(Metric(rawValue: monitor)), factor: 0.5, patience: 2, minDelta: 0.001)
      var rate = LearningRate(
        base: 1, schedule: .reduceOnPlateau(plateau), warmup: nil, stepsPerEpoch: 1)
      return values.map {
        rate.finishEpoch(monitored: $0)
        return rate.plateau.factor
      }
    }
    let areas = [0.9, 0.95, 0.9505, 0.94, 0.96, 0.97, 0.97, 0.97]
    #expect(
      try factors("val_roc_auc_macro", areas) == [1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25])
    // Of an error less is better: the third improves, then none.
    #expect(try factors("val_ece", [0.9, 0.95, 0.8, 0.81, 0.82]) == [1, 1, 1, 1, 0.5])
    #expect(try factors("val_roc_auc_3", [nil, nil, 0.5, .nan, nil]) == [1, 0.5, 0.5, 0.5, 0.25])
  }

  /// Equal scores: the first class has the highest.
  @Test func ties() throws {
    let classification = Classification(
      scores: [1, 1, 1, 2, 0, 2], labels: [1, 2], classes: 3)
    #expect(classification.confusion.rows == [[0, 0, 0], [1, 0, 0], [1, 0, 0]])
    #expect(classification[try Self.metric("top_1_accuracy", classes: 3)] == 0)
    #expect(classification[try Self.metric("top_2_accuracy", classes: 3)] == 1)
    #expect(classification[try Self.metric("roc_auc_0", classes: 3)] == nil)
  }

  /// The scores that an evaluation hands out are those of the samples, however the set is cut.
  @Test func scoresOfAnEvaluation() throws {
    let source = GivenSource.random(.vector(5), count: 37, classes: 3, seed: 9)
    func scores(threads: Int, _ ranges: [Range<Int>]) throws -> [UInt32] {
      let network = try Trainer(
        NetworkDescription(
          input: .vector(5), layers: [.dense(DenseDescription(units: 3))], classes: 3),
        optimizer: sgd(), batchSize: 8, seed: 1, team: team(threads))
      return ranges.flatMap { range in
        var scores = [Float](repeating: .nan, count: range.count * 3)
        let result = scores.withUnsafeMutableBufferPointer {
          network.evaluate(source, range: range, scores: $0)
        }
        for (i, prediction) in result.predictions.enumerated() {
          let row = scores[3 * i..<3 * i + 3]
          #expect(row[3 * i + prediction] == row.max())
        }
        return bits(scores)
      }
    }
    let whole = try scores(threads: 1, [0..<37])
    #expect(try scores(threads: 3, [0..<37]) == whole)
    #expect(try scores(threads: 2, [0..<16, 16..<37]) == whole)
  }
}
