/// Lays out a network's memory and makes its layers.
final class NetworkBuilder {
  let plan: NetworkPlan
  let batchSize: Int
  let workers: Int
  let seed: UInt64
  let arena: Arena
  let workspaces: [Workspace]

  let partials = Partials()
  let input: Activations
  private(set) var weights = Buffer(0)
  private(set) var gradients = Buffer(0)
  private(set) var parameters: [Parameter] = []
  private(set) var tensors: [TensorInfo] = []
  private(set) var layers: [Network.BuiltLayer] = []
  /// Those that K-FAC moves.
  private(set) var curvatures: [KroneckerLayer] = []
  /// For each layer of the plan, its output once for each that will read it; those that have read it
  /// are gone.
  private var outputs: [[Activations]] = []
  private var trainable = 0
  private var total = 0

  private let rule: OptimizerRule

  init(
    _ plan: NetworkPlan, rule: OptimizerRule, batchSize: Int, workers: Int, seed: UInt64,
    arena: Arena
  ) {
    self.plan = plan
    self.rule = rule
    self.batchSize = batchSize
    self.workers = workers
    self.seed = seed
    self.arena = arena
    workspaces = (0..<workers).map { _ in Workspace() }
    let shape = plan.description.input
    input = Activations(extent: shape.extent, channels: shape.channels, hasGradient: false)
  }

  var inferenceTile: Int { layers.contains { $0.isWide } ? Tile.wideSize : Tile.size }

  /// The class scores.
  var logits: Activations { outputs.last![0] }

  func build() throws(NetworkError) {
    layOutParameters()
    weights = arena.floats(total)
    gradients = arena.floats(trainable)
    if arena.holdsMemory { try initialize() }
    makeLayers()
    for workspace in workspaces { workspace.allocate(in: arena) }
    partials.allocate(tiles: Tile.count(of: batchSize), in: arena)
  }

  // MARK: parameters

  private func layOutParameters() {
    var statistics: [(name: String, role: TensorInfo.Role, count: Int)] = []
    for (i, layer) in plan.layers.enumerated() {
      let name = "\(layer.description.kind)_\(i)"
      switch layer.description {
      case .conv2D(let conv):
        let channels = layer.input.channels / conv.groups
        let patch = conv.kernel.height * conv.kernel.width * channels
        add(
          name, .kernel,
          [conv.kernel.height, conv.kernel.width, channels, conv.filters],
          rows: patch, columns: conv.filters, l2: conv.l2, regularization: conv.regularization,
          source: .partials(offset: partials.reserve(patch * conv.filters)))
        if conv.bias {
          add(
            name, .bias, [conv.filters], rows: 1, columns: conv.filters,
            source: .partials(offset: partials.reserve(conv.filters)))
        }
      case .dense(let dense):
        add(
          name, .kernel, [layer.input.count, dense.units], rows: layer.input.count,
          columns: dense.units, l2: dense.l2, regularization: dense.regularization)
        if dense.bias { add(name, .bias, [dense.units], rows: 1, columns: dense.units) }
      case .batchNorm(let norm):
        let channels = layer.input.channels
        if norm.scale { add(name, .scale, [channels], rows: 1, columns: channels) }
        if norm.center { add(name, .offset, [channels], rows: 1, columns: channels) }
        statistics.append((name, .movingMean, channels))
        statistics.append((name, .movingVariance, channels))
      case .maxPool, .flatten, .dropout, .activation, .merge: break
      default: addParameters(of: layer, name)
      }
    }
    trainable = total
    for (name, role, count) in statistics {
      tensors.append(
        TensorInfo(
          name: "\(name)/\(role.rawValue)", shape: [count], range: total..<total + count, role: role
        ))
      total += (count + 15) & ~15
    }
  }

  func add(
    _ layer: String, _ role: TensorInfo.Role, _ shape: [Int], rows: Int, columns: Int,
    l2: Float = 0, regularization: KernelRegularization = KernelRegularization(),
    source: Parameter.Source = .settled
  ) {
    let name = "\(layer)/\(role.rawValue)"
    parameters.append(
      Parameter(
        name: name, role: role, shape: shape, offset: total, rows: rows, columns: columns, l2: l2,
        regularization: regularization, source: source))
    tensors.append(
      TensorInfo(name: name, shape: shape, range: total..<total + rows * columns, role: role))
    total += (rows * columns + 15) & ~15
  }

