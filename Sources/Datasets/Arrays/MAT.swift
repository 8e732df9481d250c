import Elements
import Images
import Storage

/// The numeric arrays of bytes in a MATLAB file of level 5 ("MAT-File Format", The MathWorks), plain or
/// compressed: what SVHN needs of it.
enum MAT {
  /// An array, its first index running fastest.
  struct Array {
    let name: String
    let dimensions: [Int]
    let bytes: [UInt8]
  }

  static func read(_ path: String) throws(DatasetError) -> [Array] {
    let file = try PlainStream(path)
    let header = try file.take(128, of: "the header")
    guard header[126...] == [0x49, 0x4D] else {
      throw DatasetError(
        .damaged, "\(path): not a MATLAB file of level 5 in little-endian order")
    }
    var arrays: [Array] = []
    while let tag = try Tag(file, mayEnd: true) {
      switch tag.type {
      case 14: arrays.append(try array(file, size: tag.size))
      case 15:
        let packed = PackedStream(file, count: tag.size)
        guard let inner = try Tag(packed), inner.type == 14 else {
          throw DatasetError(.damaged, "\(path): a compressed element is no array")
        }
        arrays.append(try array(packed, size: inner.size))
        try packed.requireEnd(after: "a compressed array")
      default: throw DatasetError(.damaged, "\(path): an element of type \(tag.type) is not read")
      }
    }
    return arrays
  }

  /// What begins an element: its type, its size in bytes, and its bytes where they are few.
  private struct Tag {
    let type: Int
    let size: Int
    let few: [UInt8]?

    init?(_ stream: any ByteStream, mayEnd: Bool = false) throws(DatasetError) {
      var word = [UInt8](repeating: 0, count: 8)
      let count = try word.withUnsafeMutableBufferPointer { (raw) throws(DatasetError) in
        try stream.read(into: UnsafeMutableRawBufferPointer(raw))
      }
      if count == 0, mayEnd { return nil }
      guard count == 8 else {
        throw DatasetError(.damaged, "\(stream.path): it ends inside an element's tag")
      }
      let small = word.littleEndian(2, 2)
      type = word.littleEndian(0, small == 0 ? 4 : 2)
      size = small == 0 ? word.littleEndian(4, 4) : small
      guard small <= 4, size <= Limit.content else {
        throw DatasetError(.damaged, "\(stream.path): an element claims \(size) bytes")
      }
      few = small == 0 ? nil : Swift.Array(word[4..<4 + small])
    }

    /// The element's bytes, and past the zeros that fill it up to a multiple of eight.
    func bytes(_ stream: any ByteStream) throws(DatasetError) -> [UInt8] {
      if let few { return few }
      let bytes = try stream.collect(size, of: "an element")
      _ = try stream.take((8 - size % 8) % 8, of: "an element")
      return bytes
    }
  }

  /// A matrix element after its tag: flags, dimensions, name and the numbers themselves.
  private static func array(_ stream: any ByteStream, size: Int) throws(DatasetError) -> Array {
    func part(_ name: String, _ type: Int, limit: Int) throws(DatasetError) -> [UInt8] {
      guard let tag = try Tag(stream), tag.type == type, tag.size <= limit else {
        throw DatasetError(
          .damaged, "\(stream.path): an array's \(name) is not what level 5 says, or too long")
      }
      return try tag.bytes(stream)
    }
    let flags = try part("flags", 6, limit: 8)
    let sizes = try part("dimensions", 5, limit: 128)
    guard sizes.count % 4 == 0 else {
      throw DatasetError(.damaged, "\(stream.path): an array's dimensions are cut off")
    }
    let name = String(decoding: try part("name", 1, limit: 64), as: UTF8.self)
    let dimensions = stride(from: 0, to: sizes.count, by: 4).map { sizes.littleEndian($0, 4) }
    var count = 1
    for d in dimensions {
      let (product, overflow) = count.multipliedReportingOverflow(by: d)
      guard !overflow, product <= size else {
        throw DatasetError(
          .damaged, "\(stream.path): the array \(name) claims more numbers than it has bytes")
      }
      count = product
    }
    // Class 9 is uint8; others, as MATLAB's own doubles, may be stored as bytes too.
    guard flags.count == 8, flags[1] & 8 == 0 else {
      throw DatasetError(.damaged, "\(stream.path): the array \(name) is of complex numbers")
    }
    guard let tag = try Tag(stream), tag.type == 2, tag.size == count else {
      throw DatasetError(
        .damaged, "\(stream.path): the array \(name) is not stored as \(count) unsigned bytes")
    }
    return Array(name: name, dimensions: dimensions, bytes: try tag.bytes(stream))
  }

  /// A compressed element: so many bytes of the file, inflated.
  private final class PackedStream: ByteStream {
    private let file: PlainStream
    private let inflater = Inflater(.zlib)
    private var left: Int
    var path: String { file.path }

    init(_ file: PlainStream, count: Int) {
      self.file = file
      left = count
    }

    func check(total: Int) {}

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(DatasetError) -> Int {
      let count = try inflater.read(into: buffer) { (input) throws(DatasetError) in
        let piece = UnsafeMutableRawBufferPointer(rebasing: input[..<min(input.count, left)])
        let count = try file.read(into: piece)
        left -= count
        return count
      } damaged: { reason in
        DatasetError(
          .damaged, "\(path): a compressed array is not intact: \(reason ?? "it is truncated")")
      }
      // The next element begins where the compressed bytes were said to end.
      while inflater.ended, left > 0 {
        let skipped = try file.take(min(left, 1 << 16), of: "a compressed element")
        left -= skipped.count
      }
      return count
    }
  }
}

/// Street View House Numbers, cropped (Y. Netzer and others): a MATLAB file with X (32, 32, 3, N) and y
/// (N, 1), whose 10 is the digit 0.
enum SVHN {
  static func read(_ path: String) throws(DatasetError) -> ImageSet {
    let arrays = try MAT.read(path)
    guard let x = arrays.first(where: { $0.name == "X" }),
      let y = arrays.first(where: { $0.name == "y" }), x.dimensions.count == 4,
      x.dimensions[2] == 3, y.bytes.count == x.dimensions[3]
    else {
      throw DatasetError(
        .damaged, "\(path): it does not hold X (height, width, 3, N) and y (N, 1)")
    }
    let shape = ImageShape(height: x.dimensions[0], width: x.dimensions[1], channels: 3)
    try shape.check(path)
    let digits = try y.bytes.enumerated().map { (index, label) throws(DatasetError) in
      guard (1...10).contains(label) || label == 0 else {
        throw DatasetError(.damaged, "\(path): label \(index) is \(label); there are 1 to 10")
      }
      return label % 10
    }
    guard !digits.isEmpty else { throw DatasetError(.damaged, "\(path): it holds no images") }
    let (height, width) = (shape.height, shape.width)
    let pixels = [UInt8](unsafeUninitializedCapacity: x.bytes.count) { buffer, count in
      x.bytes.withUnsafeBufferPointer { bytes in
        for n in 0..<digits.count {
          for row in 0..<height {
            for column in 0..<width {
              for channel in 0..<3 {
                buffer[((n * height + row) * width + column) * 3 + channel] =
                  bytes[((n * 3 + channel) * width + column) * height + row]
              }
            }
          }
        }
      }
      count = x.bytes.count
    }
    return StoredImages(shape: shape, pixels: pixels).set(labels: Labels(digits), classes: 10)
  }
}
