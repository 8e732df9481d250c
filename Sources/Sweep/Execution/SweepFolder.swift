import Datasets
import Experiment
import Storage

/// The folder of a sweep, `results/<name>/`: where each of its files lies.
public struct SweepFolder: Hashable, Sendable {
  public let path: String

  public init(_ path: String) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    self.path = path
  }

  /// The same folder by its path from the root.
  public var absolute: SweepFolder {
    get throws(FileError) { SweepFolder(try Files.absolute(path)) }
  }

  public var spec: String { "\(path)/spec.json" }
  public var resolved: String { "\(path)/resolved.json" }
  /// How it was started, on what, where it stands.
  public var record: String { "\(path)/sweep.json" }
  /// What it came to; a function of the spec alone.
  public var summary: String { "\(path)/summary.json" }
  /// The winner's experiment, to be run by itself.
  public var best: String { "\(path)/best.json" }
  /// The winner's model.
  public var model: String { "\(path)/model.safetensors" }
  public var trials: String { "\(path)/trials.csv" }
  public var timing: String { "\(path)/timing.csv" }
  public var journal: String { "\(path)/journal" }
  public var claims: String { "\(path)/claims" }
  public var plots: String { "\(path)/plots" }
  /// What Slurm is given, and what its tasks say.
  var slurm: String { "\(path)/slurm" }
  /// What worker processes say on stderr.
  public var log: String { "\(path)/workers.log" }

  public var isSweep: Bool { Files.exists(trials) || Files.exists(record) }

  /// Where a stage's run lies, from the sweep's folder.
  func run(of stage: StageID) -> String {
    if stage.stage == StageID.confirmation { return "confirmation/seed-\(stage.seed)" }
    let digits = String(stage.trial)
    let number = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return "trials/\(number)/seed-\(stage.seed)"
  }

  /// Takes the sweep for this process.
  /// - Throws: `RecordError` when another process has it.
  ///
  /// - Parameter isShared: together with others that ask for it so.
  public func lock(isShared: Bool = false) throws -> FileLock {
    guard let lock = try FileLock.take("\(path)/.lock", isShared: isShared) else {
      throw RecordError(path, "another process is working on this sweep; wait until it has ended")
    }
    for folder in [path, journal, plots, slurm] { StagedFile.removeAbandoned(in: folder) }
    return lock
  }
}

extension StageID {
  /// The stage of the winner's runs on fresh seeds.
  static let confirmation = -1
}
