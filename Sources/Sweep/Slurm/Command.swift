import Datasets
import Experiment
import Glibc

/// Another program, run to its end.
enum Command {
  /// What a program in `PATH` prints on both outputs, without the last line's end, and its exit
  /// status.
  static func run(
    _ program: String, _ arguments: [String]
  ) throws -> (status: Int32, output: String) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw FileError("open", "a pipe", code: errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    let argv = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for text in argv { free(text) } }
    var child = pid_t()
    let code = posix_spawnp(&child, program, &actions, nil, argv, environ)
    close(ends[1])
    defer { close(ends[0]) }
    guard code == 0 else {
      throw RecordError(
        program, code == ENOENT ? "is not on this machine" : String(cString: strerror(code)))
    }
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let n = read(ends[0], &chunk, chunk.count)
      if n < 0 && errno == EINTR { continue }
      if n <= 0 { break }
      output += chunk[..<n]
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    while output.last == UInt8(ascii: "\n") { output.removeLast() }
    let text = String(decoding: output, as: UTF8.self)
    return (status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F, text)
  }
}
