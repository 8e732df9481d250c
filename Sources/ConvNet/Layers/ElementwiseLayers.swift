// Layers without parameters that map each element, or each position's channels, by itself.

/// One vector of an image: nothing is computed.
struct FlattenDefinition: LayerDefinition {
  var kind: String { "flatten" }
  var passesThrough: PassesThrough { .always }
  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: .vector(input.count)) }
  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    input.extent
  }
  func make(_ site: LayerSite) -> any Layer { preconditionFailure("nothing is computed") }
}

struct ActivationDefinition: LayerDefinition {
  let function: Activation
  var kind: String { "activation" }
  var liveOutputs: LiveOutputs { .asInput }
  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: input) }
  func make(_ site: LayerSite) -> any Layer {
    ActivationLayer(
      function, channels: site.layer.output.channels, input: site.input, output: site.output)
  }
}

struct DropoutDefinition: LayerDefinition {
  let rate: Float
  var kind: String { "dropout" }
  var liveOutputs: LiveOutputs { .asInput }
  var passesThrough: PassesThrough { .inInference }
  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    guard rate >= 0, rate < 1 else { throw NetworkError("a rate of \(rate) is not in 0..<1") }
    return InferredLayer(output: input)
  }
  func make(_ site: LayerSite) -> any Layer {
    Dropout(
      rate: rate, layer: site.place, seed: site.seed, input: site.input, output: site.output,
      workers: site.workers, arena: site.arena)
  }
}

/// An activation as a layer of its own: y = f(x), dx = dy·f′(x). Softmax is over the channels:
/// dx = y·(dy − Σ dy·y).
final class ActivationLayer: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads {
    activation == .softmax || activation.gradientIgnoresInput ? .output : [.inputs, .output]
  }

  private let activation: Activation
  private let input: Activations
  private let output: Activations
  private let channels: Int

  init(_ activation: Activation, channels: Int, input: Activations, output: Activations) {
    self.activation = activation
    self.channels = channels
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    let count = tile.count * input.size
    guard activation == .softmax else { return activation.apply(x, to: y, count: count) }
    for start in stride(from: 0, to: count, by: channels) {
      softmax(x + start, to: y + start, count: channels)
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let y = output.values(of: tile)
    let dy = output.gradients(of: tile)
    let dx = input.gradients(of: tile)
    let count = tile.count * input.size
    guard activation == .softmax else {
      return activation.gradient(
        input: input.values(of: tile), output: y, dy, to: dx, count: count)
    }
    for start in stride(from: 0, to: count, by: channels) {
      var inner: Float = 0
      for c in start..<start + channels { inner += dy[c] * y[c] }
      for c in start..<start + channels { dx[c] = y[c] * (dy[c] - inner) }
    }
  }
}

/// Dropout (Srivastava et al. 2014), inverted: while training, y = x/(1 − p) with probability 1 − p,
/// else 0, p a multiple of 2⁻¹⁶; otherwise y = x.
///
/// Which elements stay is a function of (seed, layer, step, place in the batch, element).
final class Dropout: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let input: Activations
  private let output: Activations
  private let mask: DropoutMask

  init(
    rate: Float, layer: Int, seed: UInt64, input: Activations, output: Activations, workers: Int,
    arena: Arena
  ) {
    self.input = input
    self.output = output
    mask = DropoutMask(
      rate: rate, count: input.size, layer: layer, seed: seed, workers: workers, arena: arena)
    output.hasWinners = true
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    guard tile.isTraining else { return y.update(from: x, count: tile.count * input.size) }
    let kept = output.winners(of: tile)
    for sample in 0..<tile.count {
      mask.draw(to: kept + sample * input.size, tile: tile, sample: sample)
    }
    for i in 0..<tile.count * input.size { y[i] = x[i] * kept[i] }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let dy = output.gradients(of: tile)
    let dx = input.gradients(of: tile)
    let kept = output.winners(of: tile)
    for i in 0..<tile.count * input.size { dx[i] = dy[i] * kept[i] }
  }
}
