import CZlib

/// Makes a ZIP archive (PKWARE's APPNOTE 6.3) of entries as they are, not packed; `ZipArchive` reads it.
/// Equal contents give equal bytes: all entries are of the first day that the format knows.
package struct ZipWriter {
  private var content: [UInt8] = []
  private var table: [UInt8] = []
  private var count = 0

  package init() {}

  /// The most bytes of an archive: what its 32-bit offsets reach.
  package static let limit = 1 << 32 - 1 << 20

  /// - Precondition: the archive stays below `limit`, of at most 4096 entries.
  package mutating func add(_ name: String, _ bytes: [UInt8]) {
    precondition(content.count + bytes.count < Self.limit && count < 4096)
    let checksum = bytes.withUnsafeBufferPointer { crc32_z(0, $0.baseAddress, $0.count) }
    let name = Array(name.utf8)
    // Version 2.0; names are UTF-8; stored; 1 January 1980.
    var entry: [UInt8] = []
    for (value, size) in [(20, 2), (1 << 11, 2), (0, 2), (0, 2), (33, 2)] {
      entry.append(littleEndian: value, size)
    }
    for value in [Int(checksum), bytes.count, bytes.count] {
      entry.append(littleEndian: value, 4)
    }
    entry.append(littleEndian: name.count, 2)
    entry.append(littleEndian: 0, 2)
    table.append(littleEndian: 0x0201_4B50, 4)
    table.append(littleEndian: 20, 2)
    table += entry
    table.append(littleEndian: 0, 10)
    table.append(littleEndian: content.count, 4)
    table += name
    content.append(littleEndian: 0x0403_4B50, 4)
    content += entry
    content += name
    content += bytes
    count += 1
  }

  /// The archive's bytes.
  package var bytes: [UInt8] {
    var bytes = content
    bytes += table
    bytes.append(littleEndian: 0x0605_4B50, 4)
    bytes.append(littleEndian: 0, 4)
    for _ in 0..<2 { bytes.append(littleEndian: count, 2) }
    bytes.append(littleEndian: table.count, 4)
    bytes.append(littleEndian: content.count, 4)
    bytes.append(littleEndian: 0, 2)
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(littleEndian value: Int, _ count: Int) {
    for i in 0..<count { append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
  }
}
