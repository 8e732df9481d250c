import CZlib

/// Deflated bytes (RFC 1951), inflated straight into a reader's buffer: no more than it asks for.
package final class Inflater {
  /// What is around the deflated bytes; zlib's number for it, at the largest window.
  package enum Wrapper: Int32 {
    case none = -15
    case zlib = 15
    case gzip = 31
  }

  private var input: [UInt8]
  private var filled = 0
  // zlib keeps the address of its state's owner, so it may not move.
  private let state: UnsafeMutablePointer<z_stream>
  /// Whether the deflated bytes have come to their end.
  package private(set) var ended = false
  /// Bytes that were read after that end.
  package var left: Int { Int(state.pointee.avail_in) }

  package init(_ wrapper: Wrapper, inputCapacity: Int = 1 << 17) {
    input = [UInt8](repeating: 0, count: inputCapacity)
    state = .allocate(capacity: 1)
    state.initialize(to: z_stream())
    let code = inflateInit2_(
      state, wrapper.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    precondition(code == Z_OK, "zlib does not start: \(code)")
  }

  deinit {
    inflateEnd(state)
    state.deallocate()
  }

  /// Fills the buffer unless the content ends first; the number of bytes written.
  ///
  /// - Parameters:
  ///   - next: fills a buffer with the deflated bytes that come next; 0 where there are none.
  ///   - damaged: the error for what zlib says; nil where the deflated bytes end too soon.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer,
    next: (UnsafeMutableRawBufferPointer) throws(InputError) -> Int,
    damaged: (String?) -> InputError
  ) throws(InputError) -> Int {
    var written = 0
    while written < buffer.count && !ended {
      if state.pointee.avail_in == 0 {
        filled = try input.withUnsafeMutableBufferPointer { (raw) throws(InputError) in
          try next(UnsafeMutableRawBufferPointer(raw))
        }
        guard filled > 0 else { throw damaged(nil) }
        state.pointee.avail_in = UInt32(filled)
      }
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
      case Z_STREAM_END: ended = true
      case Z_BUF_ERROR where state.pointee.avail_in == 0: break
      default:
        throw damaged(state.pointee.msg.map { String(cString: $0) } ?? "zlib error \(code)")
      }
    }
    return written
  }
}
