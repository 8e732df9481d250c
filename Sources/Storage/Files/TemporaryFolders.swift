import Glibc

extension Files {
  /// In each such folder, and locked for as long as its process lives.
  private static let mark = ".temporary"

  /// A new folder that only this user can read, under `$TMPDIR` or /tmp, for the time of this process.
  /// What processes that were killed have left of such folders is removed.
  public static func makeTemporaryFolder() throws(FileError) -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    removeAbandonedFolders(in: base)
    while true {
      var template = Array("\(base)/runner-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else {
        throw FileError("make a temporary folder here", base, code: errno)
      }
      let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let file = try FileDescriptor.locking("\(path)/\(mark)")
      // The copy of the descriptor stays open. Another process that removes abandoned folders may have
      // been faster; then there is one more try.
      if flock(file.raw, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK,
        fcntl(file.raw, F_DUPFD_CLOEXEC, 3) >= 0, exists("\(path)/\(mark)")
      {
        return path
      }
    }
  }

  private static func removeAbandonedFolders(in base: String) {
    for name in (try? FolderNames(of: base))?.names ?? []
    where name.hasPrefix("runner-") && name.utf8.count == "runner-XXXXXX".utf8.count {
      let path = "\(base)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
        status.st_uid == getuid(), exists("\(path)/\(mark)"),
        let file = try? FileDescriptor.locking("\(path)/\(mark)"),
        flock(file.raw, LOCK_EX | LOCK_NB) == 0
      else { continue }
      remove(path)
    }
  }
}
