import ConvNet
import Datasets
import Images
import Statistics
import Storage

/// What a model's validation images looked like, to itself and to people: what later requests are held
/// against. It lies beside the model, `model.profile` beside `model.safetensors`, a file of tensors with
/// a digest of its own; it is bounded, whatever the network and however many images.
public struct ValidationProfile: Hashable, Sendable {
  /// Of the weights whose answers these are.
  public let modelDigest: String
  /// How many validation images there were, of which `count` are described.
  public let validation: Int
  /// How often each class was the answer.
  public let classCounts: [Int]
  /// (count, quantities.count): each described image's log-odds, energy, distance and figures.
  public let values: [Float]
  /// How many features the network has.
  public let featureCount: Int
  /// Of the features as they are kept, (width), (width, width) and some images', (S, width).
  public let mean: [Float]
  public let covariance: [Float]
  public let sample: [Float]
  /// Of the described images.
  public let accuracy: Double
  public let temperature: TemperatureScaling
  public let correctness: CorrectnessModel
  /// What spoiled images look like; nil of a profile that was made before this was kept, or of a training
  /// too short for it.
  public let conditions: ConditionLibrary?
  /// Some of the images, with the scores they had; nil of a profile that was made before these were kept.
  public let tests: TestedImages?

  /// The quantities of an image, in the order of their columns.
  public static let quantities = ["log_odds", "energy", "distance"] + ImageFigures.names
  /// The first of them that is a figure of the image, not of the answer.
  static let firstFigure = 3

  /// The most images that are described, and whose features are kept.
  static let mostImages = 2500
  static let mostFeatures = 500

  public var count: Int { values.count / Self.quantities.count }
  public var width: Int { mean.count }

  /// One quantity of all described images.
  public func column(_ quantity: Int) -> [Double] {
    stride(from: quantity, to: values.count, by: Self.quantities.count).map { Double(values[$0]) }
  }

  /// The quantities of an image; nil for the distance where it isn't known.
  static func values(of seen: SeenImage) -> [Float?] {
    [seen.logOdds, seen.energy, seen.distance] + seen.figures.values
  }

  var traits: ImageTraits {
    ImageTraits(width: width, classes: classCounts.count, values: values)
  }

  var centre: Mahalanobis {
    Mahalanobis(mean: mean.map { Double($0) }, covariance: covariance.map { Double($0) })
  }

  /// Whether all that was observed is the same, whatever was fitted on it.
  public func hasSameObservations(as other: ValidationProfile) -> Bool {
    modelDigest == other.modelDigest && validation == other.validation
      && classCounts == other.classCounts && values == other.values
      && featureCount == other.featureCount && mean == other.mean
      && covariance == other.covariance && sample == other.sample && accuracy == other.accuracy
      // Earlier versions kept none.
      && (conditions == nil || other.conditions == nil || conditions == other.conditions)
  }

  // MARK: - The file

  static let format = "runner-profile-1"

  /// Where the profile of a model lies.
  public static func path(besideModel path: String) -> String {
    let ending = ".safetensors"
    return (path.hasSuffix(ending) ? String(path.dropLast(ending.count)) : path) + ".profile"
  }

  private var file: Safetensors {
    func tensor(_ name: String, _ shape: [Int], _ floats: [Float]) -> StoredTensor {
      floats.withUnsafeBufferPointer { StoredTensor(name: name, shape: shape, floats: $0) }
    }
    let quantities = Self.quantities.count
    var kept: [StoredTensor] = []
    if let tests {
      kept = [
        StoredTensor(
          name: "tests/images", type: .u8,
          shape: [tests.count, tests.shape.height, tests.shape.width, tests.shape.channels],
          bytes: tests.pixels),
        tensor("tests/scores", [tests.count, classCounts.count], tests.scores),
      ]
    }
    var metadata = [
      "format": Self.format, "weights_sha256": modelDigest, "validation": "\(validation)",
      "quantities": JSONValue.array(Self.quantities.map { .string($0) }).compact,
      "class_counts": JSONValue.array(classCounts.map { JSONValue($0) }).compact,
      "feature_count": "\(featureCount)", "accuracy": "\(accuracy)",
      "temperature": "\(temperature.temperature)", "correctness": correctness.json.compact,
    ]
    if let conditions {
      let (count, width) = (conditions.conditions.count, conditions.width)
      kept += [
        tensor(ConditionLibrary.means, [count, width], conditions.means),
        tensor(ConditionLibrary.slopes, [count, conditions.answers], conditions.slopes),
        tensor(ConditionLibrary.covariance, [width, width], conditions.covariance),
      ]
      metadata["conditions"] = conditions.json.compact
    }
    return Safetensors(
      tensors: [
        tensor("quantities", [count, quantities], values), tensor("features/mean", [width], mean),
        tensor("features/covariance", [width, width], covariance),
        tensor("features/sample", [width > 0 ? sample.count / width : 0, width], sample),
      ] + kept, metadata: metadata)
  }

  /// The bytes of the file; equal profiles give equal bytes.
  public var encoded: [UInt8] { file.sealed }

  public func write(to path: String) throws(FileError) {
    try AtomicFile.write(encoded, to: path)
  }

