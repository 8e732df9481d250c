import ConvNet
import Datasets
import Experiment
import ONNX
import Storage

/// What an exported file was found to compute, beside the model that it was made of.
public struct ScoreComparison: Hashable, Sendable {
  /// The largest magnitude among the model's scores.
  public let largestScore: Double
  /// Of the scores of all images and classes.
  public let largestDifference: Double
  public let meanDifference: Double
  /// How many images are taken for another class.
  public let differingAnswers: Int
  /// On the images; nil of noise.
  public let modelAccuracy: Double?
  public let fileAccuracy: Double?
  /// How much scores may differ in a format that rounds in its own way, so that images of which two scores are
  /// no further apart may be taken for another class; nil for a format that computes the same.
  public let allowance: Double?

  /// - Throws: `ExchangeError` where the model's scores are not finite.
  init(
    model: [Float], file: [Float], classes: Int, _ images: CheckedImages,
    allowance: Double? = nil
  ) throws(ExchangeError) {
    precondition(model.count == file.count && model.count == classes * images.count)
    guard model.allSatisfy(\.isFinite) else {
      throw ExchangeError("the model gives scores that are not finite: it has learned nothing")
    }
    var (largestScore, largest, sum): (Float, Float, Double) = (0, 0, 0)
    for (x, y) in zip(model, file) {
      let difference = y.isFinite ? abs(x - y) : .infinity
      largestScore = max(largestScore, abs(x))
      largest = max(largest, difference)
      sum += Double(difference)
    }
    func answers(_ scores: [Float]) -> [Int] {
      stride(from: 0, to: scores.count, by: classes).map { row in
        (1..<classes).reduce(0) { scores[row + $1] > scores[row + $0] ? $1 : $0 }
      }
    }
    let (right, found) = (answers(model), answers(file))
    self.largestScore = Double(largestScore)
    largestDifference = Double(largest)
    meanDifference = sum / Double(max(1, model.count))
    differingAnswers = zip(right, found).count { $0 != $1 }
    modelAccuracy = images.accuracy(right)
    fileAccuracy = images.accuracy(found)
    self.allowance = allowance
  }

  /// The most that scores may differ, as a part of the largest.
  public static let tolerance = 1e-5

  private var mostDifference: Double { allowance ?? Self.tolerance * largestScore }

  /// Whether every answer is the same, and no score differs by more than the tolerance; where a format may round
  /// in its own way, whether no score differs by more than that allows.
  public var isPassed: Bool { complaint == nil }

  /// What is wrong; nil where nothing is.
  public var complaint: String? {
    if allowance == nil, differingAnswers > 0 {
      return "\(differingAnswers) of its answers differ from the model's"
    }
    guard largestDifference > mostDifference else { return nil }
    return "its scores differ by up to \(Float(largestDifference)), where the largest is "
      + "\(Float(largestScore))"
  }
}

extension Export {
  /// The scores that the model gives some images, or the probabilities where the export gives these,
  /// (images, classes).
  /// - Throws: `OutOfMemory`.
  public func scores(of images: CheckedImages, team: Team) throws -> [Float] {
    let source = ImageSource(images.images)
    guard options.graph.softmax else { return try scores(network, of: source, team) }
    return try Inference(network, team: team).probabilities(of: source)
  }

  private func scores(
    _ model: Model, of source: any ImageSamples, _ team: Team
  ) throws -> [Float] {
    let inference = try Inference(model, team: team)
    var scores = [Float](repeating: 0, count: source.count * graph.classes)
    scores.withUnsafeMutableBufferPointer {
      inference.scores(of: source, range: 0..<source.count, into: $0)
    }
    return scores
  }

  /// Reads the files back, asks what they say about some images, and compares that with the model's own
  /// `scores`.
  /// - Throws: `ExchangeError`; `OutOfMemory`.
  public func compare(
    _ files: [ExportedFile], with scores: [Float], on images: CheckedImages, team: Team
  ) throws -> ScoreComparison {
    let graph = try readBack(files)
    guard graph.input == self.graph.input, graph.classes == self.graph.classes else {
      throw ExchangeError("takes or gives something else than the model")
    }
    guard (graph.scale != nil) == options.graph.preparation else {
      throw ExchangeError("does not prepare the images as it should")
    }
    var rebuilt = try graph.model()
    // What is left out of the file is done before it, as whoever uses it would.
    if !options.graph.preparation { rebuilt.normalization = network.normalization }
    let source = ScaledPixels(images.images, scale: graph.scale ?? 1 / 255)
    return try ScoreComparison(
      model: scores, file: self.scores(rebuilt, of: source, team), classes: graph.classes, images)
  }
}

