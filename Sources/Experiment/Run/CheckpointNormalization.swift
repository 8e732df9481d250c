import ConvNet

// The normalisation of the images is kept with the weights that were trained on them so.
extension Checkpoint {
  private static let normalizationNames = [
    "normalization/mean", "normalization/factor", "normalization/whitening",
  ]

  static func normalization(of network: Network) -> [StoredTensor] {
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

  static func fillNormalization(
    of network: Network, from file: CheckpointFile
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
      throw RecordError(
        file.path, "does not fit the spec: normalization is not as it needs it")
    }
    network.normalization = Normalization(
      mean: mean.floats, factor: parts[1]?.floats ?? [], whitening: parts[2]?.floats ?? [])
  }
}
