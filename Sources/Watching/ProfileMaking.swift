import ConvNet
import Datasets
import Images
import Statistics

extension ValidationProfile {
  /// The fewest images that say what others are to look like.
  public static let fewest = 20

  /// Describes images that were not trained on, by what a model makes of them. Every second one makes the
  /// mean and the covariance of the features, the others are described: what is held against a centre
  /// must not have made it.
  ///
  /// - Parameters:
  ///   - source: with their classes.
  ///   - seed: what images are distorted and spoiled by, for the chance that an answer is right.
  ///   - spoiled: how many spoiled images may be observed; few are as good as none.
  /// - Returns: nil for fewer images than `fewest`.
  public init?(
    _ source: ImageSource, by inference: Inference, modelDigest: String, seed: UInt64,
    spoiled: Int = 0
  ) {
    let found = source.count
    guard found >= Self.fewest else { return nil }
    let shape = ImageShape(
      height: source.images.height, width: source.images.width, channels: source.images.channels)
    let reduction = FeatureReduction(count: inference.featureCount)
    let count = min(found / 2, Self.mostImages)
    /// The images at equal distances, every second of them.
    func some(_ count: Int, from first: Int) -> ImageSource {
      source.chosen((0..<count).map { (2 * $0 + first) * found / (2 * count) })
    }

    let plain = Observer(modelDigest: modelDigest, shape: shape, reduction: reduction, centre: nil)
    var moments = Moments(width: reduction.width)
    let first = some(count, from: 0)
    inference.observe(first, 0..<count, by: plain) { _, seen in
      moments.add(seen.features)
    }
    let (mean, covariance) = (moments.mean, moments.covariance)

    let observer = Observer(
      modelDigest: modelDigest, shape: shape, reduction: reduction,
      centre: Mahalanobis(
        mean: mean.map { Double($0) }, covariance: covariance.map { Double($0) }))
    let described = some(count, from: 1)
    let classes = inference.plan.description.classes
    var classCounts = [Int](repeating: 0, count: classes)
    var (values, sample) = ([Float](), [Float]())
    var answers = CorrectnessModel.Answers()
    var (scores, labels) = ([Float](), [Int]())
    let sampled = min(count, Self.mostFeatures)
    var next = 0
    var plainly: [SeenImage] = []
    plainly.reserveCapacity(count)
    inference.observe(described, 0..<count, by: observer) { place, seen in
      plainly.append(seen)
      classCounts[seen.prediction] += 1
      values += Self.values(of: seen).map { $0 ?? 0 }
      if next < sampled, place == next * count / sampled {
        sample += seen.features
        next += 1
      }
      let label = described.labels[place]
      answers.append(seen, isRight: seen.prediction == label)
      // Of very many classes some images are enough.
      guard scores.count < Self.mostScores else { return }
      // Their logarithms are scores but for a number that all have in common.
      scores += seen.probabilities.map { Float(Elementary.log(max(Double($0), 1e-38))) }
      labels.append(label)
    }
    let right = answers.isRight.count { $0 }
    let tests = TestedImages(
      some(min(count, TestedImages.most, TestedImages.mostBytes / shape.count), from: 1), shape,
      by: inference)

    var distorted: [CorrectnessModel.Answers] = []
    let distortions = Self.distortions(shape)
    precondition(distortions.count == CorrectnessModel.kinds)
    for (number, ops) in distortions.enumerated() {
      let augmenter = Augmenter(
        ops: ops, height: shape.height, width: shape.width, channels: shape.channels, seed: seed,
        workers: inference.team.count)
      let chosen = source.chosen(
        (0..<min(found, Self.mostDistorted)).map { $0 * found / min(found, Self.mostDistorted) })
      let views = ImageSource(
        chosen.images, indices: chosen.chosenImages, augmenter: augmenter, view: 1 << 20 + number)
      var kind = CorrectnessModel.Answers()
      inference.observe(views, 0..<views.count, by: observer) { place, seen in
        kind.append(seen, isRight: seen.prediction == views.labels[place])
      }
      distorted.append(kind)
    }
    self.init(
      modelDigest: modelDigest, validation: found, classCounts: classCounts, values: values,
      featureCount: inference.featureCount, mean: mean, covariance: covariance, sample: sample,
      accuracy: Double(right) / Double(count),
      temperature: TemperatureScaling(scores: scores, labels: labels),
      correctness: CorrectnessModel(plain: answers, distorted: distorted),
      conditions: ConditionLibrary(
        spoiling: source, plain: (plainly, answers.isRight),
        traits: ImageTraits(width: reduction.width, classes: classes, values: values),
        by: inference, observer, most: spoiled, seed: seed), tests: tests)
  }

