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
    let temporary = try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try stage([UnsafeRawBufferPointer(buffer)], beside: path)
    }
    try publish(temporary, as: path)
  }

  /// Writes the parts one after another, without joining them in memory.
  public static func write(parts: [UnsafeRawBufferPointer], to path: String) throws(FileError) {
    try publish(try stage(parts, beside: path), as: path)
  }

  /// Moves a complete file to its place. On failure the temporary is removed.
  public static func publish(_ temporary: String, as path: String) throws(FileError) {
    do throws(FileError) {
      try (try FileDescriptor.writing(temporary)).synchronize()
      guard rename(temporary, path) == 0 else {
        throw FileError("create", path, code: errno)
      }
    } catch {
      unlink(temporary)
      throw FileError(error.operation, path, code: error.code)
    }
    try synchronizeFolder(of: path)
  }

  /// A name beside `path` that no other process or thread uses.
  public static func temporaryName(for path: String) -> String {
    let n = serial.wrappingAdd(1, ordering: .relaxed).newValue
    return "\(folder(of: path))/.\(path.split(separator: "/").last ?? "").tmp-\(getpid())-\(n)"
  }

  private static func stage(
    _ parts: [UnsafeRawBufferPointer], beside path: String
  ) throws(FileError) -> String {
    while true {
      let temporary = temporaryName(for: path)
      do throws(FileError) {
        guard let file = try FileDescriptor.creating(temporary) else { continue }
        for part in parts { try file.writeAll(part) }
        return temporary
      } catch {
        // The user asked for `path`; the temporary is ours and is gone.
        if error.operation != "create" { unlink(temporary) }
        throw FileError(error.operation, path, code: error.code)
      }
    }
  }

  private static func synchronizeFolder(of path: String) throws(FileError) {
    let folder = folder(of: path)
    let file = try FileDescriptor.reading(folder.isEmpty ? "/" : folder)
    // Some file systems cannot flush a folder and say so; the rename has happened all the same.
    if fsync(file.raw) != 0 && errno != EINVAL && errno != EROFS {
      throw FileError("write", folder, code: errno)
    }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "" : String(path[..<slash])
  }

  private static let serial = Atomic<Int>(0)
}
