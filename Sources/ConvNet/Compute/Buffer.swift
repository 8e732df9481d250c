import Glibc

/// The owner of one allocation of floats: zeroed, on a 64-byte boundary, with 64 bytes of slack at
/// its end, so that vector code may read past the last element.
final class Buffer: @unchecked Sendable {  // writers are kept apart by the phases of a step
  let base: UnsafeMutablePointer<Float>
  let count: Int

  init(_ count: Int) {
    precondition(count >= 0)
    let bytes = (count * 4 + 127) & ~63
    guard let memory = aligned_alloc(64, bytes) else {
      fatalError("out of memory: \(bytes) bytes for a network's buffers")
    }
    memset(memory, 0, bytes)
    base = memory.bindMemory(to: Float.self, capacity: bytes / 4)
    self.count = count
  }

  deinit { free(base) }

  var all: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }
}
