/// Lays out a network's memory and makes its layers: those of training, which go back too, or those of
/// inference alone.
final class NetworkBuilder {
  /// What the layers are for.
  enum Purpose {
    /// Batches of so many samples, moved by this rule.
    case training(batchSize: Int, rule: OptimizerRule, seed: UInt64)
    case inference
  }

  let plan: NetworkPlan
  let layout: TensorLayout
  let workers: Int
  let arena: Arena
  let workspaces: [Workspace]
  let weights: Buffer
  /// Of what is trained; empty in inference.
  let gradients: Buffer
  let partials: Partials
  let input: Activations
  private(set) var parameters: [Parameter]
  private(set) var layers: [BuiltLayer] = []
  /// Those that K-FAC moves.
  private(set) var curvatures: [KroneckerLayer] = []
  /// For each layer of the plan, its output once for each that will read it; those that have read it
  /// are gone.
  private var outputs: [[Activations]] = []
  private let purpose: Purpose
  private let tilesAreWide: Bool
  /// The place of the layer whose outputs are kept, if there is one: in training nothing is made up to it.
  private let cut: Int?
  /// In inference, what that layer gives, and how many layers were made up to it.
  private(set) var kept: (output: Activations, layers: Int)?

  /// - Parameters:
  ///   - weights: the tensors, as `layout` has them.
  ///   - tilesAreWide: whether inference takes more samples together where a kernel is large.
  init(
    _ plan: NetworkPlan, _ layout: TensorLayout, for purpose: Purpose, weights: Buffer,
    workers: Int, arena: Arena, tilesAreWide: Bool = true
  ) {
    self.plan = plan
    self.layout = layout
    self.purpose = purpose
    self.tilesAreWide = tilesAreWide
    self.weights = weights
    self.workers = workers
    self.arena = arena
    parameters = layout.parameters
    if let bits = plan.description.quantization?.weightBits {
      for i in parameters.indices where parameters[i].role == .kernel {
        parameters[i].rounded = RoundedKernel(parameters[i], bits: bits, in: arena)
      }
    }
    partials = Partials(size: layout.partials)
    workspaces = (0..<workers).map { _ in Workspace() }
    cut = plan.cut(layout.freezing)
    var shape = plan.description.input
    if case .training = purpose { shape = plan.read(layout.freezing) }
    input = Activations(extent: shape.extent, channels: shape.channels, hasGradient: false)
    if case .training = purpose {
      gradients = arena.floats(layout.learning)
    } else {
      gradients = arena.floats(0)
    }
    makeLayers()
    for workspace in workspaces { workspace.allocate(in: arena) }
    if trains { partials.allocate(tiles: Tile.count(of: batchSize), in: arena) }
  }

  var trains: Bool { if case .training = purpose { true } else { false } }

  /// 0 in inference.
  var batchSize: Int { if case .training(let batchSize, _, _) = purpose { batchSize } else { 0 } }

  var seed: UInt64 { if case .training(_, _, let seed) = purpose { seed } else { 0 } }

  /// Samples of a tile of an evaluation. Of so few that one product takes them all at once, a row's bits
  /// do not depend on its place among them; of more they may.
  var inferenceTile: Int {
    let isWide = layers.contains { $0.layer.isWide }
    let areApart = layers.allSatisfy { $0.layer.samplesTogether == 1 }
    let keepsApart = plan.description.numerics.keepsImagesApart
    return tilesAreWide && isWide && (areApart || !keepsApart) ? Tile.wideSize : Tile.size
  }

  /// The class scores.
  var logits: Activations { outputs.last![0] }

  // MARK: parameters

  func index(_ layer: Int, _ role: TensorInfo.Role) -> Int? {
    parameters.firstIndex { $0.layer == layer && $0.role == role }
  }

  /// The transposed copy of a kernel, (columns, rows), that its layer's input gradient wants.
  func transposedKernel(_ index: Int) -> Matrix {
    let parameter = parameters[index]
    let copy = arena.floats(parameter.count)
    parameters[index].transposed = copy
    return Matrix(copy.base, rows: parameter.columns, columns: parameter.rows)
  }

  /// Has a kernel's other form renewed with it.
  func keep(_ kernel: WinogradKernel, of index: Int) { parameters[index].winograd = kernel }

