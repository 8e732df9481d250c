import Datasets
import Experiment
import Glibc

/// A worker as the process that drives a sweep sees it.
final class WorkerProcess {
  let pid: pid_t
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
    var toWorker: (Int32, Int32) = (0, 0)
    var fromWorker: (Int32, Int32) = (0, 0)
    func makePipe(_ ends: inout (Int32, Int32)) throws(FileError) {
      var pair: [Int32] = [0, 0]
      guard pipe(&pair) == 0 else {
        throw FileError("open", "a pipe to a worker", code: errno)
      }
      for end in pair { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      ends = (pair[0], pair[1])
    }
    try makePipe(&toWorker)
    try makePipe(&fromWorker)
    defer {
      close(toWorker.0)
      close(fromWorker.1)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, toWorker.0, 0)
    posix_spawn_file_actions_adddup2(&actions, fromWorker.1, 1)
    posix_spawn_file_actions_addopen(&actions, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    posix_spawn_file_actions_adddup2(&actions, images, Worker.sharedImages)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)

    var child = pid_t()
    let argv = ([CommandLine.arguments[0]] + arguments).map { strdup($0) } + [nil]
    defer { for text in argv { free(text) } }
    // The environment, which says which kernel to use, is this process's own.
    let code = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, argv, environ)
    guard code == 0 else {
      close(toWorker.1)
      close(fromWorker.0)
      throw FileError("start", "a worker process", code: code)
    }
    pid = child
    input = toWorker.1
    output = LineReader(file: fromWorker.0)
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

  func send(_ signal: Int32) { kill(pid, signal) }

  /// Lets an idle worker go, and says how it ended.
  @discardableResult
  func end() -> String {
    guard isOpen else { return "" }
    isOpen = false
    close(input)
    close(output.file)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    if signal != 0 { return "signal \(signal) (\(String(cString: strsignal(signal))))" }
    return "exit status \(status >> 8 & 0xFF)"
  }
}