  /// The profile beside a model; nil where there is none.
  /// - Throws: `RecordError` for one that is damaged; `FileError`.
  public init?(besideModel path: String) throws {
    let path = Self.path(besideModel: path)
    guard Files.exists(path) else { return nil }
    try self.init(reading: path)
  }

  /// - Throws: `RecordError` for what is damaged, or no profile of this program; `FileError`.
  public init(reading path: String) throws {
    let bytes = try Files.read(path, limit: 1 << 26)
    func damaged(_ what: String) -> RecordError { RecordError(path, "is damaged: \(what)") }
    let file = try Safetensors(parsing: bytes, path: path)
    guard file.metadata["format"] == Self.format else {
      let format = file.metadata["format"].map(JSONValue.quoted) ?? "none"
      throw RecordError(
        path,
        "is not a profile of this program: its format is \(format), not "
          + JSONValue.quoted(Self.format))
    }
    guard Safetensors.hasItsDigest(bytes) == true else {
      throw damaged("its bytes do not have the digest that it records")
    }
    func json(_ key: String) throws -> JSONValue {
      guard let text = file.metadata[key] else { throw damaged("it has no \"\(key)\"") }
      do { return try JSONValue(parsing: Array(text.utf8), name: key) } catch {
        throw damaged("\(error)")
      }
    }
    func floats(_ name: String, _ shape: (([Int]) -> Bool)) throws -> [Float] {
      guard let tensor = file[name], tensor.type == .f32, shape(tensor.shape),
        case let floats = tensor.floats, floats.allSatisfy(\.isFinite)
      else { throw damaged("its tensor \(name) is not as it should be") }
      return floats
    }
    guard try json("quantities").array?.compactMap(\.string) == Self.quantities else {
      throw RecordError(path, "has other quantities than this version knows; train again")
    }
    let quantities = Self.quantities.count
    values = try floats("quantities") {
      $0.count == 2 && $0[1] == quantities && (1...1_000_000).contains($0[0])
    }
    mean = try floats("features/mean") {
      $0.count == 1 && (1...FeatureReduction.most).contains($0[0])
    }
    let width = mean.count
    covariance = try floats("features/covariance") { $0 == [width, width] }
    sample = try floats("features/sample") {
      $0.count == 2 && $0[1] == width && (2...1_000_000).contains($0[0])
    }
    guard let digest = file.metadata["weights_sha256"],
      let validation = file.metadata["validation"].flatMap({ Int($0) }), validation > 0,
      let counts = try json("class_counts").array?.compactMap(\.int), counts.count >= 2,
      counts.allSatisfy({ (0...1_000_000).contains($0) }),
      let features = file.metadata["feature_count"].flatMap({ Int($0) }),
      (1...1 << 24).contains(features), min(features, FeatureReduction.most) == width,
      let accuracy = file.metadata["accuracy"].flatMap({ Double($0) }),
      (0...1).contains(accuracy),
      let temperature = file.metadata["temperature"].flatMap({ Double($0) }),
      (1e-3...1e3).contains(temperature),
      let correctness = CorrectnessModel(try json("correctness"))
    else { throw damaged("what it says of itself is not whole") }
    modelDigest = digest
    self.validation = validation
    classCounts = counts
    featureCount = features
    self.accuracy = accuracy
    self.temperature = TemperatureScaling(temperature: temperature)
    self.correctness = correctness
    if let images = file["tests/images"] {
      guard images.type == .u8, images.shape.count == 4,
        images.shape.allSatisfy({ (1...1 << 20).contains($0) })
      else { throw damaged("its tensor tests/images is not as it should be") }
      tests = TestedImages(
        pixels: Array(images.bytes),
        shape: ImageShape(
          height: images.shape[1], width: images.shape[2], channels: images.shape[3]),
        scores: try floats("tests/scores") { $0 == [images.shape[0], counts.count] })
    } else {
      tests = nil
    }
    guard file.metadata["conditions"] != nil else {
      conditions = nil
      return
    }
    guard let (known, spread, bend) = ConditionLibrary.parsed(try json("conditions")) else {
      throw damaged("what it says of the conditions it knows is not whole")
    }
    let traits = ImageTraits(width: width, classes: counts.count, values: values)
    conditions = ConditionLibrary(
      conditions: known, width: traits.count, answers: traits.answers,
      means: try floats(ConditionLibrary.means) { $0 == [known.count, traits.count] },
      slopes: try floats(ConditionLibrary.slopes) { $0 == [known.count, traits.answers] },
      covariance: try floats(ConditionLibrary.covariance) { $0 == [traits.count, traits.count] },
      spread: spread, bend: bend)
  }

  init(
    modelDigest: String, validation: Int, classCounts: [Int], values: [Float], featureCount: Int,
    mean: [Float], covariance: [Float], sample: [Float], accuracy: Double,
    temperature: TemperatureScaling, correctness: CorrectnessModel,
    conditions: ConditionLibrary? = nil, tests: TestedImages? = nil
  ) {
    self.modelDigest = modelDigest
    self.validation = validation
    self.classCounts = classCounts
    self.values = values
    self.featureCount = featureCount
    self.mean = mean
    self.covariance = covariance
    self.sample = sample
    self.accuracy = accuracy
    self.temperature = temperature
    self.correctness = correctness
    self.conditions = conditions
    self.tests = tests
  }
}
