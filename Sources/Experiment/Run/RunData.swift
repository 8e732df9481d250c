import ConvNet
import Datasets

/// What a run trains, validates and tests on, as its spec asks for it.
public struct RunData: Sendable {
  public let train: any SampleSource
  /// The same images without augmentation.
  public let plain: any SampleSource
  public let validation: (any SampleSource)?
  /// Nil where the spec reads none.
  public let test: (any SampleSource)?
  let testImages: ImageSet?
  public let classNames: [String]
  public let record: RunRecord.Data
  /// What isn't as one would expect it of the data, as sentences to the user.
  public let warnings: [String]

  /// Selects the images, holds those for validation out, and sets the augmentation up.
  /// - Parameter threads: how many workers may augment images at once.
  public init(_ spec: ExperimentSpec, images: RunImages, threads: Int) throws {
    let set = images.train
    let selection = spec.dataset.selection
    // Validation images of its own come last, and none of them is left out.
    let own = Int32(set.count - images.validationCount)..<Int32(set.count)
    let trainable = Array(set.labels[..<Int(own.lowerBound)])
    let chosen = try selection.chosen(labels: trainable, classes: set.classes)
    let labels = chosen.map { $0.map { set.labels[Int($0)] } } ?? trainable
    let split = try Split(
      labels: labels, validation: try spec.dataset.validation.held(of: labels.count),
      stratified: spec.dataset.stratified, seed: spec.seed)
    func indices(_ places: [Int32]) -> [Int32] {
      chosen.map { chosen in places.map { chosen[Int($0)] } } ?? places
    }
    let training = try selection.balanced(
      indices(split.training), labels: set.labels, classes: set.classes)
    let held = indices(split.validation) + own
    let ops = spec.augmentation.filter { !$0.isMixing }
    let augmenter =
      ops.isEmpty
      ? nil
      : Augmenter(
        ops: ops, height: set.height, width: set.width, channels: set.channels,
        seed: spec.seed, workers: threads)
    train = ImageSource(set, indices: training, augmenter: augmenter)
    plain = ImageSource(set, indices: training)
    validation = held.isEmpty ? nil : ImageSource(set, indices: held)
    testImages = images.test
    test = images.test.map { ImageSource($0) }
    classNames = images.classNames
    warnings = Self.warnings(
      [
        ("train on", training.map { set.labels[Int($0)] }),
        ("validate on", held.map { set.labels[Int($0)] }), ("test on", images.test?.labels ?? []),
      ], images.classNames)
    var record = images.record
    record.notes += warnings
    self.record = record
  }

  /// Tells of the classes without any image in one of the parts that there are.
  private static func warnings(
    _ parts: [(use: String, labels: [UInt8])], _ names: [String]
  ) -> [String] {
    parts.compactMap { use, labels in
      let present = Set(labels)
      let absent = names.indices.filter { !present.contains(UInt8($0)) }.map { names[$0] }
      guard !labels.isEmpty, !absent.isEmpty else { return nil }
      let shown =
        absent.prefix(12).joined(separator: ", ") + (absent.count > 12 ? ", …" : "")
      return "there is no image to \(use) of the "
        + (absent.count == 1 ? "class \(shown)" : "\(absent.count) classes \(shown)")
    }
  }

  /// The pixels (H, W, C) of some test images, as the network is given them before normalisation.
  public func testPixels(of images: some Sequence<Int>) -> (shape: Shape, pixels: [[UInt8]])? {
    testImages.map { set in (set.shape, images.map { Array(set.image($0)) }) }
  }

  /// The test images.
  /// - Throws: `RecordError` where the spec reads none.
  public func requireTest() throws -> any SampleSource {
    if let test { return test }
    throw RecordError(
      "dataset.test", "is \"none\": this run reads no test images, so it cannot be tested")
  }
}
