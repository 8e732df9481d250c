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

  /// - Parameter profile: of this model, where there is one; one of other weights is none.
  public init(_ file: ModelFile, profile: ValidationProfile?) {
    let digest = file.weightsDigest
    let profile = profile?.modelDigest == digest ? profile : nil
    self.init(
      modelDigest: digest, shape: file.preparation.shape!,
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
  /// Observes images, some at a time, so that their features need never all be in memory.
  /// - Parameters:
  ///   - pixels: of each place, (H, W, C) bytes; nil for what the source gives, as bytes.
  ///   - each: is told of the places in ascending order, with the raw features of each.
  func observe(
    _ source: any ImageSamples, _ places: Range<Int>, by observer: Observer,
    each: (Int, SeenImage, ArraySlice<Float>) -> Void
  ) {
    let classes = plan.description.classes
    let shape = plan.description.input
    let channels = shape.channels
    let together = 128
    var scores = [Float](repeating: 0, count: together * classes)
    var features = [Float](repeating: 0, count: together * featureCount)
    var values = [Float](repeating: 0, count: shape.count)
    let image = ImageShape(
      height: shape.extent.height, width: shape.extent.width, channels: channels)
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
      for place in range {
        values.withUnsafeMutableBufferPointer {
          source.fill($0.baseAddress!, sample: place, epoch: 0, worker: 0)
        }
        let pixels = values.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) }
        let i = place - start
        let own = features[i * featureCount..<(i + 1) * featureCount]
        each(
          place,
          observer.observe(
            scores: scores[i * classes..<(i + 1) * classes], features: own,
            figures: ImageFigures(pixels, shape: image)), own)
      }
    }
  }

  /// What is observed of images, in their order.
  public func observations(of source: any ImageSamples, by observer: Observer) -> [SeenImage] {
    var all: [SeenImage] = []
    all.reserveCapacity(source.count)
    observe(source, 0..<source.count, by: observer) { _, seen, _ in
      all.append(seen)
    }
    return all
  }
}