/// The file beside an export that says what it was made of, and what it was found to compute.
public struct Certificate: Sendable {
  public struct File: Hashable, Sendable {
    public let name: String
    public let size: Int
    public let digest: String

    public init(_ file: ExportedFile) {
      name = file.name
      size = file.bytes.count
      digest = SHA256.hex(of: file.bytes)
    }
  }

  /// What the images were.
  public struct Images: Hashable, Sendable {
    /// Nil for noise.
    public let name: String?
    public let seed: UInt64?
    public let count: Int
    public let digest: String
  }

  public let options: ExportOptions
  public let foldedBatchNorms: Int
  public let files: [File]
  /// Where the model was, as the user named it.
  public let model: String
  public let modelName: String
  public let weightsDigest: String
  public let specDigest: String?
  public let images: Images
  public let comparison: ScoreComparison
  public let kernel: String

  static let format = "runner-export-1"

  public init(
    _ export: some CheckedExport, _ files: [ExportedFile], of model: String,
    _ images: CheckedImages,
    _ comparison: ScoreComparison, kernel: String
  ) {
    options = export.options
    foldedBatchNorms = export.foldedBatchNorms
    self.files = files.map(File.init)
    self.model = model
    modelName = export.modelName
    weightsDigest = export.weightsDigest
    specDigest = export.specDigest
    self.images = Images(
      name: images.name, seed: images.seed, count: images.count, digest: images.digest)
    self.comparison = comparison
    self.kernel = kernel
  }

  public var json: JSONValue {
    let graph = options.graph
    var json: JSONValue = [
      "format": .string(Self.format),
      "export": [
        "format": .string(options.format.rawValue), "layout": .string(options.layout.rawValue),
        "preparation": .bool(graph.preparation), "softmax": .bool(graph.softmax),
        "fold_batch_norm": .bool(graph.foldsBatchNorms),
        "folded_batch_norms": JSONValue(foldedBatchNorms),
      ],
      "files": .array(
        files.map {
          ["name": .string($0.name), "bytes": JSONValue($0.size), "sha256": .string($0.digest)]
        }),
      "model": [
        "path": .string(model), "name": .string(modelName),
        "weights_sha256": .string(weightsDigest), "spec_sha256": JSONValue(specDigest),
      ],
      "images": [
        "name": JSONValue(images.name), "seed": JSONValue(images.seed),
        "count": JSONValue(images.count), "sha256": .string(images.digest),
      ],
      "kernel": .string(kernel),
      "scores": [
        "largest": JSONValue(comparison.largestScore),
        "largest_difference": JSONValue(comparison.largestDifference),
        "mean_difference": JSONValue(comparison.meanDifference),
      ],
      "answers": ["different": JSONValue(comparison.differingAnswers)],
      "accuracy": [
        "model": comparison.modelAccuracy.map { JSONValue($0) } ?? .null,
        "file": comparison.fileAccuracy.map { JSONValue($0) } ?? .null,
      ],
    ]
    if let allowance = comparison.allowance {
      json["scores"]?["may_differ_by"] = JSONValue(allowance)
    }
    return json
  }

  /// Whether a file is one, or would be if it were whole.
  public static func isOne(_ path: String) -> Bool {
    path.hasSuffix(".json") && !Files.isFolder(path)
  }

