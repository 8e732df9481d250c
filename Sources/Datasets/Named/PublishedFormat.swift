import Elements
import Images
import Storage

/// What the files of a published dataset hold, in which order.
public enum PublishedFormat: Hashable, Sendable {
  /// Training images, training labels, test images, test labels: four IDX files.
  case idx
  /// One ZIP archive of gzip'd IDX files, whose images are turned and mirrored.
  case emnist(split: String, firstLabel: UInt8)
  /// Training and test images, each a bzip2 file of text.
  case libsvm
  /// Training and test images, each a MATLAB file.
  case svhn
  /// One gzip'd tar archive of records, each with so many label bytes.
  case cifar(labelBytes: Int)
}

extension PublishedFormat {
  /// Whether the file at a place of the list holds something of the parts that are read.
  func isRead(_ place: Int, train: Bool, test: Bool) -> Bool {
    switch self {
    case .idx: place < 2 ? train : test
    case .libsvm, .svhn: place == 0 ? train : test
    case .emnist, .cifar: true
    }
  }
}

extension DatasetLocator {
  /// Reads and checks a published set at a location, its two parts side by side where there are
  /// threads for it. Where the training images aren't wanted, one of the others is there in their place.
  func read(
    _ entry: CatalogEntry, at location: Location, provenance: Dataset.Provenance,
    readsTrain: Bool = true, readsTest: Bool = true, threads: Int = 1
  ) throws(DatasetError) -> Dataset {
    guard case .published(let files, let format, _) = entry.source else {
      preconditionFailure("\(entry.name) is not published as files")
    }
    let paths = location.paths
    let classes = entry.classNames.count
    let shape = ImageShape(height: entry.height, width: entry.width, channels: entry.channels)
    var contents: [String?] = []
    for (place, (file, path)) in zip(files, paths).enumerated() {
      guard format.isRead(place, train: readsTrain, test: readsTest) else {
        contents.append(nil)
        continue
      }
      // The content's digest is taken while it is read.
      if case .content(_, let sha256) = file.digest {
        contents.append(sha256)
      } else {
        contents.append(nil)
        try file.verify(path)
      }
    }
    let (train, test): (ImageSet?, ImageSet?)
    switch format {
    case .idx:
      let digests = contents
      (train, test) = try both(threads: threads) { () throws(DatasetError) -> ImageSet? in
        guard readsTrain else { return nil }
        return try IDX.read(
          images: paths[0], labels: paths[1], classes: classes, imagesDigest: digests[0],
          labelsDigest: digests[1], threads: threads)
      } _: { () throws(DatasetError) -> ImageSet? in
        guard readsTest else { return nil }
        return try IDX.read(
          images: paths[2], labels: paths[3], classes: classes, imagesDigest: digests[2],
          labelsDigest: digests[3])
      }
    case .emnist(let split, let firstLabel):
      let emnist = EMNIST(path: paths[0], split: split, firstLabel: firstLabel, classes: classes)
      (train, test) = try both(threads: threads) { () throws(DatasetError) -> ImageSet? in
        readsTrain ? try emnist.read("train") : nil
      } _: { () throws(DatasetError) -> ImageSet? in
        readsTest ? try emnist.read("test") : nil
      }
    case .libsvm:
      (train, test) = try both(threads: threads) { () throws(DatasetError) -> ImageSet? in
        guard readsTrain else { return nil }
        return try LIBSVM.read(try Bzip2Stream(paths[0]), shape: shape, classes: classes)
      } _: { () throws(DatasetError) -> ImageSet? in
        guard readsTest else { return nil }
        return try LIBSVM.read(try Bzip2Stream(paths[1]), shape: shape, classes: classes)
      }
    case .svhn:
      (train, test) = try both(threads: threads) { () throws(DatasetError) -> ImageSet? in
        readsTrain ? try SVHN.read(paths[0]) : nil
      } _: { () throws(DatasetError) -> ImageSet? in
        readsTest ? try SVHN.read(paths[1]) : nil
      }
    case .cifar(let labelBytes):
      let parts = try CIFAR.read(
        try GzipStream(paths[0]), labelBytes: labelBytes, classes: classes)
      (train, test) = (readsTrain ? parts.train : nil, readsTest ? parts.test : nil)
    }
    for set in [train, test].compactMap({ $0 }) where set.imageShape != shape {
      throw DatasetError(
        .damaged,
        "\(location.folder): the images of \(entry.name) are \(set.imageShape), not \(shape)")
    }
    return Dataset(
      name: entry.name, classNames: entry.classNames, train: train ?? test!.prefix(1), test: test,
      provenance: provenance)
  }
}

/// One split of EMNIST (G. Cohen and others 2017): `gzip.zip` holds `gzip/emnist-SPLIT-PART-…-ubyte.gz`,
/// whose images are transposed.
struct EMNIST: Sendable {
  let path: String
  let split: String
  /// What stands for the first class.
  let firstLabel: UInt8
  let classes: Int

  /// - Parameter part: `train` or `test`.
  func read(_ part: String) throws(DatasetError) -> ImageSet {
    let archive = try ZipArchive(path)
    func file(_ kind: String, _ ranks: ClosedRange<Int>) throws(DatasetError) -> IDXFile {
      let name = "emnist-\(split)-\(part)-\(kind)-ubyte.gz"
      guard let entry = archive.entries.first(where: { $0.name.hasSuffix("/" + name) }) else {
        throw DatasetError(.damaged, "\(path): there is no \(name) in it")
      }
      let content = try archive.stream(entry)
      return try IDXFile(
        try GzipStream(try content.extracted(size: entry.size), named: content.path),
        ranks: ranks)
    }
    let labels = try file("labels-idx1", 1...1).content
    let images = try file("images-idx3", 3...3)
    let (count, height, width) = (images.dimensions[0], images.dimensions[1], images.dimensions[2])
    guard count == labels.count else {
      throw DatasetError(
        .damaged, "\(path): \(count) images of \(split) with \(labels.count) labels")
    }
    for (index, label) in labels.enumerated() {
      guard label >= firstLabel, Int(label - firstLabel) < classes else {
        throw StoredImages.badLabel(
          Int(label), at: "\(path): label \(index) of \(split)", classes: classes)
      }
    }
    let size = height * width
    let pixels = [UInt8](unsafeUninitializedCapacity: count * size) { buffer, initialized in
      images.content.withUnsafeBufferPointer { source in
        for n in 0..<count {
          for row in 0..<width {
            for column in 0..<height {
              buffer[n * size + row * height + column] = source[n * size + column * width + row]
            }
          }
        }
      }
      initialized = count * size
    }
    return StoredImages(
      shape: ImageShape(height: width, width: height, channels: 1), pixels: pixels
    ).set(labels: Labels(labels.map { $0 - firstLabel }), classes: classes)
  }
}

extension ByteStream {
  /// The content as a file without a name, for readers that need its end first.
  func extracted(size: Int) throws(DatasetError) -> FileDescriptor {
    let file = try DatasetError.wrapping { () throws(FileError) in try FileDescriptor.unnamed() }
    var left = size
    while left > 0 {
      let piece = try take(min(left, 1 << 20), of: "its content")
      do throws(FileError) {
        try piece.withUnsafeBufferPointer { (bytes) throws(FileError) in
          try file.writeAll(UnsafeRawBufferPointer(bytes))
        }
        left -= piece.count
      } catch { throw DatasetError(error) }
    }
    try requireEnd(after: "its content")
    do throws(FileError) { try file.rewind() } catch { throw DatasetError(error) }
    return file
  }
}
