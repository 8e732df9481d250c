import ConvNet

extension Trainer {
  /// The network of an experiment, to be trained.
  /// - Throws: `MemoryShortage` where it would not fit; `NetworkError`.
  public convenience init(_ spec: ExperimentSpec, team: Team) throws {
    try spec.checkMemory(threads: team.count, isBeginning: false)
    try self.init(
      spec.network, loss: spec.loss, optimizer: spec.optimizer, mixing: spec.mixing,
      batchSize: spec.training.batchSize, seed: spec.seed, team: team)
  }

  /// The same, normalising its images as the spec says by what the training images are.
  /// - Throws: `NetworkError`, or `LAPACKError` where the images cannot be whitened.
  public convenience init(_ spec: ExperimentSpec, trainedOn data: RunData, team: Team) throws {
    try self.init(spec, team: team)
    normalization = try spec.dataset.normalization.map {
      try Normalization($0, fitting: data.plain)
    }
  }
}