  private func initialize() throws(NetworkError) {
    for (i, layer) in plan.layers.enumerated() {
      switch layer.description {
      case .conv2D(let conv):
        let kernel = parameters[index(i, .kernel)!]
        try conv.initializer.fill(
          weights.base + kernel.offset, rows: kernel.rows, columns: kernel.columns,
          fanOut: conv.kernel.height * conv.kernel.width * conv.filters, seed: seed, layer: i)
      case .dense(let dense):
        let kernel = parameters[index(i, .kernel)!]
        try dense.initializer.fill(
          weights.base + kernel.offset, rows: kernel.rows, columns: kernel.columns,
          fanOut: dense.units, seed: seed, layer: i)
      case .maxPool, .flatten, .dropout, .activation, .batchNorm, .merge: break
      default: try initializeParameters(of: layer, i)
      }
    }
    for tensor in tensors where tensor.role == .scale || tensor.role == .movingVariance {
      (weights.base + tensor.range.lowerBound).update(repeating: 1, count: tensor.range.count)
    }
  }

  func index(_ layer: Int, _ role: TensorInfo.Role) -> Int? {
    let name = "\(plan.layers[layer].description.kind)_\(layer)/\(role.rawValue)"
    return parameters.firstIndex { $0.name == name }
  }

  private func pointer(_ layer: Int, _ role: TensorInfo.Role) -> UnsafeMutablePointer<Float>? {
    let name = "\(plan.layers[layer].description.kind)_\(layer)/\(role.rawValue)"
    return tensors.first { $0.name == name }.map { weights.base + $0.range.lowerBound }
  }

  /// The transposed copy of a kernel, (columns, rows), that its layer's input gradient wants.
  func transposedKernel(_ index: Int) -> Matrix {
    let parameter = parameters[index]
    let copy = arena.floats(parameter.count)
    parameters[index].transposed = copy
    return Matrix(copy.base, rows: parameter.columns, columns: parameter.rows)
  }

  // MARK: layers

  private func makeLayers() {
    outputs = plan.layers.map { _ in [] }
    var i = 0
    while i < plan.layers.count {
      let layer = plan.layers[i]
      let first = i
      let inputs = layer.inputs.map(read)
      let hasWeightsBelow = inputs.contains(where: \.hasGradient)
      var current = inputs[0]
      switch layer.description {
      case .conv2D(let conv):
        let (output, pool) = convolutionOutput(i)
        appendConvolution(conv, i, pool: pool, from: current, to: output)
        if pool != nil { i += 1 }
        current = finish(conv.activation, first, through: i, from: output)
      case .maxPool:
        let output = tensor(layer, hasGradient: hasWeightsBelow)
        append(MaxPool(geometry: layer.geometry!, input: current, output: output), first, output)
        current = output
      case .flatten: break
      case .dense(let dense):
        let output = tensor(layer, hasGradient: true)
        appendDense(dense, i, from: current, to: output)
        current = finish(dense.activation, first, through: i, from: output)
      case .dropout(let rate):
        let output = tensor(layer, hasGradient: hasWeightsBelow)
        append(
          Dropout(
            rate: rate, layer: i, seed: seed, input: current, output: output, workers: workers,
            arena: arena),
          first, output)
        current = output
      case .activation(let activation):
        let output = tensor(layer, hasGradient: hasWeightsBelow)
        append(
          ActivationLayer(
            activation, channels: layer.output.channels, input: current, output: output), first,
          output)
        current = output
      case .batchNorm(let norm):
        let output = tensor(layer, hasGradient: true)
        let limits = limits(after: i)
        if limits != nil { i += 1 }
        appendBatchNorm(norm, first, through: i, limits ?? .none, from: current, to: output)
        current = output
      case .merge(let merge):
        let output = tensor(layer, hasGradient: hasWeightsBelow)
        let shapes = layer.inputs.map(shape)
        append(Self.layer(merge, from: inputs, shapes, to: output, workspaces), first, output)
        current = finish(merge.activation, first, through: i, from: output)
      default:
        let output = tensor(layer, hasGradient: hasWeightsBelow || layer.parameters > 0)
        appendForm(layer, i, from: current, to: output)
        current = finish(layer.description.form!.activation, first, through: i, from: output)
      }
      give(current, of: i)
      i += 1
    }
  }

  /// What a layer reads. Of a tensor with a gradient each reader has a view of its own.
  private func read(_ input: LayerInput) -> Activations {
    switch input {
    case .images: self.input
    case .layer(let place): outputs[place].removeFirst()
    }
  }

