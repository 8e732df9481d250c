/// The lines of a text file, one after another, without the line feed and the carriage return before
/// it.
package struct LineStream: ~Copyable {
  private let stream: any ByteStream
  private let buffer: UnsafeMutableRawBufferPointer
  private var filled = 0
  private var start = 0
  private var isAtEnd = false
  /// Of the line that was given last, from 1.
  package private(set) var number = 0

  /// The longest line that is read.
  package static let limit = 1 << 20

  package init(_ stream: any ByteStream) {
    self.stream = stream
    buffer = .allocate(byteCount: 2 * Self.limit, alignment: 64)
  }

  deinit { buffer.deallocate() }

  /// The next line, to be used before the next call; nil after the last.
  package mutating func next() throws(InputError) -> UnsafeRawBufferPointer? {
    var searched = start
    while true {
      if let end = buffer[searched..<filled].firstIndex(of: 0x0A) {
        defer { start = end + 1 }
        return line(to: end)
      }
      searched = filled
      if isAtEnd {
        guard start < filled else { return nil }
        defer { start = filled }
        return line(to: filled)
      }
      guard filled - start < Self.limit else {
        throw InputError(
          .damaged,
          "\(stream.path):\(number + 1): the line is longer than \(Self.limit) bytes; is it text?")
      }
      // What is left of the buffer's last line goes to its front.
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<filled]))
      filled -= start
      searched -= start
      start = 0
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
      let count = try stream.read(into: room)
      isAtEnd = count < room.count
      filled += count
    }
  }

  private mutating func line(to end: Int) -> UnsafeRawBufferPointer {
    number += 1
    let last = end > start && buffer[end - 1] == 0x0D ? end - 1 : end
    return UnsafeRawBufferPointer(rebasing: buffer[start..<last])
  }
}

extension UnsafeRawBufferPointer {
  package var text: String { String(decoding: self, as: UTF8.self) }

  /// The number that these digits are; nil where they aren't one, or it is more than `limit`.
  package func wholeNumber(upTo limit: Int) -> Int? {
    guard !isEmpty else { return nil }
    var value = 0
    for byte in self {
      guard byte >= 48, byte <= 57 else { return nil }
      value = 10 * value + Int(byte - 48)
      if value > limit { return nil }
    }
    return value
  }
}
