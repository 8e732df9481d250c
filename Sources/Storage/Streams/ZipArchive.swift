import CZlib

/// A ZIP archive (PKWARE's APPNOTE 6.3), as NumPy's `savez` writes them: entries stored or deflated,
/// none encrypted, none of 4 GiB or more. Its table of contents is checked before anything is read by
/// it.
package final class ZipArchive {
  package struct Entry: Hashable {
    package let name: String
    package let isDeflated: Bool
    package let checksum: UInt32
    package let compressedSize: Int
    package let size: Int
    /// Of its local header.
    package let offset: Int
  }

  package let path: String
  package let entries: [Entry]
  fileprivate let file: FileDescriptor
  fileprivate let size: Int

  /// The most entries, and the most bytes of their table.
  private static let limit = (entries: 4096, table: 1 << 20)

  package init(_ path: String) throws(InputError) {
    self.path = path
    func damaged(_ message: String) -> InputError {
      InputError(.damaged, "\(path): not an intact ZIP archive: \(message)")
    }
    let file = try InputError.wrapping { () throws(FileError) in
      try FileDescriptor.reading(path)
    }
    let size: Int
    let tail: [UInt8]
    do throws(FileError) {
      size = try file.size()
      // The end record's 22 bytes, and the longest comment.
      tail = try file.tail(min(size, 22 + 65_535), size: size)
    } catch { throw InputError(error) }
    guard
      let end = stride(from: tail.count - 22, through: 0, by: -1).first(where: {
        tail.littleEndian($0, 4) == 0x0605_4B50
      })
    else { throw damaged("its table of contents is missing, as of a truncated file") }
    let count = tail.littleEndian(end + 10, 2)
    let (tableSize, tableOffset) = (tail.littleEndian(end + 12, 4), tail.littleEndian(end + 16, 4))
    guard count < 0xFFFF, tableSize < 0xFFFF_FFFF, tableOffset < 0xFFFF_FFFF else {
      throw InputError(
        .damaged, "\(path): it is of the ZIP64 form, for 4 GiB and more; the limit is 4 GiB")
    }
    guard count <= Self.limit.entries, tableSize <= Self.limit.table else {
      throw InputError(
        .damaged,
        "\(path): it announces \(count) entries in a table of \(tableSize) bytes; the limit is "
          + "\(Self.limit.entries) entries")
    }
    guard tableOffset + tableSize <= size - tail.count + end else {
      throw damaged("its table of contents lies outside the file")
    }
    let table: [UInt8]
    do throws(FileError) { table = try file.read(tableSize, at: tableOffset) } catch {
      throw InputError(error)
    }
    var entries: [Entry] = []
    var place = 0
    for number in 0..<count {
      guard place + 46 <= table.count, table.littleEndian(place, 4) == 0x0201_4B50 else {
        throw damaged("entry \(number) of its table of contents is cut off")
      }
      let nameLength = table.littleEndian(place + 28, 2)
      let next =
        place + 46 + nameLength + table.littleEndian(place + 30, 2)
        + table.littleEndian(place + 32, 2)
      guard next <= table.count else {
        throw damaged("entry \(number) of its table of contents is cut off")
      }
      let name = String(decoding: table[(place + 46)..<(place + 46 + nameLength)], as: UTF8.self)
      let method = table.littleEndian(place + 10, 2)
      let compressedSize = table.littleEndian(place + 20, 4)
      let entrySize = table.littleEndian(place + 24, 4)
      let offset = table.littleEndian(place + 42, 4)
      guard table.littleEndian(place + 8, 2) & 1 == 0 else {
        throw InputError(.damaged, "\(path): \(name) in it is encrypted")
      }
      guard method == 0 || method == 8 else {
        throw InputError(
          .damaged,
          "\(path): \(name) in it is packed by method \(method); only stored and deflated entries "
            + "are read")
      }
      guard compressedSize < 0xFFFF_FFFF, entrySize < 0xFFFF_FFFF, offset < 0xFFFF_FFFF else {
        throw InputError(
          .damaged, "\(path): \(name) in it claims 4 GiB or more (ZIP64); the limit is 4 GiB")
      }
      guard offset + 30 + compressedSize <= size else {
        throw damaged("\(name) lies outside the file")
      }
      // Deflate codes at best 258 bytes in two bits.
      guard method == 8 ? entrySize / 1032 <= compressedSize : entrySize == compressedSize else {
        throw InputError(
          .damaged,
          "\(path): \(name) in it claims \(entrySize) bytes, which its \(compressedSize) packed bytes "
            + "cannot hold")
      }
      entries.append(
        Entry(
          name: name, isDeflated: method == 8,
          checksum: UInt32(table.littleEndian(place + 16, 4)), compressedSize: compressedSize,
          size: entrySize, offset: offset))
      place = next
    }
    self.entries = entries
    self.size = size
    self.file = file
  }

  package subscript(name: String) -> Entry? { entries.first { $0.name == name } }

  /// The content of an entry, from its start.
  package func stream(_ entry: Entry) throws(InputError) -> ZipEntryStream {
    try ZipEntryStream(entry, of: self)
  }
}

