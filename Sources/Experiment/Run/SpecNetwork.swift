import ConvNet

extension Network {
  /// The network of an experiment, built to be trained.
  public convenience init(_ spec: ExperimentSpec, team: Team) throws(NetworkError) {
    try self.init(
      spec.network, loss: spec.loss, optimizer: spec.optimizer,
      batchSize: spec.training.batchSize, seed: spec.seed, team: team)
  }
}
