// Noise in training alone, besides dropout of elements: of whole channels, and added.

/// Dropout of whole channels of a sample (Tompson et al. 2015; Keras's `SpatialDropout2D`): while
/// training, y = x/(1 − p) for a channel with probability 1 − p, else 0, p the rate to the nearest 2⁻¹⁶;
/// otherwise y = x. (H, W, C) keeps its shape. A plan refuses (`NetworkError`) vectors, and a rate
/// outside 0..<1.
public struct SpatialDropoutDescription: Hashable, Sendable {
  public var rate: Float
  public init(rate: Float) { self.rate = rate }
}

/// Normal noise of mean 0 added to each element (Keras's `GaussianNoise`, whose `stddev` is
/// `deviation`): while training, y = x + deviation·z; otherwise y = x. Images and vectors keep their
/// shape. A plan refuses (`NetworkError`) a deviation that is negative or not finite.
public struct GaussianNoiseDescription: Hashable, Sendable {
  public var deviation: Float
  public init(deviation: Float) { self.deviation = deviation }
}

extension SpatialDropoutDescription: LayerDefinition {
  var kind: String { "spatial_dropout" }
  var liveOutputs: LiveOutputs { .asInput }
  var passesThrough: PassesThrough { .inInference }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    _ = try NetworkPlan.image(input, for: kind)
    guard rate >= 0, rate < 1 else { throw NetworkError("a rate of \(rate) is not in 0..<1") }
    return InferredLayer(output: input)
  }

  func make(_ site: LayerSite) -> any Layer { SpatialDropout(rate: rate, site) }
}

extension GaussianNoiseDescription: LayerDefinition {
  var kind: String { "gaussian_noise" }
  var liveOutputs: LiveOutputs { .asInput }
  var passesThrough: PassesThrough { .inInference }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    guard deviation >= 0, deviation.isFinite else {
      throw NetworkError("a deviation of \(deviation) is not a number of at least 0")
    }
    return InferredLayer(output: input)
  }

  func make(_ site: LayerSite) -> any Layer { GaussianNoise(deviation: deviation, site) }
}

/// While training, y = x/(1 − p) for a channel of a sample with probability 1 − p, else 0; otherwise
/// y = x. Which channels stay is a function of (seed, layer, step, place in the batch, channel).
final class SpatialDropout: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let input: Activations
  private let output: Activations
  private let mask: DropoutMask
  /// The factor of each channel, (N, C), of a batch in training.
  private let kept: Buffer

  init(rate: Float, _ site: LayerSite) {
    input = site.input
    output = site.output
    mask = DropoutMask(
      rate: rate, count: site.input.channels, layer: site.place, seed: site.seed,
      workers: site.workers, arena: site.arena)
    kept = site.arena.floats(site.batchSize, site.input.channels)
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    guard tile.isTraining else { return y.update(from: x, count: tile.count * input.size) }
    for sample in 0..<tile.count {
      mask.draw(
        to: kept.base + (tile.first + sample) * input.channels, tile: tile, sample: sample)
    }
    scale(x, to: y, tile)
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    scale(output.gradients(of: tile), to: input.gradients(of: tile), tile)
  }

  private func scale(
    _ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, _ tile: Tile
  ) {
    let channels = input.channels
    for sample in 0..<tile.count {
      let kept = kept.base + (tile.first + sample) * channels
      for start in stride(from: sample * input.size, to: (sample + 1) * input.size, by: channels) {
        for c in 0..<channels { to[start + c] = from[start + c] * kept[c] }
      }
    }
  }
}

/// While training, y = x + σ·z, z normal; otherwise y = x. dx = dy. The noise is a function of (seed,
/// layer, step, place in the batch, element).
final class GaussianNoise: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let input: Activations
  private let output: Activations
  private let deviation: Float
  private let purpose: UInt32
  /// One for each worker.
  private let noises: [NormalNoise]

  init(deviation: Float, _ site: LayerSite) {
    input = site.input
    output = site.output
    self.deviation = deviation
    purpose = RandomPurpose.dropout.rawValue | UInt32(site.place + 1) << 8
    noises = (0..<site.workers).map { _ in
      let room = NormalNoise.room(site.input.size)
      return NormalNoise(
        count: site.input.size, seed: site.seed, words: site.arena.take(UInt32.self, room),
        numbers: site.arena.take(Float.self, room), of: site.arena)
    }
  }

  func forward(_ tile: Tile) {
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    y.update(from: x, count: tile.count * input.size)
    guard tile.isTraining else { return }
    for sample in 0..<tile.count {
      noises[tile.worker].add(
        times: deviation, to: y + sample * input.size, purpose,
        UInt32(truncatingIfNeeded: tile.step), UInt32(truncatingIfNeeded: tile.first + sample))
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    input.gradients(of: tile).update(
      from: output.gradients(of: tile), count: tile.count * input.size)
  }
}
