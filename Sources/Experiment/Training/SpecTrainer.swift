import ConvNet

extension Trainer {
  /// The network of an experiment with fresh weights, to be trained.
  /// - Parameters:
  ///   - classWeights: those that balance the classes, where the spec asks for it.
  ///   - freezing: what doesn't learn; nil for what doesn't at first.
  ///   - teachers: what it is taught by besides the labels.
  /// - Throws: `MemoryShortage` where it would not fit; `NetworkError`.
  convenience init(
    _ spec: ExperimentSpec, classWeights: [Float]? = nil, freezing: Freezing? = nil,
    teachers: Teachers? = nil, team: Team
  ) throws {
    try spec.checkMemory(
      threads: team.count, teachers: teachers?.plans ?? [], isBeginning: false)
    var loss = spec.loss
    if loss.balancesClasses { loss.classWeights = classWeights }
    let plan = try NetworkPlan(spec.network)
    try self.init(
      plan, loss: loss, optimizer: spec.optimizer, mixing: spec.mixing,
      freezing: freezing ?? spec.freezings(of: plan)[0],
      masked: Set(spec.maskedKernels(of: plan).map(\.name)), batchSize: spec.training.batchSize,
      seed: spec.seed, team: team)
    if let teachers {
      try learn(from: teachers.models.map(\.file.model), by: teachers.description)
    }
  }

  /// The same as a run begins: with the tensors that the spec takes from a model, normalising its images
  /// as the spec says by what the training images are, or as that model did; and taught by what the spec says.
  /// - Parameters:
  ///   - places: where else the model may be.
  ///   - note: is told what was taken, and what teaches.
  /// - Throws: `RecordError` where the model isn't there, or isn't what the spec says; `NetworkError`, or
  ///   `LAPACKError` where the images cannot be whitened.
  convenience init(
    _ spec: ExperimentSpec, trainedOn data: RunData, places: [String] = [],
    teachers: Teachers?, team: Team, note: (BeginningNote) throws -> Void = { _ in }
  ) throws {
    try teachers?.check(classNames: data.classNames)
    try self.init(spec, classWeights: data.record.classWeights, teachers: teachers, team: team)
    func normalized() throws -> Normalization? {
      try spec.dataset.normalization.map { try Normalization($0, fitting: data.plain) }
    }
    var beginning = BeginningNote()
    if let initial = spec.initial {
      let model = try FoundModel(initial, places: places)
      let tensors = initial.tensors(of: model.file.model, for: plan)
      take(tensors, of: model.file.model)
      normalization =
        try initial.normalization == .model ? model.file.model.normalization : normalized()
      if let quantization = spec.quantization {
        try beginRanges(quantization, except: tensors, on: data.plain)
      }
      if spec.pruning?.keepsZeros ?? false { keepZeros(of: tensors.taken) }
      beginning = spec.beginning(model, initial, plan, classNames: data.classNames)
    } else {
      normalization = try normalized()
    }
    if let teachers { beginning.add(teachers, spec.dataset) }
    if !beginning.isEmpty { try note(beginning) }
  }

  /// The same with the models at the places that the spec says.
  public convenience init(_ spec: ExperimentSpec, trainedOn data: RunData, team: Team) throws {
    try self.init(
      spec, trainedOn: data, teachers: Teachers(spec, places: []), team: team)
  }
}
