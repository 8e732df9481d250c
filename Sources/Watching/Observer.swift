import ConvNet
import Datasets
import Images
import Statistics

/// Makes of a network's scores and features, and of the pixels that it saw, what a watch needs to know of
/// an image. The same bits wherever it is done.
public struct Observer: Sendable {
  /// Of the weights that answer.
  public let modelDigest: String
  private let shape: ImageShape
  /// Nil where no profile says what features are like.
  private let reduction: FeatureReduction?
  private let centre: Mahalanobis?

  /// - Parameters:
  ///   - modelDigest: of the weights that answer.
  ///   - shape: of the images that the network sees.
  ///   - profile: of this model, where there is one; one of other weights is none.
  public init(modelDigest: String, shape: ImageShape, profile: ValidationProfile?) {
    let profile = profile?.modelDigest == modelDigest ? profile : nil
    self.init(
      modelDigest: modelDigest, shape: shape,
      reduction: profile.map { FeatureReduction(count: $0.featureCount) },
      centre: profile?.centre)
  }

  init(
    modelDigest: String, shape: ImageShape, reduction: FeatureReduction?, centre: Mahalanobis?
  ) {
    self.modelDigest = modelDigest
    self.shape = shape
    self.reduction = reduction
    self.centre = centre
  }

  /// - Parameters:
  ///   - scores: of the classes, before softmax.
  ///   - features: what the last layer with weights reads, `Inference.featureCount` numbers.
  ///   - pixels: (H, W, C), as the network sees them before they are normalised.
  public func observe(
    scores: some Collection<Float>, features: some Collection<Float>, pixels: ArraySlice<UInt8>
  ) -> SeenImage {
    observe(
      scores: scores, features: features, figures: ImageFigures(pixels, shape: shape))
  }

  func observe(
    scores: some Collection<Float>, features: some Collection<Float>, figures: ImageFigures
  ) -> SeenImage {
    let probabilities = Inference.probabilities(ofScores: scores)
    var best = 0
    for label in probabilities.indices where probabilities[label] > probabilities[best] {
      best = label
    }
    let scores = scores.map { Double($0) }
    let most = scores.max() ?? 0
    var (all, others, mostOther) = (0.0, 0.0, -Double.infinity)
    for (label, score) in scores.enumerated() {
      all += Elementary.exp(score - most)
      if label != best { mostOther = max(mostOther, score) }
    }
    for (label, score) in scores.enumerated() where label != best {
      others += Elementary.exp(score - mostOther)
    }
    let odds = scores[best] - mostOther - Elementary.log(others)
    let kept = reduction?.reduced(features) ?? []
    return SeenImage(
      prediction: best, confidence: probabilities[best], logOdds: finite(odds),
      energy: finite(most + Elementary.log(all)),
      distance: kept.isEmpty ? nil : centre.map { finite($0.distance(kept)) }, figures: figures,
      probabilities: probabilities, features: kept)
  }

  /// Scores that are no numbers say nothing.
  private func finite(_ value: Double) -> Float {
    let value = Float(value)
    return value.isFinite ? value : 0
  }
}

extension Inference {
  /// Observes images, some at a time, so that their features need never all be in memory, and as many at
  /// once as there are threads.
  /// - Parameter each: is told of the places in ascending order.
  func observe(
    _ source: any ImageSamples, _ places: Range<Int>, by observer: Observer,
    each: (Int, SeenImage) -> Void
  ) {
    let together = 256
    var scores = [Float](repeating: 0, count: together * plan.description.classes)
    var features = [Float](repeating: 0, count: together * featureCount)
    for start in stride(from: places.lowerBound, to: places.upperBound, by: together) {
      let range = start..<min(places.upperBound, start + together)
      scores.withUnsafeMutableBufferPointer { scores in
        features.withUnsafeMutableBufferPointer { features in
          self.scores(
            of: source, range: range,
            into: UnsafeMutableBufferPointer(rebasing: scores[..<(range.count * classes)]),
            features: UnsafeMutableBufferPointer(
              rebasing: features[..<(range.count * featureCount)]))
        }
      }
      for (i, seen) in observed(source, range, scores, features, by: observer).enumerated() {
        each(start + i, seen)
      }
    }
  }

  /// - Parameters:
  ///   - scores: (range.count, classes)
  ///   - features: (range.count, featureCount)
  private func observed(
    _ source: any ImageSamples, _ range: Range<Int>, _ scores: [Float], _ features: [Float],
    by observer: Observer
  ) -> [SeenImage] {
    let (classes, width) = (classes, featureCount)
    let shape = plan.description.input
    let image = ImageShape(
      height: shape.extent.height, width: shape.extent.width, channels: shape.channels)
    let parts = min(team.count, range.count)
    return [SeenImage](unsafeUninitializedCapacity: range.count) { buffer, count in
      let base = SendablePointer(buffer.baseAddress!)
      forEachPart(of: parts, threads: parts) { workers in
        var values = [Float](repeating: 0, count: shape.count)
        for worker in workers {
          for i in range.count * worker / parts..<range.count * (worker + 1) / parts {
            values.withUnsafeMutableBufferPointer {
              source.fill(
                $0.baseAddress!, sample: range.lowerBound + i, epoch: 0, worker: worker)
            }
            let pixels = values.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) }
            (base.pointer + i).initialize(
              to: observer.observe(
                scores: scores[i * classes..<(i + 1) * classes],
                features: features[i * width..<(i + 1) * width],
                figures: ImageFigures(pixels, shape: image)))
          }
        }
      }
      count = range.count
    }
  }

  /// What is observed of images, in their order.
  public func observations(of source: any ImageSamples, by observer: Observer) -> [SeenImage] {
    var all: [SeenImage] = []
    all.reserveCapacity(source.count)
    observe(source, 0..<source.count, by: observer) { _, seen in all.append(seen) }
    return all
  }
}
