import ConvNet
import Datasets
import Experiment
import Glibc
import ONNX
import Quantization
import Storage

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

/// A quantised model as TensorFlow Lite's int8, as a C header of integers, or as ONNX in the QDQ form.
public struct QuantizedExport: CheckedExport {
  public let file: QuantizedModelFile
  public let options: ExportOptions
  /// With the softmax that the options ask for.
  private let model: QuantizedModel

  public var foldedBatchNorms: Int { 0 }
  public var modelName: String { file.name }
  public var weightsDigest: String { file.weightsDigest }
  public var specDigest: String? { file.specDigest }

  /// What it can be written as.
  public static let formats: [ExchangeFormat] = [.tflite, .onnx, .c]

  /// - Throws: `ExchangeError` for options that it cannot follow.
  public init(_ file: QuantizedModelFile, _ options: ExportOptions) throws(ExchangeError) {
    guard Self.formats.contains(options.format) else {
      let endings = Self.formats.map(\.ending).joined(separator: ", ")
      throw ExchangeError(
        "a quantised model is written as \(endings), not as \(options.format.rawValue)")
    }
    guard options.layout == .nchw || options.format == .onnx else {
      throw ExchangeError("how images lie can be chosen for ONNX alone")
    }
    guard !options.graph.foldsBatchNorms else {
      throw ExchangeError("a quantised model has no batch norms left")
    }
    guard !options.graph.softmax || file.model.classes <= QuantizedModel.mostInSoftmax else {
      throw ExchangeError(
        "a softmax in integers is of at most \(QuantizedModel.mostInSoftmax) classes, not of "
          + "\(file.model.classes)")
    }
    self.file = file
    self.options = options
    model = options.graph.softmax ? file.model.withSoftmax : file.model
  }

  public var notes: [String] {
    let (input, output) = (file.model.input, model.output)
    let isPrepared = !options.graph.preparation
    let integers = "int8 of \(input.number("·", "−"))"
    let given = "gives int8 of \(output.number("·", "−"))"
    switch options.format {
    case .onnx:
      let images = isPrepared ? "as the model has prepared them" : "of 0 to 255"
      return [
        "the file takes floats \(images), and gives floats; whoever turns it into integers may differ by a "
          + "few units of \(scoreValue.scale)\(endsInSoftmax ? " before the softmax" : "")",
        "on a processor without VNNI, ONNX Runtime's sums saturate, and answers change, unless the session's "
          + "option session.x64quantprecision is 1",
      ]
    case .c:
      return ["the header takes \(isPrepared ? integers : "bytes of 0 to 255"), and \(given)"]
    default:
      let images =
        isPrepared
        ? integers : file.model.normalization == nil ? "bytes of 0 to 255" : "floats of 0 to 255"
      return ["the file takes \(images), and \(given)"]
    }
  }

  // MARK: files

  private var metadata: [(key: String, value: String)] {
    [
      ("model", file.name),
      ("class_names", JSONValue.array(file.classNames.map { .string($0) }).compact),
      ("images", options.graph.preparation ? "pixels of 0 to 255" : ""),
      ("layout", options.layout.rawValue.uppercased()), ("weights_sha256", file.weightsDigest),
      ("spec_sha256", file.specDigest ?? ""),
    ].filter { !$0.1.isEmpty }
  }

  public func files(named name: String) throws(ExchangeError) -> [ExportedFile] {
    [ExportedFile(name: name, bytes: try bytes(of: model, named: name))]
  }

  private func bytes(
    of model: QuantizedModel, named name: String
  ) throws(ExchangeError) -> [UInt8] {
    switch options.format {
    case .onnx: return try onnx(model).encoded
    case .c: return try header(model, named: name).bytes
    default:
      let description = [
        "model: \(file.name)", "weights_sha256: \(file.weightsDigest)",
        "spec_sha256: \(file.specDigest ?? "")",
      ].joined(separator: "\n")
      return try QuantizedTFLiteWriter.file(
        model, preparation: options.graph.preparation, description: description
      ).encoded
    }
  }

  private func onnx(_ model: QuantizedModel) throws(ExchangeError) -> ONNXFile {
    try QuantizedONNXWriter.file(
      model, name: file.name, preparation: options.graph.preparation, layout: options.layout,
      metadata: metadata)
  }

  private func header(
    _ model: QuantizedModel, named name: String
  ) throws(ExchangeError) -> QuantizedCHeader {
    do {
      return try QuantizedCHeader(
        model, title: String(name.dropLast(options.format.ending.count)),
        classNames: file.classNames, preparation: options.graph.preparation)
    } catch { throw error as? ExchangeError ?? ExchangeError("\(error)") }
  }

  /// The model that the bytes of a file say, and nothing but these.
  private func readBack(_ file: ExportedFile) throws(ExchangeError) -> QuantizedModel {
    let read: QuantizedModel
    switch options.format {
    case .onnx:
      read = try QuantizedONNXWriter.model(model, reading: ONNXFile(parsing: file.bytes))
    case .c: read = try header(model, named: file.name).model(reading: file.bytes)
    default: read = try QuantizedTFLiteWriter.model(model, reading: file.bytes)
    }
    guard try bytes(of: read, named: file.name) == file.bytes else {
      throw ExchangeError("its operators are others than those of this network")
    }
    return read
  }

