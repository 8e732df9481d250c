import Datasets
import Glibc
import Storage
import Watching

/// The folder of one run, `results/<name>/<id>/`: where each of its files lies.
public struct RunFolder: Hashable, Sendable {
  public let path: String

  public var spec: String { "\(path)/spec.json" }
  public var resolved: String { "\(path)/resolved.json" }
  public var record: String { "\(path)/run.json" }
  public var summary: String { "\(path)/summary.json" }
  public var metrics: String { "\(path)/metrics.csv" }
  public var timing: String { "\(path)/timing.csv" }
  public var plots: String { "\(path)/plots" }
  public var model: String { "\(path)/model.safetensors" }
  /// The same in integers, of a training with quantisation or of runner quantize.
  public var integerModel: String { "\(path)/model.int8.safetensors" }
  /// What the model's validation images looked like to it.
  public var profile: String { ValidationProfile.path(besideModel: model) }
  public var curves: String { "\(plots)/curves.svg" }
  public var best: String { "\(path)/checkpoints/best.safetensors" }
  public var last: String { "\(path)/checkpoints/last.safetensors" }

  /// Names the run among those of its experiment.
  public var id: String { Files.name(of: path) }

  /// Makes the folder of a new run, which no other run has or ever gets: its id is the time, with a
  /// number behind it when several start in one second.
  public static func create(
    under output: String, name: String, now: Timestamp = .now
  ) throws(FileError) -> RunFolder {
    let runs = "\(output)/\(name)"
    try Files.makeFolders(runs)
    removeAbandoned(among: runs)
    var folder = RunFolder(path: "\(runs)/\(now.compact)")
    var number = 2
    while try !Files.makeFolder(folder.path) {
      folder = RunFolder(path: "\(runs)/\(now.compact)-\(number)")
      number += 1
    }
    try Files.makeFolders("\(folder.path)/checkpoints")
    try Files.makeFolders(folder.plots)
    return folder
  }

  /// Makes the folder of a run at a place that is chosen for it; what is there already stays.
  public static func create(at path: String) throws(FileError) -> RunFolder {
    try Files.makeFolders("\(path)/checkpoints")
    try Files.makeFolders("\(path)/plots")
    return RunFolder(path: path)
  }

  private init(path: String) { self.path = path }

  /// The folder of a run that is there already.
  public init(opening path: String) throws(RecordError) {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    // A link within the folder, as `latest` is, stands for the run that it names.
    if let target = Files.target(ofLink: path), !target.contains("/") {
      path = "\(Files.parent(of: path))/\(target)"
    }
    self.path = path
    guard Files.isFolder(path) else {
      throw RecordError(
        path, Files.exists(path) ? "is a file, not the folder of a run" : "there is no such run")
    }
    guard Files.exists(resolved), Files.exists(record) else {
      var message = "is not the folder of a run: it has no resolved.json and run.json"
      if Files.exists("\(path)/latest") { message += "; do you mean \(path)/latest?" }
      if Files.exists("\(path)/sweep.json") {
        message = "is the folder of a sweep, not of a run"
        if let run = (try? FolderNames(of: "\(path)/confirmation"))?.names.sorted().first {
          message += "; the runs of its winner are in it: \(path)/confirmation/\(run) and so on"
        }
      }
      throw RecordError(path, message)
    }
  }

  /// Takes the run for this process.
  /// - Throws: `RecordError` when another process has it.
  public func lock() throws -> FileLock {
    guard let lock = try FileLock.take("\(path)/.lock") else {
      throw RecordError(path, "another process is working on this run; wait until it has ended")
    }
    removeAbandoned()
    return lock
  }

  /// The link to this run before it takes the place of another.
  private var newLink: String { "\(path)/.latest" }

  private var latest: String { "\(Files.parent(of: path))/latest" }

  /// Whether `latest` points to no run that began after this one.
  var isNewest: Bool {
    guard Files.exists(latest), let target = Files.target(ofLink: latest) else { return true }
    return target <= id
  }

  /// Makes `results/<name>/latest` point here. A convenience: where the file system has no links,
  /// nothing is lost.
  func pointLatest() throws(FileError) {
    guard symlink(id, newLink) == 0 else {
      if [EPERM, EOPNOTSUPP, ENOSYS, EINVAL].contains(errno) { return }
      throw FileError("create", latest, code: errno)
    }
    guard rename(newLink, latest) == 0 else {
      let code = errno
      unlink(newLink)
      throw FileError("create", latest, code: code)
    }
  }

  /// Removes what a process that was killed while it wrote has left in the folder, for which it takes
  /// the run's lock.
  fileprivate func removeAbandoned() {
    for folder in [path, "\(path)/checkpoints", plots] { StagedFile.removeAbandoned(in: folder) }
    unlink(newLink)
  }

  /// Does so for runs that were killed before their record was written: nobody resumes those.
  private static func removeAbandoned(among runs: String) {
    for id in (try? FolderNames(of: runs))?.names ?? [] {
      let folder = RunFolder(path: "\(runs)/\(id)")
      if !Files.exists(folder.record) { StagedFile.removeAbandoned(in: folder.path) }
    }
  }
}
