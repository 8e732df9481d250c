import ArgumentParser
import Datasets
import Experiment
import Glibc
import Storage
import Sweep

/// What the program is started with, before any of it is used.
enum Arguments {
  /// Opens /dev/null on those of descriptors 0 to 2 that are closed, as daemons have them: or the next
  /// files to be opened would get their numbers, and what is meant for stderr would go there.
  static func openStandardDescriptors() {
    for descriptor in 0...2 as ClosedRange<Int32>
    where fcntl(descriptor, F_GETFD) < 0 && errno == EBADF {
      // The lowest number that is free, which is this one.
      _ = open("/dev/null", descriptor == 0 ? O_RDONLY : O_WRONLY)
    }
  }

  /// Refuses what isn't UTF-8: as text of this program it would be something else.
  static func check() throws(UsageError) {
    for place in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[place] else { break }
      try check(argument, "argument \(place)", "rename the file that it names")
    }
    for name in ["RUNNER_DATA", "TMPDIR"] {
      if let value = getenv(name) { try check(value, name, "rename the folder that it names") }
    }
  }

  private static func check(
    _ text: UnsafePointer<CChar>, _ what: String, _ advice: String
  ) throws(UsageError) {
    if String(validatingCString: text) != nil { return }
    let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
    throw UsageError("\(what) is not UTF-8: \"\(escaped(Array(bytes)))\"; \(advice)")
  }

  /// The path of a file or folder that an argument gives.
  static func path(_ text: String) throws -> String {
    guard !text.isEmpty else { throw ValidationError("it is empty, and names no file or folder") }
    return text
  }

  static func slurmOption(_ text: String) throws -> SlurmJob.Option {
    guard let option = SlurmJob.Option(text) else {
      throw ValidationError("give an option of sbatch as key=value or key, in one line")
    }
    return option
  }
}