  // MARK: answers

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
    let read = try readBack(first)
    guard options.format == .onnx else {
      return try ScoreComparison(
        model: scores, file: self.scores(read, of: images, team), classes: model.classes, images)
    }
    let answers = ONNXAnswers(
      ONNXRun(try ONNXFile(parsing: first.bytes), size: nil), images.images, options, model)
    return try ScoreComparison(
      model: scores, file: answers.scores(team), classes: model.classes, images,
      allowance: allowance)
  }

  /// Units by which scores may differ where each layer is rounded in another way.
  static let mostUnits = 8.0

  /// The most that scores may differ, or these are worth as probabilities: where scores are off by δ, odds are by
  /// exp(2δ), and a probability by at most tanh(δ/2), beside the rounding of its own.
  private var allowance: Double {
    let most = Self.mostUnits * Double(scoreValue.scale)
    return endsInSoftmax ? 1 / 128 + tanh(most / 2) : most
  }

  private var endsInSoftmax: Bool {
    if case .softmax = model.operations.last!.kind { true } else { false }
  }

  /// What it gives, or what the softmax at its end reads.
  private var scoreValue: QuantizedModel.Value {
    endsInSoftmax ? model.values[model.operations.last!.inputs[0]] : model.output
  }
}

extension QuantizedModel.Value {
  /// The number that an integer q stands for, s(q − z), as text: "0.5·(q + 3)".
  func number(_ times: String, _ minus: String) -> String {
    if zeroPoint == 0 { return "\(scale)\(times)q" }
    return "\(scale)\(times)(q \(zeroPoint < 0 ? "+" : minus) \(abs(zeroPoint)))"
  }
}

extension QuantizedModel {
  /// The same with the kernels and biases that a file holds.
  func reading(
    _ kernel: (String, QuantizedKernel) throws(ExchangeError) -> QuantizedKernel
  ) throws(ExchangeError) -> QuantizedModel {
    do { return try withKernels { try kernel($0, $1) } } catch {
      throw error as? ExchangeError ?? ExchangeError("\(error)")
    }
  }
}

/// What a file says of images, worked out operator by operator, each worker being asked about some of them.
private final class ONNXAnswers: TeamWork {
  private let run: ONNXRun
  private let images: ImageSet
  private let layout: ONNXLayout
  private let classes: Int
  /// What comes before the file where it is not in it.
  private let normalizer: Normalizer?
  private let preparation: Bool
  /// Of all images, and one for each tile; only while these are worked on.
  private var scores: UnsafeMutablePointer<Float>!
  private var failures: UnsafeMutablePointer<ExchangeError?>!

  private static let tile = 16

  init(_ run: ONNXRun, _ images: ImageSet, _ options: ExportOptions, _ model: QuantizedModel) {
    (self.run, self.images) = (run, images)
    layout = options.layout
    classes = model.classes
    preparation = options.graph.preparation
    normalizer =
      preparation
      ? nil
      : model.normalization.map { Normalizer($0, input: model.input.shape, workers: 1) }
  }

  func scores(_ team: Team) throws(ExchangeError) -> [Float] {
    let tiles = (images.count + Self.tile - 1) / Self.tile
    var all = [Float](repeating: 0, count: images.count * classes)
    var errors = [ExchangeError?](repeating: nil, count: tiles)
    all.withUnsafeMutableBufferPointer { all in
      errors.withUnsafeMutableBufferPointer { errors in
        (scores, failures) = (all.baseAddress, errors.baseAddress)
        team.run(self, phase: 0, tiles: tiles)
        (scores, failures) = (nil, nil)
      }
    }
    if let error = errors.compactMap({ $0 }).first { throw error }
    return all
  }

  func perform(phase: Int, tile: Int, worker: Int) {
    let first = tile * Self.tile
    let count = min(Self.tile, images.count - first)
    let size = images.pixelsPerImage
    var values = [Float](repeating: 0, count: count * size)
    let source = preparation ? nil : ImageSource(images)
    let bytes = ScaledPixels(images, scale: 1)
    values.withUnsafeMutableBufferPointer { values in
      for i in 0..<count {
        let sample = values.baseAddress! + i * size
        if let source {
          source.fill(sample, sample: first + i, epoch: 0, worker: 0)
          normalizer?.apply(sample, count: 1, worker: 0)
        } else {
          bytes.fill(sample, sample: first + i, epoch: 0, worker: 0)
        }
      }
    }
    let tensor = Tensor(
      values, shape: [count, images.height, images.width, images.channels])
    do throws(ExchangeError) {
      let found = try run.scores(of: layout == .nchw ? tensor.transposed([0, 3, 1, 2]) : tensor)
      guard found.count == count * classes else {
        throw ExchangeError("gives \(found.count) scores of \(count) images")
      }
      for (i, score) in found.enumerated() { scores[first * classes + i] = score }
    } catch { failures[tile] = error }
  }
}
