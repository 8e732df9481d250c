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

extension ByteStream {
  /// The next `count` bytes, all of them, where the stream has been asked to `check` that it holds
  /// them, or they are few.
  /// - Parameter part: what they belong to, for the message: "the header".
  func take(_ count: Int, of part: String) throws(DatasetError) -> [UInt8] {
    // Pages that are claimed and never read take no memory.
    try filledBytes(count) { (raw) throws(DatasetError) in
      guard try read(into: raw) == count else {
        throw DatasetError(.damaged, "\(path): it ends inside \(part)")
      }
    }
  }

  /// The next `count` bytes, of a count that nothing vouches for: whatever it is, no more than twice the
  /// memory is taken of what the stream really holds.
  func collect(_ count: Int, of part: String) throws(DatasetError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      bytes += try take(min(max(bytes.count, 1 << 20), count - bytes.count), of: part)
    }
    return bytes
  }

  /// Refuses what follows the content. Streams that check themselves do so here.
  func requireEnd(after content: String) throws(DatasetError) {
    var extra: UInt8 = 0
    let more = try withUnsafeMutableBytes(of: &extra) { (raw) throws(DatasetError) -> Int in
      try read(into: raw)
    }
    guard more == 0 else {
      throw DatasetError(.damaged, "\(path): something follows \(content)")
    }
  }
}

/// Refuses images of so many bytes where there is not so much memory, before any of it is taken.
func checkMemory(ofImages bytes: Int) throws(DatasetError) {
  guard bytes >= 1 << 24, let (bound, needed) = AvailableMemory().broken(by: bytes) else { return }
  throw DatasetError(.invalid, MemoryShortage.sentence("the images take", needed, bound))
}

/// An array of `count` bytes that `body` has written, every one of them.
/// - Throws: `.invalid` where there is not so much memory, before any is taken.
func filledBytes(
  _ count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(DatasetError) -> Void
) throws(DatasetError) -> [UInt8] {
  try checkMemory(ofImages: count)
  do {
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try body(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
      initialized = count
    }
  } catch {
    throw error as! DatasetError
  }
}

/// How much is read at most, of whatever file.
enum Limit {
  /// Bytes of one set's images, 4 GiB.
  static let content = 1 << 32
  /// Pixels of one image file, 8192 x 8192.
  static let pixels = 1 << 26
  /// Bytes of one image file, 256 MiB.
  static let file = 1 << 28
  /// Images of one set.
  static let images = 10_000_000
}
