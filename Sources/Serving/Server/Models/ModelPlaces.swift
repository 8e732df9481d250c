import Experiment
import Glibc
import Storage

/// What the command line names as models, looked at anew each time.
///
///     lenet.safetensors, results/lenet/latest    a model, as version 1 of what its experiment is called
///     digits=results/lenet/latest                the same by another name
///     models/digits/                             with 1/, 2.safetensors, …: the versions of `digits`
///     models/                                    with digits/, letters.safetensors, …: several models
struct ModelPlaces: Sendable {
  let paths: [String]

  /// A version that is there.
  struct Place: Sendable {
    /// Nil where the model says what it is called.
    let name: String?
    let version: Int
    let path: String
    /// Changes when the file does.
    let stamp: Stamp
  }

  struct Stamp: Hashable, Sendable {
    let file: String
    let device: UInt64, inode: UInt64
    let seconds: Int, nanoseconds: Int, size: Int
  }

  /// A folder of versions, whose `labels.json` gives names to some.
  struct Labelled: Sendable {
    let name: String
    let path: String
  }

  struct Found: Sendable {
    var places: [Place] = []
    var labelled: [Labelled] = []
    /// What is there and cannot be taken, as sentences.
    var problems: [String] = []
  }

  func find() -> Found {
    var found = Found()
    for argument in paths {
      var (name, path): (String?, String) = (nil, argument)
      if !Files.exists(argument), let sign = argument.firstIndex(of: "=") {
        name = String(argument[..<sign])
        path = String(argument[argument.index(after: sign)...])
      }
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      let before = found.places.count
      add(path, name, &found)
      if found.places.count == before, found.problems.isEmpty {
        found.problems.append(
          Files.exists(path)
            ? "\(path): there is no model in it: no model.safetensors, no run, no versions (1/, "
              + "2.safetensors, …)" : "\(path): there is no such model")
      }
    }
    return found
  }

  private func add(_ path: String, _ name: String?, _ found: inout Found) {
    if let file = Self.modelFile(path) {
      if let stamp = Stamp(file) {
        found.places.append(Place(name: name, version: 1, path: path, stamp: stamp))
      }
      return
    }
    guard Files.isFolder(path), let names = try? Files.names(in: path) else { return }
    let own = name ?? Files.name(of: path)
    var versions: [Int: String] = [:]
    for child in names {
      guard let version = Self.version(child) else { continue }
      let place = "\(path)/\(child)"
      if let other = versions[version] {
        found.problems.append("\(place): is version \(version), as \(other) is")
        continue
      }
      guard let file = Self.modelFile(place), let stamp = Stamp(file) else { continue }
      versions[version] = place
      found.places.append(Place(name: own, version: version, path: place, stamp: stamp))
    }
    if !versions.isEmpty {
      found.labelled.append(Labelled(name: own, path: path))
      return
    }
    for child in names.sorted() where !child.hasPrefix(".") {
      let place = "\(path)/\(child)"
      if Files.isFolder(place) || child.hasSuffix(".safetensors") {
        let stem = child.hasSuffix(".safetensors") ? String(child.dropLast(12)) : child
        if Self.modelFile(place) != nil
          || ((try? Files.names(in: place)) ?? []).contains(where: { Self.version($0) != nil })
        {
          add(place, stem, &found)
        }
      }
    }
  }

  /// `3` and `3.safetensors` are version 3.
  private static func version(_ name: String) -> Int? {
    let stem = name.hasSuffix(".safetensors") ? name.dropLast(12) : name[...]
    guard !stem.isEmpty, stem.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(stem)
  }

  /// The file that decides what a model's path gives; nil where it is none.
  private static func modelFile(_ path: String) -> String? {
    guard Files.isFolder(path) else { return Files.exists(path) ? path : nil }
    return ["model.safetensors", "run.json"].map { "\(path)/\($0)" }.first(where: Files.exists)
  }

  /// Reads a model, of which all is checked.
  static func read(_ path: String) throws -> AnsweringModel {
    guard Files.isFolder(path) else { return try AnsweringModel(reading: path) }
    // A run's own record says which weights were tested; a sweep and a folder of one have only a model.
    guard Files.exists("\(path)/run.json"), Files.exists("\(path)/resolved.json") else {
      return try AnsweringModel(reading: "\(path)/model.safetensors")
    }
    return .floats(try RunFolder(opening: path).modelFile())
  }
}

extension ModelPlaces.Stamp {
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    file = path
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
    size = Int(status.st_size)
  }
}
