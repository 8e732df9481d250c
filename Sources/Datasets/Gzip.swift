import CZlib

/// The content of a gzip file (RFC 1952) of one member, inflated straight into the reader's buffer.
/// Whatever the file claims, no more is kept than the reader asks for.
final class GzipStream: ByteStream {
  let path: String
  private let file: FileDescriptor
  private let size: Int
  /// Length of the content modulo 2³², from the file's last four bytes.
  private let claimedLength: UInt32
  private var input: [UInt8]
  // zlib keeps the address of its state's owner, so it may not move.
  private let state: UnsafeMutablePointer<z_stream>
  private var ended = false
  /// Ten bytes of header, two of an empty deflate stream, eight of trailer.
  private static let least = 20

  init(_ path: String, inputCapacity: Int = 1 << 17) throws(DatasetError) {
    self.path = path
    let trailer: [UInt8]
    do throws(FileError) {
      file = try FileDescriptor.reading(path)
      size = try file.size()
      trailer = size < Self.least ? [] : try file.tail(4, size: size)
    } catch {
      throw DatasetError(error)
    }
    guard size >= Self.least else {
      throw DatasetError(.damaged, "\(path): \(size) bytes are too few for a gzip file")
    }
    claimedLength = trailer.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    input = [UInt8](repeating: 0, count: inputCapacity)
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    // 15: the largest window; 16: the gzip wrapper alone.
    let code = inflateInit2_(state, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib does not start: \(code)")
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
  }

  func check(total: Int) throws(DatasetError) {
    // Deflate codes at best 258 bytes in two bits.
    guard total / 1032 <= size, UInt32(truncatingIfNeeded: total) == claimedLength else {
      throw DatasetError(
        .damaged,
        "\(path): the header inside announces \(total) bytes, but the gzip file of \(size) bytes "
          + "says that it holds \(claimedLength)")
    }
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
    var written = 0
    while written < buffer.count && !ended {
      if state.pointee.avail_in == 0 { try refill() }
      let room = UInt32(clamping: buffer.count - written)
      state.pointee.next_out =
        (buffer.baseAddress! + written).assumingMemoryBound(to: UInt8.self)
      state.pointee.avail_out = room
      let code = input.withUnsafeMutableBufferPointer { bytes in
        // The array may have been moved since the last call; only the count left is kept.
        state.pointee.next_in = bytes.baseAddress! + (filled - Int(state.pointee.avail_in))
        return inflate(state, Z_NO_FLUSH)
      }
      written += Int(room - state.pointee.avail_out)
      switch code {
      case Z_OK: break
      case Z_STREAM_END:
        ended = true
        try requireEnd()
      case Z_BUF_ERROR where state.pointee.avail_in == 0: break
      default:
        let reason = state.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)"
        throw DatasetError(.damaged, "\(path): not an intact gzip file: \(reason)")
      }
    }
    return written
  }

  private var filled = 0

  private func refill() throws(DatasetError) {
    let count: Int
    do throws(FileError) {
      count = try input.withUnsafeMutableBufferPointer { (raw) throws(FileError) in
        try file.read(into: UnsafeMutableRawBufferPointer(raw))
      }
    } catch {
      throw DatasetError(error)
    }
    guard count > 0 else {
      throw DatasetError(.damaged, "\(path): the gzip file is truncated")
    }
    filled = count
    state.pointee.avail_in = UInt32(count)
  }

  private func requireEnd() throws(DatasetError) {
    var left = Int(state.pointee.avail_in)
    if left == 0 {
      do throws(FileError) {
        var extra: UInt8 = 0
        left = try withUnsafeMutableBytes(of: &extra) { (raw) throws(FileError) in
          try file.read(into: raw)
        }
      } catch {
        throw DatasetError(error)
      }
    }
    guard left == 0 else {
      throw DatasetError(.damaged, "\(path): something follows the gzip data")
    }
  }
}
