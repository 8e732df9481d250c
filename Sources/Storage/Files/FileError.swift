import Glibc

/// What a path leads to.
package enum FileKind: Hashable, Sendable {
  case file, folder, namedPipe, socket, device

  package init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: self = .file
    case S_IFDIR: self = .folder
    case S_IFIFO: self = .namedPipe
    case S_IFSOCK: self = .socket
    default: self = .device
    }
  }

  /// Nil for what isn't there. Follows links.
  package init?(of path: String) {
    var status = stat()
    guard !path.utf8.contains(0), stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  package var description: String {
    switch self {
    case .file: "a file"
    case .folder: "a folder"
    case .namedPipe: "a named pipe"
    case .socket: "a socket"
    case .device: "a device"
    }
  }
}

/// A system call on a file that failed: which, on what, why, and what may help.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was attempted, as a verb: "write", "create", "read".
  public let operation: String
  public let path: String
  /// The value of `errno`.
  public let code: Int32
  /// Where that says more than the C library's text for `code`.
  private let explanation: String?

  public init(_ operation: String, _ path: String, code: Int32) {
    self.init(operation, path, code: code, explanation: nil)
  }

  private init(_ operation: String, _ path: String, code: Int32, explanation: String?) {
    self.operation = operation
    self.path = path
    self.code = code
    self.explanation = explanation
  }

  /// Something else was found where a file is needed.
  package init(_ operation: String, _ path: String, found kind: FileKind) {
    self.init(
      operation, path, code: kind == .folder ? EISDIR : EINVAL,
      explanation: kind == .folder ? nil : "it is \(kind.description), not a file")
  }

  /// C would take the path for the part before the NUL.
  package init(holdingNUL path: String, _ operation: String) {
    let shown = path.split(separator: "\0", omittingEmptySubsequences: false)
      .joined(separator: "\\0")
    self.init(
      operation, shown, code: EINVAL, explanation: "a path cannot hold a NUL character")
  }

  /// A name that isn't UTF-8, which a path of this program cannot hold.
  package init(nameNotUTF8 name: String, in folder: String) {
    self.init(
      "list", folder, code: EILSEQ,
      explanation: "the name \(name) in it is not UTF-8; rename it, or move it elsewhere")
  }

  /// A path from the root that isn't UTF-8.
  package init(_ operation: String, _ path: String, notUTF8 bytes: [UInt8]) {
    self.init(
      operation, path, code: EILSEQ,
      explanation: "it lies at \(escaped(bytes)), which is not UTF-8; rename what isn't")
  }

  /// It ends before the place where it ended when it was opened.
  package init(shrunken path: String) {
    self.init(
      "read", path, code: EIO, explanation: "it became shorter while it was being read")
  }

  /// The same failure, told of another path: that which the user knows.
  package func told(of path: String) -> FileError {
    FileError(operation, path, code: code, explanation: explanation)
  }

  /// Why it failed.
  public var reason: String { explanation ?? String(cString: strerror(code)) }

  /// What the user can do, where that is known.
  public var hint: String? {
    switch code {
    case ENOSPC: "the disk is full; free some space or write to another disk"
    case EDQUOT: "your quota is used up; free some space or write to another disk"
    case EFBIG where operation != "read":
      "the file would pass the size limit of this shell (ulimit -f) or file system"
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
