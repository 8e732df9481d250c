import CZlib
import Storage

@testable import Datasets
@testable import Images

// A fuzzer can't guess checksums: here they are put right, as far as the bytes hold the places of
// some.

enum Checksums {
  /// The CRC of every chunk of a PNG file.
  static func png(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var place = 8
    while place + 12 <= bytes.count {
      let end = place + 12 + bytes.bigEndian(place)
      guard end <= bytes.count else { break }
      let checksum = bytes.withUnsafeBufferPointer {
        UInt32(crc32_z(0, $0.baseAddress! + place + 4, end - place - 8))
      }
      for i in 0..<4 { bytes[end - 4 + i] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * i)) }
      place = end
    }
    return bytes
  }

  /// The sum in every header of a tar archive.
  static func tar(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var place = 0
    while place + 512 <= bytes.count {
      var sum = 8 * 32
      for i in 0..<512 where !(148..<156).contains(i) { sum += Int(bytes[place + i]) }
      let digits = Array(String(sum, radix: 8).utf8)
      let zeros = [UInt8](repeating: 0x30, count: 6 - digits.count)
      bytes.replaceSubrange(place + 148..<place + 156, with: zeros + digits + [0, 0x20])
      var size = 0
      for byte in bytes[place + 124..<place + 136] where (48..<56).contains(byte) {
        size = size << 3 | Int(byte - 48)
        if size > bytes.count { return bytes }
      }
      place += 512 + (size + 511) / 512 * 512
    }
    return bytes
  }

  /// The last field of every line of a journal but the first.
  static func journal(_ bytes: [UInt8]) -> [UInt8] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    let repaired = lines.enumerated().map { (index, line) -> [UInt8] in
      guard index > 0, let comma = line.lastIndex(of: UInt8(ascii: ",")) else {
        return Array(line)
      }
      let digest = line[..<comma].withUnsafeBytes { SHA256.hex(of: $0) }
      return line[...comma] + Array(digest.utf8.prefix(8))
    }
    return Array(repaired.joined(separator: [UInt8(ascii: "\n")]))
  }
}
