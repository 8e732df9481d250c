import Elements
import Glibc
import Storage

/// The folders in a folder of images by class.
///
/// A class's name is text, a folder's bytes: where the same text is written in other bytes, as Macs write
/// letters with accents (NFD), it is the same class. Names that are no text, as the bytes of another
/// encoding, are refused.
struct ClassFolders {
  let path: String
  /// The different names, in the order of their letters' numbers in Unicode, however they are written.
  let names: [String]
  /// What is hidden, or lies beside the folders.
  let others: LeftOut
  /// By name, the folders that have it, as their bytes are.
  private let folders: [String: [String]]

  init(_ path: String) throws(DatasetError) {
    self.path = path
    let found = try DatasetError.wrapping { () throws(FileError) in try FolderNames(of: path) }
    if let name = found.notUTF8.first {
      throw DatasetError(FileError(nameNotUTF8: name, in: path))
    }
    var others = LeftOut()
    var folders: [String: [String]] = [:]
    for name in found.names {
      if isHidden(name) {
        others.add(hidden: name)
      } else if FileKind(of: "\(path)/\(name)") == .folder {
        folders[name, default: []].append(name)
      } else {
        others.add(name, name)
      }
    }
    guard !folders.isEmpty else {
      throw DatasetError(
        .invalid, "\(path): there is no folder in it; each class has one, with its images")
    }
    guard folders.count <= Labels.mostClasses else {
      throw DatasetError(
        .invalid,
        "\(path): it has \(folders.count) folders; there may be \(Labels.mostClasses) classes at "
          + "most: put those that are of one class into one folder")
    }
    // Comparing texts, Swift looks at their canonical form.
    names = folders.keys.sorted()
    self.folders = folders
    self.others = others
    try checkParts()
  }

  /// Refuses the folders of a dataset's parts where those of classes are meant.
  private func checkParts() throws(DatasetError) {
    let parts: [String: FilesPart] = [
      "train": .training, "training": .training, "test": .test, "testing": .test,
      "val": .validation,
      "valid": .validation, "validation": .validation,
    ]
    let found = names.map { (name: $0, part: parts[$0.lowercased()]) }
    guard found.allSatisfy({ $0.part != nil }), found.contains(where: { $0.part == .training })
    else {
      return
    }
    let keys = found.map { name, part in
      let key =
        switch part! {
        case .training: "path"
        case .validation: "validation_path"
        case .test: "test_path"
        }
      return "\"\(key)\": \"\(path)/\(name)\""
    }
    throw DatasetError(
      .invalid,
      "\(path): its folders are parts of a dataset, not classes; give each as a path of its own: "
        + keys.sorted().joined(separator: ", "))
  }

  /// The folders of a class; none where it has none.
  func folders(of name: String) -> [String] { folders[name] ?? [] }

  /// Refuses folders that are of no class.
  func check(_ classes: [String]) throws(DatasetError) {
    let known = Set(classes)
    guard let other = names.first(where: { !known.contains($0) }) else { return }
    throw DatasetError(
      .invalid,
      "\(path): the folder \(other) is no class; those are "
        + classes.prefix(100).joined(separator: ", ")
        + (classes.count > 100 ? " and \(classes.count - 100) more" : ""))
  }

  /// What is to be told of the classes' folders.
  func notes(_ classes: [String]) -> [DatasetNote] {
    var notes: [DatasetNote] = []
    let absent = classes.filter { folders(of: $0).isEmpty }
    if !absent.isEmpty {
      let shown = absent.prefix(12).joined(separator: ", ") + (absent.count > 12 ? ", …" : "")
      notes.append(
        DatasetNote(
          place: path,
          text: "there is no folder for the "
            + (absent.count == 1 ? "class \(shown)" : "\(absent.count) classes \(shown)")))
    }
    for name in classes where folders(of: name).count > 1 {
      notes.append(
        DatasetNote(
          place: path,
          text: "\(folders(of: name).count) folders are called \(name), in different bytes for the "
            + "same letters; the images of all are its class's"))
    }
    return notes
  }
}

/// What lies in a folder of images and is left out: how many of each ending, and the first of them.
struct LeftOut {
  private var counts: [String: Int] = [:]
  private var hidden = 0
  private var first: String?

  var count: Int { counts.values.reduce(hidden, +) }

  /// - Parameter path: what a message calls it.
  mutating func add(_ name: String, _ path: String) {
    let ending = name.lastIndex(of: ".").map { name[$0...].lowercased() } ?? ""
    counts[ending, default: 0] += 1
    first = first ?? path
  }

  mutating func add(hidden path: String) {
    hidden += 1
    first = first ?? path
  }

  mutating func add(_ other: LeftOut) {
    counts.merge(other.counts, uniquingKeysWith: +)
    hidden += other.hidden
    first = first ?? other.first
  }

  /// `3 .txt, 1 .heic, 2 hidden`
  var described: String {
    let kinds = counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }
    var texts = kinds.prefix(8).map { "\($1) " + ($0.isEmpty ? "without an ending" : $0) }
    if kinds.count > 8 {
      let rest = kinds.dropFirst(8)
      texts.append("\(rest.map(\.value).reduce(0, +)) of \(rest.count) other endings")
    }
    if hidden > 0 { texts.append("\(hidden) hidden") }
    return texts.joined(separator: ", ")
  }

  /// Nil where nothing is left out.
  var note: String? {
    first.map {
      count == 1
        ? "\($0) is no image of a form that is read, and is left out"
        : "\(count) files are no images of the forms that are read, and are left out: \(described); "
          + "the first is \($0)"
    }
  }
}

/// Whether a name is of what programs put beside people's files: hidden as Unix hides, the copies of
/// attributes that Macs put into archives, the thumbnails of network drives.
func isHidden(_ name: String) -> Bool {
  name.hasPrefix(".") || name == "__MACOSX" || name == "@eaDir"
}
