import Datasets
import Glibc

/// A CSV file that grows by whole rows, each on the disk before the next begins.
///
/// A row that cannot be written in full is taken back, so that the file never holds half a row.
public struct CSVLog: ~Copyable {
  public let path: String
  private let file: Int32
  /// The file's length in bytes, a whole number of rows.
  public private(set) var length: Int

  private init(file: Int32, path: String, length: Int) {
    self.file = file
    self.path = path
    self.length = length
  }

  /// Starts a file that isn't there yet.
  public static func create(_ path: String, header: String) throws(FileError) -> CSVLog {
    let file = try Files.open(path, O_WRONLY | O_CREAT | O_EXCL, to: "create")
    var log = CSVLog(file: file, path: path, length: 0)
    try log.append(header)
    return log
  }

  /// Goes on with a file after its first `length` bytes; what lies beyond is cut off, for it was
  /// written after the state that is being resumed.
  public static func resume(_ path: String, at length: Int) throws -> CSVLog {
    let file = try Files.open(path, O_WRONLY, to: "write")
    let log = CSVLog(file: file, path: path, length: length)
    var status = stat()
    guard fstat(file, &status) == 0 else { throw FileError("read", path, code: errno) }
    guard Int(status.st_size) >= length else {
      throw RecordError(
        path,
        "has \(status.st_size) bytes where the checkpoint recorded \(length): rows were removed, "
          + "so the run cannot be resumed; start it again")
    }
    guard ftruncate(file, length) == 0, lseek(file, length, SEEK_SET) == length, fsync(file) == 0
    else { throw FileError("shorten", path, code: errno) }
    return log
  }

  deinit { close(file) }

  /// Adds a row and flushes it to the disk.
  public mutating func append(_ row: String) throws(FileError) {
    let bytes = Array("\(row)\n".utf8)
    do throws(FileError) {
      try Files.append(bytes, to: file, path: path)
      guard fsync(file) == 0 else { throw FileError("write", path, code: errno) }
    } catch {
      _ = ftruncate(file, length)
      lseek(file, length, SEEK_SET)
      throw error
    }
    length += bytes.count
  }
}
