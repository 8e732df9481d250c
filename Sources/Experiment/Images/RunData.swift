import ConvNet
import Datasets

/// What a run trains, validates and tests on, as its spec asks for it.
public struct RunData: Sendable {
  public let train: any SampleSource
  /// The same images without augmentation.
  public let plain: any SampleSource
  public let validation: (any SampleSource)?
  public var test: (any SampleSource)? { testImages?.source }
  /// Nil where the spec reads none.
  public let testImages: TestImages?
  public let classNames: [String]
  /// What is measured besides loss and accuracy.
  let metrics: [NamedMetric]
  public let record: RunRecord.Data
  /// Of which classes there are images to validate on, and to test on.
  private let classes: (validation: Set<Int>, test: Set<Int>)
  /// What isn't as one would expect it of the data, as sentences to the user.
  public let warnings: [String]

  /// Selects the images, holds those for validation out, and sets the augmentation up.
  /// - Parameter threads: how many workers may augment images at once.
  /// - Throws: `DatasetError` where no class is called as a metric says, or a metric that is watched or
  ///   bounded has no value on these images.
  public init(_ spec: ExperimentSpec, images: RunImages, threads: Int) throws {
    let set = images.train
    let selection = spec.dataset.selection
    // Validation images of its own come last, and none of them is left out.
    let own = Int32(set.count - images.validationCount)..<Int32(set.count)
    let trainable = set.labels.chosen(0..<own.lowerBound)
    let chosen = try selection.chosen(labels: trainable, classes: set.classes)
    let labels = chosen.map { set.labels.chosen($0) } ?? trainable
    let split = try HoldoutSplit(
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
        ops: ops, fill: spec.augmentationFill, height: set.height, width: set.width,
        channels: set.channels, seed: spec.seed, workers: threads)
    train = ImageSource(set, indices: training, augmenter: augmenter)
    plain = ImageSource(set, indices: training)
    validation = held.isEmpty ? nil : ImageSource(set, indices: held)
    testImages = images.testImages
    classNames = images.classNames
    metrics = try spec.metrics.named(of: images.classNames)
    warnings = Self.warnings(
      [
        ("train on", set.labels.chosen(training)), ("validate on", set.labels.chosen(held)),
        ("test on", images.test?.labels ?? []),
      ], images.classNames)
    var record = images.record
    record.notes += warnings
    if spec.loss.balancesClasses {
      record.classWeights = LossDescription.balancingWeights(
        train.labels.counts(ofClasses: set.classes))
    }
    self.record = record
    classes = (
      Set(held.map { set.labels[Int($0)] }), Set(images.test?.labels ?? [])
    )
    for (place, metric) in spec.watched { try check(metric, watchedBy: place) }
    // Of what stands in for other data, nothing is expected.
    guard record.standsInFor == nil else { return }
    for metric in spec.expect.compactMap(\.figure.metric) {
      try check(metric, watchedBy: "expect.\(metric.rawValue)")
    }
  }

  /// Refuses what is to decide something, but has no value on the images, whatever is learned.
  /// - Parameter place: what it is to decide, for the message.
  package func check(_ metric: Metric, watchedBy place: String) throws(DatasetError) {
    let present = metric.part == .test ? classes.test : classes.validation
    guard metric.part != .training,
      let measured = metrics.first(where: { $0.name == metric.name }), !present.isEmpty,
      !measured.metric.isDefined(on: present, classes: classNames.count)
    else { return }
    let use = metric.part == .test ? "test on" : "validate on"
    throw DatasetError(
      .invalid,
      "\(place): \(metric.rawValue) has no value, since there is no image to \(use) of "
        + "\(Self.named(Self.absent(from: present, classNames))); decide by another, or let there be "
        + (metric.part == .test
          ? "some"
          : "some: dataset.validation says how many, and dataset.stratified of which classes"))
  }

  /// Tells of the classes without any image in one of the parts that there are.
  private static func warnings(
    _ parts: [(use: String, labels: Labels)], _ names: [String]
  ) -> [String] {
    parts.compactMap { use, labels in
      let absent = absent(from: Set(labels), names)
      guard !labels.isEmpty, !absent.isEmpty else { return nil }
      return "there is no image to \(use) of \(named(absent))"
    }
  }

  private static func absent(from present: Set<Int>, _ names: [String]) -> [String] {
    names.indices.filter { !present.contains($0) }.map { names[$0] }
  }

  /// "the class 7", "the 2 classes 3, 7"
  private static func named(_ classes: [String]) -> String {
    let shown = classes.prefix(12).joined(separator: ", ") + (classes.count > 12 ? ", …" : "")
    return classes.count == 1 ? "the class \(shown)" : "the \(classes.count) classes \(shown)"
  }
}
