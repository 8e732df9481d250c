import Datasets
import Experiment
import Report
import Storage

/// The images that `evaluate` tests a run's weights on: the run's own, or others.
struct EvaluatedImages {
  let images: TestImages
  /// How others are brought to the network's shape.
  private let form: String
  private let isOwn: Bool
  /// Whether the run's own are those that it was begun with; nil where that can't be told.
  private let isUnchanged: Bool?

  /// A run's own test images.
  /// - Throws: `RecordError` where its spec reads none; `DatasetError`.
  init(ofRun spec: ExperimentSpec, _ record: RunRecord, _ compute: ComputeOptions) throws {
    try spec.checkMemory(threads: compute.threadCount)
    let bar = DownloadDisplay(Display.style(quiet: compute.quiet))
    defer { bar.clear() }
    (images, isUnchanged) = try TestImages.load(
      ofRun: spec.dataset, recorded: record.data, dataFolder: compute.data,
      threads: compute.threadCount, progress: { bar.update($0) }, notice: { Display.say($0) })
    form = ""
    isOwn = true
  }

  /// Those of the run that a model is of, in whose folder it lies; nil where it says of none.
  init?(around path: String, _ model: AnsweringModel, _ compute: ComputeOptions) throws {
    guard let folder = try RunFolder.ofModel(model.specDigest, at: path),
      Files.exists(folder.record)
    else { return nil }
    try self.init(
      ofRun: folder.readResolved(), RunRecord(reading: folder.record), compute)
  }

  /// Others, which the network of a run has not seen.
  /// - Parameters:
  ///   - other: a dataset's name, or the path of one's own files.
  ///   - values: `key=value` of a spec's section "dataset".
  ///   - path: of the run, as the user names it.
  init(
    _ other: String, values: [String], forRunOf spec: ExperimentSpec, _ record: RunRecord,
    path: String, _ compute: ComputeOptions
  ) throws {
    let recorded = record.data?.classNames ?? []
    let names = recorded.isEmpty ? spec.dataset.classNames : recorded
    if names == nil {
      Display.say(
        "note: \(path) is of an earlier version and does not record what its classes are called; "
          + "those of \(other) are taken for them in their order")
    }
    try self.init(other, values: values, spec, classNames: names, compute)
  }

  /// Others, for a model that is of no run.
  init(
    _ other: String, values: [String], for model: AnsweringModel, _ compute: ComputeOptions
  ) throws {
    try self.init(
      other, values: values, model.experiment(), classNames: model.classNames, compute)
  }

  private init(
    _ other: String, values: [String], _ spec: ExperimentSpec, classNames names: [String]?,
    _ compute: ComputeOptions
  ) throws {
    let bar = DownloadDisplay(Display.style(quiet: compute.quiet))
    defer { bar.clear() }
    let section = try spec.dataset(of: other, classNames: names, values: values)
    images = try TestImages.load(
      section, classNames: names, name: other, dataFolder: compute.data,
      threads: compute.threadCount, progress: { bar.update($0) }, notice: { Display.say($0) })
    form = section.formText
    isOwn = false
    isUnchanged = nil
  }

  /// Whether they are the run's own, and may be others than it was begun with.
  var isDoubtful: Bool { isOwn && isUnchanged != true }

  var doubt: String {
    isUnchanged == nil
      ? "the run recorded too little to tell whether these are its test images"
      : "the test images are not those that the run was begun with: they have changed since, and its "
        + "own figures are of others"
  }

  var facts: [TextDocument.Fact] {
    var facts: [TextDocument.Fact] = [
      .init(
        "dataset", .text(images.name),
        line: "data           \(images.name), \(grouped(images.count)) images\(form)"),
      .init("images", .integer(images.count)),
    ]
    if isOwn {
      facts.append(
        .init(
          "test_images_unchanged", isUnchanged.map { .flag($0) } ?? .missing(),
          line: isDoubtful ? "               \(doubt)" : nil))
    }
    return facts
  }
}
