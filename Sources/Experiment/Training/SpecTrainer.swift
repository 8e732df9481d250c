import ConvNet

extension Trainer {
  /// The network of an experiment, to be trained.
  /// - Parameter classWeights: those that balance the classes, where the spec asks for it.
  /// - Throws: `MemoryShortage` where it would not fit; `NetworkError`.
  public convenience init(
    _ spec: ExperimentSpec, classWeights: [Float]? = nil, team: Team
  ) throws {
    try spec.checkMemory(threads: team.count, isBeginning: false)
    var loss = spec.loss
    if loss.balancesClasses { loss.classWeights = classWeights }
    try self.init(
      spec.network, loss: loss, optimizer: spec.optimizer, mixing: spec.mixing,
      batchSize: spec.training.batchSize, seed: spec.seed, team: team)
  }

  /// The same, normalising its images as the spec says by what the training images are.
  /// - Throws: `NetworkError`, or `LAPACKError` where the images cannot be whitened.
  public convenience init(_ spec: ExperimentSpec, trainedOn data: RunData, team: Team) throws {
    try self.init(spec, classWeights: data.record.classWeights, team: team)
    normalization = try spec.dataset.normalization.map {
      try Normalization($0, fitting: data.plain)
    }
  }
}