  func tiled(_ definition: ParameterDefinition, of place: Int) -> TiledParameter {
    let index = index(place, definition.role)!
    var offset = 0
    if case .partials(let place) = parameters[index].source { offset = place }
    return TiledParameter(
      values: Matrix(
        parameters[index].computed(weights.base), rows: definition.rows,
        columns: definition.columns),
      transposed: definition.wantsTransposed ? transposedKernel(index) : nil, partials: partials,
      offset: offset)
  }

  func curvature(
    _ kernel: Int, _ bias: Int?, positions: Int, layer: (any WholeBatchLayer)?
  ) -> KroneckerLayer? {
    guard case .training(let batchSize, .kfac(let kfac), _) = purpose, !parameters[kernel].isFrozen,
      max(parameters[kernel].rows, parameters[kernel].columns) <= kfac.largest
    else { return nil }
    let curvature = KroneckerLayer(
      kernel: kernel, bias: bias, in: parameters, positions: positions, layer: layer,
      tiles: Tile.count(of: batchSize), arena: arena)
    curvatures.append(curvature)
    return curvature
  }

  // MARK: layers

  private func makeLayers() {
    outputs = plan.layers.map { _ in [] }
    var i = 0
    if trains, let cut {
      give(input, of: cut)
      i = cut + 1
    }
    while i < plan.layers.count {
      let (first, layer) = (i, plan.layers[i])
      let definition = layer.description.definition
      let inputs = layer.inputs.map(read)
      if passesThrough(definition) {
        give(inputs[0], of: i)
        i += 1
        continue
      }
      var fused: NetworkPlan.Layer?
      if let next = onlyReader(of: i), definition.fuses(layer, with: next) {
        fused = next
        i += 1
      }
      let last = fused ?? layer
      let output = Activations(
        extent: last.live, channels: last.output.channels,
        hasGradient: trains && layout.goesBack[first])
      let made = definition.make(
        LayerSite(
          first, fused: fused, inputs: inputs, shapes: layer.inputs.map(shape), output: output,
          self))
      append(made, first, output, through: i)
      if let made = made as? any WholeBatchLayer { takeGradients(from: made, first) }
      give(finish(definition.activation, first, from: output), of: i)
      i += 1
    }
  }

  private func passesThrough(_ definition: any LayerDefinition) -> Bool {
    switch definition.passesThrough {
    case .never: false
    case .inInference: !trains
    case .always: true
    }
  }

  /// The layer after this one, where that reads it alone and no other does.
  private func onlyReader(of i: Int) -> NetworkPlan.Layer? {
    guard i + 1 < plan.layers.count, plan.followsTheLast(i + 1), plan.layers[i].readers == 1,
      i != cut
    else { return nil }
    return plan.layers[i + 1]
  }

  private func takeGradients(from layer: any WholeBatchLayer, _ place: Int) {
    if let kernel = index(place, .kernel) { parameters[kernel].source = .product(layer) }
    if let bias = index(place, .bias) { parameters[bias].source = .columnSums(layer) }
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
    if place == cut, !trains { kept = (output, layers.count) }
    guard output.hasGradient else { return }
    for reader in 1..<max(1, outputs[place].count) {
      let view = Activations(viewing: output)
      outputs[place][reader] = view
      append(Fork(of: output, view: view), place, view, kind: "fork")
    }
  }

  private func append(
    _ layer: any Layer, _ place: Int, _ output: Activations, through: Int? = nil,
    kind: String? = nil
  ) {
    layers.append(
      BuiltLayer(
        layer: layer, output: output, place: place,
        name: kind.map { "\($0) of \(plan.layers[place].label)" }
          ?? plan.layers[place...(through ?? place)].map(\.label).joined(separator: "+")))
  }

  /// An activation that cannot end its layer, because its derivative needs its input, follows it.
  private func finish(
    _ activation: Activation, _ place: Int, from output: Activations
  ) -> Activations {
    guard !activation.followsFromOutput else { return output }
    let activated = Activations(
      extent: output.extent, channels: output.channels, hasGradient: output.hasGradient)
    append(
      ActivationLayer(activation, channels: output.channels, input: output, output: activated),
      place, activated)
    return activated
  }
}

/// A layer, the tensor it writes, and the place in the plan of the first of the layers that it stands for
/// (a convolution may do the pooling after it too).
struct BuiltLayer {
  let layer: any Layer
  let output: Activations
  let place: Int
  let name: String
}
