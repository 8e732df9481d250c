import Datasets
import Glibc
import Storage

/// stdout, where a command says what it has found. All that is printed goes through here, at once and
/// unbuffered: what cannot be written ends the command with an error.
///
/// Only a pipe whose reader is gone, as of `| head`, ends it without a word, by SIGPIPE.
enum Output {
  private static let name = "the standard output"

  static func print(_ text: String = "", terminator: String = "\n") throws(FileError) {
    do throws(FileError) {
      try FileDescriptor.writeAll(
        Array("\(text)\(terminator)".utf8), to: STDOUT_FILENO, path: name)
    } catch {
      if error.code == EPIPE { Interruption.endByClosedPipe() }
      throw error
    }
  }

  /// Network file systems tell of what they could not keep only here.
  static func close() throws(FileError) {
    if Glibc.close(STDOUT_FILENO) != 0 && errno != EINTR {
      throw FileError("write", name, code: errno)
    }
  }
}
