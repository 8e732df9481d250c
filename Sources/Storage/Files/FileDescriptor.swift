import Glibc

/// The owner of one open file. Every file that this program opens by a path is opened here.
///
/// It never waits for one: a named pipe, a socket, a device or a folder in the place of a file is
/// refused by what it is.
package struct FileDescriptor: ~Copyable {
  package let raw: Int32
  package let path: String

  /// Takes an open file over.
  package init(raw: Int32, path: String) {
    self.raw = raw
    self.path = path
  }

  deinit { close(raw) }

  package static func reading(
    _ path: String, to operation: String = "open"
  ) throws(FileError) -> FileDescriptor {
    try FileDescriptor(opening: path, O_RDONLY, to: operation)
  }

  /// A new file that nobody else holds; nil if there is one of that name already.
  package static func creating(_ path: String) throws(FileError) -> FileDescriptor? {
    do throws(FileError) {
      return try FileDescriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, to: "create")
    } catch {
      if error.code == EEXIST { return nil }
      throw error
    }
  }

  /// A file for writing.
  /// - Parameter flags: `O_CREAT` makes it where it isn't there, `O_TRUNC` empties it, with `O_APPEND`
  ///   all goes to its end.
  package static func writing(
    _ path: String, _ flags: Int32 = 0, to operation: String = "open"
  ) throws(FileError) -> FileDescriptor {
    try FileDescriptor(opening: path, O_WRONLY | flags, to: operation)
  }

  /// A file to take locks on, made where it isn't there.
  package static func locking(_ path: String) throws(FileError) -> FileDescriptor {
    // Network file systems want a file to be readable for a shared lock, writable for another.
    try FileDescriptor(opening: path, O_RDWR | O_CREAT, to: "lock")
  }

  private init(opening path: String, _ flags: Int32, to operation: String) throws(FileError) {
    self.init(raw: try Self.open(path, flags, to: operation), path: path)
  }

  /// With `O_CLOEXEC`, so that no child process inherits it, and with `O_NONBLOCK`, which lets no
  /// pipe keep it waiting and means nothing to a regular file.
  private static func open(
    _ path: String, _ flags: Int32, to operation: String
  ) throws(FileError) -> Int32 {
    guard !path.utf8.contains(0) else { throw FileError(holdingNUL: path, operation) }
    var raw: Int32
    repeat {
      raw = Glibc.open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o666)
    } while raw < 0 && errno == EINTR
    guard raw >= 0 else {
      let code = errno
      // A socket, or a pipe that nobody reads.
      if code == ENXIO, let kind = FileKind(of: path) {
        throw FileError(operation, path, found: kind)
      }
      throw FileError(operation, path, code: code)
    }
    var status = stat()
    let code = fstat(raw, &status) == 0 ? 0 : errno
    if code == 0, status.st_mode & S_IFMT == S_IFREG { return raw }
    close(raw)
    throw code == 0
      ? FileError(operation, path, found: FileKind(status))
      : FileError(operation, path, code: code)
  }

  /// A new file under `$TMPDIR` or /tmp, without a name: it goes when it is closed everywhere.
  package static func unnamed() throws(FileError) -> FileDescriptor {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    // O_TMPFILE, a macro that Swift doesn't see.
    var raw = Glibc.open(folder, 0o20_000_000 | O_DIRECTORY | O_RDWR | O_CLOEXEC, 0o600)
    if raw < 0, errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT {
      // A file system without such files.
      var path = Array("\(folder)/runner-XXXXXX".utf8CString)
      raw = mkstemp(&path)
      if raw >= 0 {
        unlink(path)
        _ = fcntl(raw, F_SETFD, FD_CLOEXEC)
      }
    }
    guard raw >= 0 else { throw FileError("make a temporary file in", folder, code: errno) }
    return FileDescriptor(raw: raw, path: "a temporary file in \(folder)")
  }

  /// The size in bytes.
  package func size() throws(FileError) -> Int {
    var status = stat()
    guard fstat(raw, &status) == 0 else { throw FileError("examine", path, code: errno) }
    return Int(status.st_size)
  }

  /// Reads until the buffer is full or the file ends; the number of bytes read.
  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
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
  package func forEachPiece(_ body: (UnsafeRawBufferPointer) -> Void) throws(FileError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    defer { buffer.deallocate() }
    while true {
      let count = try read(into: buffer)
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      if count < buffer.count { return }
    }
  }

  /// Reads from `offset` on until the buffer is full or the file ends; the number of bytes read.
  package func read(
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
  package func read(_ count: Int, at offset: Int) throws(FileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let done = try bytes.withUnsafeMutableBufferPointer { (raw) throws(FileError) in
      try read(into: UnsafeMutableRawBufferPointer(raw), at: offset)
    }
    bytes.removeLast(count - done)
    return bytes
  }

  /// Goes back to the first byte.
  package func rewind() throws(FileError) {
    guard lseek(raw, 0, SEEK_SET) == 0 else { throw FileError("read", path, code: errno) }
  }

  package static func exists(_ path: String) -> Bool {
    !path.utf8.contains(0) && access(path, F_OK) == 0
  }

  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The last `count` bytes.
  package func tail(_ count: Int, size: Int) throws(FileError) -> [UInt8] {
    precondition(count <= size)
    let bytes = try read(count, at: size - count)
    guard bytes.count == count else { throw FileError("read", path, code: EIO) }
    return bytes
  }

  package func writeAll(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
    try Self.writeAll(bytes, to: raw, path: path)
  }

  package func writeAll(_ bytes: [UInt8]) throws(FileError) {
    try Self.writeAll(bytes, to: raw, path: path)
  }

  /// Writes all bytes to an open file or pipe, however many calls it takes.
  package static func writeAll(_ bytes: [UInt8], to raw: Int32, path: String) throws(FileError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
      try writeAll(UnsafeRawBufferPointer(buffer), to: raw, path: path)
    }
  }

  private static func writeAll(
    _ bytes: UnsafeRawBufferPointer, to raw: Int32, path: String
  ) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let n = Glibc.write(raw, bytes.baseAddress! + done, bytes.count - done)
      if n < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          // A pipe that another program made so: wait until it takes more.
          var watched = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
          poll(&watched, 1, -1)
          continue
        }
        throw FileError("write", path, code: errno)
      }
      done += n
    }
  }

  /// Flushes what was written to the disk.
  package func synchronize() throws(FileError) {
    guard fsync(raw) == 0 else { throw FileError("write", path, code: errno) }
  }

  /// Cuts off all that lies behind the first `length` bytes; the next byte is written there.
  package func shorten(to length: Int) throws(FileError) {
    guard ftruncate(raw, length) == 0, lseek(raw, length, SEEK_SET) == length else {
      throw FileError("shorten", path, code: errno)
    }
  }
}
