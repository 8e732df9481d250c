import ConvNet
import Datasets
import Storage

/// A training state with its weights and moments, as a safetensors file. Equal states give equal
/// bytes.
///
/// Weights are tensors under their own names ("conv2d_0/kernel"), so that any reader of safetensors
/// finds them; moments are flat ("adam/m"); the rest is text in the metadata, floating-point numbers
/// as the shortest text that reads back as the same bits. `sha256` is the digest of the whole file.
enum Checkpoint {
  /// SHA-256 over the bytes of all weights, moving statistics included, in the network's order.
  static func digest(of trainer: Trainer) -> String {
    SHA256.hex(of: UnsafeRawBufferPointer(trainer.parameters))
  }

  static func digest(of model: Model) -> String {
    model.weights.withUnsafeBytes { SHA256.hex(of: $0) }
  }

  private static func weights(of trainer: Trainer) -> [StoredTensor] {
    trainer.tensors.map { tensor in
      StoredTensor(
        name: tensor.name, shape: tensor.shape,
        floats: UnsafeBufferPointer(rebasing: trainer.parameters[tensor.range]))
    }
  }

  /// Everything that a resumed run needs.
  static func save(_ state: TrainingState, _ trainer: Trainer, to path: String) throws(FileError) {
    let moments = trainer.updater.state.map { moment in
      StoredTensor(
        name: moment.name, shape: [moment.values.count],
        floats: UnsafeBufferPointer(moment.values))
    }
    var metadata = [
      "format": CheckpointFile.format,
      "weights_sha256": digest(of: trainer),
      "epoch": "\(state.epoch)",
      "step": "\(state.step)",
      "step_in_epoch": "\(state.stepInEpoch)",
      "loss_sum": "\(state.lossSum)",
      "correct": "\(state.correct)",
      "seen": "\(state.seen)",
      "plateau_factor": "\(state.plateau.factor)",
      "plateau_best": "\(state.plateau.best)",
      "plateau_wait": "\(state.plateau.wait)",
      "plateau_cooldown": "\(state.plateau.cooldown)",
      "metrics_bytes": "\(state.metricsLength)",
    ]
    if let watch = state.watch {
      metadata["best_value"] = watch.best.map(\.description)
      metadata["best_epoch"] = "\(watch.bestEpoch)"
      metadata["waited"] = "\(watch.waited)"
    }
    metadata["finish"] = state.finish?.rawValue
    metadata["metrics_sha256"] = state.metricsDigest
    if let averaging = trainer.updater.averaging, averaging.count > 0 {
      metadata["averages"] = "\(averaging.count)"
    }
    if trainer.plan.correctsMovingStatistics { metadata["batches"] = "\(trainer.batchesKept)" }
    let file = Safetensors(
      tensors: weights(of: trainer) + moments + normalization(of: trainer.normalization),
      metadata: metadata)
    try AtomicFile.write(file.sealed, to: path)
  }

  /// The weights alone, those of the best epoch.
  static func saveWeights(_ trainer: Trainer, epoch: Int, to path: String) throws(FileError) {
    let metadata = [
      "format": CheckpointFile.format, "epoch": "\(epoch)", "weights_sha256": digest(of: trainer),
    ]
    let file = Safetensors(
      tensors: weights(of: trainer) + normalization(of: trainer.normalization), metadata: metadata)
    try AtomicFile.write(file.sealed, to: path)
  }

  /// The same of a model as a value.
  static func saveWeights(_ model: Model, epoch: Int, to path: String) throws(FileError) {
    let metadata = [
      "format": CheckpointFile.format, "epoch": "\(epoch)", "weights_sha256": digest(of: model),
    ]
    let tensors = model.tensors.map { tensor in
      model[tensor].withUnsafeBufferPointer {
        StoredTensor(name: tensor.name, shape: tensor.shape, floats: $0)
      }
    }
    let file = Safetensors(
      tensors: tensors + normalization(of: model.normalization), metadata: metadata)
    try AtomicFile.write(file.sealed, to: path)
  }

