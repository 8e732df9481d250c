import ConvNet
import Datasets
import Storage
import Watching

extension Run {
  /// The model that a run leaves: the weights that were tested.
  func modelFile(of model: Model, _ summary: Summary) -> ModelFile {
    return ModelFile(
      model: model, name: spec.name, classNames: data.classNames,
      prepare: spec.dataset.files?.prepare,
      preparation: spec.dataset.inputPreparation,
      ink: InkRange(of: data.plain), epoch: summary.tested.epoch,
      testAccuracy: summary.testAccuracy, testLoss: summary.testLoss, specDigest: spec.digest,
      kernel: options.environment.kernel, isPruned: spec.pruning != nil)
  }
}

extension RunFolder {
  /// The model of a run: the one that it left, or one made of a checkpoint where it left none or other
  /// weights are asked for.
  ///
  /// - Throws: `RecordError` where there are no such weights, or the classes have names that only the
  ///   data tells.
  public func modelFile(_ weights: Summary.Weights? = nil) throws -> ModelFile {
    if weights == nil, Files.exists(model) { return try leftModel() }
    let (spec, record) = (try readResolved(), try RunRecord(reading: self.record))
    let wanted = try weights ?? testedWeights(spec).weights
    // As a model that was left is read: an image's answer has its bits in whatever company.
    var network = spec.network
    network.numerics = .newest
    let (model, epoch) = try storedModel(wanted, spec: spec, as: NetworkPlan(network))
    let left = Files.exists(self.model) ? try ModelFile(reading: self.model) : nil
    let names =
      try left?.classNames ?? spec.dataset.name.classNames
      ?? spec.dataset.files.map { (files) throws(RecordError) in
        if case .names(let names) = files.classes { return names }
        guard files.format != .images else {
          throw RecordError(
            path, "names its classes by the folders of its data, and left no model that keeps them")
        }
        return (0..<files.classes.count).map(String.init)
      } ?? []
    return ModelFile(
      model: model, name: spec.name, classNames: names, prepare: spec.dataset.files?.prepare,
      preparation: spec.dataset.inputPreparation, ink: left?.ink,
      epoch: epoch, testAccuracy: nil, testLoss: nil, specDigest: spec.digest,
      kernel: record.environment.kernel, isPruned: spec.pruning != nil)
  }

  /// SHA-256 of the resolved spec as it was written, which is what its model says: a later version fills
  /// in more defaults.
  package func specDigest() throws -> String {
    let spec = try JSONValue(parsing: Files.read(resolved), name: resolved)
    return SHA256.hex(of: Array(spec.compact.utf8))
  }

  /// The model that the run left.
  /// - Throws: `RecordError` where it is of another run.
  private func leftModel() throws -> ModelFile {
    let file = try ModelFile(reading: model)
    guard try file.specDigest == specDigest() else {
      throw RecordError(
        model,
        "is not the model of this run: its spec has another digest than resolved.json; give the file "
          + "itself to use it nevertheless, or --weights last or best for what is in checkpoints/")
    }
    return file
  }

  /// The model that a checkpoint holds, and the epoch that its weights are from.
  /// - Parameter plan: of the spec's network.
  func storedModel(
    _ weights: Summary.Weights, spec: ExperimentSpec, as plan: NetworkPlan
  ) throws -> (Model, epoch: Int) {
    let path = weights == .best ? best : last
    guard Files.exists(path) else {
      let other: Summary.Weights = weights == .best ? .last : .best
      let isThere = Files.exists(other == .best ? best : last)
      throw RecordError(
        self.path,
        "has no \(weights.rawValue) weights (\(path))"
          + (isThere ? "; it has the \(other.rawValue): --weights \(other.rawValue)" : ""))
    }
    var (model, epoch) = try Checkpoint.model(path, plan, epochs: spec.training.epochs)
    // A checkpoint at the end of an epoch names the next, which it would begin.
    if weights == .last { epoch = max(1, try EpochRow.read(metrics).count) }
    return (model, epoch)
  }
}
