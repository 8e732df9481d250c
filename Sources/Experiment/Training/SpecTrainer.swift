import ConvNet

extension Trainer {
  /// The network of an experiment with fresh weights, to be trained.
  /// - Parameters:
  ///   - classWeights: those that balance the classes, where the spec asks for it.
  ///   - freezing: what doesn't learn; nil for what doesn't at first.
  /// - Throws: `MemoryShortage` where it would not fit; `NetworkError`.
  public convenience init(
    _ spec: ExperimentSpec, classWeights: [Float]? = nil, freezing: Freezing? = nil, team: Team
  ) throws {
    try spec.checkMemory(threads: team.count, isBeginning: false)
    var loss = spec.loss
    if loss.balancesClasses { loss.classWeights = classWeights }
    let plan = try NetworkPlan(spec.network)
    try self.init(
      plan, loss: loss, optimizer: spec.optimizer, mixing: spec.mixing,
      freezing: freezing ?? spec.freezings(of: plan)[0], batchSize: spec.training.batchSize,
      seed: spec.seed, team: team)
  }

  /// The same as a run begins: with the tensors that the spec takes from a model, normalising its images
  /// as the spec says by what the training images are, or as that model did.
  /// - Parameters:
  ///   - places: where else the model may be.
  ///   - note: is told what was taken.
  /// - Throws: `RecordError` where the model isn't there, or isn't what the spec says; `NetworkError`, or
  ///   `LAPACKError` where the images cannot be whitened.
  public convenience init(
    _ spec: ExperimentSpec, trainedOn data: RunData, places: [String] = [], team: Team,
    note: (BeginningNote) throws -> Void = { _ in }
  ) throws {
    try self.init(spec, classWeights: data.record.classWeights, team: team)
    guard let initial = spec.initial else {
      normalization = try spec.dataset.normalization.map {
        try Normalization($0, fitting: data.plain)
      }
      return
    }
    let model = try InitialModel(initial, places: places)
    let tensors = initial.tensors(of: model.file.model, for: plan)
    take(tensors, of: model.file.model)
    switch initial.normalization {
    case .model: normalization = model.file.model.normalization
    case .dataset:
      normalization = try spec.dataset.normalization.map {
        try Normalization($0, fitting: data.plain)
      }
    }
    if let quantization = spec.quantization {
      try beginRanges(quantization, except: tensors, on: data.plain)
    }
    try note(spec.beginning(model, initial, plan, classNames: data.classNames))
  }
}
