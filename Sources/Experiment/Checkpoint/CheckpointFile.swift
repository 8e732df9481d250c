import ConvNet
import Datasets
import Storage

/// A checkpoint as it lies on the disk: read, and checked to be as it was written, before anything of
/// it is used.
struct CheckpointFile {
  static let format = formats.last!
  /// In the first, nothing but the weights is under a digest, in all others everything is, metadata
  /// included; in the first two, layers are called by their places in the plan.
  private static let formats = [
    "runner-checkpoint-1", "runner-checkpoint-2", "runner-checkpoint-3",
  ]

  let path: String
  private let content: Safetensors
  /// Whether it is of an earlier version, so that a run of today leaves other bytes.
  let isOlder: Bool
  /// Whether a damage of anything but the weights shows.
  private let isSealed: Bool

  /// - Parameter plan: of the spec; nil where no tensor is asked for.
  /// - Throws: `RecordError` for what is damaged, or no checkpoint; `FileError`.
  init(reading path: String, of plan: NetworkPlan? = nil) throws {
    let bytes = try Files.read(path)
    let digest = Safetensors.hasItsDigest(bytes)
    if digest == false {
      throw RecordError(path, "is damaged: its bytes do not have the digest that it records")
    }
    var content = try Safetensors(parsing: bytes, path: path)
    let format = content.metadata["format"] ?? "none"
    guard Self.formats.contains(format) else {
      throw RecordError(
        path,
        "is not a checkpoint of this program: its format is \(JSONValue.quoted(format)), not "
          + JSONValue.quoted(Self.format))
    }
    isOlder = format != Self.format
    isSealed = format != Self.formats[0]
    guard isSealed == (digest != nil), content.metadata[Safetensors.digestKey] == nil || isSealed
    else { throw RecordError(path, "is damaged: its digest is missing") }
    self.path = path
    if let plan, isOlder { content = content.renamed(for: plan) }
    self.content = content
  }

  /// What to tell the user of a file of an earlier version.
  var warning: String? {
    !isSealed
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
