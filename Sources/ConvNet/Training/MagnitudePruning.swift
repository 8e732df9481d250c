/// Among which weights those of least magnitude are looked for (Han et al. 2015).
public enum PruningScope: String, Hashable, Sendable, CaseIterable {
  /// In each kernel by itself, so that all come to the same share of zeros.
  case layer
  /// In all kernels together.
  case global
}

extension PruningScope {
  /// Makes 0 the masks of the weights that go, so that of all the given share is 0, or of each kernel: those that
  /// are 0 already, then those of least |w|, of equal ones the first. One weight is left at least.
  /// - Parameters:
  ///   - masks: 0 for what has gone; as the weights lie.
  ///   - kernels: where they lie.
  func mask(
    _ masks: UnsafeMutablePointer<Float>, of weights: UnsafePointer<Float>,
    _ kernels: [Range<Int>], to sparsity: Double
  ) {
    for kernels in self == .global ? [kernels] : kernels.map({ [$0] }) {
      let places = kernels.joined()
      let gone = places.count { masks[$0] == 0 }
      // As `torch.nn.utils.prune` rounds.
      let wanted = Int((sparsity * Double(places.count)).rounded(.toNearestOrEven))
      var rest = min(wanted, places.count - 1) - gone
      guard rest > 0 else { continue }
      // Magnitudes come in the order of their bits: of the last one that goes the upper half is found by
      // counting, then the lower.
      var last: UInt32 = 0
      for shift in [16, 0] as [UInt32] {
        var counts = [Int](repeating: 0, count: 1 << 16)
        for i in places where masks[i] != 0 {
          let magnitude = weights[i].magnitude.bitPattern
          if (magnitude >> shift) >> 16 == last { counts[Int(magnitude >> shift & 0xFFFF)] += 1 }
        }
        var digit = 0
        while counts[digit] < rest {
          rest -= counts[digit]
          digit += 1
        }
        last = last << 16 | UInt32(digit)
      }
      for i in places where masks[i] != 0 {
        let magnitude = weights[i].magnitude.bitPattern
        guard magnitude < last || magnitude == last && rest > 0 else { continue }
        if magnitude == last { rest -= 1 }
        masks[i] = 0
      }
    }
  }
}

extension Model {
  /// The model with 0 for the weights of least magnitude of some of its tensors, so that the given share of
  /// them is 0; see `PruningScope`.
  public func pruned(
    _ tensors: [TensorInfo], to sparsity: Double, by scope: PruningScope
  ) -> Model {
    var masks: [Float] = weights.map { $0 == 0 ? 0 : 1 }
    masks.withUnsafeMutableBufferPointer { masks in
      weights.withUnsafeBufferPointer {
        scope.mask(masks.baseAddress!, of: $0.baseAddress!, tensors.map(\.range), to: sparsity)
      }
    }
    var model = self
    for tensor in tensors {
      for i in tensor.range where masks[i] == 0 { model.weights[i] = 0 }
    }
    return model
  }

  /// The model with 0 wherever another of the same plan has 0 in some of its tensors.
  public func masked(as other: Model, in tensors: [TensorInfo]) -> Model {
    var model = self
    for tensor in tensors {
      for i in tensor.range where other.weights[i] == 0 { model.weights[i] = 0 }
    }
    return model
  }

  /// Of the weights of all its kernels, the part that is 0.
  public var shareOfZeros: Double {
    let kernels = tensors.filter(\.role.isKernel)
    return Double(zeros(in: kernels)) / Double(kernels.reduce(0) { $0 + $1.range.count })
  }

  /// How many weights of some of its tensors are 0.
  public func zeros(in tensors: [TensorInfo]) -> Int {
    tensors.reduce(0) { $0 + self[$1].count { $0 == 0 } }
  }
}
