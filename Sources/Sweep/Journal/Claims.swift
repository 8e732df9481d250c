import Datasets
import Experiment
import Glibc
import Storage

/// Which of the tasks that share a sweep's folder has which stage: a file for each stage that was
/// begun, made by one task alone (`O_EXCL`, which network file systems keep too).
///
/// A task that is started again has its old claims, and goes on with them.
struct Claims {
  private let folder: String
  private let task: String

  /// - Parameter task: the name of this process among those that share the sweep.
  init(folder: String, task: String) throws(FileError) {
    self.folder = folder
    self.task = task
    try Files.makeFolders(folder)
  }

  /// Whether the stage is this task's, now or from before.
  func take(_ stage: StageID) throws(FileError) -> Bool {
    let path = "\(folder)/\(stage.trial)-\(stage.seed)-\(stage.stage)"
    guard let file = try FileDescriptor.creating(path) else {
      return try Files.readText(path) == task
    }
    do throws(FileError) {
      try file.writeAll(Array(task.utf8))
      try file.synchronize()
    } catch {
      unlink(path)
      throw error
    }
    return true
  }

  /// The stages that were begun, and by whom.
  static func read(folder: String) -> [(stage: StageID, task: String)] {
    ((try? Files.names(in: folder)) ?? []).compactMap { name in
      let parts = name.split(separator: "-", maxSplits: 2).map(String.init)
      guard parts.count == 3, let trial = Int(parts[0]), let seed = UInt64(parts[1]),
        let stage = Int(parts[2])
      else { return nil }
      let task = (try? Files.readText("\(folder)/\(name)")) ?? ""
      return (StageID(trial: trial, seed: seed, stage: stage), task)
    }
  }
}
