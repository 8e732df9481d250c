/// The bytes that a network takes with its optimizer, known from its plan before any of them is taken.
/// Sums that are more than can be counted are `Int.max`.
public struct NetworkFootprint: Hashable, Sendable {
  /// What `Trainer.memory` will be, once it normalises its images.
  public let bytes: Int
  /// What an evaluation takes besides, while it goes on.
  public let evaluation: Int
  /// What `Trainer.memorySaved` will be.
  public let saved: Int
  /// Of the tensors of a checkpoint: the weights and what the optimizer remembers.
  public let checkpoint: Int
  /// What fitting the normalisation takes besides, at its most.
  public let fitting: Int

  /// - Parameters:
  ///   - workers: how many the team has.
  ///   - evaluated: how many samples are evaluated at once, at the most.
  public init(
    _ plan: NetworkPlan, loss: LossDescription = .softmaxCrossEntropy,
    optimizer: OptimizerDescription, mixing: [BatchMixing] = [],
    freezing: Freezing = Freezing(), masked: Set<String> = [], batchSize: Int, workers: Int,
    normalization: NormalizationDescription? = nil, evaluated: Int = 0
  ) {
    let network = Trainer.counted(
      plan, loss: loss, optimizer: optimizer, mixing: mixing, freezing: freezing, masked: masked,
      batchSize: batchSize, workers: workers)
    let input = plan.description.input
    bytes = ByteCount.sum(
      network.memory,
      normalization.map { Normalizer.bytes($0, input: input, workers: workers) } ?? 0)
    evaluation = Inference.evaluationBytes(
      evaluated, classes: plan.description.classes, workers: workers)
    saved = network.memorySaved
    checkpoint = ByteCount.product(
      MemoryLayout<Float>.stride,
      ByteCount.sum(network.updater.state.map(\.values.count) + [network.parameters.count]))
    fitting = normalization.map { $0.fittingBytes(input) } ?? 0
  }
}

extension NetworkFootprint {
  /// What teachers take, but for what normalises their images; see `Trainer.learn`.
  public static func bytes(
    ofTeachers teachers: [NetworkPlan], batchSize: Int, workers: Int
  ) -> Int {
    Distillation.bytes(of: teachers, batchSize: batchSize, workers: workers)
  }
}

extension Normalizer {
  /// What one takes that is fitted so.
  static func bytes(_ description: NormalizationDescription, input: Shape, workers: Int) -> Int {
    let size = input.count
    switch description {
    case .perChannel, .perPixel: return ByteCount.product(4, 2, size)
    case .zca:
      return ByteCount.sum(
        4 * size, ByteCount.product(4, size, size), ByteCount.product(4, workers, Tile.size, size))
    }
  }
}

extension NormalizationDescription {
  /// The covariance in doubles and in floats, its product, the eigenvectors with LAPACK's two copies,
  /// and W with the array that keeps it: (H·W·C, H·W·C) each.
  fileprivate func fittingBytes(_ input: Shape) -> Int {
    guard case .zca = self else { return 0 }
    return ByteCount.product(8 + 8 * 4, input.count, input.count)
  }
}
