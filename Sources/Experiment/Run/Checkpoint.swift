import ConvNet
import Datasets

/// A training state with its weights and moments, as a safetensors file. Equal states give equal
/// bytes.
///
/// Weights are tensors under their own names ("conv2d_0/kernel"), so that any reader of safetensors
/// finds them; moments are flat ("adam/m"); the rest is text in the metadata, floating-point numbers
/// as the shortest text that reads back as the same bits.
enum Checkpoint {
  private static let format = "runner-checkpoint-1"

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
      "format": format,
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
    if network.averageCount > 0 { metadata["averages"] = "\(network.averageCount)" }
    if network.plan.correctsMovingStatistics { metadata["batches"] = "\(network.batchesKept)" }
    try Safetensors(
      tensors: weights(of: network) + moments + normalization(of: network), metadata: metadata
    ).write(to: path)
  }

  /// The weights alone, those of the best epoch.
  static func saveWeights(_ network: Network, epoch: Int, to path: String) throws(FileError) {
    let metadata = [
      "format": format, "epoch": "\(epoch)", "weights_sha256": digest(of: network),
    ]
    try Safetensors(tensors: weights(of: network) + normalization(of: network), metadata: metadata)
      .write(to: path)
  }

  /// Puts a file's weights, or their average where it has one, into the network and returns the epoch
  /// that they are from.
  @discardableResult
  static func loadWeights(_ path: String, into network: Network) throws -> Int {
    let file = try Safetensors(reading: path)
    try check(file, path)
    try fill(network, from: file, path)
    if file.metadata["averages"] != nil {
      guard let average = file["average"], average.shape == [network.parameters.count] else {
        throw RecordError(path, "is damaged: it has no average of its weights")
      }
      copy(average, to: network.parameters)
      network.weightsChanged()
    }
    return try integer("epoch", of: file, path)
  }

  /// Puts a checkpoint's weights and moments into the network and its position into `state`, whose
  /// rules (monitor, patience) are the spec's.
  static func load(_ path: String, into network: Network, _ state: inout TrainingState) throws {
    let file = try Safetensors(reading: path)
    try check(file, path)
    func number(_ key: String) throws -> Double {
      guard let value = file.metadata[key].flatMap(Double.init) else {
        throw RecordError(path, "is damaged: it has no number \"\(key)\"")
      }
      return value
    }
    state.epoch = try integer("epoch", of: file, path)
    state.step = try integer("step", of: file, path)
    state.stepInEpoch = try integer("step_in_epoch", of: file, path)
    state.lossSum = try number("loss_sum")
    state.correct = try integer("correct", of: file, path)
    state.seen = try integer("seen", of: file, path)
    state.plateau.factor = try number("plateau_factor")
    state.plateau.best = try number("plateau_best")
    state.plateau.wait = try integer("plateau_wait", of: file, path)
    state.plateau.cooldown = try integer("plateau_cooldown", of: file, path)
    state.metricsLength = try integer("metrics_bytes", of: file, path)
    if state.watch != nil {
      state.watch!.best = try file.metadata["best_value"] == nil ? nil : number("best_value")
      state.watch!.bestEpoch = try integer("best_epoch", of: file, path)
      state.watch!.waited = try integer("waited", of: file, path)
    }
    state.finish = file.metadata["finish"].flatMap(TrainingState.Finish.init)
    network.averageCount =
      try file.metadata["averages"] == nil ? 0 : integer("averages", of: file, path)
    if network.plan.correctsMovingStatistics {
      network.batchesKept = try integer("batches", of: file, path)
    }
    for moment in network.optimizerState {
      guard let tensor = file[moment.name], tensor.shape == [moment.values.count] else {
        throw RecordError(path, "does not fit the spec: \(moment.name) is not as it needs it")
      }
      copy(tensor, to: moment.values)
    }
    try fill(network, from: file, path)
  }

  private static func check(_ file: Safetensors, _ path: String) throws {
    guard file.metadata["format"] == format else {
      throw RecordError(path, "is not a checkpoint of this program (\(format))")
    }
  }

  private static func integer(_ key: String, of file: Safetensors, _ path: String) throws -> Int {
    guard let value = file.metadata[key].flatMap({ Int($0) }), value >= 0 else {
      throw RecordError(path, "is damaged: it has no count \"\(key)\"")
    }
    return value
  }

  private static func fill(_ network: Network, from file: Safetensors, _ path: String) throws {
    for tensor in network.tensors {
      guard let stored = file[tensor.name], stored.type == .f32, stored.shape == tensor.shape else {
        throw RecordError(path, "does not fit the spec: \(tensor.name) is not as it needs it")
      }
      copy(stored, to: UnsafeMutableBufferPointer(rebasing: network.parameters[tensor.range]))
    }
    network.weightsChanged()
    try fillNormalization(of: network, from: file, path)
    guard digest(of: network) == file.metadata["weights_sha256"] else {
      throw RecordError(path, "is damaged: its weights do not have the digest that it records")
    }
  }

  private static func copy(_ tensor: StoredTensor, to values: UnsafeMutableBufferPointer<Float>) {
    precondition(tensor.bytes.count == values.count * 4)
    UnsafeMutableRawBufferPointer(values).copyBytes(from: tensor.bytes)
  }
}

// The normalisation of the images is kept with the weights that were trained on them so.
extension Checkpoint {
  private static let normalizationNames = [
    "normalization/mean", "normalization/factor", "normalization/whitening",
  ]

  private static func normalization(of network: Network) -> [StoredTensor] {
    guard let normalization = network.normalization else { return [] }
    let order = normalization.mean.count
    let tensors = [
      (normalization.mean, [order]), (normalization.factor, [order]),
      (normalization.whitening, [order, order]),
    ]
    return zip(normalizationNames, tensors).filter { !$1.0.isEmpty }.map { name, tensor in
      tensor.0.withUnsafeBufferPointer {
        StoredTensor(name: name, shape: tensor.1, floats: $0)
      }
    }
  }

  private static func fillNormalization(
    of network: Network, from file: Safetensors, _ path: String
  ) throws {
    let parts = normalizationNames.map { file[$0] }
    guard let mean = parts[0] else {
      network.normalization = nil
      return
    }
    let order = mean.shape.first ?? 0
    let input = network.plan.description.input
    let isWhite = parts[2] != nil
    guard parts.allSatisfy({ $0?.type ?? .f32 == .f32 }),
      order == input.count || order == input.channels && !isWhite,
      mean.shape == [order], (parts[1] == nil) == isWhite,
      parts[1]?.shape ?? [order] == [order], parts[2]?.shape ?? [order, order] == [order, order]
    else {
      throw RecordError(path, "does not fit the spec: normalization is not as it needs it")
    }
    network.normalization = Normalization(
      mean: mean.floats, factor: parts[1]?.floats ?? [], whitening: parts[2]?.floats ?? [])
  }
}
