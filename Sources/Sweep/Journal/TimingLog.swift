import Datasets
import Experiment
import Glibc

/// timing.csv of a sweep: how long each stage took. Apart from trials.csv, whose bytes are
/// reproducible.
struct TimingLog: ~Copyable {
  private let path: String
  private let file: Int32

  static func open(_ path: String) throws(FileError) -> TimingLog {
    if !Files.exists(path) { try AtomicFile.write("trial,seed,stage,seconds,reused\n", to: path) }
    let file = Glibc.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard file >= 0 else { throw FileError("write", path, code: errno) }
    return TimingLog(path: path, file: file)
  }

  deinit { close(file) }

  mutating func append(_ stage: StageID, seconds: Double, isReused: Bool) throws(FileError) {
    let rounded = (seconds * 1000).rounded() / 1000
    let row = "\(stage.trial),\(stage.seed),\(stage.stage),\(rounded),\(isReused ? 1 : 0)\n"
    try Files.append(Array(row.utf8), to: file, path: path)
  }
}
