import Datasets
import Storage

/// A checkpoint as it lies on the disk: read, and checked to be as it was written, before anything of
/// it is used.
struct CheckpointFile {
  /// Under the digest of all of it, metadata included.
  static let format = "runner-checkpoint-2"
  /// Of earlier versions: nothing but the weights is under a digest.
  private static let olderFormat = "runner-checkpoint-1"

  let path: String
  private let content: Safetensors
  /// Whether it is of an earlier version, in which a damage of anything but the weights may not show.
  let isOlder: Bool

  /// - Throws: `RecordError` for what is damaged, or no checkpoint; `FileError`.
  init(reading path: String) throws {
    let bytes = try Files.read(path)
    let digest = Safetensors.hasItsDigest(bytes)
    if digest == false {
      throw RecordError(path, "is damaged: its bytes do not have the digest that it records")
    }
    content = try Safetensors(parsing: bytes, path: path)
    let format = content.metadata["format"] ?? "none"
    guard [Self.format, Self.olderFormat].contains(format) else {
      throw RecordError(
        path,
        "is not a checkpoint of this program: its format is \(JSONValue.quoted(format)), not "
          + JSONValue.quoted(Self.format))
    }
    isOlder = format == Self.olderFormat
    guard isOlder == (digest == nil), content.metadata[Safetensors.digestKey] == nil || !isOlder
    else { throw RecordError(path, "is damaged: its digest is missing") }
    self.path = path
  }

  /// What to tell the user of a file of an earlier version.
  var warning: String? {
    isOlder
      ? "note: \(path) is of an earlier version: of all that it holds, only the weights are "
        + "protected by a digest" : nil
  }

  var metadata: [String: String] { content.metadata }
  var tensors: [StoredTensor] { content.tensors }

  subscript(name: String) -> StoredTensor? { content[name] }

  /// The floats of a tensor that the spec asks for, in its shape.
  func floats(_ name: String, _ shape: [Int]) throws(RecordError) -> StoredTensor {
    guard let tensor = content[name], tensor.type == .f32, tensor.shape == shape else {
      throw RecordError(path, "does not fit the spec: \(name) is not as it needs it")
    }
    return tensor
  }

  /// A count of the metadata.
  func count(_ key: String) throws(RecordError) -> Int {
    guard let value = metadata[key].flatMap({ Int($0) }), value >= 0 else {
      throw RecordError(path, "is damaged: it has no count \"\(key)\"")
    }
    return value
  }

  /// A number of the metadata, which may be NaN.
  func number(_ key: String) throws(RecordError) -> Double {
    guard let value = metadata[key].flatMap(Double.init) else {
      throw RecordError(path, "is damaged: it has no number \"\(key)\"")
    }
    return value
  }
}
