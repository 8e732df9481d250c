import ConvNet
import Storage

/// A model that a spec names, and where it was found.
struct FoundModel {
  /// What a spec names one for.
  enum Role: String {
    /// What the training begins with.
    case initial
    /// What it is taught by.
    case teacher

    /// What takes an option for where one has gone.
    fileprivate var commands: String {
      switch self {
      case .initial: "verify has"
      case .teacher: "verify and resume have"
      }
    }

    /// As the end of a sentence about the model.
    fileprivate var sentence: String {
      switch self {
      case .initial: "the training begins with"
      case .teacher: "the training is taught by"
      }
    }
  }

  let path: String
  let file: ModelFile

  /// - Parameter path: of a model.safetensors, or of the folder of a run or of a sweep.
  /// - Throws: `RecordError` where there is no model, or it is damaged; `FileError`.
  init(opening path: String) throws {
    guard Files.exists(path) else { throw RecordError(path, "there is no such model") }
    guard Files.isFolder(path) else {
      self.init(path: path, file: try ModelFile(reading: path))
      return
    }
    // A sweep leaves a model too, but is no run.
    let left = "\(path)/model.safetensors"
    if Files.exists(left), !Files.exists("\(path)/run.json") {
      self.init(path: path, file: try ModelFile(reading: left))
      return
    }
    let folder = try RunFolder(opening: path)
    self.init(path: folder.path, file: try folder.modelFile())
  }

  private init(path: String, file: ModelFile) {
    self.path = path
    self.file = file
  }

  /// The model that a spec names, which may have moved meanwhile.
  /// - Parameters:
  ///   - digest: of its weights, SHA-256; nil for whatever is there.
  ///   - places: where else to look for it.
  /// - Throws: `RecordError` where it is at none of the places, or isn't what it was.
  init(_ path: String, digest: String?, places: [String], as role: Role) throws {
    var other: (path: String, digest: String)?
    for place in [path] + places where Files.exists(place) {
      let found = try FoundModel(opening: place)
      guard let digest, digest != found.file.weightsDigest else {
        self = found
        return
      }
      other = other ?? (found.path, found.file.weightsDigest)
    }
    let advice = "say where it is: \(role.commands) --\(role) for that, and a spec \(role).model"
    guard let other else {
      throw RecordError(path, "is gone, which \(role.sentence) (\(role).model); \(advice)")
    }
    throw RecordError(
      other.path,
      "has changed: \(role.sentence) the weights \(digest!.prefix(12))… "
        + "(\(role).weights_sha256), and these are \(other.digest.prefix(12))…; where those are kept "
        + "elsewhere, \(advice)")
  }
}

extension FoundModel {
  /// What a training begins with.
  init(_ spec: InitialSpec, places: [String]) throws {
    try self.init(spec.model, digest: spec.weightsDigest, places: places, as: .initial)
  }
}
