import ConvNet
import Datasets
import Images
import Quantization
import Storage
import Watching

/// A model that answers, in floats or in integers, with what is needed to ask it.
public enum AnsweringModel: Sendable {
  case floats(ModelFile)
  case integers(QuantizedModelFile)

  /// Reads a file of either kind.
  /// - Throws: `RecordError`; `FileError`.
  public init(reading path: String) throws {
    self =
      try QuantizedModelFile.isOne(path)
      ? .integers(QuantizedModelFile(reading: path)) : .floats(ModelFile(reading: path))
  }

  /// What the experiment is called.
  public var name: String {
    switch self {
    case .floats(let file): file.name
    case .integers(let file): file.name
    }
  }

  /// Of an image.
  public var input: Shape {
    switch self {
    case .floats(let file): file.model.plan.description.input
    case .integers(let file): file.model.input.shape
    }
  }

  /// What its run measured; nil where nobody did, as of integers.
  public var testAccuracy: Double? {
    switch self {
    case .floats(let file): file.testAccuracy
    case .integers: nil
    }
  }

  /// Whether its file leaves out zeros.
  public var isPruned: Bool {
    switch self {
    case .floats(let file): file.isPruned
    case .integers(let file): file.isPruned
    }
  }

  public var classNames: [String] {
    switch self {
    case .floats(let file): file.classNames
    case .integers(let file): file.classNames
    }
  }

  public var prepare: FilePreparation? {
    switch self {
    case .floats(let file): file.prepare
    case .integers(let file): file.prepare
    }
  }

  public var preparation: ImagePreparation {
    switch self {
    case .floats(let file): file.preparation
    case .integers(let file): file.preparation
    }
  }

  public var ink: InkRange? {
    switch self {
    case .floats(let file): file.ink
    case .integers(let file): file.ink
    }
  }

  public var kernel: String {
    switch self {
    case .floats(let file): file.kernel
    case .integers(let file): file.kernel
    }
  }

  public var weightsDigest: String {
    switch self {
    case .floats(let file): file.weightsDigest
    case .integers(let file): file.weightsDigest
    }
  }

  public var specDigest: String? {
    switch self {
    case .floats(let file): file.specDigest
    case .integers(let file): file.specDigest
    }
  }

  private var epoch: Int {
    switch self {
    case .floats(let file): file.epoch
    case .integers(let file): file.epoch
    }
  }

  /// The model at work.
  /// - Throws: `OutOfMemory`.
  public func network(
    threads: Int, path: IntegerPath = .fastest
  ) throws -> any ScoringNetwork {
    switch self {
    case .floats(let file): try Inference(file.model, team: Team(threads: threads))
    case .integers(let file):
      try QuantizedInference(file.model, team: Team(threads: threads), path: path)
    }
  }

  /// Another for one thread, whose weights are those of the first where these are floats: in memory once.
  /// - Throws: `OutOfMemory`.
  public func network(besides first: any ScoringNetwork) throws -> any ScoringNetwork {
    let team = try Team(threads: 1)
    switch self {
    case .floats(let file):
      if let first = first as? Inference { return try Inference(sharing: first, team: team) }
      return try Inference(file.model, team: team)
    case .integers(let file): return try QuantizedInference(file.model, team: team)
    }
  }

  /// Tests it on images that it has not seen, by the cross entropy of its probabilities.
  /// - Throws: `OutOfMemory`.
  public func test(
    on images: TestImages, threads: Int, path: IntegerPath = .fastest
  ) throws -> TestReport {
    TestReport(
      try network(threads: threads, path: path), .last, epoch: epoch, loss: .softmaxCrossEntropy,
      metrics: [], images: images, averaged: nil)
  }

  /// An experiment whose images come to the model's shape as the model's own do.
  /// - Throws: `SpecErrors`; `NetworkError`.
  public func experiment() throws -> ExperimentSpec {
    switch self {
    case .floats(let file): return try file.experiment()
    case .integers(let file):
      // The network is of no matter to its images.
      let plan = try NetworkPlan(
        NetworkDescription(
          input: file.model.input.shape,
          layers: [.flatten, .dense(DenseDescription(units: file.model.classes))],
          classes: file.model.classes))
      return try ModelFile(
        model: Model(plan), name: file.name, classNames: file.classNames, prepare: file.prepare,
        preparation: file.preparation, ink: file.ink, epoch: file.epoch, testAccuracy: nil,
        testLoss: nil, specDigest: file.specDigest, kernel: file.kernel
      ).experiment()
    }
  }
}
