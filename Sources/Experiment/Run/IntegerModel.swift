import ConvNet
import Quantization
import Storage

extension QuantizedModelFile {
  /// The integers of a model that was trained with quantisation: with the ranges and the bits that it was
  /// trained with.
  /// - Throws: `NetworkError` for numbers that no integers stand for.
  public init(asTrained file: ModelFile, team: Team) throws {
    var spec = QuantizationSpec()
    spec.weightBits = file.model.plan.description.quantization!.weightBits
    self.init(
      try file.model.quantizedAsTrained(team: team), of: file,
      calibration: "\(file.model.plan.description.quantization!.ranges.word), in training", spec)
  }
}

extension ModelFile {
  /// Whether it learned to answer in integers.
  public var isTrainedForIntegers: Bool { model.plan.description.quantization != nil }
}

extension Run {
  /// Writes the integers that a training with quantisation has led to beside its model, and tests what was
  /// written; nil of another training.
  func finishIntegers(_ file: ModelFile, team: Team) throws -> Summary.Integers? {
    guard file.isTrainedForIntegers else { return nil }
    let bytes = try QuantizedModelFile(asTrained: file, team: team).encoded
    try AtomicFile.write(bytes, to: folder.integerModel)
    let integers = try QuantizedModelFile(reading: folder.integerModel)
    var result = Summary.Integers(bytes: bytes.count, weightsDigest: integers.weightsDigest)
    guard let images = data.testImages else { return result }
    let own = try AnsweringModel.floats(file).test(on: images, threads: team.count)
    let found = try AnsweringModel.integers(integers).test(on: images, threads: team.count)
    result.testAccuracy = found.accuracy
    result.differingAnswers = zip(own.predictions, found.predictions).count { $0 != $1 }
    return result
  }
}

extension Summary {
  /// What the integers of a training with quantisation came to.
  public struct Integers: Hashable, Sendable {
    /// Of their file.
    public var bytes: Int
    public var weightsDigest: String
    /// The share of the test images that they know, and how many of these they answer otherwise than the
    /// network that was trained, which rounds floats; nil where the spec reads no test images.
    public var testAccuracy: Double?
    public var differingAnswers: Int?

    init(bytes: Int, weightsDigest: String) {
      self.bytes = bytes
      self.weightsDigest = weightsDigest
    }

    var json: JSONObject {
      var json = JSONObject()
      json["int8_test_accuracy"] = testAccuracy.map { JSONValue($0) } ?? .null
      json["int8_differing_answers"] = JSONValue(differingAnswers)
      json["int8_bytes"] = JSONValue(bytes)
      json["int8_weights_sha256"] = .string(weightsDigest)
      return json
    }
  }
}
