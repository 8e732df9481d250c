/// Where the tensors of a plan lie in one stretch of memory: those that are trained, in the order of
/// their layers, then what layers keep of batches.
struct TensorLayout {
  private(set) var parameters: [Parameter] = []
  private(set) var tensors: [TensorInfo] = []
  /// Floats of what is trained, and of all.
  private(set) var trainable = 0
  private(set) var count = 0
  /// Floats of a tile's part of the gradients.
  private(set) var partials = 0
  /// How each tensor begins, and the layer that it is of.
  private var beginnings: [(layer: Int, form: ParameterForm)] = []

  init(_ plan: NetworkPlan) {
    for (place, layer) in plan.layers.enumerated() {
      for form in layer.description.form.parameters(of: layer.input) {
        add(form, layer: place, of: plan)
        let tensor = tensors.last!
        var source = Parameter.Source.settled
        if form.gradient == .partials {
          source = .partials(offset: partials)
          partials += Self.rounded(form.count)
        }
        parameters.append(
          Parameter(
            name: tensor.name, layer: place, role: form.role, shape: form.shape,
            offset: tensor.range.lowerBound, rows: form.rows, columns: form.columns, l2: form.l2,
            regularization: form.regularization, source: source))
      }
    }
    trainable = count
    for (place, layer) in plan.layers.enumerated() {
      for form in layer.description.form.statistics(of: layer.input) {
        add(form, layer: place, of: plan)
      }
    }
  }

  private mutating func add(_ form: ParameterForm, layer: Int, of plan: NetworkPlan) {
    tensors.append(
      TensorInfo(
        name: "\(plan.layers[layer].label)/\(form.role.rawValue)", layer: layer,
        shape: form.shape, range: count..<count + form.count, role: form.role))
    beginnings.append((layer, form))
    count += Self.rounded(form.count)
  }

  /// To a multiple of 64 bytes.
  private static func rounded(_ count: Int) -> Int { (count + 15) & ~15 }

  /// Draws the weights that training begins with: each tensor's from a stream of its own.
  /// - Parameter weights: `count` zeros.
  func draw(_ weights: UnsafeMutablePointer<Float>, seed: UInt64) throws(NetworkError) {
    for (tensor, (layer, form)) in zip(tensors, beginnings) {
      let values = weights + tensor.range.lowerBound
      switch form.initial {
      case .constant(let value): values.update(repeating: value, count: form.count)
      case .drawn(let initializer, let rows, let columns, let fanOut):
        try initializer.fill(
          values, rows: rows, columns: columns, fanOut: fanOut, seed: seed, layer: layer)
      }
    }
  }
}
