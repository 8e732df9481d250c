/// Where a layer is made: its place in the plan, and the memory that it works on.
struct LayerSite {
  let place: Int
  let layer: NetworkPlan.Layer
  /// The layer after it whose work it does too.
  let fused: NetworkPlan.Layer?
  let inputs: [Activations]
  /// The textbook shapes of the inputs.
  let shapes: [Shape]
  let output: Activations
  let parameters: [TensorInfo.Role: TiledParameter]
  private let builder: NetworkBuilder

  init(
    _ place: Int, fused: NetworkPlan.Layer?, inputs: [Activations], shapes: [Shape],
    output: Activations, _ builder: NetworkBuilder
  ) {
    self.place = place
    self.fused = fused
    self.inputs = inputs
    self.shapes = shapes
    self.output = output
    self.builder = builder
    layer = builder.plan.layers[place]
    var parameters: [TensorInfo.Role: TiledParameter] = [:]
    for definition in layer.description.definition.parameters(of: layer.input) {
      parameters[definition.role] = builder.tiled(definition, of: place)
    }
    self.parameters = parameters
  }

  var input: Activations { inputs[0] }
  var geometry: WindowGeometry { layer.geometry! }
  /// Whether it goes back too.
  var trains: Bool { builder.trains }
  /// Whether its parameters and what it keeps of batches stay as they are.
  var isFrozen: Bool { builder.layout.freezing.layers.contains(layer.label) }
  /// The most samples of a batch; 0 where no one trains.
  var batchSize: Int { builder.batchSize }
  var workers: Int { builder.workers }
  var numerics: Numerics { builder.plan.description.numerics }
  var convolution: ConvolutionLowering { builder.plan.description.convolution }
  var seed: UInt64 { builder.seed }
  var workspaces: [Workspace] { builder.workspaces }
  var arena: Arena { builder.arena }

  /// The transposed copy of a kernel, (columns, rows), which the update keeps.
  func transposed(_ role: TensorInfo.Role) -> Matrix {
    builder.transposedKernel(builder.index(place, role)!)
  }

  /// The kernel as minimal filtering multiplies by it, which the update keeps.
  func winogradKernel(
    _ filter: WinogradFilter, channels: Int, filters: Int, goesBack: Bool
  ) -> WinogradKernel {
    let kernel = WinogradKernel(
      filter, channels: channels, filters: filters, goesBack: goesBack, in: arena)
    builder.keep(kernel, of: builder.index(place, .kernel)!)
    return kernel
  }

  /// Where a `settled` gradient goes.
  func gradient(_ role: TensorInfo.Role) -> UnsafeMutablePointer<Float>? {
    guard !isFrozen, let index = builder.index(place, role) else { return nil }
    return builder.gradients.base + builder.parameters[index].slot
  }

  func statistic(_ role: TensorInfo.Role) -> UnsafeMutablePointer<Float> {
    tensor("\(layer.label)/\(role.rawValue)")
  }

  /// Where a tensor of any layer lies.
  func tensor(_ name: String) -> UnsafeMutablePointer<Float> {
    builder.weights.base + builder.layout.tensors.first { $0.name == name }!.range.lowerBound
  }

  /// Any layer of the plan.
  func layer(labelled label: String) -> NetworkPlan.Layer {
    builder.plan.layers.first { $0.label == label }!
  }

  /// What K-FAC knows of the layer, if it moves it.
  func curvature(positions: Int, of layer: (any WholeBatchLayer)? = nil) -> KroneckerLayer? {
    guard let kernel = builder.index(place, .kernel) else { return nil }
    return builder.curvature(
      kernel, builder.index(place, .bias), positions: positions, layer: layer)
  }
}
