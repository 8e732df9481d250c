/// A user's own images: where they are, and in what form.
public struct OwnFiles: Hashable, Sendable {
  /// What a spec names such a dataset.
  public static let name = "files"

  public enum Format: String, Hashable, Sendable, CaseIterable {
    /// An archive of arrays, as NumPy's `savez` and Keras's `mnist.npz`.
    case npz
    /// A folder of arrays, named as those of an archive.
    case npy
    /// A file with a row per image: `label,pixel0,pixel1,…`.
    case csv
    /// A folder of four IDX files, named as MNIST's.
    case idx
    /// A folder with a folder of PNG and JPEG files per class.
    case images

    /// That of a path by its ending.
    public static func of(_ path: String) -> Format {
      if path.hasSuffix(".npz") { return .npz }
      return path.hasSuffix(".csv") || path.hasSuffix(".csv.gz") ? .csv : .images
    }

    /// Whether training and test images lie under one path.
    public var holdsTest: Bool { self == .npz || self == .npy || self == .idx }
  }

  public enum Classes: Hashable, Sendable {
    /// So many; a folder's are named as its folders, in the order of their bytes; others by number.
    case count(Int)
    case names([String])

    public var count: Int {
      switch self {
      case .count(let count): count
      case .names(let names): names.count
      }
    }
  }

  public var path: String
  /// Where the test images are, if elsewhere.
  public var testPath: String?
  public var format: Format
  public var classes: Classes

  public init(path: String, testPath: String? = nil, format: Format? = nil, classes: Classes) {
    self.path = path
    self.testPath = testPath
    self.format = format ?? .of(path)
    self.classes = classes
  }
}

/// A set read from one place, before it is one of two parts of a dataset.
private struct ReadPart {
  var set: ImageSet
  var skipped: [String] = []
}

extension DatasetLocator {
  /// A user's own files, made to fit.
  func loadFiles(_ request: DatasetRequest, threads: Int) throws(DatasetError) -> Dataset {
    guard let files = request.files, request.preparation.shape != nil else {
      throw DatasetError(
        .invalid, "one's own files need dataset.path, dataset.shape and dataset.classes")
    }
    let path = path(files.path)
    let testPath = files.testPath.map(self.path) ?? (files.format.holdsTest ? path : nil)
    if request.readsTest, testPath == nil {
      throw DatasetError(
        .invalid, "\(path): there are no test images; give dataset.test_path, or test \"none\"")
    }
    for path in [path] + (request.readsTest ? [testPath!] : [])
    where !FileDescriptor.exists(path) {
      let isRelative = !files.path.hasPrefix("/")
      let looked = (places + [currentFolder]).joined(separator: ", ")
      throw DatasetError(
        .unavailable,
        "\(path) is not on this machine" + (isRelative ? "; looked in \(looked)" : ""))
    }
    let reading = try OwnFilesReading(files, path: path, request: request, threads: threads)
    let test =
      request.readsTest
      ? try reading.part(testPath!, isTest: true, isOwn: files.testPath != nil) : nil
    // Where nobody asks for training images, the test images are there in their place.
    let train = request.readsTrain ? try reading.part(path, isTest: false, isOwn: true) : test!
    var dataset = try Dataset(
      name: OwnFiles.name, classNames: reading.classNames, train: train.set, test: test?.set,
      provenance: .folder(path)
    ).limited(train: request.trainCount, test: request.testCount)
    dataset.skipped = (request.readsTrain ? train.skipped : []) + (test?.skipped ?? [])
    return dataset
  }
}

private struct OwnFilesReading {
  let format: OwnFiles.Format
  let preparation: ImagePreparation
  let shape: ImageShape
  let classNames: [String]
  let corrupt: CorruptImages
  let threads: Int

  init(
    _ files: OwnFiles, path: String, request: DatasetRequest, threads: Int
  ) throws(DatasetError) {
    format = files.format
    preparation = request.preparation
    shape = request.preparation.shape!
    corrupt = request.corrupt
    self.threads = threads
    switch files.classes {
    case .names(let names): classNames = names
    case .count(let count) where files.format == .images:
      classNames = try ImageFolder.classes(of: path)
      guard classNames.count == count else {
        let shown = classNames.prefix(12).joined(separator: ", ")
        throw DatasetError(
          .invalid,
          "\(path) has \(classNames.count) folders (\(shown)\(classNames.count > 12 ? ", …" : "")); "
            + "dataset.classes says \(count)")
      }
    case .count(let count): classNames = (0..<count).map(String.init)
    }
  }

