// Letters: P positions, C channels, R of them after the squeeze.

/// Channels weighed by what the whole map shows (Hu, Shen and Sun 2018; torchvision's
/// `SqueezeExcitation`):
///
///     y = x·e of each channel     e = g(f(s·V + u)·W + b)     s[c] = Σ x[r, q, c] / (H·W)
///
/// (H, W, C) keeps its shape; V is (C, R), W (R, C), R = max(1, ⌊C / ratio⌋), 16 by default as in the
/// paper. A plan refuses (`NetworkError`) vectors, a ratio below 1, and functions whose slope does not
/// follow from their value.
public struct SqueezeExciteDescription: Hashable, Sendable {
  public var ratio: Int
  /// f.
  public var squeezeActivation: Activation
  /// g: `sigmoid`, or MobileNetV3's `hardSigmoid`.
  public var gate: Activation
  public var initializer: Initializer

  public init(
    ratio: Int = 16, squeezeActivation: Activation = .relu, gate: Activation = .sigmoid,
    initializer: Initializer = .glorotUniform
  ) {
    self.ratio = ratio
    self.squeezeActivation = squeezeActivation
    self.gate = gate
    self.initializer = initializer
  }

  package func squeezed(_ channels: Int) -> Int { max(1, channels / ratio) }
}

extension SqueezeExciteDescription: LayerDefinition {
  var kind: String { "squeeze_excite" }
  var liveOutputs: LiveOutputs { .all }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (_, channels) = try NetworkPlan.image(input, for: kind)
    guard ratio > 0 else { throw NetworkError("the ratio must be at least 1") }
    guard squeezeActivation.followsFromOutput, gate.followsFromOutput else {
      throw NetworkError("its functions must be such that the slope follows from the value")
    }
    let weights = try NetworkPlan.product(
      [channels, squeezed(channels), 2], what: "a kernel of \(channels)x\(squeezed(channels))")
    return InferredLayer(output: input, flops: 2 * weights)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    input.extent
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    let channels = input.channels
    let squeezed = self.squeezed(channels)
    func kernel(_ role: TensorInfo.Role, _ rows: Int, _ columns: Int) -> ParameterDefinition {
      ParameterDefinition(
        role: role, shape: [rows, columns], rows: rows, columns: columns,
        initial: .drawn(initializer, rows: rows, columns: columns, fanOut: columns))
    }
    return [
      kernel(.squeezeKernel, channels, squeezed), .channels(.squeezeBias, squeezed, initial: 0),
      kernel(.kernel, squeezed, channels), .channels(.bias, channels, initial: 0),
    ]
  }

  func make(_ site: LayerSite) -> any Layer { SqueezeExcite(self, site) }
}

