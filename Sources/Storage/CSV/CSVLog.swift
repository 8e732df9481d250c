import Glibc

/// A CSV file that grows by whole rows, each on the disk before the next begins.
///
/// A row that cannot be written in full is taken back, so that the file never holds half a row.
public struct CSVLog: ~Copyable {
  public let path: String
  private let file: FileDescriptor
  /// The file's length in bytes, a whole number of rows.
  public private(set) var length: Int
  /// Has been fed all of them.
  private let hash: SHA256

  package init(_ file: consuming FileDescriptor, content: ArraySlice<UInt8> = []) {
    path = file.path
    self.file = file
    length = content.count
    hash = SHA256()
    content.withUnsafeBytes { hash.update($0) }
  }

  /// SHA-256 of the file's bytes, as 64 hexadecimal digits.
  public var digest: String { hash.current }

  /// Starts a file that isn't there yet.
  public static func create(_ path: String, header: String) throws(FileError) -> CSVLog {
    guard let file = try FileDescriptor.creating(path) else {
      throw FileError("create", path, code: EEXIST)
    }
    var log = CSVLog(file)
    try log.append(header)
    return log
  }

  /// Goes on with a file after its first `length` bytes; what lies beyond is cut off, for it was
  /// written after the state that is being resumed.
  public static func resume(_ path: String, at length: Int) throws -> CSVLog {
    let content = length == 0 ? [] : try Files.read(path)
    guard content.count >= length else {
      throw RecordError(
        path,
        "has \(content.count) bytes where the checkpoint recorded \(length): rows were removed, "
          + "so the run cannot be resumed; start it again")
    }
    let file = try FileDescriptor.writing(path, to: "write")
    try file.shorten(to: length)
    try file.synchronize()
    return CSVLog(file, content: content[..<length])
  }

  /// Adds a row and flushes it to the disk.
  public mutating func append(_ row: String) throws(FileError) {
    let bytes = Array("\(row)\n".utf8)
    do throws(FileError) {
      try file.writeAll(bytes)
      try file.synchronize()
    } catch {
      try? file.shorten(to: length)
      throw error
    }
    length += bytes.count
    hash.update(bytes)
  }
}