  /// - Parameter isOwn: whether the path holds this part alone.
  func part(_ path: String, isTest: Bool, isOwn: Bool) throws(DatasetError) -> ReadPart {
    let classes = classNames.count
    switch format {
    case .images:
      let folder = try ImageFolder.read(
        path, classNames: classNames, preparation: preparation, corrupt: corrupt,
        threads: threads)
      return ReadPart(set: folder.set, skipped: folder.skipped)
    case .csv:
      let (images, labels) = try PixelCSV.read(path, expected: shape, classNames: classNames)
      return ReadPart(set: try fitted(images, path).set(labels: labels, classes: classes))
    case .idx:
      let prefixes = isTest ? ["t10k", "test"] + (isOwn ? ["train"] : []) : ["train"]
      for prefix in prefixes {
        let images = "\(path)/\(prefix)-images-idx3-ubyte"
        guard let images = DatasetLocator.existing(images),
          let labels = DatasetLocator.existing("\(path)/\(prefix)-labels-idx1-ubyte")
        else { continue }
        let set = try IDX.read(images: images, labels: labels, classes: classes, threads: threads)
        guard let set = set.prepared(preparation, threads: threads) else {
          throw DatasetError(.invalid, "\(images): \(preparation.refusal(set.imageShape))")
        }
        return ReadPart(set: set)
      }
      throw DatasetError(
        .unavailable,
        "\(path) lacks \(prefixes[0])-images-idx3-ubyte or \(prefixes[0])-labels-idx1-ubyte")
    case .npz, .npy:
      let arrays: any ArraySource =
        format == .npz ? try NPZSource(path) : NPYFolder(path: path)
      guard
        let (x, y) = ArrayNames.candidates(isTest: isTest, isOwn: isOwn).first(where: {
          arrays.has($0.images) && arrays.has($0.labels)
        })
      else {
        let wanted = ArrayNames.candidates(isTest: isTest, isOwn: isOwn).map {
          "\($0.images) with \($0.labels)"
        }.joined(separator: ", ")
        throw DatasetError(
          .invalid,
          "\(path): there are no \(isTest ? "test" : "training") images: none of \(wanted)"
            + arrays.contents)
      }
      // The small array first: what is wrong with it costs nothing to find.
      let labels = try NPY.labels(try arrays.stream(y), classes: classes)
      let stream = try arrays.stream(x)
      let images = try NPY.images(stream, expected: shape)
      guard images.count == labels.count else {
        throw DatasetError(
          .damaged, "\(path): \(x) holds \(images.count) images, \(y) \(labels.count) labels")
      }
      return ReadPart(set: try fitted(images, stream.path).set(labels: labels, classes: classes))
    }
  }

  private func fitted(_ images: StoredImages, _ path: String) throws(DatasetError) -> StoredImages {
    if preparation.keeps(images.shape) { return images }
    guard let fitted = preparation.prepare(images, threads: threads) else {
      throw DatasetError(.invalid, "\(path): \(preparation.refusal(images.shape))")
    }
    return fitted
  }
}

/// What arrays are called that hold images and their labels: Keras's names, then those of others.
private enum ArrayNames {
  typealias Pair = (images: String, labels: String)

  static func candidates(isTest: Bool, isOwn: Bool) -> [Pair] {
    let test: [Pair] = [("x_test", "y_test"), ("test_images", "test_labels")]
    let train: [Pair] = [("x_train", "y_train"), ("train_images", "train_labels")]
    let only: [Pair] = [("x", "y"), ("images", "labels"), ("data", "labels"), ("arr_0", "arr_1")]
    return isTest ? test + (isOwn ? only : []) : train + only
  }
}

/// Arrays by name.
private protocol ArraySource {
  func has(_ name: String) -> Bool
  func stream(_ name: String) throws(DatasetError) -> any ByteStream
  /// What there is, for a message.
  var contents: String { get }
}

private struct NPZSource: ArraySource {
  let archive: ZipArchive

  init(_ path: String) throws(DatasetError) { archive = try ZipArchive(path) }

  func has(_ name: String) -> Bool { archive[name + ".npy"] != nil }
  func stream(_ name: String) throws(DatasetError) -> any ByteStream {
    try archive.stream(archive[name + ".npy"]!)
  }
  var contents: String {
    "; it holds " + archive.entries.prefix(20).map(\.name).joined(separator: ", ")
  }
}

private struct NPYFolder: ArraySource {
  let path: String
  func has(_ name: String) -> Bool { FileDescriptor.exists("\(path)/\(name).npy") }
  func stream(_ name: String) throws(DatasetError) -> any ByteStream {
    try PlainStream("\(path)/\(name).npy")
  }
  var contents: String { " (.npy)" }
}
