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
  /// What several views of each image come to, where they were asked for.
  public let averaged: AveragedViews?

  /// The part of a class's images that were recognised.
  public func accuracy(of label: Int) -> Double {
    Double(confusion[label][label]) / Double(max(1, confusion[label].reduce(0, +)))
  }
}

extension RunFolder {
  /// Tests the weights of a run on its test images, and on several views of each if asked to.
  public func test(
    _ weights: Summary.Weights, spec: ExperimentSpec, data: RunData, threads: Int,
    views: TestTimeAugmentation? = nil
  ) throws -> TestReport {
    let test = try data.requireTest()
    let (network, epoch) = try network(weights, spec: spec, threads: threads)
    let count = test.count
    var predictions = [UInt8](repeating: 0, count: count)
    let result = predictions.withUnsafeMutableBufferPointer {
      network.evaluate(test, range: 0..<count, predictions: $0)
    }
    let classes = data.classNames.count
    var confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    let labels = (0..<count).map { UInt8(test.label(of: $0)) }
    for (label, predicted) in zip(labels, predictions) {
      confusion[Int(label)][Int(predicted)] += 1
    }
    let averaged = views.flatMap { views in
      data.testViews(views, of: spec, threads: threads).map { AveragedViews(network, $0) }
    }
    return TestReport(
      weights: weights, epoch: epoch, loss: result.loss, accuracy: result.accuracy,
      classNames: data.classNames, confusion: confusion, labels: labels, predictions: predictions,
      averaged: averaged)
  }

  /// The network with the weights of a run, and the epoch that they are from.
  func network(
    _ weights: Summary.Weights, spec: ExperimentSpec, threads: Int
  ) throws -> (Network, epoch: Int) {
    let path = weights == .best ? best : last
    guard Files.exists(path) else {
      throw RecordError(self.path, "has no \(weights.rawValue) weights (\(path))")
    }
    let network = try Network(spec, team: Team(threads: threads))
    var epoch = try Checkpoint.loadWeights(path, into: network)
    // A checkpoint at the end of an epoch names the next, which it would begin.
    if weights == .last { epoch = max(1, try EpochRow.read(metrics).count) }
    return (network, epoch)
  }
}
