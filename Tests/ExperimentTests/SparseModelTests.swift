import ConvNet
import Images
import Quantization
import Storage
import TestSupport
import Testing

@testable import Experiment

/// The files of models of whose weights many are 0.
@Suite struct SparseModelTests {
  private static func file(zeros share: Double, isPruned: Bool = true) throws -> ModelFile {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 9, width: 9, channels: 1),
        layers: [
          .conv2D(Conv2DDescription(filters: 13, kernel: Extent(3, 3), activation: .relu)),
          .conv2D(Conv2DDescription(filters: 9, kernel: Extent(3, 3), activation: .relu)),
          .flatten, .dense(DenseDescription(units: 3)),
        ], classes: 3))
    var model = try Model(plan, seed: 4)
    model.normalization = Normalization(mean: [0.5], factor: [2], whitening: [])
    let kernels = model.tensors.filter { $0.name.hasSuffix("kernel") }
    if share > 0 { model = model.pruned(kernels, to: share, by: .layer) }
    var preparation = ImagePreparation.asTheyAre
    preparation.shape = ImageShape(height: 9, width: 9, channels: 1)
    return ModelFile(
      model: model, name: "sparse", classNames: ["a", "b", "c"], preparation: preparation, epoch: 1,
      testAccuracy: nil, testLoss: nil, specDigest: nil, kernel: "HASWELL", isPruned: isPruned)
  }

  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func read(_ bytes: [UInt8]) throws -> ModelFile {
    try ModelFile(reading: folder.file("x.safetensors", bytes))
  }

  private static func bits(_ model: Model) -> [UInt32] { model.weights.map(\.bitPattern) }

  @Test(arguments: [0.5, 0.9, 0.99]) func comesBack(share: Double) throws {
    var file = try Self.file(zeros: share)
    // What looks like 0 and isn't, and what is no number.
    let kernel = try #require(file.model.tensors.first { $0.name == "conv2d_1/kernel" })
    let odd: [Float] = [-0.0, .nan, .leastNonzeroMagnitude, .infinity]
    for (place, value) in odd.enumerated() {
      file.model.weights[kernel.range.lowerBound + place] = value
    }
    let bytes = file.encoded
    let again = try read(bytes)
    #expect(Self.bits(again.model) == Self.bits(file.model))
    #expect(again.model.normalization == file.model.normalization)
    #expect(again.isPruned && again.encoded == bytes && again.weightsDigest == file.weightsDigest)
    var whole = file
    whole.isPruned = false
    #expect(bytes.count < whole.encoded.count)
    try file.write(to: folder.path + "/y.safetensors")
    #expect(try [UInt8](folder.data("y.safetensors")) == bytes)
    // Of kernels alone, and where it is shorter.
    let stored = try Safetensors(parsing: bytes, path: "x")
    #expect(stored.metadata["format"] == "runner-model-3")
    #expect(stored["conv2d_1/kernel"]?.shape.count == 1)
    #expect(stored["conv2d_1/kernel.mask"]?.shape == [132])
    #expect(stored["conv2d_1/bias"]?.shape == [9] && stored["conv2d_1/bias.mask"] == nil)
  }

  /// A model that wasn't pruned is stored as ever, whatever its weights; a pruned one that is no shorter too.
  @Test func othersAreAsEver() throws {
    let plain = try Self.file(zeros: 0.9, isPruned: false)
    let stored = try Safetensors(parsing: plain.encoded, path: "x")
    #expect(stored.metadata["format"] == "runner-model-2")
    #expect(stored.tensors.allSatisfy { $0.type == .f32 && !$0.name.hasSuffix("mask") })
    #expect(try !read(plain.encoded).isPruned)
    #expect(try Self.file(zeros: 0.01).encoded == Self.file(zeros: 0.01, isPruned: false).encoded)
  }

  private func problem(_ change: (inout [StoredTensor], inout [String: String]) -> Void) throws
    -> String
  {
    let file = try Safetensors(parsing: Self.file(zeros: 0.9).encoded, path: "x")
    var (tensors, metadata) = (file.tensors, file.metadata)
    change(&tensors, &metadata)
    let bytes = Safetensors(tensors: tensors, metadata: metadata).sealed
    do {
      _ = try read(bytes)
      return ""
    } catch let error as RecordError { return error.message }
  }

  private static func change(
    _ name: String, in tensors: inout [StoredTensor], _ body: (inout [UInt8]) -> Void
  ) {
    let place = tensors.firstIndex { $0.name == name }!
    let old = tensors[place]
    var bytes = Array(old.bytes)
    body(&bytes)
    tensors[place] = StoredTensor(
      name: name, type: old.type, shape: [bytes.count / old.type.size], bytes: bytes)
  }

  @Test func damageIsRefused() throws {
    let (kernel, mask) = ("conv2d_1/kernel", "conv2d_1/kernel.mask")
    let damaged = "is damaged: its tensor \(kernel) "
    #expect(
      try problem { tensors, _ in
        Self.change(mask, in: &tensors) { bytes in
          let place = bytes.firstIndex { $0 != 0xFF }!
          bytes[place] |= bytes[place] + 1
        }
      } == damaged + "has 105 elements, and its mask 106 bits")
    #expect(
      try problem { tensors, _ in Self.change(kernel, in: &tensors) { $0.removeLast(4) } }
        == damaged + "has 104 elements, and its mask 105 bits")
    #expect(
      try problem { tensors, _ in Self.change(mask, in: &tensors) { $0[$0.count - 1] |= 0x80 } }
        == damaged + "has a mask with bits behind the last element's")
    #expect(
      try problem { tensors, _ in Self.change(mask, in: &tensors) { $0.append(0) } }
        == damaged + "has a mask of 133 bytes, and 1053 elements need 132")
    #expect(
      try problem { tensors, _ in
        Self.change(kernel, in: &tensors) { $0.replaceSubrange(0..<4, with: [0, 0, 0, 0]) }
      } == damaged + "has a zero among what is not zero")
    #expect(
      try problem { tensors, _ in tensors.removeAll { $0.name == kernel } }
        == damaged + "has no elements, or a mask, of the type that it needs")
    let other = "is damaged: its tensor \(kernel) is not as the architecture needs it"
    #expect(try problem { tensors, _ in tensors.removeAll { $0.name == mask } } == other)
    // A file that says of itself that nothing is left out has its kernels whole.
    #expect(
      try problem { _, metadata in metadata["format"] = "runner-model-2" }
        == other.replacing("conv2d_1", with: "conv2d_0"))
    #expect(
      try problem { tensors, _ in
        Self.change(kernel, in: &tensors) { $0[0] ^= 1 }
      } == "is damaged: its weights do not have the digest that it records")
  }

  /// A mask beside a whole kernel means nothing in a file of whole kernels.
  @Test func aMaskOutOfPlace() throws {
    let file = try Self.file(zeros: 0.9, isPruned: false)
    let stored = try Safetensors(parsing: file.encoded, path: "x")
    let mask = StoredTensor(name: "conv2d_1/kernel.mask", type: .u8, shape: [1], bytes: [1])
    let again = try read(
      Safetensors(tensors: stored.tensors + [mask], metadata: stored.metadata).sealed)
    #expect(Self.bits(again.model) == Self.bits(file.model))
  }

  @Test(arguments: [8, 4]) func integersToo(bits: Int) throws {
    let file = try Self.file(zeros: 0.9)
    var spec = QuantizationSpec()
    spec.weightBits = bits
    let noise = Noise(file.model.plan.description.input)
    let team = try Team(threads: 1)
    func quantized(_ file: ModelFile) throws -> QuantizedModelFile {
      QuantizedModelFile(
        try file.model.quantized(spec.description, calibratedOn: noise, team: team, note: { _ in }),
        of: file, calibration: "noise", spec)
    }
    let small = try quantized(file)
    let bytes = small.encoded
    let path = try folder.file("x.int8.safetensors", bytes)
    #expect(try QuantizedModelFile.isOne(path))
    let again = try QuantizedModelFile(reading: path)
    #expect(again.model == small.model && again.isPruned && again.encoded == bytes)
    var whole = file
    whole.isPruned = false
    #expect(try bytes.count < quantized(whole).encoded.count)
    #expect(small.model.shareOfZeros >= 0.89)
    // Damage.
    let stored = try Safetensors(parsing: bytes, path: "x")
    #expect(stored.metadata["format"] == "runner-quantized-3")
    for change in [
      { Self.change("kernels.mask", in: &$0) { $0[$0.count - 1] |= 0x80 } },
      { Self.change("kernels.mask", in: &$0) { $0.append(0) } },
      { Self.change("kernels", in: &$0) { $0[0] = 0 } },
      { Self.change("kernels", in: &$0) { $0.removeLast() } },
      { $0.removeAll { $0.name == "kernels" } },
    ] as [(inout [StoredTensor]) -> Void] {
      var tensors = stored.tensors
      change(&tensors)
      let path = try folder.file(
        "damaged.safetensors", Safetensors(tensors: tensors, metadata: stored.metadata).sealed)
      #expect(throws: RecordError.self) { try QuantizedModelFile(reading: path) }
    }
  }
}

/// Images of nothing.
private final class Noise: ImageSamples {
  let sampleShape: Shape
  let count = 20
  init(_ shape: Shape) { sampleShape = shape }

  func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int) {
    for i in 0..<sampleShape.count { destination[i] = Float((i * 37 + sample * 11) % 101) / 100 }
  }
}
