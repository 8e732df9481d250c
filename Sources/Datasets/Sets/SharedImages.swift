import Elements
import Glibc
import Storage

/// An image set in a file without a name, for processes that are given its descriptor: each maps the
/// same pages.
///
/// The file holds seven 64-bit numbers (height, width, channels, classes, images, digest's bytes,
/// zero), the digest, the labels, two bytes each, and the pixels.
public struct SharedImages: ~Copyable {
  private let owner: FileDescriptor
  /// The open file, closed on `exec`.
  public var file: Int32 { owner.raw }

  /// Makes an empty file, which goes when its last descriptor is closed.
  public init() throws(FileError) { owner = try FileDescriptor.unnamed() }

  /// Writes a set to it, once.
  public func write(_ set: ImageSet) throws(FileError) {
    let header = [
      set.height, set.width, set.channels, set.classes, set.count, set.digest.utf8.count, 0,
    ].map { UInt64($0).littleEndian }
    try header.withUnsafeBufferPointer { (words) throws(FileError) in
      try owner.writeAll(UnsafeRawBufferPointer(words))
    }
    for part in [PixelBytes(Array(set.digest.utf8)), PixelBytes(set.labels.bytes), set.pixels] {
      try part.withUnsafeBufferPointer { (bytes) throws(FileError) in
        try owner.writeAll(UnsafeRawBufferPointer(bytes))
      }
    }
  }

  /// Maps the set that such a file holds.
  /// - Throws: `.damaged` when it doesn't hold one.
  public static func map(_ file: Int32) throws(DatasetError) -> ImageSet {
    let name = "a shared image set"
    let mapping: FileMapping
    do { mapping = try FileMapping(file, named: name) } catch { throw DatasetError(error) }
    let damaged = DatasetError(.damaged, "\(name): it is not whole")
    guard mapping.bytes.count >= 56 else { throw damaged }
    let words = (0..<7).map {
      Int(truncatingIfNeeded: mapping.bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
    }
    guard words.allSatisfy({ (0...1 << 32).contains($0) }) else { throw damaged }
    let (height, width, channels, classes) = (words[0], words[1], words[2], words[3])
    let (count, digestLength) = (words[4], words[5])
    let labels = 56 + digestLength
    let pixels = labels + 2 * count
    guard mapping.bytes.count == pixels + count * height * width * channels else { throw damaged }
    return ImageSet(
      height: height, width: width, channels: channels, classes: classes,
      pixels: PixelBytes(mapping, pixels..<mapping.bytes.count),
      labels: Labels(
        (0..<count).map {
          UInt16(
            littleEndian: mapping.bytes.loadUnaligned(
              fromByteOffset: labels + 2 * $0, as: UInt16.self))
        }),
      digest: String(decoding: mapping.bytes[56..<labels], as: UTF8.self))
  }
}
