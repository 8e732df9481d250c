import ConvNet
import Datasets
import Storage

// How a run goes on from what its folder holds.
extension Run {
  /// Puts the folder's last checkpoint into the trainer, and returns where the training stands: after
  /// the checkpoint and metrics.csv have been held against each other, and before either is changed.
  ///
  /// - Throws: `RecordError` that says what is damaged and what can be done.
  func restore(
    _ trainer: Trainer, from beginning: TrainingState, _ learningRate: LearningRate,
    in extent: TrainingExtent
  ) throws -> TrainingState {
    var state = beginning
    do {
      try Checkpoint.load(
        folder.last, into: trainer, &state, in: extent, isInherited: isInherited)
      let rows = try restoredRows(state)
      var flaw: String?
      if !isInherited {
        flaw = state.flaw(
          after: rows, from: beginning, learningRate, in: extent,
          stopsEarly: spec.earlyStopping != nil)
      } else if rows.count != state.epoch - 1 {
        flaw = "epoch is \(state.epoch), but metrics.csv has \(rows.count) rows"
      }
      if let flaw {
        throw RecordError(folder.last, "is damaged, or metrics.csv is: \(flaw)")
      }
      try checkBest(state)
      return state
    } catch let error as RecordError {
      let advice =
        isInherited
        ? "it was handed on by another trial, so the sweep has to be carried out again in another "
          + "folder" : folder.adviceWithoutCheckpoint
      throw RecordError(error.path, "\(error.message); \(advice)")
    }
  }

  /// The weights of the best epoch are asked for at the end; better to know now. They may be of the
  /// epoch under way, which was killed after it had bettered the best, and will do so again; or, where
  /// not every epoch is written, of a later one.
  private func checkBest(_ state: TrainingState) throws {
    guard let best = state.watch?.bestEpoch, best > 0 else { return }
    guard Files.exists(folder.best) else {
      throw RecordError(folder.best, "is gone, which held the weights of epoch \(best), the best")
    }
    let epoch = try CheckpointFile(reading: folder.best).count("epoch")
    let isSparing = spec.initial?.features != nil
    guard epoch == best || epoch == state.epoch || isSparing && epoch > state.epoch else {
      throw RecordError(
        folder.best, "holds the weights of epoch \(epoch), not of \(best), the best")
    }
  }

  /// The rows of metrics.csv up to a checkpoint, whose digest they must have.
  private func restoredRows(_ state: TrainingState) throws -> [EpochRow] {
    guard Files.exists(folder.metrics) else { throw RecordError(folder.metrics, "is gone") }
    let bytes = try Files.read(folder.metrics)
    guard bytes.count >= state.metricsLength else {
      throw RecordError(
        folder.metrics,
        "has \(bytes.count) bytes where the checkpoint recorded \(state.metricsLength): rows were "
          + "removed")
    }
    let kept = Array(bytes[..<state.metricsLength])
    if let recorded = state.metricsDigest, recorded != SHA256.hex(of: kept) {
      throw RecordError(
        folder.metrics,
        "is damaged: its rows up to the checkpoint are not those that it was written after (their "
          + "SHA-256 is \(SHA256.hex(of: kept).prefix(12))…, was \(recorded.prefix(12))…)")
    }
    return try EpochRow.read(kept, path: folder.metrics)
  }

  /// timing.csv with the rows of the epochs before `epoch`, as far as they are sound: times are of no
  /// consequence, so what was lost of them is told and no more.
  func openTiming(before epoch: Int) throws -> CSVLog {
    guard epoch > 1 else {
      Files.remove(folder.timing)
      return try CSVLog.create(folder.timing, header: TimingRow.header)
    }
    let bytes = Files.exists(folder.timing) ? try Files.read(folder.timing) : []
    let rows = TimingRow.sound(bytes, before: epoch)
    if rows.count < epoch - 1 {
      Display.say(
        "note: \(folder.timing) was damaged: of the times of \(epoch - 1) epochs, "
          + "\(epoch - 1 - rows.count) are lost")
    }
    let kept = Array(([TimingRow.header] + rows).map { "\($0)\n" }.joined().utf8)
    if !bytes.starts(with: kept) { try AtomicFile.write(kept, to: folder.timing) }
    return try CSVLog.resume(folder.timing, at: kept.count)
  }
}

extension RunFolder {
  /// What can be done when the last checkpoint is of no use.
  fileprivate var adviceWithoutCheckpoint: String {
    var advice = "the run can't go on from it; start it anew: runner \(resolved)"
    if (try? CheckpointFile(reading: best)) != nil {
      advice += "; the weights of its best epoch are whole: runner evaluate \(path) --weights best"
    }
    return advice
  }
}