  private func shape(_ input: LayerInput) -> Shape {
    switch input {
    case .images: plan.description.input
    case .layer(let place): plan.layers[place].output
    }
  }

  private func give(_ output: Activations, of place: Int) {
    outputs[place] = Array(repeating: output, count: max(1, plan.layers[place].readers))
    guard output.hasGradient else { return }
    for reader in 1..<max(1, outputs[place].count) {
      let view = Activations(viewing: output)
      outputs[place][reader] = view
      append(Fork(of: output, view: view), place, view, kind: "fork")
    }
  }

  func tensor(_ layer: NetworkPlan.Layer, hasGradient: Bool) -> Activations {
    Activations(extent: layer.live, channels: layer.output.channels, hasGradient: hasGradient)
  }

  func append(
    _ layer: any Layer, _ place: Int, _ output: Activations, through: Int? = nil,
    kind: String? = nil
  ) {
    layers.append(
      Network.BuiltLayer(
        layer: layer, output: output, place: place,
        name: (place...(through ?? place))
          .map { "\(kind ?? plan.layers[$0].description.kind)_\($0)" }.joined(separator: "+")))
  }

  private func appendDense(
    _ dense: DenseDescription, _ i: Int, from input: Activations, to output: Activations
  ) {
    let kernel = index(i, .kernel)!
    let bias = index(i, .bias)
    let matrix = Matrix(
      weights.base + parameters[kernel].offset, rows: parameters[kernel].rows,
      columns: parameters[kernel].columns)
    let layer = Dense(
      activation: dense.activation.followsFromOutput ? dense.activation : .linear, input: input,
      output: output, kernel: matrix,
      kernelTransposed: input.hasGradient ? transposedKernel(kernel) : matrix.transposed,
      bias: bias.map { weights.base + parameters[$0].offset })
    parameters[kernel].source = .product(layer)
    if let bias { parameters[bias].source = .columnSums(layer) }
    append(layer, i, output)
    _ = curvature(kernel, bias, positions: 1, dense: layer)
  }

  /// What K-FAC knows of a layer, if it moves it.
  func curvature(
    _ kernel: Int, _ bias: Int?, positions: Int, dense: Dense?
  ) -> KroneckerLayer? {
    guard case .kfac(let kfac) = rule,
      max(parameters[kernel].rows, parameters[kernel].columns) <= kfac.largest
    else { return nil }
    let curvature = KroneckerLayer(
      kernel: kernel, bias: bias, in: parameters, positions: positions, dense: dense,
      tiles: Tile.count(of: batchSize), arena: arena)
    curvatures.append(curvature)
    return curvature
  }

  /// An activation that cannot end its layer, because its derivative needs its input, follows it.
  private func finish(
    _ activation: Activation, _ place: Int, through last: Int, from output: Activations
  ) -> Activations {
    guard !activation.followsFromOutput else { return output }
    let activated = Activations(
      extent: output.extent, channels: output.channels, hasGradient: output.hasGradient)
    append(
      ActivationLayer(activation, channels: output.channels, input: output, output: activated),
      place, activated)
    return activated
  }

  /// The activation after a layer that alone reads it, where it is one that a batch norm can end with.
  private func limits(after i: Int) -> Limits? {
    guard i + 1 < plan.layers.count, plan.followsTheLast(i + 1), plan.layers[i].readers == 1,
      case .activation(let activation) = plan.layers[i + 1].description
    else { return nil }
    return Limits(activation)
  }

  private func appendBatchNorm(
    _ norm: BatchNormDescription, _ i: Int, through last: Int, _ limits: Limits,
    from input: Activations, to output: Activations
  ) {
    func gradient(_ role: TensorInfo.Role) -> UnsafeMutablePointer<Float>? {
      index(i, role).map { gradients.base + parameters[$0].offset }
    }
    let memory = BatchNorm.Memory(
      scale: pointer(i, .scale), offset: pointer(i, .offset), scaleGradient: gradient(.scale),
      offsetGradient: gradient(.offset), movingMean: pointer(i, .movingMean)!,
      movingVariance: pointer(i, .movingVariance)!)
    append(
      BatchNorm(
        norm, limits: limits, channels: plan.layers[i].output.channels, input: input,
        output: output, parameters: memory, tiles: Tile.count(of: batchSize),
        workspaces: workspaces, arena: arena), i, output, through: last)
  }
}
