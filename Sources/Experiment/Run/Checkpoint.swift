import ConvNet
import Datasets

/// A training state with its weights and moments, as a safetensors file. Equal states give equal
/// bytes.
///
/// Weights are tensors under their own names ("conv2d_0/kernel"), so that any reader of safetensors
/// finds them; moments are flat ("adam/m"); the rest is text in the metadata, floating-point numbers
/// as the shortest text that reads back as the same bits. `sha256` is the digest of the whole file.
enum Checkpoint {
  /// SHA-256 over the bytes of all weights, moving statistics included, in the network's order.
  static func digest(of network: Network) -> String {
    SHA256.hex(of: UnsafeRawBufferPointer(network.parameters))
  }

  private static func weights(of network: Network) -> [StoredTensor] {
    network.tensors.map { tensor in
      StoredTensor(
        name: tensor.name, shape: tensor.shape,
        floats: UnsafeBufferPointer(rebasing: network.parameters[tensor.range]))
    }
  }

  /// Everything that a resumed run needs.
  static func save(_ state: TrainingState, _ network: Network, to path: String) throws(FileError) {
    let moments = network.optimizerState.map { moment in
      StoredTensor(
        name: moment.name, shape: [moment.values.count],
        floats: UnsafeBufferPointer(moment.values))
    }
    var metadata = [
      "format": CheckpointFile.format,
      "weights_sha256": digest(of: network),
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
    if network.averageCount > 0 { metadata["averages"] = "\(network.averageCount)" }
    if network.plan.correctsMovingStatistics { metadata["batches"] = "\(network.batchesKept)" }
    let file = Safetensors(
      tensors: weights(of: network) + moments + normalization(of: network), metadata: metadata)
    try AtomicFile.write(file.sealed, to: path)
  }

  /// The weights alone, those of the best epoch.
  static func saveWeights(_ network: Network, epoch: Int, to path: String) throws(FileError) {
    let metadata = [
      "format": CheckpointFile.format, "epoch": "\(epoch)", "weights_sha256": digest(of: network),
    ]
    let file = Safetensors(
      tensors: weights(of: network) + normalization(of: network), metadata: metadata)
    try AtomicFile.write(file.sealed, to: path)
  }

  /// Puts a file's weights, or their average where it has one, into the network and returns the epoch
  /// that they are from.
  ///
  /// - Parameters:
  ///   - epochs: those of the training; a checkpoint at its end is of the one after.
  ///   - notice: is told of a file that isn't protected as a whole.
  @discardableResult
  static func loadWeights(
    _ path: String, into network: Network, epochs: Int,
    notice: (String) -> Void = { Display.say($0) }
  ) throws -> Int {
    let file = try CheckpointFile(reading: path)
    let epoch = try file.count("epoch")
    guard (1...epochs + 1).contains(epoch) else {
      throw RecordError(
        path, "is damaged: its epoch is \(epoch), in a training of \(epochs)")
    }
    file.warning.map(notice)
    try fill(network, from: file)
    if file.metadata["averages"] != nil {
      copy(try file.floats("average", [network.parameters.count]), to: network.parameters)
      network.weightsChanged()
    }
    return epoch
  }

  /// Puts a checkpoint's weights and moments into the network and its position into `state`, whose
  /// rules (monitor, patience) are the spec's; nothing of it before all of it has been checked.
  ///
  /// - Parameter isInherited: whether the checkpoint may be of a run with other values in its spec.
  /// - Throws: `RecordError` for what is damaged, or doesn't fit the spec.
  static func load(
    _ path: String, into network: Network, _ state: inout TrainingState,
    in extent: TrainingExtent, isInherited: Bool = false,
    notice: (String) -> Void = { Display.say($0) }
  ) throws {
    let file = try CheckpointFile(reading: path)
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
    let batches = try network.plan.correctsMovingStatistics ? file.count("batches") : 0
    if let flaw = read.flaw(in: extent, averages: averages, isInherited: isInherited) {
      throw RecordError(path, "is damaged, or of another spec: \(flaw)")
    }
    let moments = try network.optimizerState.map { moment in
      (try file.floats(moment.name, [moment.values.count]), moment.values)
    }
    file.warning.map(notice)
    try fill(network, from: file)
    for (tensor, values) in moments { copy(tensor, to: values) }
    network.averageCount = averages
    network.batchesKept = batches
    state = read
  }

  private static func fill(_ network: Network, from file: CheckpointFile) throws {
    let stored = try network.tensors.map { try file.floats($0.name, $0.shape) }
    for (tensor, stored) in zip(network.tensors, stored) {
      copy(stored, to: UnsafeMutableBufferPointer(rebasing: network.parameters[tensor.range]))
    }
    network.weightsChanged()
    try fillNormalization(of: network, from: file)
    guard digest(of: network) == file.metadata["weights_sha256"] else {
      throw RecordError(
        file.path, "is damaged: its weights do not have the digest that it records")
    }
  }

  private static func copy(_ tensor: StoredTensor, to values: UnsafeMutableBufferPointer<Float>) {
    precondition(tensor.bytes.count == values.count * 4)
    UnsafeMutableRawBufferPointer(values).copyBytes(from: tensor.bytes)
  }
}
