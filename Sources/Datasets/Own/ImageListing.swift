import Glibc
import Images
import Storage

/// The image files in folders by class, before any of them is opened: by their endings, those in the
/// folders' folders too. Files come in the order of their names' bytes, class by class.
struct ImageListing {
  private(set) var files: [(path: String, label: Int)] = []
  /// Files that a path of this program cannot name, each with the reason.
  private(set) var unnamed: [String] = []
  private(set) var notes: [DatasetNote] = []
  private let path: String
  private var leftOut = LeftOut()
  /// How many images lie in folders of folders, and the first of these.
  private var deeper: (count: Int, first: String?) = (0, nil)

  init(_ path: String, classNames: [String]) throws(DatasetError) {
    let folders = try ClassFolders(path)
    self.path = path
    try folders.check(classNames)
    leftOut = folders.others
    for (label, name) in classNames.enumerated() {
      for folder in folders.folders(of: name) {
        try add(folder, label: label, parents: [])
      }
    }
    guard !files.isEmpty || !unnamed.isEmpty else {
      throw DatasetError(
        .invalid,
        "\(path): there is no \(ImageFile.formNames) file in its folders"
          + (leftOut.count > 0 ? "; there are \(leftOut.described)" : ""))
    }
    notes = folders.notes(classNames)
    var texts: [String] = []
    if let first = deeper.first {
      texts.append(
        deeper.count == 1
          ? "1 image lies in a folder within its class's, \(first), and is read too"
          : "\(deeper.count) images lie in folders within their classes', such as \(first), and are "
            + "read too")
    }
    if let note = leftOut.note { texts.append(note) }
    notes += texts.map { DatasetNote(place: path, text: $0) }
  }

  /// - Parameters:
  ///   - folder: its path from the folder of all classes.
  ///   - parents: the folders that it lies in, so that a link back to one of them is seen.
  private mutating func add(
    _ folder: String, label: Int, parents: [FolderIdentity]
  ) throws(DatasetError) {
    let full = "\(path)/\(folder)"
    let parents = parents + [FolderIdentity(full)]
    guard !parents.dropLast().contains(parents.last!) else {
      throw DatasetError(.invalid, "\(full): it leads back to a folder that it lies in; remove it")
    }
    let found = try DatasetError.wrapping { () throws(FileError) in try FolderNames(of: full) }
    for name in found.names {
      let place = "\(folder)/\(name)"
      if isHidden(name) {
        leftOut.add(hidden: place)
      } else if FileKind(of: "\(path)/\(place)") == .folder {
        let before = files.count
        try add(place, label: label, parents: parents)
        if parents.count == 1, files.count > before {
          deeper = (deeper.count + files.count - before, deeper.first ?? place)
        }
      } else if ImageFile.hasEnding(name) {
        files.append(("\(path)/\(place)", label))
      } else {
        leftOut.add(name, place)
      }
    }
    for name in found.notUTF8 where !isHidden(name) {
      // Without an ending it may be a folder of images.
      if ImageFile.hasEnding(name) || !name.contains(".") {
        unnamed.append("\(full)/\(name): its name is not UTF-8; rename it")
      } else {
        leftOut.add(name, "\(folder)/\(name)")
      }
    }
  }
}

/// A folder, by whatever path it is reached.
struct FolderIdentity: Hashable {
  private let device: UInt
  private let number: UInt

  init(_ path: String) {
    var status = stat()
    _ = stat(path, &status)
    (device, number) = (UInt(status.st_dev), UInt(status.st_ino))
  }
}
