/// Where the tensors of a plan lie in one stretch of memory: those that are trained, in the order of
/// their layers, then what layers keep of batches.
struct TensorLayout {
  private(set) var parameters: [Parameter] = []
  private(set) var tensors: [TensorInfo] = []
  /// Floats of what learns, and of all.
  private(set) var learning = 0
  private(set) var count = 0
  /// Floats of a tile's part of the gradients.
  private(set) var partials = 0
  /// How each tensor begins, and the layer that it is of.
  private var beginnings: [(layer: Int, definition: ParameterDefinition)] = []

  /// Which layers don't learn, and whether each goes back.
  let freezing: Freezing
  let goesBack: [Bool]

  init(_ plan: NetworkPlan, _ freezing: Freezing = Freezing()) {
    self.freezing = freezing
    goesBack = plan.goesBack(freezing)
    for (place, layer) in plan.layers.enumerated() {
      for definition in layer.description.definition.parameters(of: layer.input) {
        add(definition, layer: place, of: plan)
        let tensor = tensors.last!
        var source = Parameter.Source.settled
        let isFrozen = freezing.layers.contains(layer.label)
        // A frozen layer that goes back leaves its part of a gradient that nobody sums.
        if definition.gradient == .partials, goesBack[place] {
          source = .partials(offset: partials)
          partials += Self.rounded(definition.count)
        }
        parameters.append(
          Parameter(
            name: tensor.name, layer: place, role: definition.role, shape: definition.shape,
            offset: tensor.range.lowerBound, slot: learning, isFrozen: isFrozen,
            after: freezing.late.contains(layer.label) ? freezing.lateAfter : 0,
            rows: definition.rows, columns: definition.columns, l2: definition.l2,
            regularization: definition.regularization, source: source))
        if !isFrozen { learning += Self.rounded(definition.count) }
      }
    }
    for (place, layer) in plan.layers.enumerated() {
      for definition in layer.description.definition.statistics(of: layer.input) {
        add(definition, layer: place, of: plan)
      }
    }
  }

  private mutating func add(_ definition: ParameterDefinition, layer: Int, of plan: NetworkPlan) {
    tensors.append(
      TensorInfo(
        name: "\(plan.layers[layer].label)/\(definition.role.rawValue)", layer: layer,
        shape: definition.shape, range: count..<count + definition.count, role: definition.role))
    beginnings.append((layer, definition))
    count += Self.rounded(definition.count)
  }

  /// To a multiple of 64 bytes.
  private static func rounded(_ count: Int) -> Int { (count + 15) & ~15 }

  /// Draws the weights that training begins with: each tensor's from a stream of its own.
  /// - Parameter weights: `count` zeros.
  func draw(_ weights: UnsafeMutablePointer<Float>, seed: UInt64) throws(NetworkError) {
    for (tensor, (layer, definition)) in zip(tensors, beginnings) {
      let values = weights + tensor.range.lowerBound
      switch definition.initial {
      case .constant(let value): values.update(repeating: value, count: definition.count)
      case .drawn(let initializer, let rows, let columns, let fanOut):
        try initializer.fill(
          values, rows: rows, columns: columns, fanOut: fanOut, seed: seed, layer: layer)
      }
    }
  }
}
