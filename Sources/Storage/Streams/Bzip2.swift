import CBzip2

/// The content of a bzip2 file, of one stream or several.
package final class Bzip2Stream: ByteStream {
  package let path: String
  private let file: FileDescriptor
  private var input = [UInt8](repeating: 0, count: 1 << 17)
  private var filled = 0
  // libbz2 keeps the address of its state's owner, so it may not move.
  private let state: UnsafeMutablePointer<bz_stream>
  /// Whether a stream is open; between two, none is.
  private var isOpen = false
  private var isAtEnd = false

  package init(_ path: String) throws(InputError) {
    self.path = path
    do throws(FileError) { file = try FileDescriptor.reading(path) } catch {
      throw InputError(error)
    }
    state = .allocate(capacity: 1)
    state.initialize(to: bz_stream())
  }

  deinit {
    if isOpen { BZ2_bzDecompressEnd(state) }
    state.deallocate()
  }

  /// A bzip2 file says nothing of its content's length.
  package func check(total: Int) {}

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    var written = 0
    while written < buffer.count, !isAtEnd {
      if state.pointee.avail_in == 0 {
        filled = try InputError.wrapping { () throws(FileError) in
          try input.withUnsafeMutableBufferPointer { (raw) throws(FileError) in
            try file.read(into: UnsafeMutableRawBufferPointer(raw))
          }
        }
        state.pointee.avail_in = UInt32(filled)
        if filled == 0 {
          guard !isOpen else {
            throw InputError(.damaged, "\(path): the bzip2 file is truncated")
          }
          isAtEnd = true
          break
        }
      }
      if !isOpen {
        let code = BZ2_bzDecompressInit(state, 0, 0)
        precondition(code == BZ_OK, "libbz2 does not start: \(code)")
        isOpen = true
      }
      let room = UInt32(clamping: buffer.count - written)
      state.pointee.next_out =
        (buffer.baseAddress! + written).assumingMemoryBound(to: CChar.self)
      state.pointee.avail_out = room
      let code = input.withUnsafeMutableBytes { bytes in
        state.pointee.next_in =
          (bytes.baseAddress! + (filled - Int(state.pointee.avail_in)))
          .assumingMemoryBound(to: CChar.self)
        return BZ2_bzDecompress(state)
      }
      written += Int(room - state.pointee.avail_out)
      switch code {
      case BZ_OK: break
      case BZ_STREAM_END:
        // What follows, if anything, is another stream; ending one forgets what is left of the input.
        let left = state.pointee.avail_in
        BZ2_bzDecompressEnd(state)
        isOpen = false
        state.pointee.avail_in = left
      default:
        throw InputError(
          .damaged, "\(path): not an intact bzip2 file: libbz2's error \(code)")
      }
    }
    return written
  }
}
