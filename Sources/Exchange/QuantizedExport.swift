import ConvNet
import Datasets
import Experiment
import ONNX
import Quantization

/// A model as another program is to have it, checked before it is given away.
public protocol CheckedExport: Sendable {
  var options: ExportOptions { get }
  /// Batch norms that became part of another layer.
  var foldedBatchNorms: Int { get }
  /// What the file says otherwise than the experiment, or not at all: sentences to the user.
  var notes: [String] { get }
  var modelName: String { get }
  var weightsDigest: String { get }
  var specDigest: String? { get }

  /// The files, the first of them called `name`.
  /// - Throws: `ExchangeError` naming a layer that the format cannot say.
  func files(named name: String) throws(ExchangeError) -> [ExportedFile]
  /// The scores that the model gives some images, or the probabilities where the export gives these,
  /// (images, classes).
  /// - Throws: `OutOfMemory`.
  func scores(of images: CheckedImages, team: Team) throws -> [Float]
  /// Reads the files back, asks what they say about some images, and compares that with the model's own
  /// `scores`.
  /// - Throws: `ExchangeError`; `OutOfMemory`.
  func compare(
    _ files: [ExportedFile], with scores: [Float], on images: CheckedImages, team: Team
  ) throws -> ScoreComparison
}

extension Export: CheckedExport {
  public var modelName: String { model.name }
  public var weightsDigest: String { model.weightsDigest }
  public var specDigest: String? { model.specDigest }
}

/// A quantised model as TensorFlow Lite's int8.
public struct QuantizedExport: CheckedExport {
  public let file: QuantizedModelFile
  public let options: ExportOptions
  /// With the softmax that the options ask for.
  private let model: QuantizedModel

  public var foldedBatchNorms: Int { 0 }
  public let notes: [String]
  public var modelName: String { file.name }
  public var weightsDigest: String { file.weightsDigest }
  public var specDigest: String? { file.specDigest }

  /// - Throws: `ExchangeError` for options that it cannot follow.
  public init(_ file: QuantizedModelFile, _ options: ExportOptions) throws(ExchangeError) {
    guard options.format == .tflite else {
      throw ExchangeError(
        "a quantised model is written as .tflite, not as \(options.format.rawValue)")
    }
    guard options.layout == .nchw else {
      throw ExchangeError("how images lie can be chosen for ONNX alone")
    }
    guard !options.graph.foldsBatchNorms else {
      throw ExchangeError("a quantised model has no batch norms left")
    }
    self.file = file
    self.options = options
    model = options.graph.softmax ? file.model.withSoftmax : file.model
    let (input, output) = (file.model.input, model.output)
    let images =
      !options.graph.preparation
      ? "takes int8 of \(input.scale)·(q − \(input.zeroPoint))"
      : file.model.normalization == nil ? "takes bytes of 0 to 255" : "takes floats of 0 to 255"
    notes = ["the file \(images), and gives int8 of \(output.scale)·(q − \(output.zeroPoint))"]
  }

  public func files(named name: String) throws(ExchangeError) -> [ExportedFile] {
    [ExportedFile(name: name, bytes: try bytes(of: model))]
  }

  private func bytes(of model: QuantizedModel) throws(ExchangeError) -> [UInt8] {
    let description = [
      "model: \(file.name)", "weights_sha256: \(file.weightsDigest)",
      "spec_sha256: \(file.specDigest ?? "")",
    ].joined(separator: "\n")
    return try QuantizedTFLiteWriter.file(
      model, preparation: options.graph.preparation, description: description
    ).encoded
  }

  public func scores(of images: CheckedImages, team: Team) throws -> [Float] {
    try scores(model, of: images, team)
  }

  private func scores(
    _ model: QuantizedModel, of images: CheckedImages, _ team: Team
  ) throws -> [Float] {
    let (source, network) = (ImageSource(images.images), try QuantizedInference(model, team: team))
    var scores = [Float](repeating: 0, count: source.count * model.classes)
    scores.withUnsafeMutableBufferPointer {
      network.scores(of: source, range: 0..<source.count, into: $0)
    }
    return scores
  }

  public func compare(
    _ files: [ExportedFile], with scores: [Float], on images: CheckedImages, team: Team
  ) throws -> ScoreComparison {
    guard let first = files.first, files.count == 1 else { throw ExchangeError("is of one file") }
    let read = try QuantizedTFLiteWriter.model(model, reading: first.bytes)
    guard try bytes(of: read) == first.bytes else {
      throw ExchangeError("its operators are others than those of this network")
    }
    return try ScoreComparison(
      model: scores, file: self.scores(read, of: images, team), classes: model.classes, images)
  }
}
