import Images
import Storage

/// The pictures in a folder and the folders in it, by their endings. One that lies in a folder with a
/// class's name is of that class.
struct PictureFolder {
  private(set) var files: [(path: String, label: Int?)] = []
  /// Arrays and tables.
  private(set) var others: [(path: String, label: Int?)] = []
  private(set) var unnamed: [String] = []
  private let path: String
  private let classes: ClassNames
  private var leftOut = LeftOut()

  init(_ path: String, _ classes: ClassNames) {
    self.path = path
    self.classes = classes
  }

  private static let endings = [".npy", ".npz", ".csv", ".csv.gz", "images-idx3-ubyte"]

  var notes: [DatasetNote] {
    leftOut.note.map { [DatasetNote(place: path, text: $0)] } ?? []
  }

  mutating func list() throws(DatasetError) {
    // The folder itself may be a class's, where a shell has written out photos/*.
    let name = path.split(separator: "/").last.map(String.init)
    try list(path, label: name.flatMap(classes.named), parents: [])
  }

  /// - Parameter parents: the folders that it lies in, so that a link back to one of them is seen.
  private mutating func list(
    _ folder: String, label: Int?, parents: [FolderIdentity]
  ) throws(DatasetError) {
    let own = FolderIdentity(folder)
    guard !parents.contains(own) else {
      unnamed.append("\(folder): it leads back to a folder that it lies in, and is passed over")
      return
    }
    let found = try DatasetError.wrapping { () throws(FileError) in try FolderNames(of: folder) }
    for name in found.names {
      let place = folder.hasSuffix("/") ? "\(folder)\(name)" : "\(folder)/\(name)"
      if isHidden(name) {
        leftOut.add(hidden: place)
      } else if FileKind(of: place) == .folder {
        try list(place, label: label ?? classes.named(name), parents: parents + [own])
      } else if ImageFile.hasEnding(name) {
        files.append((place, label))
      } else if Self.endings.contains(where: name.lowercased().hasSuffix) {
        others.append((place, label))
      } else {
        leftOut.add(name, place)
      }
    }
    unnamed += found.notUTF8.filter { !isHidden($0) }.map {
      "\(folder)/\($0): its name is not UTF-8; rename it"
    }
  }
}
