import ConvNet
import Datasets
import Experiment
import Glibc
import Storage

/// The completed runs under an output folder, by what decides their figures. A trial that one of them
/// was already needs no training: if the run's files have each other's digests, so that a figure which
/// was edited makes no trial win. Runs of versions without these digests are passed over.
struct ReuseIndex {
  private var runs: [String: [RunFolder]] = [:]

  /// Looks through the runs of experiments, `output/<name>/<id>`, and the trials of other sweeps,
  /// `output/<name>/trials/<trial>/seed-<seed>`. What cannot be read is passed over.
  init(output: String, except sweep: SweepFolder) {
    func names(in folder: String) -> [String] { (try? FolderNames(of: folder))?.names ?? [] }
    for name in names(in: output) where name != "reference" {
      let folder = "\(output)/\(name)"
      guard folder != sweep.path else { continue }
      for id in names(in: folder) where id != "latest" {
        if id == "trials" {
          for trial in names(in: "\(folder)/trials") {
            let seeds = "\(folder)/trials/\(trial)"
            for seed in names(in: seeds) { add("\(seeds)/\(seed)") }
          }
        } else {
          add("\(folder)/\(id)")
        }
      }
    }
  }

  private mutating func add(_ path: String) {
    guard let folder = try? RunFolder(opening: path),
      let record = try? RunRecord(reading: folder.record), record.status == .completed,
      record.continues == nil, record.data?.standsInFor == nil,
      let experiment = try? JSONValue(
        parsing: Files.read(folder.resolved, limit: Files.documentLimit), name: folder.resolved),
      let training = record.data?.training, !training.isEmpty,
      TrialKey.tellsModels(experiment)
    else { return }
    let key = TrialKey.make(
      experiment: experiment, images: training, kernel: record.environment.kernel)
    runs[key, default: []].append(folder)
  }

  /// A task's result by a run that was made before, which is copied to the task's folder; nil where
  /// there is none, and for tasks without a key.
  ///
  /// - Parameters:
  ///   - images: what the task's images are.
  ///   - notice: is told of each run that is passed over, once.
  mutating func result(
    for task: TrialTask, images: RunRecord.Data, notice: (String) -> Void
  ) throws -> StageResult? {
    while let source = runs[task.key]?.first {
      let rows: [EpochRow]
      do {
        rows = try source.checkedRows()
      } catch {
        notice(
          "note: \(source.path) is not taken for trial \(task.stage.trial), which is trained: "
            + "\(error)")
        runs[task.key]!.removeFirst()
        continue
      }
      return try take(source, rows, for: task, images)
    }
    return nil
  }

  private func take(
    _ source: RunFolder, _ rows: [EpochRow], for task: TrialTask, _ images: RunRecord.Data
  ) throws -> StageResult {
    let result = TrialRun.result(rows, .completed(try TrialRun.stopReason(of: source)), task)
    let folder = try RunFolder.create(at: task.folder)
    let lock = try folder.lock()
    try AtomicFile.write(task.experiment.pretty, to: folder.resolved)
    for (from, to) in [(source.metrics, folder.metrics), (source.timing, folder.timing)]
    where Files.exists(from) {
      try AtomicFile.write(try Files.read(from), to: to)
    }
    // What a trial isn't to know of stays behind.
    var summary = try JSONValue(
      parsing: Files.read(source.summary, limit: Files.documentLimit), name: source.summary)
    for key in ["test_accuracy", "test_loss"] { summary[key] = .null }
    summary["expected"] = []
    for key in ["test_metrics", "test_time_augmentation"] {
      summary[key] = Optional<JSONValue>.none
    }
    summary["dataset"] = .string(images.name)
    summary["test_dataset"] = JSONValue(images.test)
    try AtomicFile.write(summary.pretty, to: folder.summary)
    for (from, to) in [(source.best, folder.best), (source.last, folder.last)] {
      // Without a copy where a link will do: checkpoints are never written in place.
      if link(from, to) != 0, Files.exists(from), !Files.exists(to) {
        try AtomicFile.write(try Files.read(from), to: to)
      }
    }
    var record = try RunRecord(reading: source.record)
    record.reused = source.path
    record.name = task.experiment["name"]?.string ?? record.name
    let classWeights = record.data?.classWeights
    record.data = images
    record.data?.classWeights = classWeights
    try record.write(to: folder.record)
    _ = consume lock
    return result
  }
}
