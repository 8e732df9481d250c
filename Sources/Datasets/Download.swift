import Glibc

/// How far a download is.
public struct DownloadProgress: Hashable, Sendable {
  /// The file that is being fetched, and from where.
  public let file: String
  public let mirror: String
  /// Bytes so far, and bytes in all, of this file; published sizes, so an estimate.
  public let received: Int
  public let expected: Int
  /// The same over all files of the dataset that are being fetched.
  public let receivedInAll: Int
  public let expectedInAll: Int
}

/// Fetches files by the `curl` program.
struct Downloader {
  /// Why a transfer gave nothing.
  enum Failure: Error, Hashable {
    /// This mirror; another may do.
    case mirror(String)
    case interrupted
    case file(FileError)
    case noCurl
  }

  let environment: [String: String]

  /// Seconds after which a mirror that does not answer, or sends nothing any more, is given up.
  static let patience = 5

  /// The first `curl` in `PATH`.
  var curl: String? {
    for folder in (environment["PATH"] ?? "").split(separator: ":") {
      let path = "\(folder)/curl"
      if access(path, X_OK) == 0 { return path }
    }
    return nil
  }

  /// Fetches `address` into a file that did not exist. `progress` is called ten times a second
  /// with the bytes so far.
  func fetch(
    _ address: String, into path: String, limit: Int, progress: (Int) -> Void
  ) throws(Failure) {
    guard let curl else { throw .noCurl }
    let arguments = [
      curl, "--fail", "--silent", "--show-error", "--location", "--max-redirs", "5",
      "--proto", "=http,https", "--connect-timeout", "\(Self.patience)",
      "--speed-limit", "1000", "--speed-time", "\(Self.patience)",
      "--max-filesize", "\(limit)", "--output", path, address,
    ]
    let child = try Child.start(curl, arguments: arguments, environment: environment)
    var status: Int32 = 0
    while true {
      let done = waitpid(child.process, &status, WNOHANG)
      if done == child.process { break }
      if done < 0 && errno != EINTR {
        throw .mirror("lost track of curl: \(String(cString: strerror(errno)))")
      }
      var examined = stat()
      if stat(path, &examined) == 0 { progress(Int(examined.st_size)) }
      usleep(100_000)
    }
    let said = child.errors()
    // As WIFSIGNALED and WEXITSTATUS, which are macros.
    let signal = status & 0x7f
    if signal == SIGINT || signal == SIGTERM { throw .interrupted }
    guard signal == 0 else { throw .mirror("curl ended by signal \(signal)") }
    let code = status >> 8 & 0xff
    switch code {
    case 0: break
    case 23: throw .file(FileError("write", path, code: Self.writeError(in: path)))
    case 28: throw .mirror("no answer within \(Self.patience) seconds")
    default: throw .mirror(said.isEmpty ? "curl ended with status \(code)" : said)
    }
  }

  /// curl says that it could not write, not why: trying it tells.
  private static func writeError(in path: String) -> Int32 {
    let probe = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard probe >= 0 else { return errno }
    defer { close(probe) }
    return write(probe, " ", 1) == 1 ? ENOSPC : errno
  }
}

/// A program started with nothing to read, its output thrown away and its errors kept.
private struct Child: ~Copyable {
  let process: pid_t
  private let errorPipe: Int32

  static func start(
    _ program: String, arguments: [String], environment: [String: String]
  ) throws(Downloader.Failure) -> Child {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw .file(FileError("open", "a pipe to curl", code: errno))
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)

    var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var envp: [UnsafeMutablePointer<CChar>?] =
      environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for string in argv + envp { free(string) } }
    // Whatever this thread blocks or this program ignores, Ctrl-C stops the child.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

    var process = pid_t()
    var code: Int32 = 0
    // A program that is being installed this moment is busy; wait for up to a second.
    for _ in 0..<100 {
      code = posix_spawn(&process, program, &actions, &attributes, &argv, &envp)
      guard code == ETXTBSY else { break }
      usleep(10_000)
    }
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      throw .file(FileError("start", program, code: code))
    }
    return Child(process: process, errorPipe: ends[0])
  }

  deinit { close(errorPipe) }

  /// What the program, which has ended, wrote to its standard error: the last line.
  func errors() -> String {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(errorPipe, &bytes, bytes.count)
    let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    let line = text.split(separator: "\n").last.map(String.init) ?? ""
    return line.hasPrefix("curl: ") ? String(line.dropFirst(6)) : line
  }
}
