import ConvNet

/// A user's own images: where they are, and in what form.
public struct OwnFiles: Hashable, Sendable {
  /// What a spec names such a dataset.
  public static let name = "files"

  public enum Format: String, Hashable, Sendable, CaseIterable {
    /// An archive of arrays, as NumPy's `savez` and Keras's `mnist.npz`.
    case npz
    /// A folder of arrays, named as those of an archive.
    case npy
    /// A file with a row per image: `label,pixel0,pixel1,…`, or as `PixelCSV` says.
    case csv
    /// A folder of four IDX files, named as MNIST's.
    case idx
    /// A folder with a folder of PNG and JPEG files per class.
    case images

    /// That of a path by its ending, in capitals or not.
    public static func of(_ path: String) -> Format {
      let path = path.lowercased()
      if path.hasSuffix(".npz") { return .npz }
      let packed = [".gz", ".bz2", ".zip"].first(where: path.hasSuffix)
      let name = path.dropLast(packed?.count ?? 0)
      return [".csv", ".tsv", ".tab", ".txt"].contains(where: name.hasSuffix) ? .csv : .images
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
  /// Which column of a table holds the labels; nil for the one that certainly does.
  public var labelColumn: LabelColumn?
  /// The number of a table or an array that is white; nil for what is certain of its numbers.
  public var pixelMax: Double?

  public init(
    path: String, testPath: String? = nil, format: Format? = nil, classes: Classes,
    labelColumn: LabelColumn? = nil, pixelMax: Double? = nil
  ) {
    self.path = path
    self.testPath = testPath
    self.format = format ?? .of(path)
    self.classes = classes
    self.labelColumn = labelColumn
    self.pixelMax = pixelMax
  }
}

/// A set read from one place, before it is one of two parts of a dataset.
private struct ReadPart {
  var set: ImageSet
  var skipped: [String] = []
  var notes: [DatasetNote] = []
}

/// One of the sets that a user's own files hold.
enum FilesPart: String {
  case training, validation, test
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
      ? try reading.part(testPath!, .test, isOwn: files.testPath != nil) : nil
    // Where nobody asks for training images, the test images are there in their place.
    let train = request.readsTrain ? try reading.part(path, .training, isOwn: true) : test!
    var dataset = try Dataset(
      name: OwnFiles.name, classNames: reading.classNames.names, train: train.set, test: test?.set,
      provenance: .folder(path)
    ).limited(train: request.trainCount, test: request.testCount)
    let validation =
      request.readsValidation ? try reading.part(path, .validation, isOwn: false) : nil
    if let validation { dataset = dataset.with(validation: validation.set) }
    let parts = [request.readsTrain ? train : nil, validation, test].compactMap { $0 }
    dataset.skipped = parts.flatMap(\.skipped)
    dataset.notes = DatasetNote.lines(parts.flatMap(\.notes))
    return dataset
  }
}

private struct OwnFilesReading {
  let format: OwnFiles.Format
  let preparation: ImagePreparation
  let shape: ImageShape
  let classNames: ClassNames
  let files: OwnFiles
  let readsValidation: Bool
  let corrupt: CorruptImages
  let threads: Int

  init(
    _ files: OwnFiles, path: String, request: DatasetRequest, threads: Int
  ) throws(DatasetError) {
    self.files = files
    format = files.format
    readsValidation = request.readsValidation
    preparation = request.preparation
    shape = request.preparation.shape!
    corrupt = request.corrupt
    self.threads = threads
    try Self.check(path, format)
    switch files.classes {
    case .names(let names): classNames = ClassNames(names, areGiven: true)
    case .count(let count) where files.format == .images:
      let names = try ImageFolder.classes(of: path)
      classNames = ClassNames(names, areGiven: true)
      guard names.count == count else {
        let shown = names.prefix(12).joined(separator: ", ")
        throw DatasetError(
          .invalid,
          "\(path) has \(names.count) folders (\(shown)\(names.count > 12 ? ", …" : "")); "
            + "dataset.classes says \(count)")
      }
    case .count(let count):
      classNames = ClassNames((0..<count).map(String.init), areGiven: false)
    }
  }

  /// Refuses a file where a folder is read, and a folder where a file is.
  private static func check(_ path: String, _ format: OwnFiles.Format) throws(DatasetError) {
    let takesFolder = format == .images || format == .npy || format == .idx
    let isFolder = FileDescriptor.isFolder(path)
    guard takesFolder != isFolder else { return }
    if isFolder {
      throw DatasetError(
        .invalid, "\(path): it is a folder; dataset.format \"\(format.rawValue)\" reads a file")
    }
    let kind = try ContentKind(of: path)
    let advice =
      kind == .zip
      ? ContentKind.advice(onArchiveOf: try ZipArchive(path).contentNames) : kind.advice
    throw DatasetError(.invalid, "\(path): \(advice)")
  }

