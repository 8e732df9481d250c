import ConvNet
import Datasets
import Images
import Quantization
import Storage
import Watching

/// A quantised model with all that is needed to use it, as a `.safetensors` holds it: the kernels, scales and biases
/// of all operations in their order, the plan in its metadata, and what `ModelFile` says of the model that it was
/// made of. Kernels are bytes, a weight of int8 each, of 4 bits and less two; they are one tensor, since the entries
/// of several would take more than the weights of a small layer. Of a pruned model they are stored without their
/// zeros, where that is shorter.
public struct QuantizedModelFile: Sendable {
  public var model: QuantizedModel
  /// Of the experiment.
  public var name: String
  public var classNames: [String]
  public var prepare: FilePreparation?
  public var preparation: ImagePreparation
  public var ink: InkRange?
  public var epoch: Int
  /// How the ranges were found, as a phrase: "min-max of 500 training images of mnist".
  public var calibration: String
  /// All that was asked for; nil of an earlier version's file, which had no more than the ranges.
  public var quantization: QuantizationSpec?
  /// SHA-256 of the weights that it was made of, and of the spec that these were trained by.
  public var floatDigest: String
  public var specDigest: String?
  public var kernel: String
  /// Whether weights of the model that it was made of were made 0.
  public var isPruned: Bool

  static let format = "runner-quantized-2"
  /// The same of a file in which the kernels are stored without their zeros.
  private static let sparseFormat = "runner-quantized-3"
  /// How it begins in each version.
  static let formats = "runner-quantized-"

  public init(
    _ model: QuantizedModel, of file: ModelFile, calibration: String,
    _ quantization: QuantizationSpec? = nil
  ) {
    self.model = model
    name = file.name
    classNames = file.classNames
    prepare = file.prepare
    preparation = file.preparation
    ink = file.ink
    epoch = file.epoch
    self.calibration = calibration
    self.quantization = quantization
    floatDigest = file.weightsDigest
    specDigest = file.specDigest
    kernel = file.kernel
    isPruned = file.isPruned
  }

  /// SHA-256 of the plan, of the normalisation, and of the bytes of each operation's kernel, scales and biases.
  public var weightsDigest: String {
    let digest = SHA256()
    digest.update(Array(model.plan.minified.utf8))
    for tensor in Checkpoint.normalization(of: model.normalization) {
      tensor.bytes.withUnsafeBytes { digest.update($0) }
    }
    for kernel in model.operations.compactMap(\.kind.kernel) {
      kernel.packedWeights.withUnsafeBytes { digest.update($0) }
      kernel.scales.withUnsafeBytes { digest.update($0) }
      kernel.bias.withUnsafeBytes { digest.update($0) }
    }
    return digest.finalizeHex()
  }

  /// The bytes of the file; equal models give equal bytes. What is written of the images and of the quantisation is
  /// what is otherwise than by default, which the format's number stands for; the digest of the weights follows from
  /// these.
  public var encoded: [UInt8] {
    var images = JSONObject()
    if let prepare { images["prepare"] = .string(prepare.rawValue) }
    if preparation.resize != .none { images["resize"] = .string(preparation.resize.rawValue) }
    if preparation.keepsAspect { images["keep_aspect"] = .bool(true) }
    if preparation.inverts { images["invert"] = .bool(true) }
    var metadata = [
      "format": Self.format, "name": name, "plan": model.plan.minified,
      "classes": JSONValue.array(classNames.map { .string($0) }).minified,
      "images": JSONValue.object(images).minified, "epoch": "\(epoch)", "kernel": kernel,
      "calibration": calibration, "float_weights_sha256": floatDigest,
    ]
    metadata["quantization"] = quantization?.brief.minified
    metadata["ink"] = ink?.json.minified
    metadata["spec_sha256"] = specDigest
    var tensors = tensors
    if isPruned, let place = tensors.firstIndex(where: { $0.name == "kernels" }),
      let sparse = tensors[place].withoutZeros
    {
      tensors.replaceSubrange(place...place, with: sparse)
      metadata["format"] = Self.sparseFormat
    }
    return Safetensors(tensors: tensors, metadata: metadata).sealed
  }

