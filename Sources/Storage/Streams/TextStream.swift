/// Text in UTF-8: from UTF-16 if it is in that, without its byte-order mark, and lines that a carriage
/// return alone ends with a line feed.
package final class TextStream: ByteStream {
  private enum Encoding {
    case utf8
    case utf16(isBigEndian: Bool)
  }

  package let path: String
  private let source: any ByteStream
  private var encoding = Encoding.utf8
  private var endsLinesByReturns = false
  /// Text that was read and not yet given, from `place` on.
  private var waiting: [UInt8]
  private var place = 0
  private var isAtEnd: Bool
  /// The last bytes of UTF-16 that were no whole character.
  private var rest: [UInt8] = []

  private static let chunk = 1 << 16

  package init(_ source: any ByteStream) throws(InputError) {
    self.source = source
    path = source.path
    waiting = try source.upTo(Self.chunk)
    isAtEnd = waiting.count < Self.chunk
    if waiting.starts(with: [0xEF, 0xBB, 0xBF]) {
      place = 3
    } else if waiting.starts(with: [0xFF, 0xFE]) || waiting.starts(with: [0xFE, 0xFF]) {
      encoding = .utf16(isBigEndian: waiting[0] == 0xFE)
      waiting.removeFirst(2)
    } else if waiting.count >= 4,
      [0, 1].contains(where: { low in
        // Latin letters and digits in UTF-16 have an empty byte each, always on the same side.
        (0..<min(32, waiting.count / 2)).allSatisfy {
          waiting[2 * $0 + low] == 0 && waiting[2 * $0 + 1 - low] != 0
        }
      })
    {
      encoding = .utf16(isBigEndian: waiting[0] == 0)
    }
    if case .utf16 = encoding { waiting = decoded(waiting) }
    guard !waiting.contains(0) else {
      throw InputError(
        .damaged, "\(path): it is not text: it holds empty bytes; is it a CSV file?")
    }
    if let first = waiting.firstIndex(of: 0x0D), !waiting.contains(0x0A),
      first + 1 < waiting.count
    {
      endsLinesByReturns = true
      endLines(from: place)
    }
  }

  package func check(total: Int) throws(InputError) { try source.check(total: total) }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    var done = 0
    while done < buffer.count {
      if place == waiting.count {
        if isAtEnd { break }
        let next = try source.upTo(Self.chunk)
        isAtEnd = next.count < Self.chunk
        if case .utf16 = encoding { waiting = decoded(next) } else { waiting = next }
        place = 0
        if endsLinesByReturns { endLines(from: 0) }
        continue
      }
      let count = min(buffer.count - done, waiting.count - place)
      waiting.withUnsafeBytes { bytes in
        (buffer.baseAddress! + done).copyMemory(
          from: bytes.baseAddress! + place, byteCount: count)
      }
      place += count
      done += count
    }
    return done
  }

  private func endLines(from start: Int) {
    for i in start..<waiting.count where waiting[i] == 0x0D { waiting[i] = 0x0A }
  }

  /// UTF-8 of UTF-16; what is no whole character at its end is kept for the next time, unless there is
  /// none.
  private func decoded(_ bytes: [UInt8]) -> [UInt8] {
    guard case .utf16(let isBigEndian) = encoding else { return bytes }
    let bytes = rest + bytes
    var units = stride(from: 0, to: bytes.count - 1, by: 2).map { i in
      let (first, second) = (UInt16(bytes[i]), UInt16(bytes[i + 1]))
      return isBigEndian ? first << 8 | second : second << 8 | first
    }
    if !isAtEnd, let last = units.last, UTF16.isLeadSurrogate(last) { units.removeLast() }
    rest = Array(bytes[(2 * units.count)...])
    return Array(String(decoding: units, as: UTF16.self).utf8)
  }
}

extension ByteStream {
  /// The next `count` bytes, or those that are left.
  package func upTo(_ count: Int) throws(InputError) -> [UInt8] {
    var read = 0
    var bytes = try filledBytes(count, "\(path): its text takes") { (raw) throws(InputError) in
      raw.initializeMemory(as: UInt8.self, repeating: 0)
      read = try self.read(into: raw)
    }
    bytes.removeLast(count - read)
    return bytes
  }
}
