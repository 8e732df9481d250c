import ConvNet
import Datasets
import Experiment
import Glibc
import Storage

/// What the folder of a run says of it.
public struct RecordedRun: Sendable {
  public let folder: RunFolder
  public let record: RunRecord
  public let spec: ExperimentSpec
  /// The whole epochs of metrics.csv.
  public let epochs: [EpochRow]
  private let summary: JSONValue?

  public init(reading folder: RunFolder) throws {
    self.folder = folder
    record = try RunRecord(reading: folder.record)
    spec = try folder.readResolved()
    // A row that is being written is no error here.
    epochs = (try? EpochRow.read(folder.metrics)) ?? []
    summary =
      Files.exists(folder.summary)
      ? try JSONValue(
        parsing: try Files.read(folder.summary, limit: Files.documentLimit), name: folder.summary)
      : nil
  }

  public var seed: UInt64 { spec.seed }

  /// Whether it was trained and tested to the end.
  public var isComplete: Bool { record.status == .completed && summary != nil }

  /// Which weights were tested; nil where none were.
  public var testedWeights: Summary.Weights? {
    summary?["tested_weights"]?.string.flatMap(Summary.Weights.init)
  }

  /// The epoch whose weights were tested; nil where none were.
  public var testedEpoch: Int? {
    summary?["test_accuracy"]?.number == nil ? nil : keptEpoch
  }

  /// The epoch whose weights are the run's; nil before its end.
  private var keptEpoch: Int? {
    switch testedWeights {
    case .best: summary?["best_epoch"]?.number.flatMap { Int(exactly: $0.double) }
    case .last: epochs.last?.epoch
    case nil: nil
    }
  }

  /// The digest of the weights at the end.
  public var weightsDigest: String? { summary?["weights_sha256"]?.string }

  /// Nil where the run hasn't measured it (yet).
  public func value(of figure: Figure) -> Double? {
    switch figure.selection {
    case .tested:
      if figure.metric.kind.isAlways { return summary?[figure.metric.rawValue]?.double }
      if figure.metric.part == .test {
        return summary?["test_metrics"]?[figure.metric.name.text]?.double
      }
      return keptEpoch.flatMap { epoch in epochs.first { $0.epoch == epoch } }?[figure.metric]
    case .last: return epochs.last?[figure.metric]
    case .best:
      let values = epochs.compactMap { $0[figure.metric] }.filter(\.isFinite)
      return figure.metric.growsBetter ? values.max() : values.min()
    }
  }

  /// Everything that decides what the run computes, but the seed: the resolved spec without its name,
  /// its description, what was measured and expected and how often it was saved, and with the data that were
  /// used. What a training watches names its metric there.
  public var configuration: JSONValue {
    guard case .object(var object) = spec.resolved() else { return .null }
    for key in ["name", "description", "seed", "expect", "checkpoint", "metrics"] {
      object[key] = nil
    }
    if let data = record.data {
      let substitute = data.standsInFor.map { " for \($0)" } ?? ""
      object["data"] = JSONValue("\(data.name)\(substitute) \(data.digest.prefix(12))")
    }
    return .object(object)
  }

  /// The same for runs that were tested on the same images.
  public var testImages: String {
    var name = record.data?.name ?? spec.dataset.name.rawValue
    var part = ""
    switch spec.dataset.test {
    case .own: break
    case .of(let other): name = other.rawValue
    case .share(let share): part = "\(share), seed \(spec.dataset.selection.seed), "
    case .none: return "no test images"
    }
    let isDrawn = DatasetCatalog[name]?.isShuffled != true
    let count =
      part
      + (spec.dataset.testCount.map {
        isDrawn ? "\($0), seed \(spec.dataset.selection.seed)," : "the first \($0)"
      } ?? "all")
    let seed =
      name == DatasetName.syntheticDigits.rawValue ? " of seed \(spec.dataset.syntheticSeed)" : ""
    let files = name == DatasetName.files.rawValue ? spec.dataset.files : nil
    let place = files.map { " in \($0.testPath ?? $0.path)" } ?? ""
    let prepared = files?.prepare.map { ", prepared: \($0.rawValue)" } ?? ""
    return "\(count) test images of \(name)\(place)\(seed)\(prepared)\(spec.dataset.formText)"
  }
}

extension RecordedRun {
  /// The runs at some paths, each once, in order: the folders of runs, and all runs within other
  /// folders. Links within a folder, as `latest` is, are passed over.
  ///
  /// - Throws: `RecordError` for a path with no run at or below it.
  public static func find(_ paths: [String]) throws -> [RunFolder] {
    var seen: Set<String> = []
    var found: [RunFolder] = []
    for path in paths {
      let runs = try within(path, depth: 0)
      guard !runs.isEmpty else {
        throw RecordError(
          path,
          !Files.exists(path)
            ? "there is no such run"
            : Files.isFolder(path)
              ? "holds no run (a folder with resolved.json and run.json)"
              : "is a file, not the folder of a run")
      }
      found += try runs.filter { seen.insert(try Files.absolute($0.path)).inserted }
    }
    return found
  }

  private static func within(_ path: String, depth: Int) throws(FileError) -> [RunFolder] {
    if let run = try? RunFolder(opening: path) { return [run] }
    guard depth < 6, Files.isFolder(path) else { return [] }
    let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    var found: [RunFolder] = []
    for name in try Files.names(in: folder) where !name.hasPrefix(".") {
      let inner = "\(folder)/\(name)"
      var status = stat()
      guard lstat(inner, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { continue }
      found += try within(inner, depth: depth + 1)
    }
    return found
  }

}
