/// The files of a tar archive (POSIX ustar, and GNU's), in their order.
package struct TarReader: ~Copyable {
  private let stream: any ByteStream
  /// Bytes of the current file that nobody read, and the zeros after it.
  private var left = 0
  private var padding = 0

  /// Of a file of the archive.
  package struct Header {
    package let name: String
    package let size: Int
  }

  private let limit: Int

  /// - Parameter limit: the most bytes of one file, 4 GiB.
  package init(_ stream: any ByteStream, limit: Int = 1 << 32) {
    self.stream = stream
    self.limit = limit
  }

  /// The next regular file; nil after the last.
  package mutating func next() throws(InputError) -> Header? {
    while true {
      try skip()
      let block = try stream.take(512, of: "the header of a file in the archive")
      if block.allSatisfy({ $0 == 0 }) { return nil }
      func field(_ offset: Int, _ length: Int) -> [UInt8] {
        Array(block[offset..<offset + length].prefix { $0 != 0 })
      }
      func octal(_ offset: Int, _ length: Int) -> Int? {
        var value = 0
        var hasDigit = false
        for byte in field(offset, length) where byte != 0x20 {
          guard byte >= 48, byte < 56, value < 1 << 40 else { return nil }
          value = value << 3 | Int(byte - 48)
          hasDigit = true
        }
        return hasDigit ? value : nil
      }
      // The sum of all bytes, those of the sum itself taken for spaces.
      let sum = block.enumerated().reduce(0) {
        $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element))
      }
      guard octal(148, 8) == sum, let size = octal(124, 12), size <= limit else {
        throw InputError(
          .damaged, "\(stream.path): not an intact tar archive: a header's checksum is wrong")
      }
      left = size
      padding = (512 - size % 512) % 512
      let kind = block[156]
      // Others are folders, links, and long names, which our files don't have.
      guard kind == UInt8(ascii: "0") || kind == 0 else { continue }
      let prefix = field(345, 155)
      let name = field(0, 100)
      return Header(
        name: String(
          decoding: prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name, as: UTF8.self),
        size: size)
    }
  }

  /// All of the current file.
  package mutating func content() throws(InputError) -> [UInt8] {
    let bytes = try stream.collect(left, of: "a file in the archive")
    left = 0
    return bytes
  }

  private mutating func skip() throws(InputError) {
    left += padding
    padding = 0
    while left > 0 {
      let count = min(left, 1 << 16)
      _ = try stream.take(count, of: "a file in the archive")
      left -= count
    }
  }
}