  /// - Parameter isOwn: whether the path holds this part alone.
  func part(_ path: String, _ part: FilesPart, isOwn: Bool) throws(DatasetError) -> ReadPart {
    try Self.check(path, format)
    let classes = classNames.names.count
    switch format {
    case .images:
      let folder = try ImageFolder.read(
        path, classNames: classNames.names, preparation: preparation, corrupt: corrupt,
        threads: threads)
      return ReadPart(set: folder.set, skipped: folder.skipped)
    case .csv:
      let (images, labels, notes) = try PixelCSV.read(
        path, expected: shape, classes: classNames, labelColumn: files.labelColumn,
        pixelMax: files.pixelMax)
      return ReadPart(
        set: try fitted(images, path).set(labels: labels, classes: classes),
        notes: notes.map { DatasetNote(place: path, text: $0) })
    case .idx:
      let prefixes = part == .test ? ["t10k", "test"] + (isOwn ? ["train"] : []) : ["train"]
      for prefix in prefixes {
        let images = "\(path)/\(prefix)-images-idx3-ubyte"
        guard let images = DatasetLocator.existing(images),
          let labels = DatasetLocator.existing("\(path)/\(prefix)-labels-idx1-ubyte")
        else { continue }
        let set = try IDX.read(images: images, labels: labels, classes: classes, threads: threads)
        if !preparation.keeps(set.imageShape) {
          try checkMemory(ofImages: ByteCount.product(set.count, shape.count))
        }
        guard let set = set.prepared(preparation, threads: threads) else {
          throw DatasetError(.invalid, "\(images): \(preparation.refusal(set.imageShape))")
        }
        return ReadPart(set: set)
      }
      throw DatasetError(
        .unavailable,
        "\(path) lacks \(prefixes[0])-images-idx3-ubyte or \(prefixes[0])-labels-idx1-ubyte")
    case .npz, .npy:
      return try arrays(path, part, isOwn: isOwn)
    }
  }

  private func arrays(
    _ path: String, _ part: FilesPart, isOwn: Bool
  ) throws(DatasetError) -> ReadPart {
    let arrays: any ArraySource =
      format == .npz ? try NPZSource(path) : NPYFolder(path: path)
    func pair(_ part: FilesPart, isOwn: Bool) -> ArrayNames.Pair? {
      ArrayNames.candidates(part, isOwn: isOwn).first {
        arrays.has($0.images) && arrays.has($0.labels)
      }
    }
    guard let (x, y) = pair(part, isOwn: isOwn) else {
      let wanted = ArrayNames.candidates(part, isOwn: isOwn).map {
        "\($0.images) with \($0.labels)"
      }.joined(separator: ", ")
      throw DatasetError(
        .invalid,
        "\(path): there are no \(part.rawValue) images: none of \(wanted)" + arrays.contents)
    }
    var notes: [DatasetNote] = []
    if part == .training, !readsValidation, let (x, y) = pair(.validation, isOwn: false) {
      notes.append(
        DatasetNote(
          place: path,
          text: "its own validation images, \(x) with \(y), are not used; dataset.validation "
            + "\"own\" validates on them"))
    }
    // The small array first: what is wrong with it costs nothing to find.
    let labels = try NPY.labels(try arrays.stream(y), classes: classNames) {
      notes.append(DatasetNote(place: "\(path): \(y)", text: $0))
    }
    let stream = try arrays.stream(x)
    let images = try NPY.images(stream, expected: shape, pixelMax: files.pixelMax) {
      notes.append(DatasetNote(place: "\(path): \(x)", text: $0))
    }
    guard images.count == labels.count else {
      throw DatasetError(
        .damaged, "\(path): \(x) holds \(images.count) images, \(y) \(labels.count) labels")
    }
    return ReadPart(
      set: try fitted(images, stream.path).set(labels: labels, classes: classNames.names.count),
      notes: notes)
  }

  private func fitted(_ images: StoredImages, _ path: String) throws(DatasetError) -> StoredImages {
    if preparation.keeps(images.shape) { return images }
    try checkMemory(ofImages: ByteCount.product(images.count, shape.count))
    guard let fitted = preparation.prepare(images, threads: threads) else {
      throw DatasetError(.invalid, "\(path): \(preparation.refusal(images.shape))")
    }
    return fitted
  }
}