  /// - Throws: `RecordError` for what is none, or damaged.
  public init(reading path: String) throws {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: try Files.read(path, limit: 1 << 20), name: path)
    } catch let error as FileError {
      throw error
    } catch { throw RecordError(path, "is damaged: \(error)") }
    guard json["format"]?.string == Self.format else {
      throw RecordError(path, "is not the certificate of an export")
    }
    func damaged(_ what: String) -> RecordError { RecordError(path, "is damaged: \(what)") }
    func text(_ section: String, _ key: String) throws(RecordError) -> String {
      guard let value = json[section]?[key]?.string else { throw damaged("\(section).\(key)") }
      return value
    }
    func number(_ section: String, _ key: String) throws(RecordError) -> Double {
      guard let value = json[section]?[key]?.double else { throw damaged("\(section).\(key)") }
      return value
    }
    func count(_ section: String, _ key: String) throws(RecordError) -> Int {
      guard let value = json[section]?[key]?.int, value >= 0 else {
        throw damaged("\(section).\(key)")
      }
      return value
    }
    func flag(_ key: String) throws(RecordError) -> Bool {
      guard let value = json["export"]?[key]?.bool else { throw damaged("export.\(key)") }
      return value
    }
    guard let format = ExchangeFormat(rawValue: try text("export", "format")),
      let layout = ONNXLayout(rawValue: try text("export", "layout"))
    else { throw damaged("export.format, or export.layout") }
    var options = ExportOptions(format)
    options.layout = layout
    options.graph.preparation = try flag("preparation")
    options.graph.softmax = try flag("softmax")
    options.graph.foldsBatchNorms = try flag("fold_batch_norm")
    self.options = options
    foldedBatchNorms = try count("export", "folded_batch_norms")
    files = try (json["files"]?.array ?? []).map { file throws(RecordError) in
      guard let name = file["name"]?.string, Certificate.isBeside(name),
        let size = file["bytes"]?.int, let digest = file["sha256"]?.string
      else { throw damaged("files") }
      return File(name: name, size: size, digest: digest)
    }
    guard !files.isEmpty else { throw damaged("files") }
    model = try text("model", "path")
    modelName = try text("model", "name")
    weightsDigest = try text("model", "weights_sha256")
    specDigest = json["model"]?["spec_sha256"]?.string
    images = Images(
      name: json["images"]?["name"]?.string, seed: json["images"]?["seed"]?.uint64,
      count: try count("images", "count"), digest: try text("images", "sha256"))
    guard images.count > 0, images.name != nil || images.seed != nil else {
      throw damaged("images")
    }
    kernel = try text("kernel")
    comparison = ScoreComparison(
      largestScore: try number("scores", "largest"),
      largestDifference: try number("scores", "largest_difference"),
      meanDifference: try number("scores", "mean_difference"),
      differingAnswers: try count("answers", "different"),
      modelAccuracy: json["accuracy"]?["model"]?.double,
      fileAccuracy: json["accuracy"]?["file"]?.double,
      allowance: json["scores"]?["may_differ_by"]?.double)
    func text(_ key: String) throws(RecordError) -> String {
      guard let value = json[key]?.string else { throw damaged(key) }
      return value
    }
  }

  /// Whether a name is that of a file in the same folder, or in a folder in it.
  private static func isBeside(_ name: String) -> Bool {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count <= 2 && parts.allSatisfy { !["", ".", ".."].contains($0) }
  }

  /// The files that it is of, from the folder that it lies in.
  /// - Throws: `FileError`; `RecordError` for a file that is not what it was.
  public func readFiles(beside path: String) throws -> [ExportedFile] {
    try files.map { file in
      let place = "\(Files.parent(of: path))/\(file.name)"
      let read = ExportedFile(name: file.name, bytes: try Files.read(place))
      guard File(read) == file else {
        throw RecordError(place, "is not the file that \(path) is of: its SHA-256 is another")
      }
      return read
    }
  }
}

extension Certificate.File {
  fileprivate init(name: String, size: Int, digest: String) {
    self.name = name
    self.size = size
    self.digest = digest
  }
}

extension ScoreComparison {
  fileprivate init(
    largestScore: Double, largestDifference: Double, meanDifference: Double,
    differingAnswers: Int, modelAccuracy: Double?, fileAccuracy: Double?, allowance: Double?
  ) {
    self.largestScore = largestScore
    self.largestDifference = largestDifference
    self.meanDifference = meanDifference
    self.differingAnswers = differingAnswers
    self.modelAccuracy = modelAccuracy
    self.fileAccuracy = fileAccuracy
    self.allowance = allowance
  }
}