  /// The model that a file holds, with its weights or, where it has one, with their average; and the
  /// epoch that they are from.
  ///
  /// - Parameters:
  ///   - plan: of the spec.
  ///   - epochs: those of the training; a checkpoint at its end is of the one after.
  ///   - notice: is told of a file that isn't protected as a whole.
  static func model(
    _ path: String, _ plan: NetworkPlan, epochs: Int,
    notice: (String) -> Void = { Display.say($0) }
  ) throws -> (Model, epoch: Int) {
    let file = try CheckpointFile(reading: path, of: plan)
    let epoch = try file.count("epoch")
    guard (1...epochs + 1).contains(epoch) else {
      throw RecordError(
        path, "is damaged: its epoch is \(epoch), in a training of \(epochs)")
    }
    file.warning.map(notice)
    var model = try model(plan, from: file)
    if file.metadata["averages"] != nil {
      model.weights = try file.floats("average", [model.weights.count]).floats
    }
    return (model, epoch)
  }

  /// The model that is being trained, not its average.
  static func trainedModel(_ path: String, _ plan: NetworkPlan) throws -> Model {
    try model(plan, from: CheckpointFile(reading: path, of: plan))
  }

  /// Puts a checkpoint's weights and moments into the trainer and its position into `state`, whose
  /// rules (monitor, patience) are the spec's; nothing of it before all of it has been checked.
  ///
  /// - Parameter isInherited: whether the checkpoint may be of a run with other values in its spec.
  /// - Throws: `RecordError` for what is damaged, or doesn't fit the spec.
  static func load(
    _ path: String, into trainer: Trainer, _ state: inout TrainingState,
    in extent: TrainingExtent, isInherited: Bool = false,
    notice: (String) -> Void = { Display.say($0) }
  ) throws {
    let file = try CheckpointFile(reading: path, of: trainer.plan)
    var read = state
    read.epoch = try file.count("epoch")
    read.step = try file.count("step")
    read.stepInEpoch = try file.count("step_in_epoch")
    read.lossSum = try file.number("loss_sum")
    read.correct = try file.count("correct")
    read.seen = try file.count("seen")
    read.plateau.factor = try file.number("plateau_factor")
    read.plateau.best = try file.number("plateau_best")
    read.plateau.wait = try file.count("plateau_wait")
    read.plateau.cooldown = try file.count("plateau_cooldown")
    read.metricsLength = try file.count("metrics_bytes")
    read.metricsDigest = file.metadata["metrics_sha256"]
    if read.watch != nil {
      read.watch!.best = try file.metadata["best_value"] == nil ? nil : file.number("best_value")
      read.watch!.bestEpoch = try file.count("best_epoch")
      read.watch!.waited = try file.count("waited")
    }
    read.finish = try file.metadata["finish"].map { text in
      guard let finish = TrainingState.Finish(rawValue: text) else {
        throw RecordError(path, "is damaged: finish \(JSONValue.quoted(text)) is not known")
      }
      return finish
    }
    let averages = try file.metadata["averages"] == nil ? 0 : file.count("averages")
    let batches = try trainer.plan.correctsMovingStatistics ? file.count("batches") : 0
    if let flaw = read.flaw(in: extent, averages: averages, isInherited: isInherited) {
      throw RecordError(path, "is damaged, or of another spec: \(flaw)")
    }
    let moments = try trainer.updater.state.map { moment in
      (try file.floats(moment.name, [moment.values.count]), moment.values)
    }
    file.warning.map(notice)
    trainer.model = try model(trainer.plan, from: file)
    for (tensor, values) in moments { copy(tensor, to: values) }
    trainer.updater.averaging?.count = averages
    trainer.batchesKept = batches
    state = read
  }

  /// The model as the training left it, checked against its digest.
  private static func model(_ plan: NetworkPlan, from file: CheckpointFile) throws -> Model {
    var model = Model(plan)
    for tensor in model.tensors {
      model[tensor] = try file.floats(tensor.name, tensor.shape).floats[...]
    }
    model.normalization = try normalization(
      of: { file[$0] }, path: file.path, input: plan.description.input)
    guard digest(of: model) == file.metadata["weights_sha256"] else {
      throw RecordError(
        file.path, "is damaged: its weights do not have the digest that it records")
    }
    return model
  }

  private static func copy(_ tensor: StoredTensor, to values: UnsafeMutableBufferPointer<Float>) {
    precondition(tensor.bytes.count == values.count * 4)
    UnsafeMutableRawBufferPointer(values).copyBytes(from: tensor.bytes)
  }
}
