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
  package func hasTestImages(of recorded: RunRecord.Data) -> Bool? {
    if record.digest == recorded.digest { return true }
    return recorded.hasTestImages(test?.digest, validationCount: validationCount)
  }
}

extension RunRecord.Data {
  /// Whether the run began with test images of this digest; nil where it recorded too little to tell by
  /// them alone. A record of an earlier version has a digest of all images; with one of the training
  /// images, and how many of them are there to validate on, it tells as much.
  fileprivate func hasTestImages(_ digest: String?, validationCount: Int) -> Bool? {
    if let testImages { return testImages == digest }
    if training.isEmpty { return nil }
    return RunImages.digest(training: training, test: digest, validationCount: validationCount)
      == self.digest
  }
}

extension TestImages {
  /// Reads the test images of a run, and no others where these are enough: of a share of the training
  /// images all have to be read. So they have for a record of an earlier version that has a digest of all
  /// images and none of the training images, or has images of its own to validate on, whose number the
  /// digest is of, too.
  ///
  /// - Parameters:
  ///   - recorded: what the run recorded of its data; nil where it recorded nothing.
  ///   - notice: told, as sentences to the user, what they must know of the data.
  /// - Returns: the images, and whether the run was begun with them; nil where it recorded too little to
  ///   tell.
  /// - Throws: `RecordError` where the spec reads none; `DatasetError`.
  public static func load(
    ofRun section: DatasetSpec, recorded: RunRecord.Data?, dataFolder: String?, threads: Int,
    progress: @escaping (DownloadProgress) -> Void, notice: (String) -> Void
  ) throws -> (images: TestImages, areUnchanged: Bool?) {
    let tellsAlone =
      recorded.map {
        $0.testImages != nil || !$0.training.isEmpty && section.validation != .own
      } ?? true
    let isRead = section.otherTest != nil || section.request().readsTest
    guard tellsAlone, isRead, !section.test.isShare else {
      let all = try RunImages.load(
        section, recorded: recorded, dataFolder: dataFolder, threads: threads, progress: progress,
        notice: notice)
      return (try all.testImages.required(), recorded.flatMap(all.hasTestImages))
    }
    let other = section.otherTest?.rawValue
    let set = try DatasetLocator.standard(dataFolder: dataFolder).load(
      other.map(section.testRequest) ?? section.request(recorded: recorded).withoutTraining,
      threads: threads, progress: progress)
    RunImages.tell(notes: set.notes, skipped: set.skipped, "told here only", notice)
    if other == nil {
      RunImages.tell(of: set, for: recorded?.standsInFor ?? set.substitution?.name, notice)
    }
    // Another dataset's classes may be called otherwise; they are learned as those of the run's own.
    let names = other == nil ? set.classNames : recorded?.classNames ?? []
    let images = TestImages(
      set.test!, classNames: names.isEmpty ? section.classNames ?? set.classNames : names,
      name: other ?? set.name)
    return (
      images, recorded.flatMap { $0.hasTestImages(images.images.digest, validationCount: 0) }
    )
  }
}

extension TestSet {
  fileprivate var isShare: Bool { if case .share = self { true } else { false } }
}
