import Glibc

/// Reading of whole files, and folders. Whole files are written by `AtomicFile`.
public enum Files {
  /// The most bytes of a JSON document that is read: room for the names of 65,536 classes.
  public static let documentLimit = 8_000_000

  /// The bytes of the file at `path`, of which there may be at most `limit`. A pipe will do where the
  /// program was started with it: `<(…)` in a shell, or /dev/stdin.
  public static func read(_ path: String, limit: Int = 1 << 32) throws(FileError) -> [UInt8] {
    let bytes = try read(path, upTo: limit + 1)
    guard bytes.count <= limit else { throw FileError("read", path, code: EFBIG) }
    return bytes
  }

  /// The first `count` bytes of a file, or all of them.
  package static func read(_ path: String, upTo count: Int) throws(FileError) -> [UInt8] {
    if let pipe = InheritedPipe(path) { return try pipe.read(upTo: count) }
    let file = try FileDescriptor.reading(path, to: "read")
    // Files of /proc have no size.
    return try read(file, upTo: count, expected: try file.size())
  }

  /// - Parameter expected: how many there may be.
  package static func read(
    _ file: borrowing FileDescriptor, upTo count: Int, expected: Int
  ) throws(FileError) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(expected, count))
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count < count {
      let more = min(chunk.count, count - bytes.count)
      let n = try chunk.withUnsafeMutableBufferPointer { (buffer) throws(FileError) in
        try file.read(
          into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: more))
      }
      bytes += chunk[..<n]
      if n < more { break }
    }
    return bytes
  }

  /// The text of the file at `path`; bytes that aren't UTF-8 become replacement characters.
  public static func readText(_ path: String) throws(FileError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Makes a folder and the folders above it; it may be there already.
  public static func makeFolders(_ path: String) throws(FileError) {
    if isFolder(path) { return }
    let above = parent(of: path)
    if above != path { try makeFolders(above) }
    _ = try makeFolder(path)
  }

  /// Makes one folder; false when something of that name is there already.
  public static func makeFolder(_ path: String) throws(FileError) -> Bool {
    if mkdir(path, 0o777) == 0 { return true }
    guard errno == EEXIST else { throw FileError("make the folder", path, code: errno) }
    return false
  }

  /// Makes a folder and the folders above it; where something of its name is there already, one with a
  /// number after it. Returns its path.
  public static func makeNewFolder(_ path: String) throws(FileError) -> String {
    try makeFolders(parent(of: path))
    var (folder, number) = (path, 2)
    while try !makeFolder(folder) {
      folder = "\(path)-\(number)"
      number += 1
    }
    return folder
  }

  public static func exists(_ path: String) -> Bool { FileDescriptor.exists(path) }

  public static func isFolder(_ path: String) -> Bool { FileKind(of: path) == .folder }

  /// Where a symbolic link points; nil for anything else.
  package static func target(ofLink path: String) -> String? {
    var length = -1
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      buffer.withMemoryRebound(to: CChar.self) {
        length = readlink(path, $0.baseAddress!, $0.count)
      }
      count = max(0, length)
    }
    return length < 0 ? nil : String(validating: bytes, as: UTF8.self)
  }

  /// The names in a folder, sorted, without `.` and `..`.
  /// - Throws: `FileError` also for a name that isn't UTF-8.
  public static func names(in folder: String) throws(FileError) -> [String] {
    let found = try FolderNames(of: folder)
    if let name = found.notUTF8.first { throw FileError(nameNotUTF8: name, in: folder) }
    return found.names
  }

  /// Removes a file, or a folder with everything in it; what cannot be removed stays.
  public static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in (try? names(in: path)) ?? [] { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  /// The path from the root, without links as far as it exists.
  public static func absolute(_ path: String) throws(FileError) -> String {
    if let found = realpath(path, nil) {
      defer { free(found) }
      guard let text = String(validatingCString: found) else {
        let bytes = UnsafeRawBufferPointer(start: found, count: strlen(found))
        throw FileError("find", path, notUTF8: Array(bytes))
      }
      return text
    }
    let above = parent(of: path)
    return above == path ? path : "\(try absolute(above))/\(name(of: path))"
  }

  /// The folder that holds `path`: "a/b" for "a/b/c", "." for "c".
  public static func parent(of path: String) -> String {
    var trimmed = path[...]
    while trimmed.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// The last component of `path`.
  public static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
