import ConvNet

/// How much a network would miss each of its strands.
public enum PruningCriterion: String, Hashable, Sendable, CaseIterable {
  /// Σ|w| of the filters (Li et al. 2017).
  case l1
  /// |γ| of the batch norms behind them (Liu et al. 2017).
  case batchNorm = "batch_norm"
  /// (Σ g·w)², by which the loss would change to first order, in the mean of some batches (Molchanov et al.
  /// 2019). A batch norm that alone reads a layer makes the sum over its kernel 0, so that the sum is over
  /// γ and β there.
  case taylor
}

/// What the gradients of a criterion are taken of.
public struct GradientImages {
  public let source: any SampleSource
  /// Which of the source's.
  public let samples: [Int32]
  public let loss: LossDescription
  public let batchSize: Int
  public let seed: UInt64

  public init(
    _ source: any SampleSource, samples: [Int32], loss: LossDescription = .softmaxCrossEntropy,
    batchSize: Int, seed: UInt64 = 1
  ) {
    self.source = source
    self.samples = samples
    self.loss = loss
    self.batchSize = batchSize
    self.seed = seed
  }
}

/// A score for each strand; none for those of which a criterion says nothing.
struct Scores {
  private(set) var values: [Double?]

  /// - Parameter images: for `taylor`, which needs some.
  /// - Throws: `OutOfMemory`, `NetworkError`.
  init(
    _ criterion: PruningCriterion, of model: Model, _ strands: Strands, images: GradientImages?,
    team: Team
  ) throws {
    switch criterion {
    case .l1:
      values = Self.magnitudes(of: model, over: strands.filterAxes, of: strands)
    case .batchNorm:
      values = Self.magnitudes(of: model, over: strands.scaleAxes, of: strands)
    case .taylor:
      guard let images else { preconditionFailure("Taylor's estimate needs images") }
      values = try Self.taylor(of: model, strands, images, team)
    }
  }

  /// What is between the products of a squeeze_excite, by Σ|w|.
  static func squeezed(of model: Model, _ strands: Strands) -> [Double?] {
    magnitudes(
      of: model,
      over: strands.axes.filter { $0.part == .made && $0.tensor.role == .squeezeKernel },
      of: strands)
  }

  private static func magnitudes(
    of model: Model, over axes: [Strands.Axis], of strands: Strands
  ) -> [Double?] {
    sums(over: axes, of: strands) { axis in
      let first = axis.tensor.range.lowerBound
      return { Double(abs(model.weights[first + $0])) }
    }
  }

  private static func taylor(
    of model: Model, _ strands: Strands, _ images: GradientImages, _ team: Team
  ) throws -> [Double?] {
    let trainer = try Trainer(
      model.plan, loss: images.loss,
      optimizer: OptimizerDescription(
        rule: .sgd(SGDDescription(momentum: 0, nesterov: false)), learningRate: 0),
      batchSize: images.batchSize, seed: images.seed, team: team)
    trainer.model = model
    let tensors = Dictionary(uniqueKeysWithValues: trainer.tensors.map { ($0.name, $0) })
    let axes = strands.gradientAxes
    var means = [Double?](repeating: nil, count: strands.count)
    let (samples, size) = (images.samples, images.batchSize)
    let batches = (samples.count + size - 1) / size
    for number in 0..<batches {
      let batch = samples[number * size..<min((number + 1) * size, samples.count)]
      // A rate of 0 leaves the weights as they are.
      _ = batch.withUnsafeBufferPointer {
        trainer.trainStep(
          images.source, samples: $0, epoch: 0, step: number + 1, learningRate: 0)
      }
      let sums = sums(over: axes, of: strands) { axis in
        let first = axis.tensor.range.lowerBound
        let gradient = trainer.gradient(of: tensors[axis.tensor.name]!)
        return { Double(model.weights[first + $0]) * Double(gradient[$0]) }
      }
      for (strand, sum) in sums.enumerated() {
        if let sum { means[strand, default: 0] += sum * sum / Double(batches) }
      }
    }
    return means
  }

  /// Of each strand, the sum of what a tensor's numbers come to at its indices along some axes.
  /// - Parameter number: of a tensor, what each of its places comes to.
  private static func sums(
    over axes: [Strands.Axis], of strands: Strands, _ number: (Strands.Axis) -> (Int) -> Double
  ) -> [Double?] {
    var sums = [Double?](repeating: nil, count: strands.count)
    for axis in axes {
      let shape = axis.tensor.shape
      let stride = shape[(axis.axis + 1)...].reduce(1, *)
      let number = number(axis)
      for place in 0..<axis.tensor.range.count {
        sums[axis.strands[place / stride % shape[axis.axis]], default: 0] += number(place)
      }
    }
    return sums
  }
}

extension [Double?] {
  fileprivate subscript(place: Int, default fallback: Double) -> Double {
    get { self[place] ?? fallback }
    set { self[place] = newValue }
  }
}

extension Strands {
  /// The filters and units.
  fileprivate var filterAxes: [Axis] {
    axes.filter { $0.part == .made && $0.tensor.role == .kernel }
  }

  private func axes(of roles: Set<TensorInfo.Role>, in place: Int) -> [Axis] {
    axes.filter { $0.tensor.layer == place && roles.contains($0.tensor.role) && $0.part != .read }
  }

  /// The factors of batch norms.
  fileprivate var scaleAxes: [Axis] {
    plan.layers.indices.flatMap { place in
      guard case .batchNorm = plan.layers[place].description else { return [] as [Axis] }
      return axes(of: [.scale], in: place)
    }
  }

  /// What the gradient's estimate sums over: kernel and bias of what makes channels, or what stands for it
  /// of the batch norm that alone reads them.
  fileprivate var gradientAxes: [Axis] {
    plan.layers.indices.filter { plan.layers[$0].description.makesChannels }.flatMap { place in
      let readers = plan.layers.indices.filter { plan.layers[$0].inputs.contains(.layer(place)) }
      if readers.count == 1, case .batchNorm(let norm) = plan.layers[readers[0]].description,
        norm.scale
      {
        return axes(of: [.scale, .offset], in: readers[0])
      }
      return axes(of: [.kernel, .bias], in: place)
    }
  }
}