  /// The most images that are distorted in one way.
  private static let mostDistorted = 300
  /// The most scores that a temperature is fitted on.
  private static let mostScores = 1 << 20

  /// Ways in which images may come to be unlike those of the training, each from hardly to hardly
  /// readable. Lengths are of an image of 28 x 28 and grow with it.
  private static func distortions(_ shape: ImageShape) -> [[AugmentationOp]] {
    let unit = Float(min(shape.height, shape.width)) / 28
    let blur = 2 * Int((4 * unit).rounded()) + 1
    func pixels(_ op: PixelOp) -> AugmentationOp { .pixels(op, p: 1) }
    func policy(_ op: RandAugment.Op, _ magnitude: Int) -> AugmentationOp {
      .randAugment(RandAugment(count: 1, magnitude: magnitude, ops: [op]))
    }
    return [
      [.rotate(degrees: 60)], [.shear(degrees: 45)], [.zoom(fraction: 0.5)],
      [.shift(fraction: 0.25)],
      [.perspective(.init(distortion: 0.7, p: 1))],
      [.elastic(.init(alpha: 60 * unit, sigma: 4 * unit))],
      [pixels(.noise(deviation: 0.15))], [pixels(.noise(deviation: 0.4))],
      [pixels(.blur(.init(kernel: min(63, blur), sigma: 0.3 * unit...3 * unit)))],
      [pixels(.contrast(fraction: 0.9))], [pixels(.brightness(fraction: 0.9))],
      [pixels(.erase(.init(value: 0)))], [pixels(.erase(.init(value: 1)))],
      [policy(.solarize, 20)],
      [.rotate(degrees: 30), pixels(.noise(deviation: 0.2)), pixels(.erase(.init(value: 0.5)))],
    ]
  }
}

extension TestedImages {
  /// - Returns: nil for no images, as where one is larger than all that may be kept.
  init?(_ source: ImageSource, _ shape: ImageShape, by inference: Inference) {
    guard source.count > 0 else { return nil }
    var pixels: [UInt8] = []
    var values = [Float](repeating: 0, count: shape.count)
    for place in 0..<source.count {
      values.withUnsafeMutableBufferPointer {
        source.fill($0.baseAddress!, sample: place, epoch: 0, worker: 0)
      }
      pixels += values.map { UInt8(max(0, min(255, ($0 * 255).rounded()))) }
    }
    let classes = inference.plan.description.classes
    var scores = [Float](repeating: 0, count: source.count * classes)
    scores.withUnsafeMutableBufferPointer {
      inference.scores(of: source, range: 0..<source.count, into: $0)
    }
    self.init(pixels: pixels, shape: shape, scores: scores)
  }
}

/// Sums of vectors and of their products, in order.
private struct Moments {
  let width: Int
  private var count = 0.0
  private var sums: [Double]
  /// The lower triangle is summed.
  private var products: [Double]

  init(width: Int) {
    self.width = width
    sums = Array(repeating: 0, count: width)
    products = Array(repeating: 0, count: width * width)
  }

  mutating func add(_ vector: [Float]) {
    count += 1
    for i in 0..<width {
      let x = Double(vector[i])
      sums[i] += x
      guard x != 0 else { continue }
      for j in 0...i { products[i * width + j] += x * Double(vector[j]) }
    }
  }

  var mean: [Float] { sums.map { Float($0 / count) } }

  var covariance: [Float] {
    var result = [Float](repeating: 0, count: width * width)
    for i in 0..<width {
      for j in 0...i {
        let value = products[i * width + j] / count - sums[i] / count * (sums[j] / count)
        let scaled = Float((i == j ? max(0, value) : value) * count / max(1, count - 1))
        result[i * width + j] = scaled
        result[j * width + i] = scaled
      }
    }
    return result
  }
}
