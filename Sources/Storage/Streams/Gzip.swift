/// The content of a gzip file (RFC 1952) of one member, inflated straight into the reader's buffer.
/// Whatever the file claims, no more is kept than the reader asks for.
package final class GzipStream: ByteStream {
  package let path: String
  private let file: FileDescriptor
  private let size: Int
  /// Length of the content modulo 2³², from the file's last four bytes.
  private let claimedLength: UInt32
  private let inflater: Inflater
  private var isChecked = false
  /// Ten bytes of header, two of an empty deflate stream, eight of trailer.
  private static let least = 20

  package convenience init(_ path: String, inputCapacity: Int = 1 << 17) throws(InputError) {
    try self.init(
      try InputError.wrapping { () throws(FileError) in
        try FileDescriptor.reading(path)
      }, named: path, inputCapacity: inputCapacity)
  }

  /// - Parameter path: what messages call the file.
  package init(
    _ file: consuming FileDescriptor, named path: String, inputCapacity: Int = 1 << 17
  ) throws(InputError) {
    self.path = path
    let trailer: [UInt8]
    do throws(FileError) {
      size = try file.size()
      trailer = size < Self.least ? [] : try file.tail(4, size: size)
    } catch {
      throw InputError(error)
    }
    guard size >= Self.least else {
      throw InputError(.damaged, "\(path): \(size) bytes are too few for a gzip file")
    }
    claimedLength = trailer.reversed().reduce(0) { $0 << 8 | UInt32($1) }
    inflater = Inflater(.gzip, inputCapacity: inputCapacity)
    self.file = file
  }

  package func check(total: Int) throws(InputError) {
    // Deflate codes at best 258 bytes in two bits.
    guard total / 1032 <= size, UInt32(truncatingIfNeeded: total) == claimedLength else {
      throw InputError(
        .damaged,
        "\(path): the header inside announces \(total) bytes, but the gzip file of \(size) bytes "
          + "says that it holds \(claimedLength)")
    }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    let count = try inflater.read(into: buffer) { (input) throws(InputError) in
      try fill(input)
    } damaged: { reason in
      InputError(
        .damaged,
        "\(path): "
          + (reason.map { "not an intact gzip file: \($0)" } ?? "the gzip file is truncated")
      )
    }
    if inflater.ended, !isChecked {
      isChecked = true
      try requireEnd()
    }
    return count
  }

  private func fill(_ input: UnsafeMutableRawBufferPointer) throws(InputError) -> Int {
    try InputError.wrapping { () throws(FileError) in try file.read(into: input) }
  }

  private func requireEnd() throws(InputError) {
    var left = inflater.left
    if left == 0 {
      var extra: UInt8 = 0
      left = try withUnsafeMutableBytes(of: &extra) { (raw) throws(InputError) in
        try fill(raw)
      }
    }
    guard left == 0 else {
      throw InputError(.damaged, "\(path): something follows the gzip data")
    }
  }
}
