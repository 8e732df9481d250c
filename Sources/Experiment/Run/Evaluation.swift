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
  /// Tests the weights of a run on images, and on several views of each if asked to.
  public func test(
    _ weights: Summary.Weights, spec: ExperimentSpec, images: TestImages, threads: Int,
    views: TestTimeAugmentation? = nil
  ) throws -> TestReport {
    let test = images.source
    let metrics = try spec.metrics.named(of: images.classNames)
    let (network, epoch) = try network(weights, spec: spec, threads: threads)
    let count = test.count
    let classes = images.classNames.count
    var predictions = [UInt8](repeating: 0, count: count)
    var scores = [Float](repeating: 0, count: count * classes)
    let result = predictions.withUnsafeMutableBufferPointer { predictions in
      scores.withUnsafeMutableBufferPointer {
        network.evaluate(test, range: 0..<count, predictions: predictions, scores: $0)
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
    let averaged = views.map {
      AveragedViews(network, images.views($0, of: spec, threads: threads))
    }
    return TestReport(
      weights: weights, epoch: epoch, loss: result.loss, accuracy: result.accuracy,
      classNames: images.classNames, confusion: confusion, labels: labels, predictions: predictions,
      metrics: metrics.map {
        Summary.Figure(
          name: $0.name, value: result.lossSum.isFinite ? classification[$0.metric] : nil)
      },
      mistakes: mistakes, averaged: averaged)
  }

  /// The weights that the run tested, or those that its spec would test where it hasn't come to that: the
  /// best where they are to be restored and there are any, else the last.
  public func testedWeights(
    _ spec: ExperimentSpec
  ) throws -> (weights: Summary.Weights, wereTested: Bool) {
    if Files.exists(summary) {
      let json = try readSummary()
      guard let weights = json["tested_weights"]?.string.flatMap(Summary.Weights.init) else {
        throw RecordError(summary, "is damaged: it does not say which weights were tested")
      }
      return (weights, json["test_accuracy"]?.double != nil)
    }
    let restoresBest = spec.earlyStopping?.restoreBest ?? false
    return (restoresBest && Files.exists(best) ? .best : .last, false)
  }

  /// The network with the weights of a run, and the epoch that they are from.
  func network(
    _ weights: Summary.Weights, spec: ExperimentSpec, threads: Int
  ) throws -> (Network, epoch: Int) {
    let path = weights == .best ? best : last
    guard Files.exists(path) else {
      let other: Summary.Weights = weights == .best ? .last : .best
      let isThere = Files.exists(other == .best ? best : last)
      throw RecordError(
        self.path,
        "has no \(weights.rawValue) weights (\(path))"
          + (isThere ? "; it has the \(other.rawValue): --weights \(other.rawValue)" : ""))
    }
    var classWeights: [Float]?
    if spec.loss.balancesClasses {
      classWeights = try RunRecord(reading: record).data?.classWeights
      guard classWeights != nil else {
        throw RecordError(record, "has no class_weights, by which its loss weighs the classes")
      }
    }
    let network = try Network(
      spec, classWeights: classWeights, team: try Team(threads: threads))
    var epoch = try Checkpoint.loadWeights(path, into: network, epochs: spec.training.epochs)
    // A checkpoint at the end of an epoch names the next, which it would begin.
    if weights == .last { epoch = max(1, try EpochRow.read(metrics).count) }
    return (network, epoch)
  }
}
