import Glibc

/// A lock that one process at a time can hold, and that dies with it (`flock`).
public struct FileLock: ~Copyable {
  private let file: FileDescriptor

  /// Takes the lock at once, or returns nil when another process has it.
  ///
  /// - Parameter isShared: with others that take it so.
  public static func take(
    _ path: String, isShared: Bool = false
  ) throws(FileError) -> FileLock? {
    let file = try FileDescriptor.locking(path)
    while flock(file.raw, (isShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      if code == EWOULDBLOCK { return nil }
      throw FileError("lock", path, code: code)
    }
    return FileLock(file: file)
  }
}
