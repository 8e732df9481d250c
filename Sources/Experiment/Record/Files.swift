import Datasets
import Glibc

/// Reading of whole files, and folders. Whole files are written by `AtomicFile`.
public enum Files {
  /// The bytes of the file at `path`, of which there may be at most `limit`.
  public static func read(_ path: String, limit: Int = 1 << 32) throws(FileError) -> [UInt8] {
    let file = try open(path, O_RDONLY, to: "read")
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else {
      throw FileError("read", path, code: errno)
    }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw FileError("read", path, code: EISDIR)
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(max(0, Int(status.st_size)), limit) + 1)
    while true {
      var chunk = 0
      var failure: Int32 = 0
      let more = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        chunk = Glibc.read(file, buffer.baseAddress, buffer.count)
        failure = errno
        count = max(0, chunk)
      }
      if chunk < 0 {
        if failure == EINTR { continue }
        throw FileError("read", path, code: failure)
      }
      if chunk == 0 { return bytes }
      guard bytes.count + chunk <= limit else {
        throw FileError("read", path, code: EFBIG)
      }
      bytes += more
    }
  }

  /// The text of the file at `path`; bytes that aren't UTF-8 become replacement characters.
  public static func readText(_ path: String) throws(FileError) -> String {
    String(decoding: try read(path), as: UTF8.self)
  }

  /// Writes all bytes to an open file, however many calls it takes.
  package static func append(_ bytes: [UInt8], to file: Int32, path: String) throws(FileError) {
    var start = 0
    while start < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress! + start, $0.count - start)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw FileError("write", path, code: errno)
      }
      start += written
    }
  }

  /// Opens with `O_CLOEXEC`, so that no child process inherits it.
  static func open(_ path: String, _ flags: Int32, to action: String) throws(FileError) -> Int32 {
    while true {
      let file = Glibc.open(path, flags | O_CLOEXEC, 0o666)
      if file >= 0 { return file }
      if errno != EINTR { throw FileError(action, path, code: errno) }
    }
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
    guard errno == EEXIST else {
      throw FileError("make the folder", path, code: errno)
    }
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

  public static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  public static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Where a symbolic link points; nil for anything else.
  static func target(ofLink path: String) -> String? {
    var length = -1
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
      buffer.withMemoryRebound(to: CChar.self) {
        length = readlink(path, $0.baseAddress!, $0.count)
      }
      count = max(0, length)
    }
    return length < 0 ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// The names in a folder, sorted, without `.` and `..`.
  public static func names(in folder: String) throws(FileError) -> [String] {
    guard let directory = opendir(folder) else {
      throw FileError("list", folder, code: errno)
    }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
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

  /// A new empty folder that only this user can read, under `$TMPDIR` or /tmp.
  public static func makeTemporaryFolder() throws(FileError) -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/runner-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw FileError("make a temporary folder here", base, code: errno)
    }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The path from the root, without links as far as it exists.
  public static func absolute(_ path: String) -> String {
    if let found = realpath(path, nil) {
      defer { free(found) }
      return String(cString: found)
    }
    let above = parent(of: path)
    return above == path ? path : "\(absolute(above))/\(name(of: path))"
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
