import Glibc

/// The owner of one open file.
struct FileDescriptor: ~Copyable {
  let raw: Int32
  let path: String

  private init(raw: Int32, path: String) {
    self.raw = raw
    self.path = path
  }

  deinit { close(raw) }

  static func reading(_ path: String) throws(FileError) -> FileDescriptor {
    let raw = open(path, O_RDONLY | O_CLOEXEC)
    guard raw >= 0 else { throw FileError("open", path, code: errno) }
    return FileDescriptor(raw: raw, path: path)
  }

  /// A new file that nobody else holds; nil if there is one of that name already.
  static func creating(_ path: String) throws(FileError) -> FileDescriptor? {
    let raw = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if raw < 0 && errno == EEXIST { return nil }
    guard raw >= 0 else { throw FileError("create", path, code: errno) }
    return FileDescriptor(raw: raw, path: path)
  }

  /// An existing file or device, for writing.
  static func writing(_ path: String) throws(FileError) -> FileDescriptor {
    let raw = open(path, O_WRONLY | O_CLOEXEC)
    guard raw >= 0 else { throw FileError("open", path, code: errno) }
    return FileDescriptor(raw: raw, path: path)
  }

  /// A new file under `$TMPDIR` or /tmp, without a name: it goes when it is closed everywhere.
  static func unnamed() throws(FileError) -> FileDescriptor {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var path = Array("\(folder)/runner-XXXXXX".utf8CString)
    let raw = mkstemp(&path)
    guard raw >= 0, fcntl(raw, F_SETFD, FD_CLOEXEC) == 0 else {
      throw FileError("make a temporary file in", folder, code: errno)
    }
    unlink(path)
    return FileDescriptor(raw: raw, path: "a temporary file in \(folder)")
  }

  /// The size in bytes; an error for anything but a regular file.
  func size() throws(FileError) -> Int {
    var status = stat()
    guard fstat(raw, &status) == 0 else { throw FileError("examine", path, code: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw FileError("read", path, code: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
    }
    return Int(status.st_size)
  }

  /// Reads until the buffer is full or the file ends; the number of bytes read.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let n = Glibc.read(raw, buffer.baseAddress! + done, buffer.count - done)
      if n == 0 { break }
      if n < 0 {
        if errno == EINTR { continue }
        throw FileError("read", path, code: errno)
      }
      done += n
    }
    return done
  }

  /// What is left of the file, piece by piece.
  func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try read(into: buffer)
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      if count < buffer.count { return }
    }
  }

  /// Reads from `offset` on until the buffer is full or the file ends; the number of bytes read.
  func read(
    into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(FileError) -> Int {
    var done = 0
    while done < buffer.count {
      let n = pread(raw, buffer.baseAddress! + done, buffer.count - done, offset + done)
      if n == 0 { break }
      if n < 0 {
        if errno == EINTR { continue }
        throw FileError("read", path, code: errno)
      }
      done += n
    }
    return done
  }

  /// The `count` bytes from `offset` on; fewer where the file ends.
  func read(_ count: Int, at offset: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBufferPointer { (raw) throws(FileError) in
      try read(into: UnsafeMutableRawBufferPointer(raw), at: offset)
    }
    bytes.removeLast(count - done)
    return bytes
  }

  /// Goes back to the first byte.
  func rewind() throws(FileError) {
    guard lseek(raw, 0, SEEK_SET) == 0 else { throw FileError("read", path, code: errno) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The last `count` bytes.
  func tail(_ count: Int, size: Int) throws(FileError) -> [UInt8] {
    precondition(count <= size)
    let bytes = try read(count, at: size - count)
    guard bytes.count == count else { throw FileError("read", path, code: EIO) }
    return bytes
  }

  func writeAll(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let n = Glibc.write(raw, bytes.baseAddress! + done, bytes.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        throw FileError("write", path, code: errno)
      }
      done += n
    }
  }

  func synchronize() throws(FileError) {
    guard fsync(raw) == 0 else { throw FileError("write", path, code: errno) }
  }
}
