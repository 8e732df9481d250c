import ConvNet
import Storage

extension ExperimentSpec {
  /// The experiment that trains a model further which was made of this one's by removing channels, or by making
  /// weights 0: on the same data, by the same optimizer, with the learning rate that the pruning asks for; or as
  /// this one was trained, where weights are what they were early in its run.
  /// - Parameters:
  ///   - model: whose network and weights it begins with.
  ///   - path: where that lies, from the spec's folder.
  ///   - description: what it is, for the reader.
  public func fineTuning(
    _ model: ModelFile, at path: String, named name: String, _ pruning: PruningSpec,
    description: String
  ) -> ExperimentSpec {
    var spec = self
    spec.name = name
    spec.description = description
    spec.model = model.model.plan.description.model
    // All of it learns, and sees images as it did.
    spec.initial = InitialSpec(
      model: path, weightsDigest: model.weightsDigest, normalization: .model)
    spec.dataset.normalization = nil
    // What bounds the whole network's figures says nothing of this one's.
    spec.expect = []
    // What is 0 stays so, also where channels have gone since.
    spec.pruning =
      pruning.sparsity != nil || model.isPruned ? TrainingPruningSpec() : nil
    guard pruning.epochs > 0, pruning.rewind == nil else { return spec }
    spec.training.epochs = pruning.epochs
    spec.optimizer.learningRate *= Float(pruning.learningRate)
    spec.schedule = .cosine(CosineDescription(epochs: Double(pruning.epochs)))
    spec.warmup = nil
    return spec
  }

  /// Its text, as people write it.
  public var text: String {
    ModelFile.plain(SpecDescription.experiment.brief(self)).pretty
  }
}
