import Datasets
import Experiment
import Glibc
import Storage

/// timing.csv of a sweep: how long each stage took. Apart from trials.csv, whose bytes are
/// reproducible.
struct TimingLog: ~Copyable {
  private let file: FileDescriptor

  static func open(_ path: String) throws(FileError) -> TimingLog {
    if !Files.exists(path) {
      let header = ["trial", "seed", "stage", "seconds", "reused"]
      try AtomicFile.write(CSV.text([header]), to: path)
    }
    return TimingLog(file: try FileDescriptor.writing(path, O_APPEND, to: "write"))
  }

  mutating func append(_ stage: StageID, seconds: Double, isReused: Bool) throws(FileError) {
    let rounded = (seconds * 1000).rounded() / 1000
    let row = CSV.fields(stage.trial, stage.seed, stage.stage, rounded, isReused ? 1 : 0)
    try file.writeAll(Array(CSV.text([row]).utf8))
  }
}
