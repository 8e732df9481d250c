import ConvNet
import Datasets
import Glibc
import Storage

/// How a run is to be carried out; nothing here changes a bit of what it computes.
public struct RunOptions: Sendable {
  public var threads: Int
  public var display: Display.Style
  /// The command line, for the record.
  public var command: [String]
  public var environment: Environment
  /// For tests: end the process with SIGKILL, or behave as upon SIGUSR1, after so many steps.
  public var killAtStep: Int?
  public var stopAtStep: Int?
  /// Ends the run in good order after this epoch, to be resumed or not.
  public var stopAfterEpoch: Int?
  /// The same after so many steps, at the end of an epoch or within it.
  public var stopAfterStep: Int?
  /// Rows of metrics.csv by epoch: the run ends in good order after the first epoch whose row is another.
  public var expectedRows: [String]?
  /// Ends the run in good order after an epoch at which it is below what others had reached.
  public var bar: Bar?
  /// Where the model that the run begins with may be, if not where its spec says.
  public var initialPlaces: [String] = []
  /// The same of the models that it is taught by.
  public var teacherPlaces: [String] = []

  /// Whether it may be ended between two epochs.
  var mayStop: Bool { stopAfterEpoch != nil || stopAfterStep != nil || bar != nil }

  public init(
    threads: Int, display: Display.Style, command: [String], environment: Environment,
    killAtStep: Int? = nil, stopAtStep: Int? = nil
  ) {
    self.threads = threads
    self.display = display
    self.command = command
    self.environment = environment
    self.killAtStep = killAtStep
    self.stopAtStep = stopAtStep
  }
}

/// What a run must have reached by an epoch to be worth going on with.
public struct Bar: Hashable, Sendable {
  public let metric: Metric
  /// By epoch, from the first; nil where nothing is asked.
  public let values: [Double?]
  public let maximizes: Bool

  public init(metric: Metric, values: [Double?], maximizes: Bool) {
    self.metric = metric
    self.values = values
    self.maximizes = maximizes
  }

  /// Whether a run with these epochs behind it has not reached what is asked by the last of them.
  public func isMissed(by rows: some Collection<EpochRow>) -> Bool {
    guard values.indices.contains(rows.count - 1), let asked = values[rows.count - 1] else {
      return false
    }
    let measured = rows.compactMap { $0[metric] }
    guard let best = maximizes ? measured.max() : measured.min() else { return false }
    return maximizes ? best < asked : best > asked
  }
}

/// How a run ended, other than by an error.
public enum RunOutcome: Sendable {
  case completed(Summary)
  /// At a checkpoint after so many steps; the signal is 0 for an end that was asked for.
  case interrupted(signal: Int32, step: Int)
  /// The loss stopped being finite; the sentence says at which step and where.
  case diverged(String)

  /// The same as a sentence, for the record.
  var ending: String {
    switch self {
    case .completed(let summary):
      if summary.stopReason != "epochs" {
        return "early stopping after epoch \(summary.last.epoch)"
      }
      return summary.last.epoch == 1
        ? "the one epoch was trained" : "all \(summary.last.epoch) epochs were trained"
    case .interrupted(let signal, let step):
      return signal == 0 ? "stopped after step \(step)" : "signal \(signal) after step \(step)"
    case .diverged(let reason): return reason
    }
  }
}

/// One run of an experiment, in its folder.
public struct Run {
  public let spec: ExperimentSpec
  public let folder: RunFolder
  public let data: RunData
  public let options: RunOptions
  /// Whether it began with the checkpoint of a run whose spec may have had other values.
  let isInherited: Bool

  /// Makes the folder of a new run and carries the run out. `announce` is told the folder first.
  public static func start(
    _ spec: ExperimentSpec, verbatim: [UInt8], data: RunData, under output: String,
    options: RunOptions, announce: (RunFolder) throws -> Void = { _ in }
  ) throws -> (RunFolder, RunOutcome) {
    try Teachers.check(spec, data, options)
    let folder = try RunFolder.create(under: output, name: spec.name)
    try announce(folder)
    let outcome = try start(
      spec, verbatim: verbatim, in: folder, isLatest: true, data: data, options: options)
    return (folder, outcome)
  }

