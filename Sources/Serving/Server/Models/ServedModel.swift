import ConvNet
import Datasets
import Experiment
import NIOCore
import NIOHTTP1
import Storage
import Synchronization

/// A version of a model that answers: what is known of it, and a network for each lane with the weights in
/// memory once.
final class ServedModel: Sendable {
  let name: String
  let version: Int
  /// Where it was read.
  let path: String
  let classNames: [String]
  /// What is made of images, without their weights.
  let prepare: FilePreparation?
  let preparation: ImagePreparation
  /// SHA-256 of its weights.
  let digest: String
  let kernel: String
  let testAccuracy: Double?
  let input: Shape
  private let networks: [Network]
  /// Whether an image's answer has the same bits in whatever company it goes through the network.
  let imagesAreApart: Bool

  var classes: Int { classNames.count }
  /// (H, W, C)
  var inputSizes: [Int] { [input.extent.height, input.extent.width, input.channels] }
  var inputCount: Int { input.count }
  /// `t0@3`
  var label: String { "\(name)@\(version)" }

  /// One lane's network, which that lane alone uses.
  private final class Network: @unchecked Sendable {
    let inference: Inference
    init(_ inference: Inference) { self.inference = inference }
  }

  /// Builds the networks and lets each answer once.
  /// - Throws: `OutOfMemory`, `RecordError` where its answers are no numbers.
  init(_ file: ModelFile, name: String, version: Int, path: String, lanes: Int) throws {
    self.name = name
    self.version = version
    self.path = path
    classNames = file.classNames
    prepare = file.prepare
    preparation = file.preparation
    digest = file.weightsDigest
    kernel = file.kernel
    testAccuracy = file.testAccuracy
    input = file.model.plan.description.input
    let first = try Inference(file.model, team: Team(threads: 1))
    imagesAreApart = first.imagesAreApart
    var networks = [Network(first)]
    for _ in 1..<max(lanes, 1) {
      networks.append(Network(try Inference(sharing: first, team: Team(threads: 1))))
    }
    self.networks = networks
    for lane in networks.indices {
      for byte in [0, 255] as [UInt8] {
        var batch = Batch(input)
        batch.append(.pixels(Array(repeating: byte, count: 9 * input.count), count: 9))
        if case .failure(let refusal)? = outputs(of: batch, lane: lane).first {
          throw RecordError(path, refusal.message)
        }
      }
    }
  }

  /// What the model says of each part of a batch. An image has the bits that it has alone: where the
  /// kernel's products don't give these in company, it goes alone.
  func outputs(of batch: Batch, lane: Int) -> [Result<Outputs, Refusal>] {
    let inference = networks[lane].inference
    let classes = classes
    var scores = [Float](repeating: 0, count: batch.count * classes)
    var probabilities = scores
    scores.withUnsafeMutableBufferPointer { scores in
      if imagesAreApart {
        inference.scores(of: batch.samples, range: 0..<batch.count, into: scores)
        return
      }
      var place = 0
      for part in batch.parts {
        for image in 0..<part.count {
          inference.scores(
            of: OneSample(part, image, input), range: 0..<1,
            into: UnsafeMutableBufferPointer(
              rebasing: scores[place * classes..<(place + 1) * classes]))
          place += 1
        }
      }
    }
    probabilities.withUnsafeMutableBufferPointer { values in
      _ = values.update(fromContentsOf: scores)
      inference.makeProbabilities(of: values)
    }
    var start = 0
    return batch.parts.map { part in
      let range = start * classes..<(start + part.count) * classes
      start += part.count
      guard probabilities[range].allSatisfy(\.isFinite) else {
        return .failure(
          Refusal(.internalServerError, "\(label) gives scores that are not finite"))
      }
      return .success(
        Outputs(
          inputs: part, classes: classes, scores: Array(scores[range]),
          probabilities: Array(probabilities[range])))
    }
  }

  /// Reads images as `runner predict` reads files of the same bytes.
  func images(
    _ files: [(name: String, bytes: [UInt8])], _ wishes: ImageWishes, _ limits: Limits
  ) throws(Refusal) -> AskedImages {
    var preparation = preparation
    if let resize = wishes.resize { preparation.resize = resize }
    if let inverts = wishes.inverts { preparation.inverts = inverts }
    var reader = AskedImagesReader(
      wishes.prepare ?? prepare, preparation, classNames: classNames, turns: wishes.turns,
      threads: 1)
    for file in files {
      reader.read(bytes: file.bytes, name: file.name, mostPixels: limits.pixels)
    }
    let asked = reader.asked
    guard asked.count <= limits.images else {
      throw Refusal(
        .payloadTooLarge, "\(asked.count) images; a request may have \(limits.images)")
    }
    return asked
  }
}

/// How images are to be read, where it isn't as in the model's training.
struct ImageWishes: Sendable {
  var prepare: FilePreparation?
  var resize: ImagePreparation.Resize?
  var inverts: Bool?
  var turns = false

  /// A message of the readers, whose advice is an option of `runner predict`, with what a request says.
  static func asQuery(_ message: String) -> String {
    message.replacing("give --resize bilinear or area", with: "ask with ?resize=bilinear or area")
      .replacing("--turn turns", with: "?turn=true turns")
  }
}

/// One image of a request.
private final class OneSample: ImageSamples {
  let sampleShape: Shape
  let count = 1
  private let all: BatchSamples
  private let image: Int

  init(_ inputs: Inputs, _ image: Int, _ shape: Shape) {
    sampleShape = shape
    self.image = image
    var batch = Batch(shape)
    batch.append(inputs)
    all = batch.samples
  }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    all.fill(destination, sample: image, epoch: epoch, worker: worker)
  }
}
