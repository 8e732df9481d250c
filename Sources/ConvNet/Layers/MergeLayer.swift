// Where tensors meet and part: the layer that reads several, and the fork of one that several read.

/// Several tensors made one:
///
///     add         y = f(Σ xᵢ)             dxᵢ = dy·f′(y)
///     multiply    y = f(Π xᵢ)             dxᵢ = dy·f′(y)·Π xⱼ, j ≠ i; else `BroadcastProduct`
///     concat      y = f([x₁, x₂, …])      [dx₁, dx₂, …] = dy·f′(y), channels at every position
final class MergeLayer: Layer {
  var backwardReads: BackwardReads {
    let reads: BackwardReads = activation == .linear ? [] : .output
    return kind == .multiply ? reads.union(.inputs) : reads
  }

  let inputs: [Activations]
  private let kind: Merge
  private let output: Activations
  private let activation: Activation

  init(
    _ kind: Merge, _ activation: Activation, inputs: [Activations], output: Activations
  ) {
    precondition(activation.followsFromOutput && inputs.count >= 2)
    self.kind = kind
    self.activation = activation
    self.inputs = inputs
    self.output = output
  }

  func forward(_ tile: Tile) {
    switch kind {
    case .add: add(tile)
    case .multiply: multiply(tile)
    case .concat: concat(tile)
    }
  }

  func backward(_ tile: Tile) {
    switch kind {
    case .add: spreadSum(tile)
    case .multiply: spreadProduct(tile)
    case .concat: split(tile)
    }
  }

  private func add(_ tile: Tile) {
    let count = tile.count * output.size
    let y = output.values(of: tile)
    let (a, b) = (inputs[0].values(of: tile), inputs[1].values(of: tile))
    if activation == .relu, inputs.count == 2 {
      for i in 0..<count {
        let sum = a[i] + b[i]
        y[i] = sum < 0 ? 0 : sum
      }
      return
    }
    for i in 0..<count { y[i] = a[i] + b[i] }
    for i in 2..<inputs.count { addRun(inputs[i].values(of: tile), to: y, count: count) }
    activation.apply(y, to: y, count: count)
  }

  private func spreadSum(_ tile: Tile) {
    for input in inputs where input.hasGradient {
      activation.gradientFromOutput(
        output.values(of: tile), output.gradients(of: tile), to: input.gradients(of: tile),
        count: tile.count * output.size)
    }
  }

  private func multiply(_ tile: Tile) {
    let count = tile.count * output.size
    let y = output.values(of: tile)
    y.update(from: inputs[0].values(of: tile), count: count)
    for i in 1..<inputs.count { scale(y, by: inputs[i].values(of: tile), count: count) }
    activation.apply(y, to: y, count: count)
  }

  private func spreadProduct(_ tile: Tile) {
    let count = tile.count * output.size
    for i in 0..<inputs.count where inputs[i].hasGradient {
      let dx = inputs[i].gradients(of: tile)
      activation.gradientFromOutput(
        output.values(of: tile), output.gradients(of: tile), to: dx, count: count)
      for j in 0..<inputs.count where j != i {
        scale(dx, by: inputs[j].values(of: tile), count: count)
      }
    }
  }

  private func scale(
    _ values: UnsafeMutablePointer<Float>, by factors: UnsafePointer<Float>, count: Int
  ) {
    for i in 0..<count { values[i] *= factors[i] }
  }

  private func positions(_ tile: Tile) -> Int {
    tile.count * output.extent.height * output.extent.width
  }

  /// An input's channels at a position of the output; all of an image that was made a vector.
  private func columns(_ input: Activations) -> Int {
    input.size / (output.extent.height * output.extent.width)
  }

  private func concat(_ tile: Tile) {
    let positions = positions(tile)
    let y = output.values(of: tile)
    var first = 0
    for input in inputs {
      let columns = columns(input)
      copyColumns(
        input.values(of: tile), stride: columns, to: y + first, stride: output.channels,
        rows: positions, columns: columns)
      first += columns
    }
    activation.apply(y, to: y, count: positions * output.channels)
  }

  private func split(_ tile: Tile) {
    guard output.hasGradient else { return }
    let positions = positions(tile)
    let dy = output.gradients(of: tile)
    activation.gradientFromOutput(
      output.values(of: tile), dy, to: dy, count: positions * output.channels)
    var first = 0
    for input in inputs {
      let columns = columns(input)
      if input.hasGradient {
        copyColumns(
          dy + first, stride: output.channels, to: input.gradients(of: tile), stride: columns,
          rows: positions, columns: columns)
      }
      first += columns
    }
  }
}

/// A tensor that one more layer reads: the values are the same, and the gradients add up.
///
///     dx += dx′
///
/// The reader that the tensor had before writes dx, the new one dx′; the fork is before both, and so
/// runs back after both.
final class Fork: Layer {
  var inputs: [Activations] { [tensor] }
  var backwardReads: BackwardReads { [] }

  private let tensor: Activations
  private let view: Activations

  init(of tensor: Activations, view: Activations) {
    self.tensor = tensor
    self.view = view
  }

  func forward(_ tile: Tile) {}

  func backward(_ tile: Tile) {
    addRun(
      view.gradients(of: tile), to: tensor.gradients(of: tile), count: tile.count * tensor.size)
  }
}

extension MergeDescription: LayerDefinition {
  var kind: String { merge.rawValue }
  /// What is merged must have one extent.
  var liveOutputs: LiveOutputs { .all }

  func infer(_ inputs: [Shape]) throws(NetworkError) -> InferredLayer {
    InferredLayer(output: try merge.output(of: inputs))
  }
  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer { try infer([input]) }

  func make(_ site: LayerSite) -> any Layer {
    layer(of: site.inputs, site.shapes, to: site.output, site.workspaces)
  }

  /// An activation whose derivative needs its input is left to a layer of its own.
  func layer(
    of inputs: [Activations], _ shapes: [Shape], to output: Activations, _ workspaces: [Workspace]
  ) -> any Layer {
    if merge == .multiply, inputs.contains(where: { $0.size != output.size }) {
      return BroadcastProduct(
        activation.fused, inputs: inputs, shapes: shapes, output: output, workspaces: workspaces)
    }
    return MergeLayer(merge, activation.fused, inputs: inputs, output: output)
  }
}