  /// Carries a new run out in a folder that has been made for it.
  ///
  /// - Parameters:
  ///   - parent: the run whose last checkpoint is in the folder to begin with, for the record; nil for
  ///     a run that begins with fresh weights.
  ///   - extends: the run that ended where this one begins, with a spec of fewer epochs, for the record.
  ///   - isLatest: whether `latest` beside the folder is to point to it.
  public static func start(
    _ spec: ExperimentSpec, verbatim: [UInt8]?, in folder: RunFolder, parent: String? = nil,
    extends: String? = nil, isLatest: Bool = false, data: RunData, options: RunOptions
  ) throws -> RunOutcome {
    let lock = try folder.lock()
    if let verbatim { try AtomicFile.write(verbatim, to: folder.spec) }
    try AtomicFile.write(spec.resolved().pretty, to: folder.resolved)
    var record = RunRecord(
      name: spec.name, id: folder.id, command: options.command,
      started: Timestamp.now.iso8601, seed: spec.seed, environment: options.environment)
    record.data = data.record
    record.continues = parent
    record.extends = extends
    // What it goes on from began with something.
    if let before = try (parent ?? extends).map({ try RunFolder(opening: $0) }) {
      let begun = try RunRecord(reading: before.record)
      (record.initial, record.teachers) = (begun.initial, begun.teachers)
    }
    let run = Run(
      spec: spec, folder: folder, data: data, options: options,
      isInherited: record.continues != nil)
    let outcome = try run.carryOut(&record, isLatest: isLatest)
    _ = consume lock
    return outcome
  }

  /// Goes on with an interrupted or killed run, from its last checkpoint or else from the start.
  /// Ends with the same bytes as though it had never been interrupted.
  /// - Parameters:
  ///   - isLatest: whether `latest` beside the folder is to point to it where it points to no later run.
  ///   - announce: is called before the training begins, once the run is this process's.
  public static func resume(
    _ folder: RunFolder, isLatest: Bool = false, data: RunData, options: RunOptions,
    announce: () throws -> Void = {}
  ) throws -> RunOutcome {
    let lock = try folder.lock()
    // Where records are kept, empty folders get lost.
    _ = try RunFolder.create(at: folder.path)
    var record = try RunRecord(reading: folder.record)
    try record.checkData(data.record, of: folder)
    let spec = try folder.readResolved()
    record.status = .running
    record.ending = nil
    record.ended = nil
    record.data = data.record
    record.environment.threads = options.threads
    record.resumed.append(Timestamp.now.iso8601)
    let run = Run(
      spec: spec, folder: folder, data: data, options: options,
      isInherited: record.continues != nil)
    try announce()
    let outcome = try run.carryOut(&record, isLatest: isLatest && folder.isNewest)
    _ = consume lock
    return outcome
  }

  /// Trains, and keeps run.json true whatever happens.
  private func carryOut(
    _ record: inout RunRecord, isLatest: Bool = false
  ) throws -> RunOutcome {
    try record.write(to: folder.record)
    do {
      if isLatest { try folder.pointLatest() }
      let outcome = try train { note in
        (record.initial, record.teachers) = (note.initial, note.teachers)
        try record.write(to: folder.record)
        if options.display != .quiet { Display.introduce(note.lines(indentation: 2, column: 10)) }
      }
      switch outcome {
      case .completed: record.status = .completed
      case .interrupted: record.status = .interrupted
      case .diverged: record.status = .diverged
      }
      record.ending = outcome.ending
      record.ended = Timestamp.now.iso8601
      try record.write(to: folder.record)
      return outcome
    } catch {
      record.status = .failed
      record.ending = "\(error)"
      record.ended = Timestamp.now.iso8601
      // Where the disk is full this fails too; the first error is the one to tell.
      try? record.write(to: folder.record)
      throw error
    }
  }
}

extension RunRecord {
  /// - Throws: `RecordError` where the data are not those that the run was begun with.
  func checkData(_ now: Data, of folder: RunFolder) throws(RecordError) {
    guard let data, data.digest != now.digest else { return }
    throw RecordError(
      folder.path,
      "was trained on other data: \(now.name) from \(now.source) has the digest "
        + "\(now.digest.prefix(12))…, the run recorded \(data.digest.prefix(12))…")
  }
}

extension RunFolder {
  /// The spec that the run was carried out with.
  public func readResolved() throws -> ExperimentSpec {
    let bytes = try Files.read(resolved, limit: Files.documentLimit)
    return try ExperimentSpec(
      resolved: try JSONValue(parsing: bytes, name: resolved), name: resolved)
  }

  /// summary.json, which a completed run has.
  public func readSummary() throws -> JSONValue {
    do {
      return try JSONValue(parsing: Files.read(summary, limit: Files.documentLimit), name: summary)
    } catch let error as SpecErrors {
      throw RecordError(summary, "is damaged: \(error)")
    }
  }
}
