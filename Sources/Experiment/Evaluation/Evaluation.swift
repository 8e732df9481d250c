import ConvNet
import Storage

/// What a run's weights make of the test images.
public struct TestReport: Sendable {
  public let weights: Summary.Weights
  /// The epoch that the weights are from.
  public let epoch: Int
  public let loss: Double
  public let accuracy: Double
  public let classNames: [String]
  /// How many images of a class were taken for another.
  public let confusion: ConfusionMatrix
  /// The class of each test image, and the one that it was taken for.
  public let labels: Labels
  public let predictions: Labels
  /// What the spec asks for besides loss and accuracy.
  public let metrics: [MeasuredMetric]
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

extension TestReport {
  init(
    _ inference: any ScoringNetwork, _ weights: Summary.Weights, epoch: Int, loss: LossDescription,
    metrics: [NamedMetric], images: TestImages,
    averaged: AveragedViews?
  ) {
    let test = images.source
    let (result, classification) = inference.classify(
      test, range: 0..<test.count, loss: loss,
      keepsProbabilities: metrics.contains(where: \.metric.kind.needsProbabilities))
    let (labels, predictions) = (classification.labels, classification.predictions)
    var mistakes: [Mistake] = []
    for (image, (label, predicted)) in zip(labels, predictions).enumerated()
    where label != predicted {
      mistakes.append(
        Mistake(
          image: image, label: label, prediction: predicted,
          confidence: Double(classification.confidences[image]),
          ownProbability: Double(classification.ownProbabilities[image])))
    }
    mistakes.sort { ($1.confidence, $0.image) < ($0.confidence, $1.image) }
    self.init(
      weights: weights, epoch: epoch, loss: result.loss, accuracy: result.accuracy,
      classNames: images.classNames, confusion: classification.confusion, labels: labels,
      predictions: predictions,
      metrics: metrics.map {
        MeasuredMetric(
          name: $0.name, value: result.lossSum.isFinite ? classification[$0.metric] : nil)
      },
      mistakes: mistakes, averaged: averaged)
  }
}

extension ModelFile {
  /// An experiment with the model's network, whose images come to its shape as the model's own do.
  /// - Throws: `SpecErrors`; `NetworkError`.
  public func experiment() throws -> ExperimentSpec {
    let text = try spec(on: .files("images"))
    var spec = try ExperimentSpec.load(bytes: Array(text.utf8), name: name).spec
    spec.dataset.preparation = preparation
    return spec
  }
}

extension RunFolder {
  /// Tests the weights of a run on images, and on several views of each if asked to.
  public func test(
    _ weights: Summary.Weights, spec: ExperimentSpec, images: TestImages, threads: Int,
    views: TestTimeAugmentation? = nil
  ) throws -> TestReport {
    let metrics = try spec.metrics.named(of: images.classNames)
    let (inference, epoch) = try inference(weights, spec: spec, threads: threads)
    return TestReport(
      inference, weights, epoch: epoch, loss: try loss(of: spec), metrics: metrics, images: images,
      averaged: views.map {
        AveragedViews(inference, images.views($0, of: spec, threads: threads))
      })
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

  /// The model of a run, ready to answer, and the epoch that its weights are from.
  func inference(
    _ weights: Summary.Weights, spec: ExperimentSpec, threads: Int
  ) throws -> (Inference, epoch: Int) {
    let (model, epoch) = try storedModel(weights, spec: spec, as: NetworkPlan(spec.network))
    return (try Inference(model, team: Team(threads: threads)), epoch)
  }

  /// The loss of a run, its classes weighed as they were in the training.
  func loss(of spec: ExperimentSpec) throws -> LossDescription {
    var loss = spec.loss
    if loss.balancesClasses {
      loss.classWeights = try RunRecord(reading: record).data?.classWeights
      guard loss.classWeights != nil else {
        throw RecordError(record, "has no class_weights, by which its loss weighs the classes")
      }
    }
    return loss
  }
}
