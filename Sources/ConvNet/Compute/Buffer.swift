import Glibc

/// Floats, zeroed, on a 64-byte boundary, with 64 bytes of slack at their end, so that vector code may
/// read past the last element: an allocation of their own, or a piece of an arena.
package final class Buffer: @unchecked Sendable {  // writers are kept apart by the phases of a step
  package let base: UnsafeMutablePointer<Float>
  package let count: Int
  private let arena: Arena?

  package init(_ count: Int) {
    precondition(count >= 0)
    let size = ByteCount.product(count, MemoryLayout<Float>.stride)
    let bytes = ByteCount.sum(size, 127) & ~63
    guard let memory = aligned_alloc(64, bytes) else { OutOfMemory.end(bytes: bytes) }
    memset(memory, 0, bytes)
    base = memory.bindMemory(to: Float.self, capacity: bytes / 4)
    self.count = count
    arena = nil
  }

  init(_ base: UnsafeMutablePointer<Float>, count: Int, in arena: Arena) {
    self.base = base
    self.count = count
    self.arena = arena
  }

  deinit {
    if arena == nil { free(base) }
  }

  package var all: UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }
}
