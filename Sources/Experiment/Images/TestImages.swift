import ConvNet
import Datasets
import Storage

/// Images with their classes that weights are tested on: a run's own, or others.
public struct TestImages: Sendable {
  public let images: ImageSet
  public let classNames: [String]
  /// What they are called: the dataset, or where one's own files are.
  public let name: String

  public init(_ images: ImageSet, classNames: [String], name: String) {
    self.images = images
    self.classNames = classNames
    self.name = name
  }

  public var count: Int { images.count }
  public var source: ImageSource { ImageSource(images) }

  /// The pixels (H, W, C) of some of them, as the network is given them before normalisation.
  public func pixels(of places: some Sequence<Int>) -> [[UInt8]] {
    places.map { Array(images.image($0)) }
  }

  /// They as they are and then distorted, each view as an epoch of that number would.
  /// - Parameter threads: how many workers may distort images at once.
  func views(
    _ augmentation: TestTimeAugmentation, of spec: ExperimentSpec, threads: Int
  ) -> [any SampleSource] {
    let augmenter = Augmenter(
      ops: augmentation.ops(of: spec), fill: spec.augmentationFill, height: images.height,
      width: images.width, channels: images.channels, seed: spec.seed, workers: threads)
    return [source]
      + (1..<max(1, augmentation.count)).map {
        ImageSource(images, augmenter: augmenter, view: $0)
      }
  }
}

extension TestImages? {
  /// The images.
  /// - Throws: `RecordError` where the spec reads none.
  public func required() throws(RecordError) -> TestImages {
    if let self { return self }
    throw RecordError(
      "dataset.test", "is \"none\": this run reads no test images, so it cannot be tested")
  }
}

extension RunImages {
  /// The images to test on; nil where the spec reads none.
  public var testImages: TestImages? {
    test.map { TestImages($0, classNames: classNames, name: record.test ?? record.name) }
  }

  /// SHA-256 of what is trained and tested on. Where the validation images begin changes a run as well.
  static func digest(training: String, test: String?, validationCount: Int) -> String {
    let held = validationCount > 0 ? " \(validationCount)" : ""
    return SHA256.hex(of: Array((training + (test ?? "") + held).utf8))
  }

  /// Whether these test images are the ones that a run began with, whatever became of the training
  /// images; nil where it recorded too little to tell.
  public func hasTestImages(of recorded: RunRecord.Data) -> Bool? {
    if record.digest == recorded.digest { return true }
    if recorded.training.isEmpty { return nil }
    let digest = Self.digest(
      training: recorded.training, test: test?.digest, validationCount: validationCount)
    return digest == recorded.digest
  }
}
