import Glibc

/// A pipe that the program was started with, named as a file: what a shell makes of `<(…)`, or
/// /dev/stdin.
package struct InheritedPipe {
  private let descriptor: Int32
  private let path: String

  /// The descriptor that a path stands for.
  package static func descriptor(namedBy path: String) -> Int32? {
    if path == "/dev/stdin" { return 0 }
    let prefix = ["/dev/fd/", "/proc/self/fd/"].first(where: path.hasPrefix)
    return prefix.flatMap { Int32(path.dropFirst($0.count)) }
  }

  /// Nil for any other path.
  package init?(_ path: String) {
    var status = stat()
    guard let number = Self.descriptor(namedBy: path), fstat(number, &status) == 0,
      [S_IFIFO, S_IFSOCK].contains(status.st_mode & S_IFMT)
    else { return nil }
    descriptor = number
    self.path = path
  }

  /// What comes through it until its end, the first `count` bytes at most.
  ///
  /// A file with these bytes takes the pipe's place, so that they can be read again, also when the
  /// program executes itself anew.
  package func read(upTo count: Int) throws(FileError) -> [UInt8] {
    let copy = dup(descriptor)
    guard copy >= 0 else { throw FileError("read", path, code: errno) }
    let bytes = try Files.read(
      FileDescriptor(raw: copy, path: path), upTo: count, expected: 0)
    let file = try FileDescriptor.unnamed()
    try file.writeAll(bytes)
    try file.rewind()
    guard dup2(file.raw, descriptor) >= 0 else { throw FileError("read", path, code: errno) }
    return bytes
  }
}