  private var tensors: [StoredTensor] {
    let kernels = model.operations.compactMap(\.kind.kernel)
    let (weights, scales) = (kernels.flatMap(\.packedWeights), kernels.flatMap(\.scales))
    let biases = kernels.flatMap(\.bias)
    return Checkpoint.normalization(of: model.normalization) + [
      StoredTensor(name: "kernels", type: .u8, shape: [weights.count], bytes: weights),
      StoredTensor(
        name: "scales", type: .f32, shape: [scales.count],
        bytes: scales.withUnsafeBytes { Array($0) }),
      StoredTensor(
        name: "biases", type: .i32, shape: [biases.count],
        bytes: biases.withUnsafeBytes { Array($0) }),
    ]
  }

  /// Whether a file says of itself that it is one.
  public static func isOne(_ path: String) throws -> Bool {
    guard !Files.isFolder(path) else { return false }
    let start = try Files.read(path, upTo: Files.documentLimit)
    return Safetensors.place(of: "\"format\":\"\(Self.formats)", inHeaderOf: start) != nil
  }

  /// Reads a model, of which all is checked before anything of it is used.
  /// - Throws: `RecordError` for what is damaged, or no quantised model of this program; `FileError`.
  public init(reading path: String) throws {
    let bytes = try Files.read(path, limit: 1 << 32)
    guard Safetensors.hasItsDigest(bytes) ?? true else {
      throw RecordError(path, "is damaged: its bytes do not have the digest that it records")
    }
    let file = try Safetensors(parsing: bytes, path: path)
    func damaged(_ what: String) -> RecordError { RecordError(path, "is damaged: \(what)") }
    guard let format = file.metadata["format"], format.hasPrefix(Self.formats) else {
      throw RecordError(path, "is not a quantised model of this program")
    }
    isPruned = format == Self.sparseFormat
    guard isPruned || format == Self.format else {
      throw RecordError(
        path,
        "is of another version (\(format), not \(Self.format)): make it again by runner quantize")
    }
    guard file.metadata[Safetensors.digestKey] != nil else {
      throw damaged("its digest is missing")
    }
    func text(_ key: String) throws(RecordError) -> String {
      guard let text = file.metadata[key] else { throw damaged("it has no \"\(key)\"") }
      return text
    }
    func json(_ key: String) throws -> JSONValue {
      let text = try text(key)
      do { return try JSONValue(parsing: Array(text.utf8), name: key) } catch {
        throw damaged("\(error)")
      }
    }
    let (images, plan) = (try json("images"), try json("plan"))
    guard let names = try json("classes").array?.compactMap(\.string), names.count >= 2 else {
      throw damaged("its classes are not whole")
    }
    do throws(NetworkError) {
      var stored = try StoredKernels(file, areSparse: isPruned)
      model = try QuantizedModel(plan: plan, normalization: nil) {
        (name, bits, sizes) throws(NetworkError) in try stored.take(name, bits: bits, sizes)
      }
      try stored.end()
    } catch { throw damaged("\(error)") }
    model.normalization = try Checkpoint.normalization(
      of: { file[$0] }, path: path, input: model.input.shape)
    guard model.classes == names.count else { throw damaged("it has other classes than it names") }
    // Read as an experiment's images are, so that all is checked that is checked of those.
    let shape = model.input.shape
    let document: JSONValue = [
      "name": "model",
      "dataset": [
        "name": "files", "path": ".", "classes": .array(names.map { .string($0) }),
        "prepare": images["prepare"] ?? .null,
        "shape": [
          JSONValue(shape.extent.height), JSONValue(shape.extent.width), JSONValue(shape.channels),
        ],
        "resize": images["resize"] ?? "none", "keep_aspect": images["keep_aspect"] ?? .bool(false),
        "invert": images["invert"] ?? .bool(false), "test": "none",
      ],
      "model": [["layer": "flatten"], ["layer": "dense", "units": JSONValue(names.count)]],
      "optimizer": ["name": "sgd"], "training": ["epochs": 1, "batch_size": 1],
    ]
    let spec: ExperimentSpec
    do { spec = try ExperimentSpec(resolved: document, name: path) } catch {
      throw damaged("\(error)")
    }
    guard let epoch = try Int(text("epoch")), epoch >= 0 else {
      throw damaged("its epoch is no number")
    }
    name = try text("name")
    classNames = names
    prepare = spec.dataset.files?.prepare
    preparation = spec.dataset.preparation
    ink = try file.metadata["ink"] == nil ? nil : InkRange(json("ink"))
    self.epoch = epoch
    calibration = try text("calibration")
    if file.metadata["quantization"] != nil {
      do { quantization = try QuantizationSpec(resolved: json("quantization"), name: path) } catch {
        throw damaged("\(error)")
      }
    }
    floatDigest = try text("float_weights_sha256")
    specDigest = file.metadata["spec_sha256"]
    kernel = try text("kernel")
  }
}

