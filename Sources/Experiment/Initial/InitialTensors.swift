import ConvNet

/// What of a model fits a network.
struct InitialTensors: Hashable {
  struct Unfit: Hashable {
    let name: String
    /// What the network has there, and the model.
    let wanted, found: [Int]
  }

  /// By name, in the order of the network: what is taken, what the model lacks, and what has another shape.
  private(set) var taken: [String] = []
  private(set) var absent: [String] = []
  private(set) var unfit: [Unfit] = []
  /// What would fit, but is of a layer that is another there.
  private(set) var left: [String] = []

  /// - Parameters:
  ///   - layers: of the plan, those that are asked for; nil for all.
  ///   - wholeLayers: whether nothing is taken of a layer with a tensor of another shape, or whose kernel the
  ///     model lacks.
  init(of model: Model, for plan: NetworkPlan, layers: Set<String>?, wholeLayers: Bool) {
    let there = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0.shape) })
    for (layer, tensors) in zip(plan.layers, Model.tensorsByLayer(of: plan))
    where layers?.contains(layer.label) ?? true {
      let isAnother = tensors.contains { tensor in
        there[tensor.name].map { $0 != tensor.shape } ?? tensor.role.isKernel
      }
      for tensor in tensors {
        switch there[tensor.name] {
        case tensor.shape where wholeLayers && isAnother: left.append(tensor.name)
        case tensor.shape: taken.append(tensor.name)
        case let shape?: unfit.append(Unfit(name: tensor.name, wanted: tensor.shape, found: shape))
        // Ranges begin by what they are for some images.
        case nil where layer.isRounding: break
        case nil: absent.append(tensor.name)
        }
      }
    }
  }

  /// Whether a layer that has tensors is left with some that were drawn.
  func leavesFresh(_ layer: String) -> Bool {
    func isOf(_ names: [String]) -> Bool { Self.layers(of: names).contains(layer) }
    return !isOf(taken) || isOf(absent) || isOf(unfit.map(\.name)) || isOf(left)
  }

  /// The layers that some tensors are of, each once.
  static func layers(of tensors: [String]) -> [String] {
    var layers: [String] = []
    for name in tensors {
      let layer = String(name[..<(name.lastIndex(of: "/") ?? name.endIndex)])
      if layers.last != layer { layers.append(layer) }
    }
    return layers
  }
}

extension InitialSpec {
  /// What of a model a training begins with.
  func tensors(of model: Model, for plan: NetworkPlan) -> InitialTensors {
    InitialTensors(
      of: model, for: plan,
      layers: layers.map { LayerPattern.matches($0, among: plan.layersWithTensors) },
      wholeLayers: wholeLayers)
  }
}

extension Trainer {
  /// Takes over tensors of another model, by their names.
  func take(_ tensors: InitialTensors, of model: Model) {
    let names = Set(tensors.taken)
    let there = Dictionary(uniqueKeysWithValues: model.tensors.map { ($0.name, $0) })
    for tensor in self.tensors where names.contains(tensor.name) {
      let target = UnsafeMutableBufferPointer(rebasing: parameters[tensor.range])
      _ = target.update(fromContentsOf: model[there[tensor.name]!])
    }
    weightsChanged()
  }
}
