import Glibc
import Storage

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

  /// The files of a published set in one folder, in the catalog's order.
  struct Location: Hashable {
    let folder: String
    let paths: [String]
  }

  /// The first place that holds all of the entry's files that are needed; and what was missing in the
  /// others.
  /// - Parameter isNeeded: of a file, by its place in the catalog's list.
  func locate(
    _ entry: CatalogEntry, isNeeded: (Int) -> Bool = { _ in true }
  ) -> (Location?, missing: [String]) {
    var missing: [String] = []
    guard !entry.files.isEmpty else { return (nil, missing) }
    for place in places {
      let folder = Self.join(place, entry.folderName)
      let paths = entry.files.enumerated().map { place, file in
        isNeeded(place) ? file.existing(in: folder) : Self.join(folder, file.name)
      }
      let present = paths.compactMap { $0 }
      if present.count == paths.count { return (Location(folder: folder, paths: present), missing) }
      let absent = zip(entry.files, paths).filter { $0.1 == nil }.map(\.0.name)
      missing.append(
        absent.count == paths.indices.count(where: isNeeded)
          ? "\(folder) has none of its files"
          : "\(folder) lacks \(absent.joined(separator: ", "))")
    }
    return (nil, missing)
  }

  /// Whether a place holds those of a published set's files that have test images.
  public func holdsTestImages(of entry: CatalogEntry) -> Bool {
    guard case .published(_, let form, _) = entry.source else { return true }
    return locate(entry) { form.isRead($0, train: false, test: true) }.0 != nil
  }

  /// The first place's folder that holds all of a published set's files.
  public func folder(of entry: CatalogEntry) -> String? { locate(entry).0?.folder }

  /// A path that a spec gives: where it is, in the first place that has it, or else as it is written.
  func path(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    let here = currentFolder == "." ? path : Self.join(currentFolder, path)
    return places.map { Self.join($0, path) }.first(where: FileDescriptor.exists) ?? here
  }

  /// The file itself or its `.gz`, whichever exists, the file itself first.
  static func existing(_ path: String) -> String? {
    [path, path + ".gz"].first(where: FileDescriptor.exists)
  }

  static func join(_ folder: String, _ name: String) -> String {
    folder.hasSuffix("/") ? folder + name : folder + "/" + name
  }
}
