import Elements
import Images
import Storage

/// The header of an IDX file of bytes: two zeros, the type 0x08, the number of dimensions, then each
/// dimension as a big-endian 32-bit integer (LeCun, "The MNIST database").
struct IDXHeader: Hashable {
  var dimensions: [Int]

  var bytes: [UInt8] {
    [0, 0, 8, UInt8(dimensions.count)]
      + dimensions.flatMap { d in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: d >> $0) } }
  }

  /// SHA-256 of the whole file: this header, then the content.
  func digest(with content: [UInt8]) -> [UInt8] {
    let digest = SHA256()
    digest.update(bytes)
    digest.update(content)
    return digest.finalize()
  }
}

/// A file in the IDX format, plain or gzip, every claim of its header checked before anything of the size
/// that it claims is allocated.
struct IDXFile {
  /// What its numbers may be, by what the header says of them.
  enum Element: UInt8, CaseIterable {
    case byte = 0x08
    /// Of 16 and of 32 bits, signed, the higher byte first.
    case short = 0x0B
    case int = 0x0C

    var size: Int {
      switch self {
      case .byte: 1
      case .short: 2
      case .int: 4
      }
    }
  }

  let dimensions: [Int]
  let element: Element
  let content: [UInt8]
  /// SHA-256 of the uncompressed file.
  let digest: [UInt8]

  /// - Parameters:
  ///   - ranks: how many dimensions there may be.
  ///   - elements: what numbers may be in it.
  ///   - count: what the first dimension must be, and where that is known from.
  ///   - expected: SHA-256 of the uncompressed file in hexadecimal, where it is known.
  ///   - threads: with two, one hashes what the other has read.
  /// - Throws: `DatasetError` naming the file and the field.
  init(
    _ path: String, ranks: ClosedRange<Int>, elements: [Element] = [.byte],
    count: (Int, source: String)? = nil, expected: String? = nil, threads: Int = 1
  ) throws(DatasetError) {
    try self.init(
      path.hasSuffix(".gz") ? GzipStream(path) : PlainStream(path), ranks: ranks,
      elements: elements, count: count, expected: expected, threads: threads)
  }

