import Testing

@testable import ConvNet

/// Classes of samples, and what becomes of very many of them.
@Suite struct LabelsTests {
  @Test func theyAreWhatTheyWere() {
    let labels: Labels = [0, 255, 256, 65_535]
    #expect(Array(labels) == [0, 255, 256, 65_535] && labels[3] == 65_535)
    #expect(labels.bytes == [0, 0, 255, 0, 0, 1, 255, 255])
    #expect(Labels([3, 200]).bytes(ofClasses: 256) == [3, 200])
    #expect(Labels([3, 200]).bytes(ofClasses: 257) == [3, 0, 200, 0])
    #expect(labels.chosen([3, 0, 3]) == [65_535, 0, 65_535])
    #expect(labels + [7] == [0, 255, 256, 65_535, 7])
    #expect(Labels([1, 0, 1]).counts(ofClasses: 3) == [1, 2, 0])
    #expect(Labels([1, 0, 1]).members(ofClasses: 3) == [[1], [0, 2], []])
  }

  @Test func mistakesAreCounted() {
    let confusion = ConfusionMatrix(
      labels: [0, 0, 0, 1, 1, 2, 900, 900], predictions: [0, 1, 1, 1, 0, 2, 5, 900], classes: 1000)
    #expect(confusion.cells.count == 7 && confusion.recognised[900] == 1)
    #expect(confusion.samples[0] == 3 && confusion.taken[1] == 3)
    #expect(
      confusion.mistakes.map { [$0.label, $0.prediction, $0.count] }
        == [[0, 1, 2], [1, 0, 1], [900, 5, 1]])
    #expect(confusion.mostConfused(3) == [0, 1])
    #expect(confusion.mostConfused(4) == [0, 1, 5, 900])
  }

  /// Evaluated some at a time, so that the scores of all are never in memory: the same figures, for any
  /// number of classes, with one thread or several.
  @Test(arguments: [3, 1000, 65_536]) func classifiesInParts(classes: Int) throws {
    let count = classes > 1000 ? 150 : 5000
    let source = GivenSource.random(.vector(2), count: count, classes: classes, seed: 5)
    func classify(_ threads: Int) throws -> (EvaluationResult, Classification, [Float]) {
      let network = try Trainer(
        NetworkDescription(
          input: .vector(2), layers: [.dense(DenseDescription(units: classes))], classes: classes),
        optimizer: sgd(), batchSize: 8, seed: 1, team: team(threads))
      let step = network.trainStep(
        source, samples: Array(0..<8), step: 1, learningRate: 0.1)
      #expect(step.isFinite)
      let (result, classification) = network.inference.classify(
        source, range: 0..<count, loss: .softmaxCrossEntropy)
      var scores = [Float](repeating: 0, count: classes > 1000 ? 0 : count * classes)
      if !scores.isEmpty {
        let whole = scores.withUnsafeMutableBufferPointer {
          network.evaluate(source, range: 0..<count, scores: $0)
        }
        #expect(whole.lossSum == result.lossSum && whole.predictions == result.predictions)
      }
      return (result, classification, scores)
    }
    let (one, told, scores) = try classify(1)
    let (two, again, _) = try classify(2)
    #expect(one.lossSum == two.lossSum && one.predictions == two.predictions)
    #expect(told.confidences == again.confidences)
    #expect(one.predictions == told.predictions && told.labels == source.labels)
    func metric(_ name: String) throws -> ClassificationMetric {
      try ClassificationMetricTests.metric(name, classes: classes)
    }
    #expect(told[try metric("top_1_accuracy")] == one.accuracy)
    if !scores.isEmpty {
      let whole = Classification(scores: scores, labels: source.labels, classes: classes)
      for name in ["top_5_accuracy", "f1_macro", "recall_2", "ece"] {
        let figure = try metric(name)
        #expect(told[figure] == whole[figure])
      }
    }
  }
}
