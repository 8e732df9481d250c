import ConvNet
import Datasets
import Images
import Storage
import Watching

/// A model with all that is needed to use it, as `model.safetensors` holds it: how an image becomes its
/// input, what its classes are called, where it comes from.
public struct ModelFile: Sendable {
  public var model: Model
  /// Of the experiment.
  public var name: String
  public var classNames: [String]
  /// What is made of each image first; nil for nothing.
  public var prepare: FilePreparation?
  /// How an image becomes what the model takes, before the normalisation; it has a shape.
  public var preparation: ImagePreparation
  /// What the images of its training look like; nil where that isn't known.
  public var ink: InkRange?
  /// The epoch that the weights are from, and what they came to on the test images; nil where nobody
  /// measured it.
  public var epoch: Int
  public var testAccuracy: Double?
  public var testLoss: Double?
  /// SHA-256 of the resolved spec; nil for a model that came in from elsewhere.
  public var specDigest: String?
  /// The kernel that it was trained with: with it answers have the same bits as in the run.
  public var kernel: String
  /// Whether weights were made 0: then kernels are stored without their zeros, where that is shorter.
  public var isPruned = false

  /// What `format` in the metadata says.
  static let format = "runner-model-2"
  /// The same of a file in which a kernel is stored without its zeros.
  private static let sparseFormat = "runner-model-3"
  /// Of an earlier version, where layers are called by their places in the plan.
  private static let formerFormat = "runner-model-1"

  /// SHA-256 over the bytes of all weights, moving statistics included.
  public var weightsDigest: String { Checkpoint.digest(of: model) }

  /// The bytes of the file; equal models give equal bytes.
  public var encoded: [UInt8] {
    withParts { parts in
      var bytes: [UInt8] = []
      bytes.reserveCapacity(parts.reduce(0) { $0 + $1.count })
      for part in parts { bytes += part }
      return bytes
    }
  }

  /// Writes it without a copy of the weights.
  public func write(to path: String) throws(FileError) {
    try withParts { (parts) throws(FileError) in try AtomicFile.write(parts: parts, to: path) }
  }

  /// Calls `body` with the bytes of the file, part after part.
  private func withParts<Result, Failure: Error>(
    _ body: ([UnsafeRawBufferPointer]) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let input = model.plan.description.input
    var architecture: JSONValue = [
      "input": [
        JSONValue(input.extent.height), JSONValue(input.extent.width), JSONValue(input.channels),
      ],
      "layers": .array(model.plan.description.model.map(SpecDescription.layers.encode)),
    ]
    if let quantization = model.plan.description.quantization {
      architecture["quantization"] = quantization.json
    }
    let images: JSONValue = [
      "prepare": JSONValue(prepare?.rawValue),
      "resize": .string(preparation.resize.rawValue),
      "keep_aspect": .bool(preparation.keepsAspect), "invert": .bool(preparation.inverts),
    ]
    var metadata = [
      "format": Self.format, "name": name, "architecture": architecture.compact,
      "classes": JSONValue.array(classNames.map { .string($0) }).compact,
      "images": images.compact, "epoch": "\(epoch)", "kernel": kernel,
      "weights_sha256": weightsDigest,
    ]
    // The first is not written, as those who knew no other did not write it.
    let convolution = model.plan.description.convolution
    metadata["convolution"] = convolution == .im2col ? nil : convolution.rawValue
    metadata["ink"] = ink?.json.compact
    metadata["test_accuracy"] = testAccuracy.map { "\($0)" }
    metadata["test_loss"] = testLoss.map { "\($0)" }
    metadata["spec_sha256"] = specDigest
    if let tensors = tensorsWithoutZeros {
      metadata["format"] = Self.sparseFormat
      return try Safetensors(tensors: tensors, metadata: metadata).sealed
        .withUnsafeBufferPointer { (bytes) throws(Failure) in
          try body([UnsafeRawBufferPointer(bytes)])
        }
    }
    let others = Checkpoint.normalization(of: model.normalization).map {
      ($0.name, $0.shape, $0.floats)
    }
    // One row of floats, so that all lie where they can be lent.
    let floats = others.flatMap(\.2)
    return try model.weights.withUnsafeBufferPointer { (weights) throws(Failure) in
      try floats.withUnsafeBufferPointer { (floats) throws(Failure) in
        var tensors = model.tensors.map {
          (name: $0.name, shape: $0.shape, floats: UnsafeBufferPointer(rebasing: weights[$0.range]))
        }
        var start = 0
        for (name, shape, own) in others {
          let part = UnsafeBufferPointer(rebasing: floats[start..<start + own.count])
          tensors.append((name: name, shape: shape, floats: part))
          start += own.count
        }
        tensors.sort { $0.name < $1.name }
        return try Safetensors.withSealedParts(tensors, metadata: metadata, body)
      }
    }
  }

  /// All tensors of a pruned model, kernels without their zeros where that is shorter; nil where none is so.
  private var tensorsWithoutZeros: [StoredTensor]? {
    guard isPruned else { return nil }
    var isShorter = false
    let tensors = model.tensors.flatMap { tensor in
      let whole = model[tensor].withUnsafeBufferPointer {
        StoredTensor(name: tensor.name, shape: tensor.shape, floats: $0)
      }
      guard tensor.role.isKernel, let sparse = whole.withoutZeros else { return [whole] }
      isShorter = true
      return sparse
    }
    return isShorter ? tensors + Checkpoint.normalization(of: model.normalization) : nil
  }
}

