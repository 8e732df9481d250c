import ConvNet
import Datasets
import Experiment
import HTTPTypes
import Images
import NIOCore
import Storage
import Synchronization
import Watching

/// A version of a model that answers: what is known of it, and a network for each thread that answers with
/// the weights in memory once.
final class ServedModel: Sendable {
  let name: String
  let version: Int
  /// `t0@3`
  let label: String
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
  /// Says what a watch needs to know of an image.
  let observer: Observer
  /// How many images of its own it was tested by before it was let answer.
  let tested: Int
  /// Whether what the last layer reads is kept of each answer, for the log.
  private let keepsFeatures: Bool
  private let networks: [Network]
  /// What an image takes that goes through the network alone; at least, of some times.
  let secondsPerImage: Double
  /// Whether it answers in integers, and tells no features.
  let isOfIntegers: Bool
  /// Whether an image's answer has the same bits in whatever company it goes through the network.
  let imagesAreApart: Bool

  var classes: Int { classNames.count }
  /// (H, W, C)
  var inputSizes: [Int] { [input.extent.height, input.extent.width, input.channels] }
  var inputCount: Int { input.count }
  var imageShape: ImageShape {
    ImageShape(
      height: input.extent.height, width: input.extent.width, channels: input.channels)
  }

  /// One thread's network, which that thread alone uses.
  private final class Network: @unchecked Sendable {
    let scoring: any ScoringNetwork
    init(_ scoring: any ScoringNetwork) { self.scoring = scoring }
  }

  /// Builds the networks and has each answer, at last about the images that the profile beside the model
  /// keeps, with the scores that the run had there.
  /// - Parameter keepsFeatures: whether a log is written, of which the features are a part.
  /// - Throws: `OutOfMemory`; `RecordError` where its answers are no numbers or not those of its run, or
  ///   the profile is damaged or another model's.
  init(
    _ file: AnsweringModel, name: String, version: Int, path: String, lanes: Int, loops: Int,
    keepsFeatures: Bool = false
  ) throws {
    self.name = name
    self.version = version
    label = "\(name)@\(version)"
    self.path = path
    self.keepsFeatures = keepsFeatures
    classNames = file.classNames
    prepare = file.prepare
    preparation = file.preparation
    digest = file.weightsDigest
    kernel = file.kernel
    testAccuracy = file.testAccuracy
    input = file.input
    let place = Files.isFolder(path) ? "\(path)/model.safetensors" : path
    let profile = try ValidationProfile(besideModel: place)
    if let profile, profile.modelDigest != digest {
      throw RecordError(
        ValidationProfile.path(besideModel: place),
        "it is of other weights (\(profile.modelDigest.prefix(12))…) than the model beside it "
          + "(\(digest.prefix(12))…)")
    }
    observer = Observer(file, profile: profile)
    isOfIntegers = if case .integers = file { true } else { false }
    let first = try file.network(threads: 1)
    imagesAreApart = (first as? Inference)?.imagesAreApart ?? true
    secondsPerImage = Self.seconds(of: first, input)
    var networks = [Network(first)]
    let count = lanes + (secondsPerImage <= Lanes.lightSeconds ? loops : 0)
    for _ in 1..<max(count, 1) { networks.append(Network(try file.network(besides: first))) }
    self.networks = networks
    tested = profile?.tests?.count ?? 0
    for lane in networks.indices {
      for byte in [0, 255] as [UInt8] {
        var batch = Batch(input)
        batch.append(.pixels(Array(repeating: byte, count: 9 * input.count), count: 9))
        if case .failure(let refusal)? = outputs(of: batch, lane: lane).first {
          throw RecordError(path, refusal.message)
        }
      }
      guard let tests = profile?.tests else { continue }
      guard tests.shape == imageShape else {
        throw RecordError(path, "its own test images are of another shape than it takes")
      }
      var batch = Batch(input)
      batch.append(.pixels(tests.pixels, count: tests.count))
      let answered = try outputs(of: batch, lane: lane)[0].get()
      if let complaint = tests.complaint(about: answered.scores) {
        throw RecordError(path, complaint)
      }
    }
  }

  /// The least of some times, after one that isn't counted.
  private static func seconds(of network: any ScoringNetwork, _ input: Shape) -> Double {
    var batch = Batch(input)
    batch.append(.pixels(Array(repeating: 0, count: input.count), count: 1))
    let samples = batch.samples
    var scores = [Float](repeating: 0, count: network.classes)
    var least = Double.infinity
    for time in 0..<6 where least == .infinity || least < 4 * Lanes.lightSeconds {
      let start = NIODeadline.now()
      scores.withUnsafeMutableBufferPointer {
        network.scores(of: samples, range: 0..<1, into: $0)
      }
      guard time > 0 else { continue }
      least = min(least, Double((NIODeadline.now() - start).nanoseconds) / 1e9)
    }
    return least
  }

  /// What the model says of each part of a batch. An image has the bits that it has alone: where the
  /// kernel's products don't give these in company, it goes alone.
  func outputs(of batch: Batch, lane: Int) -> [Result<Outputs, Refusal>] {
    let network = networks[lane].scoring
    let telling = keepsFeatures ? network as? Inference : nil
    let classes = classes
    let width = telling?.featureCount ?? 0
    var scores = [Float](repeating: 0, count: batch.count * classes)
    var probabilities = scores
    var features = [Float](repeating: 0, count: batch.count * width)
    scores.withUnsafeMutableBufferPointer { scores in
      features.withUnsafeMutableBufferPointer { features in
        func answer(_ samples: any ImageSamples, at places: Range<Int>) {
          let scores = UnsafeMutableBufferPointer(
            rebasing: scores[places.lowerBound * classes..<places.upperBound * classes])
          guard let telling else {
            return network.scores(of: samples, range: 0..<places.count, into: scores)
          }
          telling.scores(
            of: samples, range: 0..<places.count, into: scores,
            features: UnsafeMutableBufferPointer(
              rebasing: features[places.lowerBound * width..<places.upperBound * width]))
        }
        if imagesAreApart { return answer(batch.samples, at: 0..<batch.count) }
        var place = 0
        for part in batch.parts {
          for image in 0..<part.count {
            answer(OneSample(part, image, input), at: place..<place + 1)
            place += 1
          }
        }
      }
    }
    probabilities.withUnsafeMutableBufferPointer { values in
      _ = values.update(fromContentsOf: scores)
      network.makeProbabilities(of: values)
    }
    var start = 0
    return batch.parts.map { part in
      let range = start * classes..<(start + part.count) * classes
      let own = features[start * width..<(start + part.count) * width]
      start += part.count
      guard probabilities[range].allSatisfy(\.isFinite) else {
        return .failure(
          Refusal(.internalServerError, "\(label) gives scores that are not finite"))
      }
      return .success(
        Outputs(
          inputs: part, classes: classes, scores: Array(scores[range]),
          probabilities: Array(probabilities[range]), features: Array(own)))
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
        .contentTooLarge, "\(asked.count) images; a request may have \(limits.images)")
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
