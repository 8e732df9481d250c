import Glibc

/// A system call on a file that failed: which, on what, why, and what may help.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was attempted, as a verb: "write", "create", "read".
  public let operation: String
  public let path: String
  /// The value of `errno`.
  public let code: Int32

  public init(_ operation: String, _ path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  /// The C library's text for `code`.
  public var reason: String { String(cString: strerror(code)) }

  /// What the user can do, where that is known.
  public var hint: String? {
    switch code {
    case ENOSPC: "the disk is full; free some space or write to another disk"
    case EDQUOT: "your quota is used up; free some space or write to another disk"
    case EFBIG: "the file would pass the size limit of this shell (ulimit -f) or file system"
    case EACCES, EPERM: "check the permissions of the file and of its folder (ls -ld)"
    case EROFS: "the file system is mounted read-only; write to another place"
    case EMFILE, ENFILE: "too many files are open; raise the limit (ulimit -n)"
    case ENOENT: operation == "create" ? "its folder does not exist" : nil
    default: nil
    }
  }

  public var description: String {
    "cannot \(operation) \(path): \(reason)" + (hint.map { " (\($0))" } ?? "")
  }
}
