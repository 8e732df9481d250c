import Elements
import Images
import Storage

/// A set read from one place, before it is one of the parts of a dataset.
struct ReadPart {
  var set: ImageSet
  var skipped: [String] = []
  var notes: [DatasetNote] = []
}

/// Reads the parts of a user's own files, one after another.
struct OwnFilesReading {
  let classNames: ClassNames
  private let format: OwnFiles.Format
  private let preparation: ImagePreparation
  private let shape: ImageShape
  private let files: OwnFiles
  private let readsValidation: Bool
  private let corrupt: CorruptImages
  private let threads: Int

  init(
    _ places: FilesPlaces, request: DatasetRequest, threads: Int
  ) throws(DatasetError) {
    let files = request.files!
    self.files = files
    format = files.format
    readsValidation = request.readsValidation
    preparation = request.preparation
    shape = request.preparation.shape!
    corrupt = request.corrupt
    self.threads = threads
    let path = places.training
    if request.readsTrain { try files.format.check(path) }
    switch files.classes {
    case .names(let names): classNames = ClassNames(names, areGiven: true)
    case .count(let count) where files.format == .images:
      let names = try ClassFolders(path).names
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

  /// - Parameter isOwn: whether the path holds this part alone.
  func part(_ path: String, _ part: FilesPart, isOwn: Bool) throws(DatasetError) -> ReadPart {
    try format.check(path)
    let classes = classNames.names.count
    switch format {
    case .images:
      let folder = try ImageFolder.read(
        path, classNames: classNames.names, prepare: files.prepare, preparation: preparation,
        corrupt: corrupt, turns: files.followsOrientation, threads: threads)
      return ReadPart(set: folder.set, skipped: folder.skipped, notes: folder.notes)
    case .csv:
      let (images, labels, notes) = try PixelCSV.read(
        path, expected: shape, classes: classNames, labelColumn: files.labelColumn,
        pixelMax: files.pixelMax)
      return ReadPart(
        set: try fitted(images, path).set(labels: labels, classes: classes),
        notes: notes.map { DatasetNote(place: path, text: $0) })
    case .idx:
      let (images, labels) = try IDXFolder.files(path, part, isOwn: isOwn)
      let set = try IDX.read(images: images, labels: labels, classes: classes, threads: threads)
      if files.prepare != nil {
        let stored = StoredImages(
          shape: set.imageShape, pixels: set.pixels[0..<set.pixels.count])
        return ReadPart(
          set: try fitted(stored, path).set(labels: set.labels, classes: classes))
      }
      if !preparation.keeps(set.imageShape) {
        try checkMemory(ofImages: ByteCount.product(set.count, shape.count))
      }
      guard let set = set.prepared(preparation, threads: threads) else {
        throw DatasetError(.invalid, "\(images): \(preparation.refusal(set.imageShape))")
      }
      return ReadPart(set: set)
    case .npz, .npy:
      return try arrays(path, part, isOwn: isOwn)
    case .feedback:
      let told = try FeedbackImages(path, classes: classNames, shape: shape)
      return ReadPart(
        set: try fitted(told.images, path).set(labels: Labels(told.labels), classes: classes),
        notes: told.notes.map { DatasetNote(place: path, text: $0) })
    }
  }

  /// How many images there are of a part, by as little reading as that takes: image files are counted,
  /// not opened.
  func count(_ path: String, _ part: FilesPart, isOwn: Bool) throws(DatasetError) -> Int {
    guard format == .images else { return try self.part(path, part, isOwn: isOwn).set.count }
    try format.check(path)
    return try ImageListing(path, classNames: classNames.names).files.count
  }

  private func arrays(
    _ path: String, _ part: FilesPart, isOwn: Bool
  ) throws(DatasetError) -> ReadPart {
    let arrays = try format.arrays(path)
    let (x, y) = try ArrayNames.pair(part, isOwn: isOwn, in: arrays, path: path)
    var notes: [DatasetNote] = []
    if part == .training, !readsValidation,
      let (x, y) = ArrayNames.pair(.validation, isOwn: false, in: arrays)
    {
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
    var images = images
    if let prepare = files.prepare {
      do throws(ImageProblem) {
        images = try prepare.prepare(images, threads: threads)
      } catch {
        throw DatasetError(.damaged, "\(path): \(error.message)")
      }
    }
    if preparation.keeps(images.shape) { return images }
    try checkMemory(ofImages: ByteCount.product(images.count, shape.count))
    guard let fitted = preparation.prepare(images, threads: threads) else {
      throw DatasetError(.invalid, "\(path): \(preparation.refusal(images.shape))")
    }
    return fitted
  }
}

extension OwnFiles.Format {
  /// Refuses a file where a folder is read, and a folder where a file is.
  func check(_ path: String) throws(DatasetError) {
    if self == .feedback { return }
    let takesFolder = self == .images || self == .npy || self == .idx
    let isFolder = FileDescriptor.isFolder(path)
    guard takesFolder != isFolder else { return }
    if isFolder {
      throw DatasetError(
        .invalid, "\(path): it is a folder; dataset.format \"\(rawValue)\" reads a file")
    }
    let kind = try ContentKind(of: path)
    let advice =
      kind == .zip
      ? ContentKind.advice(onArchiveOf: try ZipArchive(path).contentNames) : kind.advice
    throw DatasetError(.invalid, "\(path): \(advice)")
  }

  func arrays(_ path: String) throws(DatasetError) -> any ArraySource {
    self == .npz ? try NPZSource(path) : NPYFolder(path: path)
  }
}

/// A folder of IDX files, named as MNIST's.
enum IDXFolder {
  /// The files of a part, plain or packed.
  static func files(
    _ path: String, _ part: FilesPart, isOwn: Bool
  ) throws(DatasetError) -> (images: String, labels: String) {
    let own = isOwn ? ["train"] : []
    let prefixes =
      switch part {
      case .training: ["train"]
      case .validation: ["val", "valid", "validation"] + own
      case .test: ["t10k", "test"] + own
      }
    for prefix in prefixes {
      if let images = DatasetLocator.existing("\(path)/\(prefix)-images-idx3-ubyte"),
        let labels = labels("\(path)/\(prefix)-labels-idx1")
      {
        return (images, labels)
      }
    }
    throw DatasetError(
      .unavailable,
      "\(path) lacks \(prefixes[0])-images-idx3-ubyte or \(prefixes[0])-labels-idx1-ubyte")
  }

  /// The file of labels whose name begins so, of bytes, or of shorts or ints as more than 256 classes
  /// need them.
  static func labels(_ stem: String) -> String? {
    for kind in ["ubyte", "short", "int"] {
      if let path = DatasetLocator.existing("\(stem)-\(kind)") { return path }
    }
    return nil
  }
}
