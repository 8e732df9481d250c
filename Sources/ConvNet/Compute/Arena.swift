import Glibc

/// One allocation that holds all of a network's memory, zeroed, handed out piece after piece.
///
/// What builds a network asks for its pieces in an order and in sizes that follow from the plan. So it
/// is built twice: first of an arena without memory, which only counts, and so tells what the network
/// will take before any of it is taken; then of one that has as much. A piece that was only counted
/// must be neither read nor written: whoever fills a piece when it is made asks `holdsMemory` first.
package final class Arena: @unchecked Sendable {  // pieces are handed out by the thread that builds
  /// Bytes handed out or counted so far; `Int.max` where they are more than can be counted.
  package private(set) var bytes = 0
  private let memory: UnsafeMutableRawPointer?
  private let capacity: Int

  /// An arena that only counts.
  package init() {
    memory = nil
    capacity = .max
  }

  /// Memory is taken page by page, as pieces of it are used: who asks little of a network takes little.
  /// - Throws: `OutOfMemory` where there is not so much to be had.
  package init(bytes: Int) throws(OutOfMemory) {
    // What cannot even be counted is not asked for.
    let mapped =
      bytes == .max
      ? nil
      : mmap(
        nil, max(Self.page, bytes), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { throw OutOfMemory(bytes: bytes) }
    memory = mapped
    capacity = bytes
  }

  deinit { if let memory { munmap(memory, max(Self.page, capacity)) } }

  package var holdsMemory: Bool { memory != nil }

  private static let page = 4096

  /// Memory for as many elements as the product of the sizes, on a 64-byte boundary, with 64 bytes of
  /// slack at its end, so that vector code may read past the last element.
  package func take<Element>(_: Element.Type, _ sizes: Int...) -> UnsafeMutablePointer<Element> {
    take(Element.self, sizes).start
  }

  func floats(_ sizes: Int...) -> Buffer {
    let (start, count) = take(Float.self, sizes)
    return Buffer(start, count: count, in: self)
  }

  func doubles(_ sizes: Int...) -> DoubleBuffer {
    let (start, count) = take(Double.self, sizes)
    return DoubleBuffer(start, count: count, in: self)
  }

  private func take<Element>(
    _: Element.Type, _ sizes: [Int]
  ) -> (start: UnsafeMutablePointer<Element>, count: Int) {
    let offset = bytes
    let size = ByteCount.product(sizes + [MemoryLayout<Element>.stride])
    let end = ByteCount.sum(offset, size, 127)
    bytes = end == .max ? .max : end & ~63
    guard let memory else {
      // Any address will do that is on the boundary.
      let nowhere = UnsafeMutableRawPointer(bitPattern: 64)!
      return (
        nowhere.assumingMemoryBound(to: Element.self), size / MemoryLayout<Element>.stride
      )
    }
    precondition(bytes <= capacity, "a network asks for more than was counted")
    let count = size / MemoryLayout<Element>.stride
    return ((memory + offset).bindMemory(to: Element.self, capacity: count), count)
  }
}
