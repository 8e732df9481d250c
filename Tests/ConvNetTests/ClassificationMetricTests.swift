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
        let metric = try #require(ClassificationMetric(name), "\(name)")
        #expect(metric.name == name)
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

  @Test func names() {
    for name in [
      "top_0_accuracy", "top_01_accuracy", "top_-1_accuracy", "top_accuracy", "top__accuracy",
      "top_65536_accuracy", "precision", "precision_", "precision_micro", "f1_+3", "f1_03",
      "f1_65536",
      "roc_auc", "roc_auc_x", "ece_macro", "", "_", "macro",
    ] {
      #expect(ClassificationMetric(name) == nil, "\(name)")
    }
    for metric: ClassificationMetric in [
      .topAccuracy(5), .precision(nil), .recall(0), .f1(255), .f1(65_535), .rocAUC(nil),
      .calibrationError,
    ] {
      #expect(ClassificationMetric(metric.name) == metric)
    }
  }

  /// Equal scores: the first class has the highest.
  @Test func ties() {
    let classification = Classification(
      scores: [1, 1, 1, 2, 0, 2], labels: [1, 2], classes: 3)
    #expect(classification.confusion.rows == [[0, 0, 0], [1, 0, 0], [1, 0, 0]])
    #expect(classification[.topAccuracy(1)] == 0)
    #expect(classification[.topAccuracy(2)] == 1)
    #expect(classification[.rocAUC(0)] == nil)
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
