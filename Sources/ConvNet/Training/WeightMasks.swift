/// Which weights of some kernels are 0 in a training, and stay so: for each a mask m of 0 or 1, by which its
/// gradient is multiplied and what an update makes of it,
///
///     g ← m·g     w ← m·w
///
/// as in `torch.nn.utils.prune`. It has no part in how a network computes, which takes the same time.
public final class WeightMasks {
  /// As the weights lie.
  private let masks: Buffer
  private let weights: Buffer
  private let averaging: AveragedWeights?
  /// Of each parameter, where it lies; nil for one that stays whole.
  private let places: [Range<Int>?]
  private let names: [String]

  /// - Parameter tensors: by name, those that are masked where they learn.
  init(
    _ tensors: Set<String>, of parameters: [Parameter], weights: Buffer,
    averaging: AveragedWeights?, arena: Arena
  ) {
    self.weights = weights
    self.averaging = averaging
    names = parameters.map(\.name)
    places = parameters.map { parameter in
      guard tensors.contains(parameter.name), !parameter.isFrozen else { return nil }
      return parameter.offset..<parameter.offset + parameter.count
    }
    masks = arena.floats(weights.count)
    if arena.holdsMemory { masks.all.update(repeating: 1) }
  }

  /// A checkpoint must hold them.
  var values: UnsafeMutableBufferPointer<Float> { masks.all }

  /// Makes 0 what goes of a run of a parameter: of its weights, or of as many numbers that belong to these.
  /// - Parameter start: where the run lies in the weights.
  func apply(
    to values: UnsafeMutablePointer<Float>, of parameter: Int, at start: Int, count: Int
  ) {
    guard places[parameter] != nil else { return }
    let m = masks.base + start
    for i in 0..<count { values[i] = m[i] == 0 ? 0 : values[i] }
  }

  /// Takes away those of least magnitude of some of them, until the share of zeros is as great.
  fileprivate func grow(to sparsity: Double, by scope: PruningScope, in tensors: Set<String>?) {
    let kernels = zip(places, names).compactMap { tensors?.contains($1) ?? true ? $0 : nil }
    scope.mask(masks.base, of: weights.base, kernels, to: sparsity)
    settle()
  }

  fileprivate func keepZeros(of tensors: Set<String>) {
    for case (let place?, let name) in zip(places, names) where tensors.contains(name) {
      for i in place where weights.base[i] == 0 { masks.base[i] = 0 }
    }
    settle()
  }

  private func settle() {
    for (parameter, place) in places.enumerated() {
      guard let place else { continue }
      for buffer in [weights.base, averaging?.values.baseAddress].compactMap({ $0 }) {
        apply(
          to: buffer + place.lowerBound, of: parameter, at: place.lowerBound, count: place.count)
      }
    }
  }
}

extension Trainer {
  /// Makes 0, for good, the weights of least magnitude of some of the tensors that it was made to mask, and of
  /// their average, until the share of zeros among them is as great.
  /// - Parameter tensors: by name; nil for all of those.
  public func prune(
    to sparsity: Double, by scope: PruningScope, in tensors: [String]? = nil
  ) {
    updater.masks!.grow(to: sparsity, by: scope, in: tensors.map { Set($0) })
    weightsChanged()
  }

  /// Keeps what is 0 now in some of them, by name.
  public func keepZeros(of tensors: some Sequence<String>) {
    updater.masks!.keepZeros(of: Set(tensors))
    weightsChanged()
  }
}