/// The kernels of a file, one operation after another.
private struct StoredKernels {
  private var weights: ArraySlice<UInt8> = []
  private var scales: ArraySlice<Float> = []
  private var biases: ArraySlice<Int32> = []
  /// Bytes that a mask has bits for behind the last weight, less than 8.
  private var slack = 0

  /// - Parameter areSparse: whether weights are stored without their zeros.
  /// - Throws: `NetworkError` where these are damaged.
  init(_ file: Safetensors, areSparse: Bool) throws(NetworkError) {
    if areSparse, let mask = file[StoredTensor.maskName(of: "kernels")] {
      let count = 8 * mask.bytes.count
      if let flaw = file.flaw(of: "kernels", mask, .u8, count: count) {
        throw NetworkError("its tensor kernels \(flaw)")
      }
      var all = [UInt8](repeating: 0, count: count)
      all.withUnsafeMutableBytes { file["kernels"]!.expand(by: mask, into: $0) }
      weights = all[...]
      slack = 7
    } else if let tensor = file["kernels"], tensor.type == .u8 {
      weights = tensor.bytes[...]
    }
    if let tensor = file["scales"], tensor.type == .f32 { scales = tensor.floats[...] }
    if let tensor = file["biases"], tensor.type == .i32 { biases = tensor.integers[...] }
  }

  /// - Throws: `NetworkError` where the file hasn't as much.
  mutating func take(
    _ name: String, bits: Int, _ sizes: [Int]
  ) throws(NetworkError) -> QuantizedKernel {
    let count = try NetworkPlan.product(sizes, what: "\(name)'s kernel")
    // Of a depthwise kernel the last size, of others the first.
    let filters = sizes.count == 3 ? sizes[2] : sizes[0]
    let bytes = bits > 4 ? count : (count + 1) / 2
    guard weights.count >= bytes, scales.count >= filters, biases.count >= filters,
      let own = bits > 4
        ? weights.prefix(bytes).map({ Int8(bitPattern: $0) })
        : QuantizedKernel.unpacked(weights.prefix(bytes), count: count)
    else { throw NetworkError("\(name): its kernel, scales or biases are missing") }
    defer {
      weights.removeFirst(bytes)
      scales.removeFirst(filters)
      biases.removeFirst(filters)
    }
    return QuantizedKernel(
      weights: own, shape: sizes, scales: Array(scales.prefix(filters)),
      bias: Array(biases.prefix(filters)), bits: bits)
  }

  /// - Throws: `NetworkError` where the file has more.
  func end() throws(NetworkError) {
    guard weights.count <= slack, weights.allSatisfy({ $0 == 0 }), scales.isEmpty, biases.isEmpty
    else {
      throw NetworkError("it has more weights than its plan")
    }
  }
}

extension StoredTensor {
  /// The elements of an I32 tensor.
  var integers: [Int32] {
    precondition(type == .i32)
    return [Int32](unsafeUninitializedCapacity: bytes.count / 4) { buffer, count in
      bytes.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      count = buffer.count
    }
  }
}
