import Glibc
import Synchronization

/// Files that are written whole or not at all: a temporary beside the file, fsync, rename, fsync of
/// the folder. Whatever happens on the way, the path holds either what it held before or all of
/// the new content.
public enum AtomicFile {
  public static func write(_ text: String, to path: String) throws(FileError) {
    try write([UInt8](text.utf8), to: path)
  }

  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    var file = try StagedFile(for: path)
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try file.write(UnsafeRawBufferPointer(buffer))
    }
    try file.publish()
  }

  /// Writes the parts one after another, without joining them in memory.
  public static func write(parts: [UnsafeRawBufferPointer], to path: String) throws(FileError) {
    var file = try StagedFile(for: path)
    for part in parts { try file.write(part) }
    try file.publish()
  }
}

/// A file that is being written, beside the place that it will take.
///
/// Its writer holds a lock on it (`flock`), which dies with the process on whatever machine that runs:
/// a temporary without a lock was left by one that was killed.
package struct StagedFile: ~Copyable {
  private let target: String
  /// What the user calls the target.
  private let path: String
  private let file: FileDescriptor
  private var isPublished = false

  /// - Parameter ending: what the temporary's name ends with, for readers that go by it.
  /// - Throws: `FileError` also where something else than a file is in its place.
  package init(for path: String, ending: String = "") throws(FileError) {
    if let kind = FileKind(of: path), kind != .file {
      throw FileError("write", path, found: kind)
    }
    let target = Self.withoutLink(path)
    do throws(FileError) {
      self.init(
        try Self.temporary(beside: target, ending: ending), target: target, path: path)
    } catch { throw error.told(of: path) }
  }

  private init(_ file: consuming FileDescriptor, target: String, path: String) {
    self.file = file
    self.target = target
    self.path = path
  }

  private static func temporary(
    beside path: String, ending: String
  ) throws(FileError) -> FileDescriptor {
    while true {
      guard let file = try FileDescriptor.creating(temporaryName(for: path) + ending) else {
        continue
      }
      // One that sweeps this very folder may have been faster, and has it or has removed it. A file
      // system without locks gives another error.
      if flock(file.raw, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { continue }
      if file.isLinked { return file }
    }
  }

  deinit { if !isPublished { unlink(temporary) } }

  /// Where it lies until it is published.
  package var temporary: String { file.path }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    do throws(FileError) { try file.writeAll(bytes) } catch { throw error.told(of: path) }
  }

  /// Moves the complete file to its place.
  package mutating func publish() throws(FileError) {
    do throws(FileError) { try file.synchronize() } catch { throw error.told(of: path) }
    guard rename(temporary, target) == 0 else { throw FileError("create", path, code: errno) }
    isPublished = true
    try Self.synchronizeFolder(of: target)
  }

  /// Removes from a folder what processes that were killed have left of such files.
  package static func removeAbandoned(in folder: String) {
    for name in (try? FolderNames(of: folder))?.names ?? [] where isTemporary(name) {
      let path = "\(folder)/\(name)"
      guard let file = try? FileDescriptor.writing(path), flock(file.raw, LOCK_EX | LOCK_NB) == 0,
        file.isLinked
      else { continue }
      unlink(path)
    }
  }

  /// Whether it is a name such as `.NAME.tmp-PID-N`.
  private static func isTemporary(_ name: String) -> Bool {
    guard name.hasPrefix("."), let mark = name.ranges(of: ".tmp-").last else {
      return false
    }
    let numbers = name[mark.upperBound...].split(
      separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
    return numbers.count >= 2 && numbers.prefix(2).allSatisfy { UInt64($0) != nil }
  }

  /// A name beside `path` that no other process or thread uses.
  private static func temporaryName(for path: String) -> String {
    let n = serial.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(folder(of: path))/.\(path.split(separator: "/").last ?? "").tmp-\(getpid())-\(n)"
  }

  /// What a link leads to, so that the link stays.
  private static func withoutLink(_ path: String) -> String {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK,
      let found = realpath(path, nil)
    else { return path }
    defer { free(found) }
    return String(validatingCString: found) ?? path
  }

  private static func synchronizeFolder(of path: String) throws(FileError) {
    let folder = folder(of: path)
    let file = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw FileError("open", folder, code: errno) }
    defer { close(file) }
    // Some file systems cannot flush a folder and say so; the rename has happened all the same.
    if fsync(file) != 0 && errno != EINVAL && errno != EROFS {
      throw FileError("write", folder, code: errno)
    }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "" : String(path[..<slash])
  }

  private static let serial = Atomic<Int>(0)
}

extension FileDescriptor {
  /// Whether the file still has a name.
  fileprivate var isLinked: Bool {
    var status = stat()
    return fstat(raw, &status) == 0 && status.st_nlink > 0
  }
}
