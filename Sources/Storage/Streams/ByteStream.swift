/// Bytes in order: a plain file, or what a gzip file holds.
package protocol ByteStream: AnyObject {
  var path: String { get }
  /// Refuses a claim of `total` bytes of content that this file cannot hold, before any of it is
  /// allocated.
  func check(total: Int) throws(InputError)
  /// Fills the buffer unless the content ends first; the number of bytes written.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int
}

/// An uncompressed file.
package final class PlainStream: ByteStream {
  package let path: String
  private let file: FileDescriptor
  private let size: Int

  package init(_ path: String) throws(InputError) {
    self.path = path
    do throws(FileError) {
      file = try FileDescriptor.reading(path)
      size = try file.size()
    } catch {
      throw InputError(error)
    }
  }

  package func check(total: Int) throws(InputError) {
    guard total == size else {
      throw InputError(
        .damaged,
        "\(path): its header announces \(total) bytes, but the file has \(size)"
          + (size < total ? "; it is truncated" : "; something follows the data"))
    }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    do throws(FileError) {
      return try file.read(into: buffer)
    } catch {
      throw InputError(error)
    }
  }
}

/// A file's bytes that are in memory already.
package final class MemoryStream: ByteStream {
  package let path: String
  private let bytes: [UInt8]
  private var place = 0

  /// - Parameter path: what messages call it.
  package init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  package func check(total: Int) throws(InputError) {
    guard total == bytes.count else {
      throw InputError(
        .damaged,
        "\(path): its header announces \(total) bytes, but there are \(bytes.count)"
          + (bytes.count < total ? "; it is truncated" : "; something follows the data"))
    }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(buffer.count, bytes.count - place)
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[place..<place + count]))
    }
    place += count
    return count
  }
}

extension ByteStream {
  /// The next `count` bytes, all of them, where the stream has been asked to `check` that it holds
  /// them, or they are few.
  /// - Parameter part: what they belong to, for the message: "the header".
  package func take(_ count: Int, of part: String) throws(InputError) -> [UInt8] {
    // Pages that are claimed and never read take no memory.
    try filledBytes(count, "\(path): \(part) takes") { (raw) throws(InputError) in
      guard try read(into: raw) == count else {
        throw InputError(.damaged, "\(path): it ends inside \(part)")
      }
    }
  }

  /// The next `count` bytes, of a count that nothing vouches for: whatever it is, no more than twice the
  /// memory is taken of what the stream really holds.
  package func collect(_ count: Int, of part: String) throws(InputError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      bytes += try take(min(max(bytes.count, 1 << 20), count - bytes.count), of: part)
    }
    return bytes
  }

  /// Refuses what follows the content. Streams that check themselves do so here.
  package func requireEnd(after content: String) throws(InputError) {
    var extra: UInt8 = 0
    let more = try withUnsafeMutableBytes(of: &extra) { (raw) throws(InputError) -> Int in
      try read(into: raw)
    }
    guard more == 0 else {
      throw InputError(.damaged, "\(path): something follows \(content)")
    }
  }
}

/// An array of `count` bytes that `body` has written, every one of them.
///
/// - Parameter subject: what takes the memory, with its verb: "the images take".
/// - Throws: `.invalid` where there is not so much memory, before any is taken.
package func filledBytes(
  _ count: Int, _ subject: @autoclosure () -> String,
  _ body: (UnsafeMutableRawBufferPointer) throws(InputError) -> Void
) throws(InputError) -> [UInt8] {
  try checkMemory(count, subject())
  do {
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      try body(UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
      initialized = count
    }
  } catch {
    throw error as! InputError
  }
}

/// Refuses what takes so many bytes where there is not so much memory, before any of it is taken.
package func checkMemory(
  _ bytes: Int, _ subject: @autoclosure () -> String
) throws(InputError) {
  guard bytes >= 1 << 24, let (bound, needed) = AvailableMemory().broken(by: bytes) else { return }
  throw InputError(.invalid, MemoryShortage.sentence(subject(), needed, bound))
}
