import Glibc

/// Doubles, zeroed: an allocation of their own, or a piece of an arena.
final class DoubleBuffer: @unchecked Sendable {  // writers are kept apart by the tiles of a team
  let base: UnsafeMutablePointer<Double>
  let count: Int
  private let arena: Arena?

  init(_ count: Int) {
    let bytes = ByteCount.product(max(1, count), MemoryLayout<Double>.stride)
    guard let memory = calloc(1, bytes) else { OutOfMemory.end(bytes: bytes) }
    base = memory.bindMemory(to: Double.self, capacity: max(1, count))
    self.count = count
    arena = nil
  }

  init(_ base: UnsafeMutablePointer<Double>, count: Int, in arena: Arena) {
    self.base = base
    self.count = count
    self.arena = arena
  }

  convenience init(_ values: [Double]) {
    self.init(values.count)
    _ = all.update(fromContentsOf: values)
  }

  deinit {
    if arena == nil { free(base) }
  }

  var all: UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }

  func matrix(rows: Int, columns: Int) -> MatrixView<Double> {
    precondition(rows * columns <= count)
    return MatrixView(base, rows: rows, columns: columns)
  }
}