extension ModelFile {
  /// Reads a model, of which all is checked before anything of it is used.
  /// - Throws: `RecordError` for what is damaged, or no model of this program; `FileError`.
  public init(reading path: String) throws {
    let bytes = try Files.read(path)
    guard Safetensors.hasItsDigest(bytes) ?? true else {
      throw RecordError(path, "is damaged: its bytes do not have the digest that it records")
    }
    var file = try Safetensors(parsing: bytes, path: path)
    func damaged(_ what: String) -> RecordError { RecordError(path, "is damaged: \(what)") }
    let format = file.metadata["format"]
    guard [Self.format, Self.sparseFormat, Self.formerFormat].contains(format) else {
      let format = format.map(JSONValue.quoted) ?? "none"
      throw RecordError(
        path,
        "is not a model of this program: its format is \(format), not \(JSONValue.quoted(Self.format))"
          + (format.contains("runner-checkpoint-")
            ? "; it is a checkpoint, give the folder of its run"
            : format.contains(QuantizedModelFile.formats)
              ? "; it is a quantised one, which predict, evaluate, serve, export and tradeoff take; where floats are asked for, give the model that it was made of"
              : ""))
    }
    guard file.metadata[Safetensors.digestKey] != nil else {
      throw damaged("its digest is missing")
    }
    func json(_ key: String) throws -> JSONValue {
      guard let text = file.metadata[key] else { throw damaged("it has no \"\(key)\"") }
      do { return try JSONValue(parsing: Array(text.utf8), name: key) } catch {
        throw damaged("\(error)")
      }
    }
    let (architecture, images) = (try json("architecture"), try json("images"))
    guard let names = try json("classes").array?.compactMap(\.string), names.count >= 2,
      let layers = architecture["layers"], let input = architecture["input"]
    else { throw damaged("its architecture or its classes are not whole") }
    // Read as an experiment's network is, so that all is checked that is checked of those. Convolutions are
    // computed as they were; an image's answer has its bits in whatever company, so the numerics are the
    // newest, whichever it was trained by.
    let document: JSONValue = [
      "name": "model",
      "dataset": [
        "name": "files", "path": ".", "classes": .array(names.map { .string($0) }),
        "prepare": images["prepare"] ?? .null, "shape": input, "resize": images["resize"] ?? .null,
        "keep_aspect": images["keep_aspect"] ?? .bool(false),
        "invert": images["invert"] ?? .null, "test": "none",
      ],
      "model": layers, "optimizer": ["name": "sgd"], "training": ["epochs": 1, "batch_size": 1],
      "compute": [
        "numerics": JSONValue(Numerics.newest.rawValue),
        "convolution": JSONValue(
          file.metadata["convolution"] ?? ConvolutionLowering.im2col.rawValue),
      ],
    ]
    var spec: ExperimentSpec
    do {
      spec = try ExperimentSpec(resolved: document, name: path)
    } catch { throw damaged("\(error)") }
    /// Of a tensor that is stored without its zeros.
    func mask(of tensor: TensorInfo) -> StoredTensor? {
      guard format == Self.sparseFormat, tensor.role.isKernel else { return nil }
      return file[StoredTensor.maskName(of: tensor.name)]
    }
    /// Before there is memory for any of them.
    func checkTensors(of plan: NetworkPlan) throws(RecordError) {
      for tensor in Model.tensors(of: plan) {
        if let mask = mask(of: tensor) {
          if let flaw = file.flaw(of: tensor.name, mask, .f32, count: tensor.range.count) {
            throw damaged("its tensor \(tensor.name) \(flaw)")
          }
          continue
        }
        guard let stored = file[tensor.name], stored.type == .f32, stored.shape == tensor.shape
        else { throw damaged("its tensor \(tensor.name) is not as the architecture needs it") }
      }
    }
    var plan = try NetworkPlan(spec.network)
    if format == Self.formerFormat { file = file.renamed(for: plan) }
    try checkTensors(of: plan)
    if let quantization = architecture["quantization"] {
      do {
        spec.quantization = try TrainingQuantizationSpec(quantization, name: path)
        plan = try NetworkPlan(spec.network)
      } catch { throw damaged("\(error)") }
      try checkTensors(of: plan)
    }
    var model = Model(plan) { tensor, buffer in
      let stored = file[tensor.name]!
      if let mask = mask(of: tensor) {
        stored.expand(by: mask, into: UnsafeMutableRawBufferPointer(buffer))
      } else {
        stored.copyFloats(into: buffer)
      }
    }
    model.normalization = try Checkpoint.normalization(
      of: { file[$0] }, path: path, input: model.plan.description.input)
    func number(_ key: String) throws(RecordError) -> Double? {
      guard let text = file.metadata[key] else { return nil }
      guard let value = Double(text) else { throw damaged("its \(key) is no number") }
      return value
    }
    guard let epoch = file.metadata["epoch"].flatMap({ Int($0) }), epoch >= 0,
      let kernel = file.metadata["kernel"], let name = file.metadata["name"]
    else { throw damaged("its epoch, its kernel or its name is missing") }
    self.init(
      model: model, name: name, classNames: names, prepare: spec.dataset.files?.prepare,
      preparation: spec.dataset.preparation,
      ink: try file.metadata["ink"] == nil ? nil : InkRange(json("ink")), epoch: epoch,
      testAccuracy: try number("test_accuracy"), testLoss: try number("test_loss"),
      specDigest: file.metadata["spec_sha256"], kernel: kernel,
      isPruned: format == Self.sparseFormat)
    guard weightsDigest == file.metadata["weights_sha256"] else {
      throw damaged("its weights do not have the digest that it records")
    }
  }
}

extension ExperimentSpec {
  /// SHA-256 of the resolved spec.
  public var digest: String { SHA256.hex(of: Array(resolved().compact.utf8)) }
}