/// y = x·e of each channel, with
///
///     s = Σ x / P     z = f(s·V + u)     e = g(z·W + b)
///
/// Sample by sample; V is (C, R), W is (R, C). Backward:
///
///     de = Σ dy·x     dw = de·g′     dW += zᵀ·dw     dv = dw·Wᵀ·f′     dV += sᵀ·dv
///     dx = dy·e + dv·Vᵀ/P
final class SqueezeExcite: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }
  var ways: ProductWays? { ProductWays(forward: "direct", from: input, to: output) }

  private let input: Activations
  private let output: Activations
  private let activation: Activation
  private let gate: Activation
  private let squeezeKernel, squeezeBias, kernel, bias: TiledParameter
  private let channels: Int
  private let squeezed: Int
  private let workspaces: [Workspace]
  /// s, z and e of each sample of a batch in training.
  private let kept: Buffer

  init(_ description: SqueezeExciteDescription, _ site: LayerSite) {
    input = site.input
    output = site.output
    activation = description.squeezeActivation
    gate = description.gate
    squeezeKernel = site.parameters[.squeezeKernel]!
    squeezeBias = site.parameters[.squeezeBias]!
    kernel = site.parameters[.kernel]!
    bias = site.parameters[.bias]!
    channels = site.input.channels
    squeezed = squeezeKernel.values.columns
    workspaces = site.workspaces
    kept = site.arena.floats(site.batchSize, 2 * channels + squeezed)
    for workspace in workspaces {
      workspace.reserve(columns: 0, outputs: 0, row: 2 * channels + squeezed)
    }
  }

  private var positions: Int { input.size / channels }

  /// Where a sample's s, z and e are.
  private func memory(
    _ tile: Tile, _ sample: Int
  ) -> (
    mean: UnsafeMutablePointer<Float>, squeezed: UnsafeMutablePointer<Float>,
    factor: UnsafeMutablePointer<Float>
  ) {
    let base =
      tile.isTraining
      ? kept.base + (tile.first + sample) * (2 * channels + squeezed)
      : workspaces[tile.worker].row
    return (base, base + channels, base + channels + squeezed)
  }

  func forward(_ tile: Tile) {
    for sample in 0..<tile.count {
      let x = input.values(of: tile) + sample * input.size
      let y = output.values(of: tile) + sample * input.size
      let (mean, z, factor) = memory(tile, sample)
      mean.update(repeating: 0, count: channels)
      addColumnSums(of: x, rows: positions, columns: channels, to: mean)
      let share = 1 / Float(positions)
      for c in 0..<channels { mean[c] *= share }
      z.update(from: squeezeBias.values.base, count: squeezed)
      addProduct(mean, squeezeKernel.values, to: z)
      activation.apply(z, to: z, count: squeezed)
      factor.update(from: bias.values.base, count: channels)
      addProduct(z, kernel.values, to: factor)
      gate.apply(factor, to: factor, count: channels)
      for start in stride(from: 0, to: input.size, by: channels) {
        for c in 0..<channels { y[start + c] = x[start + c] * factor[c] }
      }
    }
  }

  func backward(_ tile: Tile) {
    let dW = Matrix(kernel.clearedGradient(of: tile), rows: squeezed, columns: channels)
    let dV = Matrix(squeezeKernel.clearedGradient(of: tile), rows: channels, columns: squeezed)
    let db = bias.clearedGradient(of: tile)
    let du = squeezeBias.clearedGradient(of: tile)
    let row = workspaces[tile.worker].row
    let (dw, dv, ds) = (row, row + channels, row + channels + squeezed)
    let share = 1 / Float(positions)
    for sample in 0..<tile.count {
      let x = input.values(of: tile) + sample * input.size
      let dy = output.gradients(of: tile) + sample * input.size
      let (mean, z, factor) = memory(tile, sample)
      dw.update(repeating: 0, count: channels)
      for start in stride(from: 0, to: input.size, by: channels) {
        for c in 0..<channels { dw[c] += dy[start + c] * x[start + c] }
      }
      gate.gradientFromOutput(factor, dw, to: dw, count: channels)
      addRun(dw, to: db, count: channels)
      for r in 0..<squeezed {
        addRun(dw, times: z[r], to: dW.base + r * channels, count: channels)
        dv[r] = orderedDot(kernel.values.base + r * channels, dw, count: channels)
      }
      activation.gradientFromOutput(z, dv, to: dv, count: squeezed)
      addRun(dv, to: du, count: squeezed)
      for c in 0..<channels {
        addRun(dv, times: mean[c], to: dV.base + c * squeezed, count: squeezed)
        ds[c] = share * orderedDot(squeezeKernel.values.base + c * squeezed, dv, count: squeezed)
      }
      guard input.hasGradient else { continue }
      let dx = input.gradients(of: tile) + sample * input.size
      for start in stride(from: 0, to: input.size, by: channels) {
        for c in 0..<channels { dx[start + c] = dy[start + c] * factor[c] + ds[c] }
      }
    }
  }

  /// to += row·matrix.
  private func addProduct(
    _ row: UnsafePointer<Float>, _ matrix: Matrix, to: UnsafeMutablePointer<Float>
  ) {
    for k in 0..<matrix.rows {
      addRun(matrix.base + k * matrix.stride, times: row[k], to: to, count: matrix.columns)
    }
  }
}
