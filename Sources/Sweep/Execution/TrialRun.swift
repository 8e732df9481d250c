import Datasets
import Experiment
import Storage

/// A trial as a run in its folder: how far it is, and what it came to.
enum TrialRun {
  /// How the training of a run ended.
  enum Ending: Hashable, Sendable {
    /// It didn't: it may go on from its last checkpoint.
    case open
    /// By its epochs or by early stopping, as the run's summary calls it.
    case completed(String)
    case diverged(String)
  }

  enum State {
    case fresh, begun
    case over(Ending)
  }

  /// How far the run in a folder is; what another experiment left there is removed, and what doesn't
  /// agree with itself.
  static func state(
    of folder: RunFolder, for experiment: JSONValue, notice: (String) -> Void
  ) throws -> State {
    if Files.exists(folder.record), Files.exists(folder.resolved),
      try JSONValue(
        parsing: Files.read(folder.resolved, limit: Files.documentLimit), name: folder.resolved)
        == experiment,
      let record = try? RunRecord(reading: folder.record)
    {
      switch record.status {
      case .running, .interrupted, .failed: return .begun
      case .diverged: return .over(.diverged(record.ending ?? ""))
      case .completed:
        do {
          _ = try folder.checkedRows()
          return .over(.completed(try stopReason(of: folder)))
        } catch {
          notice("note: \(folder.path) is trained anew: \(error)")
        }
      }
    }
    clear(folder)
    return .fresh
  }

  /// Removes what a run left in a folder.
  static func clear(_ folder: RunFolder) {
    for file in [folder.record, folder.resolved, folder.metrics, folder.timing, folder.summary] {
      Files.remove(file)
    }
    for file in [folder.best, folder.last, folder.model, folder.profile] { Files.remove(file) }
  }

  /// Why the training of a completed run ended.
  static func stopReason(of folder: RunFolder) throws -> String {
    let bytes = try Files.read(folder.summary, limit: Files.documentLimit)
    return try JSONValue(parsing: bytes, name: folder.summary)["stop_reason"]?.string ?? "epochs"
  }

  /// What a task came to, by the epochs in the folder of its run.
  static func result(
    of folder: RunFolder, _ ending: Ending, _ task: TrialTask
  ) throws -> StageResult {
    result(Files.exists(folder.metrics) ? try EpochRow.read(folder.metrics) : [], ending, task)
  }

  /// What a task comes to when these are all the epochs of its run. A task that ends earlier takes
  /// those that it asks for.
  static func result(_ rows: [EpochRow], _ ending: Ending, _ task: TrialTask) -> StageResult {
    var rows = rows
    var status = StageResult.Status.completed
    var reason = ""
    switch ending {
    case .open: (status, reason) = (.reached, "")
    case .completed(let why): (status, reason) = (.completed, why)
    case .diverged(let why): (status, reason) = (.diverged, why)
    }
    if let until = task.until, rows.count > until {
      rows = Array(rows[..<until])
      (status, reason) = (.reached, "")
    }
    if let bar = task.bar,
      let missed = (1...max(1, rows.count)).first(where: { bar.isMissed(by: rows.prefix($0)) }),
      missed < rows.count || status == .reached
    {
      rows = Array(rows[..<missed])
      (status, reason) = (.stopped, "median")
    }
    // All epochs have a value or, where the images have none of a class, none has.
    let curve = rows.compactMap { $0[task.metric] }
    // Of equals the first, as a run's own best epoch.
    let best = rows.filter { $0[task.metric] != nil }.max {
      let (a, b) = ($0[task.metric]!, $1[task.metric]!)
      return task.maximizes ? a < b : a > b
    }
    return StageResult(
      id: task.stage, status: status, reason: reason, curve: curve, best: best, last: rows.last,
      key: task.key)
  }

  /// Makes a new run begin with another's checkpoint and the epochs that led to it.
  static func inherit(from parent: RunFolder, to folder: RunFolder) throws {
    for (source, target) in [
      (parent.metrics, folder.metrics), (parent.timing, folder.timing),
      (parent.last, folder.last), (parent.best, folder.best),
    ] where Files.exists(source) {
      try AtomicFile.write(try Files.read(source), to: target)
    }
  }
}
