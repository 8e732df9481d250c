import Storage

@testable import Datasets
@testable import Images

extension Reader {
  /// The readers of images and of the files that hold them.
  static let dataset: [Reader] = [
    Reader("png", repair: Checksums.png) { try image($0, PNGFile.decode) },
    Reader("jpeg") { try image($0, JPEGFile.decode) },
    Reader("webp") { try image($0, WebPFile.decode) },
    Reader("tiff") { try image($0, TIFFFile.decode) },
    Reader("gif") { try image($0, GIFFile.decode) },
    Reader("bmp") { try image($0, BMPFile.decode) },
    Reader("exif") { bytes in
      guard let orientation = Orientation(noted: bytes[...]) else {
        throw ImageProblem("no orientation is noted")
      }
      precondition((1...8).contains(orientation.rawValue))
    },
    Reader("log") { bytes in
      try withFile(bytes) { path in
        let log = try RequestLog(reading: path)
        guard log.unread == 0 || log.requests.count + log.feedback.count > 0 else {
          throw DatasetError(.damaged, log.note ?? "")
        }
        for request in log.requests {
          let again = try! JSONValue(
            parsing: Array(LogLine.request(request).text.utf8), name: "line")
          precondition(LogLine(again) == .request(request))
        }
        for feedback in log.feedback {
          let again = try! JSONValue(
            parsing: Array(LogLine.feedback(feedback).text.utf8), name: "line")
          precondition(LogLine(again) == .feedback(feedback))
        }
      }
    },
    Reader("npy") { bytes in
      try withFile(bytes) { path in
        try either(
          { _ = try NPY.labels(PlainStream(path), classes: ten) },
          { sound(try NPY.images(PlainStream(path), expected: shape)) })
      }
    },
    Reader("npz") { bytes in
      try withFile(bytes) { path in
        let archive = try ZipArchive(path)
        for entry in archive.entries {
          try either(
            { _ = try NPY.labels(archive.stream(entry), classes: ten) },
            { sound(try NPY.images(archive.stream(entry), expected: shape)) })
        }
      }
    },
    Reader("zip") { bytes in
      try withFile(bytes) { path in
        let archive = try ZipArchive(path)
        for entry in archive.entries { try drain(archive.stream(entry)) }
        let emnist = EMNIST(path: path, split: "letters", firstLabel: 1, classes: 26)
        sound(try emnist.read("train"))
      }
    },
    Reader("idx") { bytes in
      try withFile(bytes) { path in
        let file = try IDXFile(path, ranks: 1...4)
        precondition(file.content.count == file.dimensions.reduce(1, *))
      }
    },
    Reader("gzip") { bytes in
      try withFile(bytes) { try drain(GzipStream($0)) }
    },
    Reader("bzip2") { bytes in
      try withFile(bytes) { try drain(Bzip2Stream($0)) }
    },
    Reader("libsvm") { bytes in
      try withFile(bytes) { path in
        let shape = ImageShape(height: 2, width: 2, channels: 1)
        sound(try LIBSVM.read(PlainStream(path), shape: shape, classes: 10))
      }
    },
    Reader("csv") { bytes in
      try withFile(bytes) { path in
        let classes = ClassNames(["0", "1", "cat", "dog"], areGiven: true)
        let (images, labels, _) = try PixelCSV.read(path, expected: shape, classes: classes)
        sound(images)
        precondition(images.count == labels.count && labels.allSatisfy { $0 < 4 })
      }
    },
    Reader("mat") { bytes in
      try withFile(bytes) { path in
        for array in try MAT.read(path) {
          precondition(array.bytes.count == array.dimensions.reduce(1, *))
        }
        sound(try SVHN.read(path))
      }
    },
    Reader("tar", repair: Checksums.tar) { bytes in
      try withFile(bytes) { path in
        try either(
          {
            var archive = TarReader(try PlainStream(path))
            while let header = try archive.next() {
              // Every other file is passed over.
              if header.size % 2 == 0 {
                let content = try archive.content()
                precondition(content.count == header.size)
              }
            }
          },
          {
            let sets = try CIFAR.read(PlainStream(path), labelBytes: 1, classes: 10)
            sound(sets.train)
            sound(sets.test)
          })
      }
    },
  ]

  private static let ten = ClassNames((0..<10).map(String.init), areGiven: false)
  private static let shape = ImageShape(height: 2, width: 3, channels: 1)

  /// Decodes twice: what differs was never written, or depends on what was in memory before.
  private static func image(
    _ bytes: [UInt8], _ decode: ([UInt8]) throws(ImageProblem) -> StoredImages
  ) throws {
    let image = try decode(bytes)
    sound(image)
    precondition(image.count == 1)
    let again = try decode(bytes)
    precondition(image.shape == again.shape && image.pixels == again.pixels)
  }

  private static func sound(_ images: StoredImages) {
    let shape = images.shape
    precondition(shape.height > 0 && shape.width > 0 && [1, 3].contains(shape.channels))
    precondition(images.pixels.count % shape.count == 0)
  }

  private static func sound(_ set: ImageSet) {
    precondition(set.count > 0 && set.labels.allSatisfy { $0 < set.classes })
    precondition(set.pixels.count == set.count * set.imageShape.count)
  }

  /// Both are done; the error is the second's, unless the first did its work.
  private static func either(_ first: () throws -> Void, _ second: () throws -> Void) throws {
    do { try first() } catch { return try second() }
    try? second()
  }

  /// Reads a stream to its end, 16 MB at most.
  private static func drain(_ stream: any ByteStream) throws {
    for _ in 0..<256 {
      var count = 0
      _ = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, initialized in
        count = try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
        initialized = count
      }
      if count < 1 << 16 { return }
    }
  }

  /// Lends the path of a file with these bytes, which has no other name and is gone afterwards.
  static func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
    let file = try FileDescriptor.unnamed()
    try bytes.withUnsafeBytes { try file.writeAll($0) }
    try body("/proc/self/fd/\(file.raw)")
  }
}
