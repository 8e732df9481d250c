import ConvNet
import Datasets
import Storage

/// A run that trained all of its epochs, to be gone on with for more of them: by a new run, which begins
/// with its last checkpoint and ends with the bits of one that was carried out from its own spec.
public struct MoreEpochs {
  public let parent: RunFolder
  /// The parent's, but for the epochs.
  public let spec: ExperimentSpec
  /// How many epochs the parent trained.
  public let done: Int
  private let checkpoint: CheckpointFile

  /// Checks that there is something to go on from, before anything is made.
  ///
  /// - Parameter spec: the parent's with more epochs.
  /// - Throws: `RecordError` where the parent isn't complete, ended early, lacks its last checkpoint or
  ///   does not fit together; `FileError`.
  public init(of parent: RunFolder, spec: ExperimentSpec) throws {
    let record = try RunRecord(reading: parent.record)
    guard record.status == .completed else {
      throw RecordError(
        parent.path,
        "is not complete (\(record.status.rawValue)); more epochs can be trained once it is: "
          + "runner resume \(parent.path)")
    }
    let rows = try parent.checkedRows()
    guard Files.exists(parent.last) else {
      throw RecordError(
        parent.last,
        "is gone, from which more epochs could be trained; train all of them anew: "
          + "runner \(parent.resolved) training.epochs=\(spec.training.epochs)")
    }
    checkpoint = try CheckpointFile(reading: parent.last, of: NetworkPlan(spec.network))
    if checkpoint.metadata["finish"] == TrainingState.Finish.earlyStopping.rawValue {
      throw RecordError(
        parent.path,
        "was ended by early stopping after epoch \(rows.count), and would be at once again; train anew "
          + "with more patience: runner \(parent.resolved) early_stopping.patience=…")
    }
    guard spec.training.epochs > rows.count else {
      throw RecordError(
        parent.path,
        "has trained \(rows.count) epochs already; training.epochs=\(spec.training.epochs) is not more"
      )
    }
    self.parent = parent
    self.spec = spec
    done = rows.count
  }

  /// What becomes of a schedule that was to last as long as the parent, as a sentence; nil for one that
  /// doesn't depend on the number of epochs.
  /// - Parameter images: how many are trained on.
  /// - Throws: `RecordError` where the learning rate stays at 0, so that nothing would be learned.
  public func scheduleNote(images: Int) throws -> String? {
    let length: Double
    switch spec.schedule {
    case .polynomial(let fall): length = fall.epochs
    case .cosine(let fall): length = fall.epochs
    case .oneCycle(let cycle): length = cycle.epochs
    default: return nil
    }
    let extent = TrainingExtent(spec, images: images)
    let rate = LearningRate(
      base: spec.optimizer.learningRate, schedule: spec.schedule, warmup: spec.warmup,
      stepsPerEpoch: extent.stepsPerEpoch)
    let end = length + (spec.warmup?.epochs ?? 0)
    guard end < Double(spec.training.epochs) else { return nil }
    let name = spec.resolved()["schedule"]?["name"]?.string ?? ""
    let last = rate.rate(step: spec.training.epochs * extent.stepsPerEpoch - 1)
    let anew = "runner \(parent.resolved) training.epochs=\(spec.training.epochs) schedule.epochs=…"
    guard last > 1e-6 * spec.optimizer.learningRate else {
      throw RecordError(
        parent.path,
        "its schedule \(name) has brought the learning rate to 0 by epoch \(Bounds.text(end)), so that "
          + "further epochs would learn nothing; train anew with a longer one: \(anew)")
    }
    return
      "the schedule \(name) keeps its length and is over after epoch \(Bounds.text(end)): from then "
      + "on the learning rate is \(last), where one of \(spec.training.epochs) epochs would fall more "
      + "slowly from the beginning; for that train anew: \(anew)"
  }

  /// Makes the folder of the new run, with what the parent has come to, and carries the run out.
  ///
  /// - Parameter announce: is told the folder before the training begins.
  /// - Throws: `RecordError` where the data are not those of the parent.
  public func carryOut(
    under output: String, data: RunData, options: RunOptions,
    announce: (RunFolder) throws -> Void = { _ in }
  ) throws -> (RunFolder, RunOutcome) {
    try RunRecord(reading: parent.record).checkData(data.record, of: parent)
    try Teachers.check(spec, data, options)
    let folder = try RunFolder.create(under: output, name: spec.name)
    for (from, to) in [
      (parent.metrics, folder.metrics), (parent.timing, folder.timing), (parent.best, folder.best),
    ] where Files.exists(from) {
      try AtomicFile.write(try Files.read(from), to: to)
    }
    var metadata = checkpoint.metadata
    metadata["format"] = CheckpointFile.format
    metadata["finish"] = nil
    metadata[Safetensors.digestKey] = nil
    let state = Safetensors(tensors: checkpoint.tensors, metadata: metadata)
    try AtomicFile.write(state.sealed, to: folder.last)
    try announce(folder)
    let verbatim = Files.exists(parent.spec) ? try Files.read(parent.spec) : nil
    let outcome = try Run.start(
      spec, verbatim: verbatim, in: folder, extends: parent.path, isLatest: true, data: data,
      options: options)
    return (folder, outcome)
  }
}
