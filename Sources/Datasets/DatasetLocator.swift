import Glibc

/// Finds a dataset: in `--data DIR`, then in `$RUNNER_DATA`, then in `data/` of the current folder,
/// each holding a folder named as the dataset.
public struct DatasetLocator: Sendable {
  /// What the user gave as `--data`.
  public let dataFolder: String?
  /// The process's environment: `RUNNER_DATA`, and `PATH` for the download.
  public let environment: [String: String]
  /// The folder that `data/` lies in.
  public let currentFolder: String

  public init(dataFolder: String?, environment: [String: String], currentFolder: String = ".") {
    self.dataFolder = dataFolder
    self.environment = environment
    self.currentFolder = currentFolder
  }

  /// Where a dataset is looked for, in order, without its own name.
  public var places: [String] {
    var places: [String] = []
    if let dataFolder { places.append(dataFolder) }
    if let shared = environment["RUNNER_DATA"], !shared.isEmpty { places.append(shared) }
    places.append(standardFolder)
    return places
  }

  /// `data/` of the current folder.
  private var standardFolder: String {
    currentFolder == "." ? "data" : Self.join(currentFolder, "data")
  }

  /// Where a download is kept: what the user named, else `data/`.
  public var downloadFolder: String { dataFolder ?? standardFolder }

  /// The four files of a published set in one folder, each plain or `.gz`.
  struct Location: Hashable {
    let folder: String
    let trainImages: String, trainLabels: String, testImages: String, testLabels: String
  }

  /// The first place that holds all of the entry's files; and what was missing in the others.
  func locate(_ entry: CatalogEntry) -> (Location?, missing: [String]) {
    var missing: [String] = []
    guard !entry.files.isEmpty else { return (nil, missing) }
    for place in places {
      let folder = Self.join(place, entry.name)
      let paths = entry.files.map { Self.existing(Self.join(folder, $0.name)) }
      if let trainImages = paths[0], let trainLabels = paths[1], let testImages = paths[2],
        let testLabels = paths[3]
      {
        let location = Location(
          folder: folder, trainImages: trainImages, trainLabels: trainLabels,
          testImages: testImages, testLabels: testLabels)
        return (location, missing)
      }
      let absent = zip(entry.files, paths).filter { $0.1 == nil }.map(\.0.name)
      missing.append(
        absent.count == paths.count
          ? "\(folder) has none of its files"
          : "\(folder) lacks \(absent.joined(separator: ", "))")
    }
    return (nil, missing)
  }

  /// The first place's folder that holds all of a published set's files.
  public func folder(of entry: CatalogEntry) -> String? { locate(entry).0?.folder }

  /// Reads and checks a published set at a location, its two parts side by side where there are
  /// threads for it.
  func read(
    _ entry: CatalogEntry, at location: Location, provenance: Dataset.Provenance,
    readsTest: Bool = true, threads: Int = 1
  ) throws(DatasetError) -> Dataset {
    guard
      case .published(let trainImages, let trainLabels, let testImages, let testLabels, _) =
        entry.source
    else { preconditionFailure("\(entry.name) is not published as files") }
    let classes = entry.classNames.count
    let (train, test) = try both(threads: threads) { () throws(DatasetError) in
      try IDX.read(
        images: location.trainImages, labels: location.trainLabels, classes: classes,
        imagesDigest: trainImages.sha256, labelsDigest: trainLabels.sha256, threads: threads)
    } _: { () throws(DatasetError) -> ImageSet? in
      guard readsTest else { return nil }
      return try IDX.read(
        images: location.testImages, labels: location.testLabels, classes: classes,
        imagesDigest: testImages.sha256, labelsDigest: testLabels.sha256)
    }
    return Dataset(
      name: entry.name, classNames: entry.classNames, train: train, test: test,
      provenance: provenance)
  }

  /// The file itself or its `.gz`, whichever exists, the file itself first.
  static func existing(_ path: String) -> String? {
    if access(path, F_OK) == 0 { return path }
    return access(path + ".gz", F_OK) == 0 ? path + ".gz" : nil
  }

  static func join(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }
}
