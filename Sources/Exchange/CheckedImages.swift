import ConvNet
import Datasets
import Experiment
import Storage

/// What an export is checked on: test images, or noise where there are none.
public struct CheckedImages: Sendable {
  /// What they are called; nil for noise.
  public let name: String?
  /// What noise is drawn by.
  public let seed: UInt64?
  public let images: ImageSet

  /// The first so many of some test images; nil for all.
  public init(_ test: TestImages, count: Int?) {
    name = test.name
    seed = nil
    images = test.images.prefix(min(count ?? test.count, test.count))
  }

  /// Bytes of 0 to 255, drawn evenly, for a model that takes images.
  public init(noise count: Int, seed: UInt64, for model: ModelFile) {
    self.init(noise: count, seed: seed, for: .floats(model))
  }

  public init(noise count: Int, seed: UInt64, for model: AnsweringModel) {
    let shape = model.preparation.shape!
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * shape.count)
    for image in 0..<count {
      var stream = RandomStream(seed: seed, purpose: .probe, sample: UInt32(image))
      for _ in 0..<shape.count { pixels.append(UInt8(truncatingIfNeeded: stream.next())) }
    }
    name = nil
    self.seed = seed
    images = ImageSet(
      height: shape.height, width: shape.width, channels: shape.channels,
      classes: model.classNames.count, pixels: pixels,
      labels: Labels(repeating: 0, count: count))
  }

  public var count: Int { images.count }
  /// SHA-256 of them and their classes.
  public var digest: String { images.digest }

  /// They, their classes and the scores of a model, as an `.npz` of images (N, H, W, C), labels (N) and
  /// scores (N, classes), for the tests of whoever uses an export.
  public func samples(with scores: [Float]) -> [UInt8] {
    let classes = scores.count / count
    var file = NPZFile()
    file.add(
      "images", images.pixels[0..<images.pixels.count],
      shape: [count, images.height, images.width, images.channels])
    if name != nil { file.add("labels", images.labels, ofClasses: images.classes) }
    file.add("scores", scores, shape: [count, classes])
    return file.bytes
  }

  /// The part of them that some answers are right of; nil of noise.
  func accuracy(_ answers: [Int]) -> Double? {
    guard name != nil else { return nil }
    let right = zip(answers, images.labels).count { $0 == $1 }
    return Double(right) / Double(count)
  }
}

/// Images as an exported graph is given them: pixels of 0 to 255, with its own scale.
final class ScaledPixels: ImageSamples {
  private let images: ImageSet
  private let scale: Float

  init(_ images: ImageSet, scale: Float) {
    self.images = images
    self.scale = scale
  }

  var sampleShape: Shape { images.shape }
  var count: Int { images.count }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    let size = images.pixelsPerImage
    images.pixels.withUnsafeBufferPointer { pixels in
      for i in 0..<size { destination[i] = Float(pixels[sample * size + i]) * scale }
    }
  }
}
