/// Bytes in order: a plain file, or what a gzip file holds.
protocol ByteStream: AnyObject {
  var path: String { get }
  /// Refuses a claim of `total` bytes of content that this file cannot hold, before any of it is
  /// allocated.
  func check(total: Int) throws(DatasetError)
  /// Fills the buffer unless the content ends first; the number of bytes written.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int
}

/// An uncompressed file.
final class PlainStream: ByteStream {
  let path: String
  private let file: FileDescriptor
  private let size: Int

  init(_ path: String) throws(DatasetError) {
    self.path = path
    do throws(FileError) {
      file = try FileDescriptor.reading(path)
      size = try file.size()
    } catch {
      throw DatasetError(error)
    }
  }

  func check(total: Int) throws(DatasetError) {
    guard total == size else {
      throw DatasetError(
        .damaged,
        "\(path): its header announces \(total) bytes, but the file has \(size)"
          + (size < total ? "; it is truncated" : "; something follows the data"))
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    do throws(FileError) {
      return try file.read(into: buffer)
    } catch {
      throw DatasetError(error)
    }
  }
}
