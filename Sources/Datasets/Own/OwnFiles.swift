import Elements
import Storage

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
    /// A folder with a folder of image files per class.
    case images
    /// A server's request log, or a folder of them: what people told the right class of.
    case feedback

    /// That of a path by its ending, in capitals or not.
    public static func of(_ path: String) -> Format {
      let path = path.lowercased()
      if path.hasSuffix(".npz") { return .npz }
      if path.hasSuffix(RequestLog.ending) { return .feedback }
      let packed = [".gz", ".bz2", ".zip"].first(where: path.hasSuffix)
      let name = path.dropLast(packed?.count ?? 0)
      return [".csv", ".tsv", ".tab", ".txt"].contains(where: name.hasSuffix) ? .csv : .images
    }

    /// Whether training and test images lie under one path.
    public var holdsTest: Bool { self == .npz || self == .npy || self == .idx }
    /// Whether images to validate on may lie there too.
    public var holdsValidation: Bool { self == .npz || self == .npy }
  }

  public enum Classes: Hashable, Sendable {
    /// So many; a folder's are named as its folders, in the order of their letters; others by number.
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
  /// Where the images to validate on are, if elsewhere.
  public var validationPath: String?
  public var format: Format
  public var classes: Classes
  /// Which column of a table holds the labels; nil for the one that certainly does.
  public var labelColumn: LabelColumn?
  /// The number of a table or an array that is white; nil for what is certain of its numbers.
  public var pixelMax: Double?
  /// What is made of each image first; nil for nothing.
  public var prepare: FilePreparation?
  /// Whether image files are turned upright, where they note how they are held (EXIF).
  public var followsOrientation = false

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

/// One of the sets that a user's own files hold.
enum FilesPart: String {
  case training, validation, test
}

extension DatasetLocator {
  /// A user's own files, made to fit.
  func loadFiles(_ request: DatasetRequest, threads: Int) throws(DatasetError) -> Dataset {
    let places = try FilesPlaces(request, self)
    let reading = try OwnFilesReading(places, request: request, threads: threads)
    let test = try places.test.map { (test) throws(DatasetError) in
      try reading.part(test.path, .test, isOwn: test.isOwn)
    }
    let train =
      request.readsTrain ? try reading.part(places.training, .training, isOwn: true) : nil
    // Where nobody asks for training images, a test image is there in their place.
    var dataset = Dataset(
      name: OwnFiles.name, classNames: reading.classNames.names,
      train: train?.set ?? test!.set.prefix(1), test: test?.set,
      provenance: .folder(places.training))
    if let share = request.testShare {
      dataset = try dataset.holdingOut(share, seed: request.subsetSeed)
      if !request.readsTest { dataset = dataset.withoutTest }
    }
    dataset = try dataset.limited(
      train: train == nil ? nil : request.trainCount,
      test: request.readsTest ? request.testCount : nil,
      drawnBy: request.subsetSeed)
    let validation = try places.validation.map { (validation) throws(DatasetError) in
      try reading.part(validation.path, .validation, isOwn: validation.isOwn)
    }
    if let validation { dataset = dataset.with(validation: validation.set) }
    let parts = [train, validation, test].compactMap { $0 }
    // A folder that two parts are read from has each of its files but once.
    var named: Set<String> = []
    dataset.skipped = parts.flatMap(\.skipped).filter { named.insert($0).inserted }
    dataset.notes = DatasetNote.lines(parts.flatMap(\.notes))
    return dataset
  }
}

/// Where the parts of a user's own files are.
struct FilesPlaces {
  /// A path, and whether it holds nothing but this part.
  typealias Place = (path: String, isOwn: Bool)

  let training: String
  /// Nil where none are to be read.
  let validation: Place?
  let test: Place?

  /// - Throws: `.unavailable` where one of them isn't there.
  init(_ request: DatasetRequest, _ locator: DatasetLocator) throws(DatasetError) {
    guard let files = request.files, request.preparation.shape != nil else {
      throw DatasetError(
        .invalid, "one's own files need dataset.path, dataset.shape and dataset.classes")
    }
    // Images that aren't read may be gone, unless the others lie among them.
    let training =
      request.readsTrain || files.testPath == nil
      ? try locator.found(files.path) : locator.path(files.path)
    self.training = training
    func place(_ path: String?, isHeld: Bool) throws(DatasetError) -> Place? {
      if let path { return (try locator.found(path), true) }
      return isHeld ? (training, false) : nil
    }
    let readsTest = request.readsTest && request.testShare == nil
    test =
      readsTest ? try place(files.testPath, isHeld: files.format.holdsTest) : nil
    if readsTest, test == nil {
      throw DatasetError(
        .invalid,
        "\(training): there are no test images; give dataset.test_path, test \"none\", or a share of "
          + "the images, as \"test\": 0.2")
    }
    validation =
      request.readsValidation
      ? try place(files.validationPath, isHeld: files.format.holdsValidation) : nil
    if request.readsValidation, validation == nil {
      throw DatasetError(
        .invalid, "\(training): there are no images to validate on; give dataset.validation_path")
    }
  }
}

extension DatasetLocator {
  /// Where a path of a spec's is.
  /// - Throws: `.unavailable` where it is nowhere.
  func found(_ path: String) throws(DatasetError) -> String {
    let found = self.path(path)
    guard !FileDescriptor.exists(found) else { return found }
    let looked = (places + [currentFolder]).joined(separator: ", ")
    throw DatasetError(
      .unavailable,
      "\(found) is not on this machine" + (path.hasPrefix("/") ? "" : "; looked in \(looked)"))
  }
}
