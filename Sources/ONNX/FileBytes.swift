import Storage

/// Bytes in a row that stay where they are: in memory, or in a file, of which no more is read at a time
/// than is asked for. A part of them is bytes of this kind too, and no copy.
package struct FileBytes: RandomAccessCollection, Hashable, Sendable {
  private enum Source: Sendable {
    case memory([UInt8])
    case file(PiecewiseFile)
  }

  private let source: Source
  package let startIndex: Int
  package let endIndex: Int

  private init(_ source: Source, _ range: Range<Int>) {
    self.source = source
    (startIndex, endIndex) = (range.lowerBound, range.upperBound)
  }

  package init(_ bytes: [UInt8] = []) { self.init(.memory(bytes), bytes.indices) }

  package init(_ file: PiecewiseFile) { self.init(.file(file), 0..<file.count) }

  package subscript(place: Int) -> UInt8 {
    switch source {
    case .memory(let bytes): bytes[place]
    case .file(let file): file[place]
    }
  }

  package subscript(bounds: Range<Int>) -> FileBytes {
    precondition(bounds.lowerBound >= startIndex && bounds.upperBound <= endIndex)
    return FileBytes(source, bounds)
  }

  /// All of them in memory for one call; of a file, in a copy.
  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    switch source {
    case .memory(let bytes):
      bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[startIndex..<endIndex])) }
    case .file(let file): file.bytes(startIndex..<endIndex).withUnsafeBytes(body)
    }
  }

  /// The same in memory, for what is small and read often.
  package var held: FileBytes {
    if case .file(let file) = source { FileBytes(file.bytes(startIndex..<endIndex)) } else { self }
  }

  package static func == (a: FileBytes, b: FileBytes) -> Bool {
    a.count == b.count
      && a.withUnsafeBytes { a in b.withUnsafeBytes { b in a.elementsEqual(b) } }
  }

  package func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
}
