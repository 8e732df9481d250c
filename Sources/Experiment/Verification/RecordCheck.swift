import ConvNet
import Datasets
import Storage

extension RunFolder {
  /// The epochs of a completed run, after its files have been held against each other: metrics.csv,
  /// summary.json and the checkpoints that are there must have each other's digests, and the summary
  /// the figures of the epoch that it tells of. None of them can be edited by itself.
  ///
  /// - Throws: `RecordError` for what is not so, also for a run of an earlier version, whose
  ///   metrics.csv has no digest; `FileError`.
  public func checkedRows() throws -> [EpochRow] {
    let summary = try readSummary()
    guard let digest = summary["metrics_sha256"]?.string else {
      throw RecordError(
        self.summary, "has no digest of metrics.csv, as a run of an earlier version has none")
    }
    let bytes = try Files.read(metrics)
    guard SHA256.hex(of: bytes) == digest else {
      throw RecordError(metrics, "does not have the digest that summary.json records")
    }
    let rows = try EpochRow.read(bytes, path: metrics)
    try check(summary, against: rows)
    for (path, key, isLast) in [
      (last, "weights_sha256", true), (best, "best_weights_sha256", false),
    ] where Files.exists(path) {
      let file = try CheckpointFile(reading: path)
      guard file.metadata["weights_sha256"] == summary[key]?.string,
        !isLast || file.metadata["metrics_sha256"] == digest
      else { throw RecordError(path, "is not the checkpoint that summary.json tells of") }
    }
    return rows
  }

  private func check(_ summary: JSONValue, against rows: [EpochRow]) throws {
    func differs(_ key: String) -> RecordError {
      RecordError(self.summary, "its \(key) is not that of metrics.csv")
    }
    let isBest = summary["tested_weights"]?.string == Summary.Weights.best.rawValue
    let epoch = isBest ? summary["best_epoch"]?.int ?? 0 : rows.count
    guard summary["epochs"]?.int == rows.count, rows.indices.contains(epoch - 1) else {
      throw differs("epochs")
    }
    guard summary["steps"]?.int == rows.last?.step else { throw differs("steps") }
    for metric in Metric.always where metric.isMonitorable {
      guard summary[metric.rawValue]?.double == rows[epoch - 1][metric] else {
        throw differs(metric.rawValue)
      }
    }
    // Nothing of these is in the summary of an earlier version.
    for member in summary["val_metrics"]?.object?.members ?? [] {
      guard let metric = MetricName(member.key).flatMap({ Metric(.validation, $0) }),
        member.value.double == rows[epoch - 1][metric]
      else { throw differs("val_metrics.\(member.key)") }
    }
    if let best = summary["best_epoch"]?.int,
      let monitor = summary["monitor"]?.string.flatMap(Metric.init(rawValue:))
    {
      guard rows.indices.contains(best - 1),
        summary["best_value"]?.double == rows[best - 1][monitor]
      else { throw differs("best_value") }
    }
  }
}
