import Datasets
import Experiment
import Glibc
import Storage

/// A worker as the process that drives a sweep sees it.
final class WorkerProcess {
  private let process: Subprocess
  /// What it is working on, since when.
  var task: TrialTask?
  var started = 0.0
  private let input: Int32
  private(set) var output: LineReader
  private var isOpen = true

  /// Starts this program as a worker.
  ///
  /// It has a process group of its own, so that a Ctrl-C on the terminal reaches the sweep alone,
  /// which then tells its workers.
  ///
  /// - Parameter images: the descriptor of the images that all workers share.
  init(arguments: [String], images: Int32, log: String) throws(FileError) {
    let log = try FileDescriptor.writing(log, O_CREAT | O_APPEND, to: "write")
    let toWorker = try Subprocess.pipe()
    defer { close(toWorker.read) }
    let fromWorker: (read: Int32, write: Int32)
    do throws(FileError) {
      fromWorker = try Subprocess.pipe()
    } catch {
      close(toWorker.write)
      throw error
    }
    defer { close(fromWorker.write) }
    do throws(FileError) {
      // The environment, which says which kernel to use, is this process's own.
      process = try Subprocess(
        "/proc/self/exe", arguments, name: CommandLine.arguments[0],
        descriptors: [toWorker.read, fromWorker.write, log.raw, images], isAlone: true)
    } catch {
      close(toWorker.write)
      close(fromWorker.read)
      throw error.told(of: "a worker process")
    }
    input = toWorker.write
    output = LineReader(file: fromWorker.read)
  }

  deinit { end() }

  /// The descriptor that becomes readable when there is an answer, or when the worker is gone.
  var file: Int32 { output.file }

  /// False when the worker is gone.
  func give(_ task: TrialTask, at time: Double) -> Bool {
    self.task = task
    started = time
    return (try? LineReader.write(task.line, to: input)) != nil
  }

  /// What has come since the last look: nil while there is no whole answer.
  /// - Throws: when the worker is gone.
  func answer() throws -> TrialAnswer? {
    if let line = output.buffered() { return TrialAnswer(line: line) }
    guard try output.fill() else { throw Gone() }
    return output.buffered().flatMap(TrialAnswer.init)
  }

  struct Gone: Error {}

  func send(_ signal: Int32) { kill(process.pid, signal) }

  /// Lets an idle worker go, and says how it ended.
  @discardableResult
  func end() -> String {
    guard isOpen else { return "" }
    isOpen = false
    close(input)
    close(output.file)
    switch process.wait() {
    case .signal(let signal): return "signal \(signal) (\(String(cString: strsignal(signal))))"
    case .status(let status): return "exit status \(status)"
    }
  }
}
