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

  /// The first place that holds all of the entry's files; and what was missing in the others.
  func locate(_ entry: CatalogEntry) -> (Location?, missing: [String]) {
    var missing: [String] = []
    guard !entry.files.isEmpty else { return (nil, missing) }
    for place in places {
      let folder = Self.join(place, entry.folderName)
      let paths = entry.files.map { $0.existing(in: folder) }
      let present = paths.compactMap { $0 }
      if present.count == paths.count { return (Location(folder: folder, paths: present), missing) }
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