extension ZipArchive {
  /// What an entry of an archive in memory holds.
  /// - Throws: `InputError` for an archive that is damaged, or has no such entry.
  package static func content(
    of name: String, in bytes: [UInt8]
  ) throws(InputError) -> [UInt8] {
    try reading(bytes) { archive throws(InputError) in
      guard let entry = archive[name] else {
        throw InputError(.damaged, "there is no \(name) in the archive")
      }
      let stream = try archive.stream(entry)
      let content = try stream.collect(entry.size, of: name)
      try stream.requireEnd(after: name)
      return content
    }
  }

  /// Reads an archive that is in memory, by way of a file without a name.
  package static func reading<R>(
    _ bytes: [UInt8], _ body: (ZipArchive) throws(InputError) -> R
  ) throws(InputError) -> R {
    let file = try InputError.wrapping { () throws(FileError) in try FileDescriptor.unnamed() }
    do throws(FileError) {
      try bytes.withUnsafeBufferPointer { (buffer) throws(FileError) in
        try file.writeAll(UnsafeRawBufferPointer(buffer))
      }
    } catch { throw InputError(error) }
    let result = try body(try ZipArchive("/proc/self/fd/\(file.raw)"))
    _ = consume file
    return result
  }
}

/// What one entry of an archive holds. Whatever it claims, no more is kept than the reader asks for.
package final class ZipEntryStream: ByteStream {
  package let path: String
  private let entry: ZipArchive.Entry
  private let archive: ZipArchive
  private let inflater = Inflater(.none)
  /// The packed bytes that are still to be read: where, and how many.
  private var place: Int
  private var packed: Int
  private var produced = 0
  private var checksum: uLong = 0

  package init(_ entry: ZipArchive.Entry, of archive: ZipArchive) throws(InputError) {
    self.entry = entry
    self.archive = archive
    path = "\(archive.path): \(entry.name)"
    let header = try InputError.wrapping { () throws(FileError) in
      try archive.file.read(30, at: entry.offset)
    }
    place = entry.offset + 30
    packed = entry.compressedSize
    guard header.count == 30, header.littleEndian(0, 4) == 0x0403_4B50 else {
      throw InputError(.damaged, "\(path): there is no entry where the table of contents says")
    }
    place += header.littleEndian(26, 2) + header.littleEndian(28, 2)
    guard place + packed <= archive.size else {
      throw InputError(.damaged, "\(path): it lies outside the file")
    }
  }

  package func check(total: Int) throws(InputError) {
    guard total == entry.size else {
      throw InputError(
        .damaged,
        "\(path): its header announces \(total) bytes, but the archive says that it holds "
          + "\(entry.size)")
    }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    let count: Int
    if entry.isDeflated {
      count = try inflater.read(into: buffer) { (input) throws(InputError) in
        try fill(input)
      } damaged: { reason in
        InputError(
          .damaged,
          "\(path): not intact: " + (reason ?? "its packed bytes end before its content does"))
      }
    } else {
      count = try fill(buffer)
    }
    produced += count
    guard produced <= entry.size else {
      throw InputError(
        .damaged, "\(path): it holds more than the \(entry.size) bytes that the archive announces")
    }
    if count > 0 {
      checksum = crc32_z(
        checksum, buffer.baseAddress!.assumingMemoryBound(to: UInt8.self), count)
    }
    if count < buffer.count {
      guard produced == entry.size else {
        throw InputError(
          .damaged,
          "\(path): it holds \(produced) bytes; the archive announces \(entry.size)")
      }
      guard UInt32(checksum) == entry.checksum else {
        throw InputError(.damaged, "\(path): its content does not fit its checksum (CRC-32)")
      }
    }
    return count
  }

  private func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    let count = min(buffer.count, packed)
    let read = try InputError.wrapping { () throws(FileError) in
      try archive.file.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: place)
    }
    place += read
    packed -= read
    return read
  }
}

extension [UInt8] {
  /// The number that `count` bytes from `offset` on are, the lowest first.
  package func littleEndian(_ offset: Int, _ count: Int) -> Int {
    (0..<count).reversed().reduce(0) { $0 << 8 | Int(self[offset + $1]) }
  }
}
