import ConvNet
import Datasets
import Storage

/// A run carried out once more from what its folder records, and compared bit for bit: all that the
/// record states of what was computed, on what, and how it ended.
public struct Verification: Sendable {
  public struct Record: Sendable {
    public let spec: ExperimentSpec
    public let run: RunRecord
    let folder: RunFolder
    /// metrics.csv, and line by line without the header.
    let metrics: String
    let rows: [String]
    /// How many it has trained.
    public var epochs: Int { rows.count }
    /// summary.json, where it is there.
    let summary: JSONValue?

    /// Whether the training came to an end, so that all of it can be compared.
    var isWhole: Bool { run.status == .completed || run.status == .diverged || summary != nil }

    /// Where the model that the run began with may be.
    var initialPlaces: [String] { run.initial.map { places(of: $0.path) } ?? [] }
    /// The same of those that taught it.
    var teacherPlaces: [String] { run.teachers.flatMap { places(of: $0.path) } }

    /// Where a model was found, as seen from the current folder and from those around the run.
    private func places(of path: String) -> [String] {
      var places = [path]
      var around = (try? Files.absolute(folder.path)) ?? folder.path
      while !path.hasPrefix("/"), around.count > 1 {
        around = Files.parent(of: around)
        places.append("\(around)/\(path)")
      }
      return places
    }
  }

  /// What was compared, what the record doesn't have, and what it has that was not compared.
  public let compared: [String]
  public let absent: [String]
  public let leftOut: [String]
  /// What is not the same, in the order of the comparison: the first thing, or all where all were asked
  /// for.
  public let differences: [String]
  /// What about the surroundings may be the cause of a difference.
  public let causes: [String]

  /// Reads what a run recorded; needs no checkpoints.
  public static func read(_ folder: RunFolder) throws -> Record {
    let spec = try folder.readResolved()
    let run = try RunRecord(reading: folder.record)
    if let parent = run.continues {
      throw RecordError(
        folder.path,
        "began with the checkpoint of \(parent), so it can't be carried out again by itself; carry "
          + "its sweep out again in another folder and compare trials.csv")
    }
    let metrics = try Files.readText(folder.metrics)
    let lines = metrics.split(separator: "\n").map(String.init)
    let header = EpochRow.header(with: spec.metrics)
    guard lines.first == header else {
      throw RecordError("\(folder.metrics):1", "the header is not \"\(header)\"")
    }
    guard lines.count > 1 || run.status == .diverged else {
      throw RecordError(folder.path, "recorded no epoch, so there is nothing to verify")
    }
    return Record(
      spec: spec, run: run, folder: folder, metrics: metrics, rows: Array(lines.dropFirst()),
      summary: Files.exists(folder.summary) ? try folder.readSummary() : nil)
  }

  /// Carries the run out again in a temporary folder, as far as the first thing that is not the same.
  /// - Parameters:
  ///   - epochs: compare only the first so many; nil for all.
  ///   - findsAll: whether to go on after a difference.
  public static func carryOut(
    _ record: Record, data: RunData, epochs: Int?, findsAll: Bool = false, options: RunOptions
  ) throws -> Verification {
    var comparison = RecordComparison(record)
    var differences = comparison.compareClaims(data.record)
    func result() -> Verification {
      Verification(
        compared: comparison.compared, absent: comparison.absent, leftOut: comparison.leftOut,
        differences: findsAll ? differences : Array(differences.prefix(1)),
        causes: options.environment.differences(from: record.run.environment))
    }
    if !findsAll, !differences.isEmpty { return result() }

    let count = min(epochs ?? record.rows.count, record.rows.count)
    let isAll = count == record.rows.count
    let isWhole = isAll && record.isWhole
    let temporary = try Files.makeTemporaryFolder()
    defer { Files.remove(temporary) }
    var limited = options
    limited.initialPlaces += record.initialPlaces
    limited.teacherPlaces += record.teacherPlaces
    limited.stopAfterEpoch = isWhole ? nil : count
    limited.expectedRows = findsAll ? nil : Array(record.rows.prefix(count))
    let (folder, outcome) = try Run.start(
      record.spec, verbatim: [], data: data, under: temporary, options: limited)
    if case .interrupted(let signal, _) = outcome, signal != 0 {
      throw RunInterrupted(signal: signal)
    }
    differences += try comparison.compareMetrics(folder, epochs: count, isWhole: isWhole)
    // What was ended by a difference came to nothing that could be compared.
    if findsAll || differences.isEmpty {
      differences += comparison.compareEnding(outcome, isWhole: isWhole)
      differences += comparison.compareSummary(outcome, isWhole: isWhole)
      differences += try comparison.compareCheckpoints(folder, isWhole: isAll)
      differences += try comparison.compareModel(
        folder, isWhole: isWhole && record.run.status == .completed)
    }
    comparison.nameTheRest()
    return result()
  }
}

/// A signal came while a run was being verified.
public struct RunInterrupted: Error, CustomStringConvertible {
  public let signal: Int32
  public var description: String { "interrupted before the verification was complete" }
}
