import ConvNet
import Storage

/// Of which weights some become 0, and among which those of least magnitude are looked for.
public struct PrunedWeights: Hashable, Sendable {
  public var scope = PruningScope.layer
  /// The layers whose kernels they are, by name or pattern; nil for all.
  public var layers: [String]?

  public init() {}

  /// The kernels of a plan's layers, but for those of some that stay as they are.
  public func kernels(
    of plan: NetworkPlan, except frozen: Set<String> = []
  ) -> [TensorInfo] {
    let all = zip(plan.layers, Model.tensorsByLayer(of: plan))
    let chosen = layers.map { LayerPattern.matches($0, among: plan.layersWithKernels) }
    return all.flatMap { layer, tensors in
      frozen.contains(layer.label) || !(chosen?.contains(layer.label) ?? true)
        ? [] : tensors.filter(\.role.isKernel)
    }
  }

  /// The patterns that mean no layer of a plan with a kernel.
  public func unmatched(in plan: NetworkPlan) -> [String] {
    (layers ?? []).filter { LayerPattern.matches([$0], among: plan.layersWithKernels).isEmpty }
  }
}

extension NetworkPlan {
  /// What those of its layers are called that have a kernel, in their order.
  public var layersWithKernels: [String] {
    zip(layers, Model.tensorsByLayer(of: self)).filter { $1.contains(where: \.role.isKernel) }
      .map(\.0.label)
  }
}

/// How a training makes weights 0, and keeps them so: the section `pruning` of a spec.
public struct TrainingPruningSpec: Hashable, Sendable {
  /// The share of zeros in the end; 0 for no more than there are to begin with.
  public var sparsity = 0.0
  public var initialSparsity = 0.0
  /// In epochs.
  public var begin = 0.0
  public var end = 0.0
  /// In steps.
  public var every = 100
  public var weights = PrunedWeights()
  /// Whether what is 0 in the model that it begins with stays so.
  public var keepsZeros = true

  /// What a training goes on with in which weights are 0 already: they stay so.
  public init() {}

  func schedule(stepsPerEpoch: Int) -> SparsitySchedule {
    func steps(_ epochs: Double) -> Int { Int((epochs * Double(stepsPerEpoch)).rounded()) }
    return SparsitySchedule(
      initial: initialSparsity, final: sparsity, begin: steps(begin), end: steps(end),
      every: every)
  }

  /// How many epochs end before all that is to be 0 is: none of them is the best.
  func unfinishedEpochs(stepsPerEpoch: Int) -> Int {
    let end = schedule(stepsPerEpoch: stepsPerEpoch).end
    return max(0, (end + stepsPerEpoch - 1) / stepsPerEpoch - 1)
  }
}

extension ExperimentSpec {
  /// The kernels among whose weights more become 0; none without `pruning`.
  public func prunedKernels(of plan: NetworkPlan) -> [TensorInfo] {
    pruning?.weights.kernels(of: plan, except: initial?.frozenLayers(of: plan) ?? []) ?? []
  }

  /// Those of which weights are 0 and stay so: where zeros of a model are kept, all that learn.
  public func maskedKernels(of plan: NetworkPlan) -> [TensorInfo] {
    guard pruning?.keepsZeros ?? false, let initial else { return prunedKernels(of: plan) }
    return PrunedWeights().kernels(of: plan, except: initial.frozenLayers(of: plan))
  }

  /// What becomes 0, and what that is for, as a sentence; nil without `pruning`.
  public func pruningSentence(of plan: NetworkPlan) -> String? {
    guard let pruning else { return nil }
    func all(_ kernels: [TensorInfo]) -> String {
      let weights = kernels.reduce(0) { $0 + $1.range.count }
      return "of the \(grouped(weights)) weights of \(counted(kernels.count, "kernel"))"
    }
    let (kept, chosen) = (maskedKernels(of: plan), prunedKernels(of: plan))
    var parts: [String] = []
    if pruning.keepsZeros, initial != nil { parts.append("what is 0 \(all(kept)) stays 0") }
    if parts.isEmpty, pruning.sparsity == 0 { return "nothing becomes 0: sparsity is 0" }
    if pruning.sparsity > 0 {
      let (begin, end) = (Bounds.text(pruning.begin), Bounds.text(pruning.end))
      let share =
        "\(percent(pruning.sparsity)) "
        + (parts.isEmpty || chosen.count < kept.count ? all(chosen) : "of them")
      let scope = pruning.weights.scope == .layer ? "in each" : "in all together"
      parts.append(
        pruning.begin == pruning.end
          ? "\(share) become 0 after epoch \(begin), the least \(scope)"
          : "\(share) become 0 from epoch \(begin) to \(end), every "
            + "\(counted(pruning.every, "step")), the least \(scope)")
    }
    return parts.joined(separator: "; ") + ": it saves bytes, not time"
  }
}

extension SpecDescription {
  static let trainingPruning = Declaration(TrainingPruningSpec()) {
    Key(
      "sparsity", \.sparsity, .number(.from(0, below: 1)),
      aliases: ["final_sparsity", "target_sparsity", "amount"],
      "The share of zeros in the end; 0 for no more than there are in the model that initial names, or none."
    )
    Key(
      "initial_sparsity", \.initialSparsity, .number(.from(0, below: 1)),
      "The share with which it begins: s₀ of s₁ + (s₀ − s₁)·(1 − (t − t₀)/(t₁ − t₀))³, where s₁ is sparsity "
        + "and t runs from begin to end.")
    Key(
      "begin", \.begin, .number(.from(0, to: 1_000_000)), aliases: ["begin_epoch", "start"],
      "When it begins, in epochs; parts of epochs are rounded to steps.")
    Key(
      "end", \.end, .number(.from(0, to: 1_000_000)),
      otherwise: .derived(
        "The default is three quarters of the epochs, or begin where that is later."
      ) {
        Bounds.value(
          max($0.siblings["begin"]?.double ?? 0, 0.75 * ($0.number("training", "epochs") ?? 0)))
      }, aliases: ["end_epoch"],
      "When the share is reached, in epochs; no epoch that ends before is the best, or counts for the "
        + "patience of early_stopping.")
    Key(
      "every", \.every, .integer(1...1_000_000_000), aliases: ["frequency", "every_steps"],
      "Weights become 0 after every so many steps.")
    within(SpecDescription.prunedWeights)
    Key(
      "keep_zeros", \.keepsZeros, .boolean, aliases: ["keep_mask"],
      "Whether what is 0 in the model that initial names stays 0, in all kernels that learn, whatever "
        + "layers says: how a lottery ticket is trained, or what runner prune sparsity=… has left.")
  }

  /// Of which weights some become 0.
  @ListBuilder<Key<PrunedWeights>> static var prunedWeights: [Key<PrunedWeights>] {
    Key(
      "scope", \.scope,
      .choice("a scope", aliases: ["local": "layer", "uniform": "layer", "layerwise": "layer"]),
      "Where the weights of least magnitude are looked for: layer: in each kernel by itself, so that all "
        + "come to the same share; global: in all of them together.")
    Key(
      "layers", \.layers, .list(of: .text, count: 1...1000, noun: "names of layers"),
      aliases: ["only"],
      "The layers whose kernels they are; null for all: those of convolutions and dense layers, never a bias "
        + "or what a batch_norm has. " + naming)
  }

  private static func within(_ keys: [Key<PrunedWeights>]) -> [Key<TrainingPruningSpec>] {
    keys.map { $0.within(get: { $0.weights }, set: { $1.weights = $0 }) }
  }
}
