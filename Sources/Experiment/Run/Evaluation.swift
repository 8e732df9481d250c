import ConvNet

/// What a run's weights make of the test images.
public struct TestReport: Sendable {
  public let weights: Summary.Weights
  /// The epoch that the weights are from.
  public let epoch: Int
  public let loss: Double
  public let accuracy: Double
  public let classNames: [String]
  /// How many images of a class (row) were taken for another (column).
  public let confusion: [[Int]]
  /// The class of each test image, and the one that it was taken for.
  public let labels: [UInt8]
  public let predictions: [UInt8]
  /// What the spec asks for besides loss and accuracy.
  public let metrics: [Summary.Figure]
  /// The images that were taken for what they aren't, the surest mistakes first.
  public let mistakes: [Mistake]
  /// What several views of each image come to, where they were asked for.
  public let averaged: AveragedViews?

  /// Precision, recall and F1 of each class.
  public var classes: [ClassFigures] {
    classNames.indices.map { ClassFigures(of: $0, in: confusion) }
  }
}

/// A test image that was taken for another class than its own.
public struct Mistake: Hashable, Sendable {
  /// Its place among the test images.
  public let image: Int
  public let label: Int
  public let prediction: Int
  /// The probability that the network gave the class that it took it for, and its own.
  public let confidence: Double
  public let ownProbability: Double
}

extension RunFolder {
  /// Tests the weights of a run on its test images, and on several views of each if asked to.
  public func test(
    _ weights: Summary.Weights, spec: ExperimentSpec, data: RunData, threads: Int,
    views: TestTimeAugmentation? = nil
  ) throws -> TestReport {
    let test = try data.requireTest()
    let (inference, epoch) = try inference(weights, spec: spec, threads: threads)
    let count = test.count
    let classes = data.classNames.count
    var predictions = [UInt8](repeating: 0, count: count)
    var scores = [Float](repeating: 0, count: count * classes)
    let result = predictions.withUnsafeMutableBufferPointer { predictions in
      scores.withUnsafeMutableBufferPointer {
        inference.evaluate(
          test, range: 0..<count, loss: spec.loss, predictions: predictions, scores: $0)
      }
    }
    let labels = (0..<count).map { UInt8(test.label(of: $0)) }
    let classification = Classification(scores: scores, labels: labels, classes: classes)
    var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    var mistakes: [Mistake] = []
    for (image, (label, predicted)) in zip(labels, predictions).enumerated() {
      confusion[Int(label)][Int(predicted)] += 1
      guard label != predicted else { continue }
      mistakes.append(
        Mistake(
          image: image, label: Int(label), prediction: Int(predicted),
          confidence: Double(classification.probability(image, Int(predicted))),
          ownProbability: Double(classification.probability(image, Int(label)))))
    }
    mistakes.sort { ($1.confidence, $0.image) < ($0.confidence, $1.image) }
    let averaged = views.flatMap { views in
      data.testViews(views, of: spec, threads: threads).map { AveragedViews(inference, $0) }
    }
    return TestReport(
      weights: weights, epoch: epoch, loss: result.loss, accuracy: result.accuracy,
      classNames: data.classNames, confusion: confusion, labels: labels, predictions: predictions,
      metrics: spec.metrics.map {
        Summary.Figure(metric: $0, value: result.lossSum.isFinite ? classification[$0] : nil)
      },
      mistakes: mistakes, averaged: averaged)
  }

  /// The model of a run, ready to answer, and the epoch that its weights are from.
  func inference(
    _ weights: Summary.Weights, spec: ExperimentSpec, threads: Int
  ) throws -> (Inference, epoch: Int) {
    let (model, epoch) = try storedModel(weights, spec: spec)
    return (try Inference(model, team: Team(threads: threads)), epoch)
  }
}
