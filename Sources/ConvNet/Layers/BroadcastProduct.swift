/// The product of tensors of which some have one row, column or channel for all of the others'
/// (NumPy's broadcasting; Keras's `Multiply`): a map and a weight for each of its channels, say.
///
///     y = f(Π xᵢ)     dxᵢ = Σ dy·f′(y)·Π xⱼ, j ≠ i
///
/// the sum over what one number of xᵢ serves. Line by line of the output.
final class BroadcastProduct: Layer {
  var backwardReads: BackwardReads { activation == .linear ? .inputs : [.inputs, .output] }

  let inputs: [Activations]
  private let output: Activations
  private let activation: Activation
  private let lines: [Line]
  private let workspaces: [Workspace]

  /// How a tensor lies along the output's lines.
  private struct Line {
    /// The output's.
    let columns: Int
    let channels: Int
    /// Floats from one row and column to the next, 0 where there is one for all.
    let rowStep: Int
    let columnStep: Int
    /// Whether there is one channel for all.
    let isSingle: Bool

    init(_ shape: Shape, in output: Activations) {
      let extent = shape.extent
      columns = output.extent.width
      channels = output.channels
      isSingle = shape.channels < channels
      columnStep = extent.width == 1 ? 0 : shape.channels
      rowStep = extent.height == 1 ? 0 : extent.width * shape.channels
    }

    /// line *= x
    func scale(_ line: UnsafeMutablePointer<Float>, by x: UnsafePointer<Float>) {
      for column in 0..<columns {
        let (to, from) = (line + column &* channels, x + column &* columnStep)
        if isSingle {
          let factor = from[0]
          for c in 0..<channels { to[c] *= factor }
        } else {
          for c in 0..<channels { to[c] *= from[c] }
        }
      }
    }

    /// dx += line
    func add(_ line: UnsafePointer<Float>, to dx: UnsafeMutablePointer<Float>) {
      for column in 0..<columns {
        let (from, to) = (line + column &* channels, dx + column &* columnStep)
        if isSingle {
          to[0] += orderedSum(from, count: channels)
        } else {
          addRun(from, to: to, count: channels)
        }
      }
    }
  }

  /// - Parameter shapes: the inputs'; what was made a vector is still stored as the image it was.
  init(
    _ activation: Activation, inputs: [Activations], shapes: [Shape], output: Activations,
    workspaces: [Workspace]
  ) {
    precondition(activation.followsFromOutput && inputs.count >= 2)
    self.inputs = inputs
    self.output = output
    self.activation = activation
    self.workspaces = workspaces
    lines = shapes.map { Line($0, in: output) }
    for workspace in workspaces {
      workspace.reserve(columns: 0, outputs: 0, row: output.extent.width * output.channels)
    }
  }

  /// Floats of a line of the output.
  private var length: Int { output.extent.width * output.channels }

  func forward(_ tile: Tile) {
    let y = output.values(of: tile)
    y.update(repeating: 1, count: tile.count * output.size)
    for (input, line) in zip(inputs, lines) {
      for sample in 0..<tile.count {
        let x = input.values(of: tile) + sample * input.size
        for row in 0..<output.extent.height {
          line.scale(y + sample * output.size + row * length, by: x + row * line.rowStep)
        }
      }
    }
    activation.apply(y, to: y, count: tile.count * output.size)
  }

  func backward(_ tile: Tile) {
    let scratch = workspaces[tile.worker].row
    for i in inputs.indices where inputs[i].hasGradient {
      let dx = inputs[i].gradients(of: tile)
      dx.update(repeating: 0, count: tile.count * inputs[i].size)
      for sample in 0..<tile.count {
        for row in 0..<output.extent.height {
          let at = sample * output.size + row * length
          activation.gradientFromOutput(
            output.values(of: tile) + at, output.gradients(of: tile) + at, to: scratch,
            count: length)
          for j in inputs.indices where j != i {
            lines[j].scale(
              scratch,
              by: inputs[j].values(of: tile) + sample * inputs[j].size + row * lines[j].rowStep)
          }
          lines[i].add(scratch, to: dx + sample * inputs[i].size + row * lines[i].rowStep)
        }
      }
    }
  }
}
