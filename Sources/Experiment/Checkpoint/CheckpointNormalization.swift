import ConvNet
import Storage

// The normalisation of the images is kept with the weights that were trained on them so.
extension Checkpoint {
  private static let normalizationNames = [
    "normalization/mean", "normalization/factor", "normalization/whitening",
  ]

  static func normalization(of normalization: Normalization?) -> [StoredTensor] {
    guard let normalization else { return [] }
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

  /// - Parameter input: what the plan takes.
  /// - Throws: `RecordError` where it doesn't fit that.
  static func normalization(
    of tensor: (String) -> StoredTensor?, path: String, input: Shape
  ) throws(RecordError) -> Normalization? {
    let parts = normalizationNames.map(tensor)
    guard let mean = parts[0] else { return nil }
    let order = mean.shape.first ?? 0
    let isWhite = parts[2] != nil
    guard parts.allSatisfy({ $0?.type ?? .f32 == .f32 }),
      order == input.count || order == input.channels && !isWhite,
      mean.shape == [order], (parts[1] == nil) == isWhite,
      parts[1]?.shape ?? [order] == [order], parts[2]?.shape ?? [order, order] == [order, order]
    else {
      throw RecordError(
        path, "does not fit the spec: normalization is not as it needs it")
    }
    return Normalization(
      mean: mean.floats, factor: parts[1]?.floats ?? [], whitening: parts[2]?.floats ?? [])
  }
}