  /// As above, from its bytes.
  init(
    _ stream: any ByteStream, ranks: ClosedRange<Int>, elements: [Element] = [.byte],
    count: (Int, source: String)? = nil, expected: String? = nil, threads: Int = 1
  ) throws(DatasetError) {
    let path = stream.path
    let magic = try stream.take(4, of: "the header")
    guard magic[0] == 0, magic[1] == 0 else {
      throw DatasetError(
        .damaged,
        "\(path): not an IDX file: it begins with 0x\(SHA256.hex(magic)), where 0x0000 was expected"
      )
    }
    guard let element = Element(rawValue: magic[2]), elements.contains(element) else {
      throw DatasetError(
        .damaged,
        "\(path): it holds elements of type 0x\(SHA256.hex([magic[2]])); only "
          + (elements == [.byte]
            ? "unsigned bytes (0x08) are read"
            : "unsigned bytes (0x08), shorts (0x0b) and ints (0x0c) are read"))
    }
    self.element = element
    let rank = Int(magic[3])
    guard ranks.contains(rank) else {
      let allowed =
        ranks.count == 1 ? "\(ranks.lowerBound)" : "\(ranks.lowerBound) to \(ranks.upperBound)"
      throw DatasetError(
        .damaged, "\(path): it has \(rank) dimensions; \(allowed) were expected")
    }
    let sizes = try stream.take(4 * rank, of: "the header")
    let dimensions = (0..<rank).map { d in sizes[4 * d..<4 * d + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let sizesText = dimensions.map(String.init).joined(separator: " x ")
    let described =
      element == .byte ? "\(sizesText) bytes" : "\(sizesText) numbers of \(element.size) bytes"

    var total = element.size
    for d in dimensions {
      guard d > 0 else {
        throw DatasetError(.damaged, "\(path): its header announces \(sizesText), which is empty")
      }
      let (product, overflow) = total.multipliedReportingOverflow(by: d)
      guard !overflow, product <= Limit.content else {
        throw DatasetError(
          .damaged, "\(path): its header announces \(described); the limit is 4 GiB")
      }
      total = product
    }
    if let count, count.0 != dimensions[0] {
      throw DatasetError(
        .damaged,
        "\(path): its header announces \(dimensions[0]) images, but \(count.source) holds "
          + "\(count.0) labels")
    }
    try stream.check(total: 4 + 4 * rank + total)

    var digest: [UInt8] = []
    content = try filledBytes(total, "the images take") { (raw) throws(DatasetError) in
      let trailing = TrailingDigest(
        of: UnsafeRawBufferPointer(raw), after: magic + sizes, threads: threads)
      // Also upon an error: the buffer may not go while it is being hashed.
      defer { digest = trailing.finish() }
      var done = 0
      while done < total {
        let end = min(total, done + 1 << 17)
        let piece = UnsafeMutableRawBufferPointer(rebasing: raw[done..<end])
        let got = try stream.read(into: piece)
        guard got == piece.count else {
          throw DatasetError(
            .damaged,
            "\(path): its header announces \(described), but it ends after \(done + got)")
        }
        done = end
        trailing.advance(to: done)
      }
      // One byte more shows whether more follows, and makes gzip check its own checksum.
      var extra: UInt8 = 0
      let more = try withUnsafeMutableBytes(of: &extra) { (raw) throws(DatasetError) -> Int in
        try stream.read(into: raw)
      }
      guard more == 0 else {
        throw DatasetError(
          .damaged, "\(path): it holds more than the \(described) that its header announces")
      }
    }
    self.dimensions = dimensions
    self.digest = digest
    if let expected, SHA256.hex(self.digest) != expected {
      throw DatasetError(
        .damaged,
        "\(path): its content has the SHA-256 \(SHA256.hex(self.digest)), not the published "
          + "\(expected); remove the file, and it is downloaded again")
    }
  }
}

extension IDXFile {
  /// Its numbers, one after another.
  var numbers: [Int] {
    switch element {
    case .byte: content.map(Int.init)
    case .short:
      stride(from: 0, to: content.count, by: 2).map {
        Int(Int16(bitPattern: UInt16(content[$0]) << 8 | UInt16(content[$0 + 1])))
      }
    case .int:
      stride(from: 0, to: content.count, by: 4).map { start in
        Int(Int32(bitPattern: (0..<4).reduce(0) { $0 << 8 | UInt32(content[start + $1]) }))
      }
    }
  }
}

/// Readers of IDX files.
public enum IDX {
  /// Reads the images and the labels of one set. Files whose names end in `.gz` are inflated.
  ///
  /// - Parameters:
  ///   - images: a file of N·H·W or N·H·W·C bytes.
  ///   - labels: a file of N bytes, shorts or ints, each less than `classes`.
  ///   - imagesDigest: SHA-256 of the uncompressed file, where it is known; so `labelsDigest`.
  ///   - threads: with two, one hashes what the other has read.
  /// - Throws: `DatasetError` naming the file and what is wrong with it.
  public static func read(
    images: String, labels: String, classes: Int, imagesDigest: String? = nil,
    labelsDigest: String? = nil, threads: Int = 1
  ) throws(DatasetError) -> ImageSet {
    // The small file first: what is wrong with it costs nothing to find.
    let (known, digest) = try Self.labels(labels, classes: classes, expected: labelsDigest)
    let imageFile = try IDXFile(
      images, ranks: 3...4, count: (known.count, source: labels),
      expected: imagesDigest, threads: threads)
    let channels = imageFile.dimensions.count == 4 ? imageFile.dimensions[3] : 1
    // Grey images with a dimension for their one channel are the same content as without.
    let header = IDXHeader(dimensions: Array(imageFile.dimensions[..<3]))
    let isCanonical = imageFile.dimensions.count == 3 || channels > 1
    return ImageSet(
      height: imageFile.dimensions[1], width: imageFile.dimensions[2], channels: channels,
      classes: classes, pixels: imageFile.content, labels: known,
      pixelsDigest: isCanonical ? imageFile.digest : header.digest(with: imageFile.content),
      labelsDigest: digest)
  }

  /// Reads the labels of a set, and the digest of the file that has them as bytes, or as two bytes each
  /// where there are more than 256 classes, whatever this one has them as.
  /// - Parameter expected: SHA-256 of the uncompressed file, where it is known.
  static func labels(
    _ path: String, classes: Int, expected: String? = nil
  ) throws(DatasetError) -> (labels: Labels, digest: [UInt8]) {
    precondition((1...Labels.mostClasses).contains(classes))
    let file = try IDXFile(
      path, ranks: 1...1, elements: IDXFile.Element.allCases, expected: expected)
    let numbers = file.numbers
    if let bad = numbers.firstIndex(where: { !(0..<classes).contains($0) }) {
      throw StoredImages.badLabel(numbers[bad], at: "\(path): label \(bad)", classes: classes)
    }
    let labels = Labels(numbers)
    let isCanonical = file.element == .byte && classes <= 256
    return (
      labels,
      isCanonical
        ? file.digest
        : IDXHeader(dimensions: file.dimensions).digest(with: labels.bytes(ofClasses: classes))
    )
  }
}
