import Glibc

/// Another program under way.
package struct Subprocess: ~Copyable {
  package let pid: pid_t

  package enum Ending: Hashable, Sendable {
    case status(Int32)
    case signal(Int32)
  }

  /// Starts a program with this process's environment.
  ///
  /// - Parameters:
  ///   - program: its path, or its name in `PATH`.
  ///   - arguments: from the one behind its name.
  ///   - name: what it finds as its own name; `program` where nil.
  ///   - descriptors: what it finds as its descriptors 0, 1, 2 and so on; /dev/null for nil. It has no
  ///     others.
  ///   - isAlone: in a process group of its own, which a Ctrl-C on the terminal doesn't reach.
  package init(
    _ program: String, _ arguments: [String], name: String? = nil, descriptors: [Int32?],
    isAlone: Bool = false
  ) throws(FileError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // None of them is among the numbers that are overwritten before it is taken: this process has
    // its own 0, 1 and 2, and a worker's images come last.
    for (number, descriptor) in descriptors.enumerated() {
      if let descriptor {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(number))
      } else {
        posix_spawn_file_actions_addopen(&actions, Int32(number), "/dev/null", O_RDWR, 0)
      }
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // Whatever this thread blocks, and what this program ignores for itself.
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGXFSZ)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    if isAlone {
      posix_spawnattr_setpgroup(&attributes, 0)
      flags |= POSIX_SPAWN_SETPGROUP
    }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    let argv = ([name ?? program] + arguments).map { strdup($0) } + [nil]
    defer { for text in argv { free(text) } }
    var child = pid_t()
    var code: Int32 = 0
    // A program that is being installed this moment is busy; wait for up to a second.
    for _ in 0..<100 {
      code = posix_spawnp(&child, program, &actions, &attributes, argv, environ)
      guard code == ETXTBSY else { break }
      usleep(10_000)
    }
    guard code == 0 else { throw FileError("start", name ?? program, code: code) }
    pid = child
  }

  /// Waits until it has ended.
  package func wait() -> Ending {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    // As WIFSIGNALED and WEXITSTATUS, which are macros.
    let signal = status & 0x7F
    return signal == 0 ? .status(status >> 8 & 0xFF) : .signal(signal)
  }

  /// The ends of a new pipe.
  package static func pipe() throws(FileError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else { throw FileError("open", "a pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// What a program in `PATH` prints on both outputs, without the last line's end, and its exit status.
  package static func output(
    of program: String, _ arguments: [String], isMerged: Bool = true
  ) throws(FileError) -> (status: Int32, output: String) {
    var output: [UInt8] = []
    let status = try run(program, arguments, isMerged: isMerged) { output += $0 }
    while output.last == UInt8(ascii: "\n") { output.removeLast() }
    return (status, String(decoding: output, as: UTF8.self))
  }

  /// Runs a program in `PATH` to its end.
  /// - Parameters:
  ///   - isMerged: whether its error output is taken with its output, or lost.
  ///   - take: is given what it prints, piece after piece.
  /// - Returns: its exit status; 128 more than the signal that ended it.
  package static func run(
    _ program: String, _ arguments: [String], isMerged: Bool,
    _ take: (ArraySlice<UInt8>) -> Void
  ) throws(FileError) -> Int32 {
    let ends = try pipe()
    defer { close(ends.read) }
    let child: Subprocess
    do throws(FileError) {
      child = try Subprocess(
        program, arguments, descriptors: [nil, ends.write, isMerged ? ends.write : nil])
    } catch {
      close(ends.write)
      throw error
    }
    close(ends.write)
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let n = read(ends.read, &chunk, chunk.count)
      if n < 0 && errno == EINTR { continue }
      if n <= 0 { break }
      take(chunk[..<n])
    }
    switch child.wait() {
    case .status(let status): return status
    case .signal(let signal): return 128 + signal
    }
  }
}
