import ConvNet
import Datasets

/// A run carried out once more from what its folder records, and compared bit for bit.
public struct Verification: Sendable {
  public struct Record: Sendable {
    public let spec: ExperimentSpec
    public let run: RunRecord
    /// metrics.csv, line by line, without the header.
    let rows: [String]
    /// Digests of the last and the best weights, where summary.json is there to tell.
    let digests: (last: String?, best: String?)?
  }

  /// The first thing that is not the same, and what about the surroundings may be the cause.
  public struct Difference: Sendable {
    public let what: String
    public let causes: [String]
  }

  /// How many epochs were compared, and whether the weights could be.
  public let epochs: Int
  public let comparedWeights: Bool
  public let difference: Difference?

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
    let lines = try Files.readText(folder.metrics).split(separator: "\n").map(String.init)
    let header = EpochRow.header(with: spec.metrics)
    guard lines.first == header else {
      throw RecordError("\(folder.metrics):1", "the header is not \"\(header)\"")
    }
    guard lines.count > 1 else {
      throw RecordError(folder.path, "recorded no epoch, so there is nothing to verify")
    }
    var digests: (last: String?, best: String?)?
    if Files.exists(folder.summary) {
      let bytes = try Files.read(folder.summary, limit: 1 << 20)
      let json: JSONValue
      do {
        json = try JSONValue(parsing: bytes, name: folder.summary)
      } catch {
        throw RecordError(folder.summary, "is damaged: \(error)")
      }
      digests = (json["weights_sha256"]?.string, json["best_weights_sha256"]?.string)
    }
    return Record(spec: spec, run: run, rows: Array(lines.dropFirst()), digests: digests)
  }

  /// Carries the run out again in a temporary folder.
  /// - Parameter epochs: compare only the first so many; nil for all.
  public static func carryOut(
    _ record: Record, data: RunData, epochs: Int?, options: RunOptions
  ) throws -> Verification {
    let count = min(epochs ?? record.rows.count, record.rows.count)
    let isWhole = count == record.rows.count && record.run.status == .completed
    let temporary = try Files.makeTemporaryFolder()
    defer { Files.remove(temporary) }
    var options = options
    options.stopAfterEpoch = isWhole ? nil : count
    let (folder, outcome) = try Run.start(
      record.spec, verbatim: [], data: data, under: temporary, options: options)

    if case .interrupted(let signal, _) = outcome, signal != 0 {
      throw RunInterrupted(signal: signal)
    }

    var causes: [String] = []
    if let recorded = record.run.data, recorded.digest != data.record.digest {
      causes.append(
        "dataset: \(data.record.name) \(data.record.digest.prefix(12))…, "
          + "was \(recorded.name) \(recorded.digest.prefix(12))…")
    }
    causes += options.environment.differences(from: record.run.environment)
    func differs(_ what: String) -> Verification {
      Verification(
        epochs: count, comparedWeights: false, difference: Difference(what: what, causes: causes))
    }

    let rows = try Files.readText(folder.metrics).split(separator: "\n").dropFirst().map(
      String.init)
    let names = EpochRow.header(with: record.spec.metrics).split(separator: ",")
    for (index, recorded) in record.rows.prefix(count).enumerated() {
      guard index < rows.count else {
        return differs("epoch \(index + 1) is recorded, but the run ended before it")
      }
      if rows[index] == recorded { continue }
      let (now, then) = (
        rows[index].split(separator: ",", omittingEmptySubsequences: false),
        recorded.split(separator: ",", omittingEmptySubsequences: false)
      )
      let column = names.indices.first { now[$0] != (then.indices.contains($0) ? then[$0] : "") }
      let detail = column.map {
        ": \(names[$0]) is \(now[$0]), was \(then.indices.contains($0) ? then[$0] : "missing")"
      }
      return differs("epoch \(index + 1) is the first that differs\(detail ?? "")")
    }
    guard isWhole else {
      return Verification(epochs: count, comparedWeights: false, difference: nil)
    }
    switch outcome {
    case .interrupted: preconditionFailure("interrupted without a signal")
    case .diverged(let reason): return differs("the run diverged: \(reason)")
    case .completed(let summary):
      if rows.count > count { return differs("the run went on after epoch \(count)") }
      guard let digests = record.digests else {
        return Verification(epochs: count, comparedWeights: false, difference: nil)
      }
      if let last = digests.last, last != summary.weightsDigest {
        return differs(
          "metrics.csv is the same, but the last weights are \(summary.weightsDigest), were \(last)"
        )
      }
      if let best = digests.best, best != summary.bestWeightsDigest {
        return differs(
          "metrics.csv is the same, but the best weights are "
            + "\(summary.bestWeightsDigest ?? "none"), were \(best)")
      }
      return Verification(epochs: count, comparedWeights: digests.last != nil, difference: nil)
    }
  }
}

/// A signal came while a run was being verified.
public struct RunInterrupted: Error, CustomStringConvertible {
  public let signal: Int32
  public var description: String { "interrupted before the verification was complete" }
}
