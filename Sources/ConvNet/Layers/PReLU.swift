/// Parametric ReLU (He et al. 2015), with a learned slope for each channel: Keras's with
/// `shared_axes=[1, 2]`, PyTorch's with as many parameters as channels:
///
///     y = x for x > 0, a[c]·x elsewhere
///
/// Images and vectors keep their shape; a is (C), and begins at `initial`: 0.25 as in the paper and in
/// PyTorch (Keras's begin at 0).
public struct PReLUDescription: Hashable, Sendable {
  public var initial: Float
  public init(initial: Float = 0.25) { self.initial = initial }
}

extension PReLUDescription: LayerDefinition {
  var kind: String { "prelu" }
  var liveOutputs: LiveOutputs { .asInput }

  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: input) }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    [.channels(.slope, input.channels, initial: initial)]
  }

  func make(_ site: LayerSite) -> any Layer {
    PReLU(site.parameters[.slope]!, input: site.input, output: site.output)
  }
}

/// y = x for x > 0, a·x elsewhere; dx = dy or a·dy; da = Σ dy·x over the x ≤ 0 of its channel.
final class PReLU: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }

  private let slope: TiledParameter
  private let input: Activations
  private let output: Activations

  init(_ slope: TiledParameter, input: Activations, output: Activations) {
    self.slope = slope
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    let channels = input.channels
    let a = slope.values.base
    for start in stride(from: 0, to: tile.count * input.size, by: channels) {
      let x = input.values(of: tile) + start
      let y = output.values(of: tile) + start
      for c in 0..<channels { y[c] = x[c] > 0 ? x[c] : a[c] * x[c] }
    }
  }

  func backward(_ tile: Tile) {
    let channels = input.channels
    let a = slope.values.base
    let da = slope.clearedGradient(of: tile)
    for start in stride(from: 0, to: tile.count * input.size, by: channels) {
      let x = input.values(of: tile) + start
      let dy = output.gradients(of: tile) + start
      for c in 0..<channels { da[c] += x[c] > 0 ? 0 : dy[c] * x[c] }
      guard input.hasGradient else { continue }
      let dx = input.gradients(of: tile) + start
      for c in 0..<channels { dx[c] = x[c] > 0 ? dy[c] : a[c] * dy[c] }
    }
  }
}
