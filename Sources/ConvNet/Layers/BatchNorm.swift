/// Batch normalisation over a channel (Ioffe and Szegedy 2015), with Keras's defaults:
///
///     y = γ(x − μ)/√(σ² + ε) + β     moving = momentum·moving + (1 − momentum)·batch
///
/// μ and σ² are those of the channel in the batch, in evaluation the moving ones; σ² is the biased
/// variance in both (Keras; PyTorch's moving one is unbiased, its momentum 1 less this). Images and
/// vectors keep their shape; γ, β, and the moving statistics are (C).
///
/// The moving statistics begin at 0 and 1, of which momentumᵗ is left after t batches. Without that
/// bias, as Adam's moments (Kingma and Ba 2014): the average of the batches alone, each weighted by how
/// long ago it was,
///
///     moving = Σᵢ (1 − momentum)·momentumᵗ⁻ⁱ·batchᵢ / (1 − momentumᵗ)
public struct BatchNormDescription: Hashable, Sendable {
  public var momentum: Float
  public var epsilon: Float
  /// Whether there is a γ, which begins at 1.
  public var scale: Bool
  /// Whether there is a β, which begins at 0.
  public var center: Bool
  /// Whether the moving statistics are without the bias of their beginning.
  public var debias: Bool
  public init(
    momentum: Float = 0.99, epsilon: Float = 1e-3, scale: Bool = true, center: Bool = true,
    debias: Bool = false
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
    self.debias = debias
  }
}

extension BatchNormDescription: LayerDefinition {
  var kind: String { "batch_norm" }
  /// Batch statistics are taken over the whole map.
  var liveOutputs: LiveOutputs { .all }
  var needsGradient: Bool { true }

  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: input) }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    input.extent
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    (scale ? [.channels(.scale, input.channels, initial: 1, gradient: .settled)] : [])
      + (center ? [.channels(.offset, input.channels, initial: 0, gradient: .settled)] : [])
  }

  func statistics(of input: Shape) -> [ParameterDefinition] {
    [
      .channels(.movingMean, input.channels, initial: 0),
      .channels(.movingVariance, input.channels, initial: 1),
    ]
  }

  /// An activation that it can end with.
  func fuses(_ layer: NetworkPlan.Layer, with next: NetworkPlan.Layer) -> Bool {
    guard case .activation(let activation) = next.description else { return false }
    return Limits(activation) != nil
  }

  func make(_ site: LayerSite) -> any Layer {
    var limits = Limits.none
    if case .activation(let activation) = site.fused?.description {
      limits = Limits(activation)!
    }
    let memory = BatchNorm.Memory(
      scale: site.parameters[.scale]?.values.base, offset: site.parameters[.offset]?.values.base,
      scaleGradient: site.gradient(.scale), offsetGradient: site.gradient(.offset),
      movingMean: site.statistic(.movingMean), movingVariance: site.statistic(.movingVariance),
      epsilon: epsilon, channels: site.layer.output.channels)
    if site.isFrozen, site.trains {
      return FrozenBatchNorm(
        limits: limits, input: site.input, output: site.output, parameters: memory,
        workspaces: site.workspaces)
    }
    return BatchNorm(
      self, limits: limits, channels: site.layer.output.channels, input: site.input,
      output: site.output, parameters: memory, tiles: Tile.count(of: site.batchSize),
      workspaces: site.workspaces, arena: site.arena)
  }
}

/// Batch normalisation (Ioffe and Szegedy 2015), over the m values of a channel in a batch:
///
///     x̂ = (x − μ)/√(σ² + ε)     z = γx̂ + β     y = f(z)
///     dz = dy·f′     dγ = Σ dz·x̂     dβ = Σ dz     dx = γ/√(σ² + ε) · (dz − dβ/m − x̂·dγ/m)
///
/// where f is the ReLU or ReLU6 that follows, if any: z is worked out again from x. Each tile gathers
/// its sums; they are merged in tile order (Chan, Golub and LeVeque 1979), in `Double`. Evaluation
/// uses the moving statistics.
final class BatchNorm: BatchCoupledLayer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }

  private let input: Activations
  private let output: Activations
  private let channels: Int
  private let momentum: Float
  private let debias: Bool
  private let epsilon: Float
  private let limits: Limits
  /// Rows that are worked on together, so few that the first-level cache holds them.
  private let block: Int
  private let parameters: Memory
  private let workspaces: [Workspace]

  /// The layer's parameters, each (C): in the network's memory.
  struct Memory {
    let scale: UnsafeMutablePointer<Float>?
    let offset: UnsafeMutablePointer<Float>?
    let scaleGradient: UnsafeMutablePointer<Float>?
    let offsetGradient: UnsafeMutablePointer<Float>?
    let movingMean: UnsafeMutablePointer<Float>
    let movingVariance: UnsafeMutablePointer<Float>
    let epsilon: Float
    let channels: Int

    /// What x is multiplied by and what is added, (C) each, by the moving statistics.
    func moving(
      _ factor: UnsafeMutablePointer<Float>, _ shift: UnsafeMutablePointer<Float>
    ) {
      for c in 0..<channels {
        let inverse = 1 / (movingVariance[c] + epsilon).squareRoot()
        factor[c] = inverse * (scale?[c] ?? 1)
        shift[c] = (offset?[c] ?? 0) - movingMean[c] * factor[c]
      }
    }
  }

  /// Two rows of C for each tile: means and squared deviations, or Σ dy and Σ dy·x̂.
  private let sums: Buffer
  /// (C) each, of the current batch: μ, σ², 1/√(σ² + ε), what x is multiplied by and what is added,
  /// dβ/m, dγ/m.
  private let mean: Buffer
  private let variance: Buffer
  private let inverse: Buffer
  private let factor: Buffer
  private let shift: Buffer
  private let meanGradient: Buffer
  private let meanScaled: Buffer

  init(
    _ description: BatchNormDescription, limits: Limits, channels: Int, input: Activations,
    output: Activations, parameters: Memory, tiles: Int, workspaces: [Workspace],
    arena: Arena
  ) {
    self.input = input
    self.output = output
    self.channels = channels
    self.limits = limits
    self.parameters = parameters
    self.workspaces = workspaces
    momentum = description.momentum
    debias = description.debias
    epsilon = description.epsilon
    sums = arena.floats(tiles, 2, channels)
    mean = arena.floats(channels)
    variance = arena.floats(channels)
    inverse = arena.floats(channels)
    factor = arena.floats(channels)
    shift = arena.floats(channels)
    meanGradient = arena.floats(channels)
    meanScaled = arena.floats(channels)
    block = max(8, 2048 / channels)
    for workspace in workspaces {
      workspace.reserve(columns: 0, outputs: 0, row: block * channels)
    }
  }

  private func rows(_ samples: Int) -> Int { samples * input.size / channels }

  private func sums(of tile: Int) -> UnsafeMutablePointer<Float> {
    sums.base + tile * 2 * channels
  }

  /// The rows of a tile, block after block.
  @inline(__always)
  private func forEachBlock(_ tile: Tile, _ body: (_ first: Int, _ rows: Int) -> Void) {
    let rows = rows(tile.count)
    for first in stride(from: 0, to: rows, by: block) {
      body(first * channels, min(block, rows - first))
    }
  }

  func gather(_ tile: Tile) {
    let x = input.values(of: tile)
    let mean = sums(of: tile.index)
    let deviation = mean + channels
    mean.update(repeating: 0, count: 2 * channels)
    forEachBlock(tile) { at, rows in
      ChannelSums(x: x + at, rows: rows, channels: channels, sums: mean).run(channels: channels)
    }
    let share = 1 / Float(rows(tile.count))
    for c in 0..<channels { mean[c] *= share }
    forEachBlock(tile) { at, rows in
      ChannelDeviations(x: x + at, rows: rows, channels: channels, mean: mean, sums: deviation)
        .run(channels: channels)
    }
  }

  func settle(batch: Int) {
    let tiles = Tile.count(of: batch)
    for c in 0..<channels {
      var count = 0.0
      var mean = 0.0
      var deviation = 0.0
      for tile in 0..<tiles {
        let n = Double(rows(min(Tile.size, batch - tile * Tile.size)))
        let difference = Double(sums(of: tile)[c]) - mean
        let total = count + n
        mean += difference * n / total
        deviation +=
          Double(sums(of: tile)[channels + c]) + difference * difference * count * n / total
        count = total
      }
      let variance = deviation / count
      self.mean.base[c] = Float(mean)
      self.variance.base[c] = Float(variance)
      inverse.base[c] = Float(1 / (variance + Double(epsilon)).squareRoot())
      factor.base[c] = inverse.base[c] * (parameters.scale?[c] ?? 1)
      shift.base[c] = (parameters.offset?[c] ?? 0) - self.mean.base[c] * factor.base[c]
    }
  }

  /// Corrected averages are kept as such, moving += (1 − m)/(1 − mᵗ)·(batch − moving), so that what a
  /// checkpoint or a model holds is what evaluation uses; the first batch replaces what there was.
  func commit(count: Int, batch: Int) {
    var (kept, share) = (momentum, 1 - momentum)
    if debias {
      let momentum = Double(momentum)
      let part = (1 - momentum) / (1 - OptimizerStep.power(momentum, count))
      (kept, share) = (Float(1 - part), Float(part))
    }
    let (mean, variance) = (parameters.movingMean, parameters.movingVariance)
    for c in 0..<channels {
      mean[c] = kept * mean[c] + share * self.mean.base[c]
      variance[c] = kept * variance[c] + share * self.variance.base[c]
    }
  }

  func forward(_ tile: Tile) {
    var (factor, shift) = (factor.base, shift.base)
    if !tile.isTraining {
      factor = workspaces[tile.worker].row
      shift = factor + channels
      parameters.moving(factor, shift)
    }
    let (x, y) = (input.values(of: tile), output.values(of: tile))
    forEachBlock(tile) { at, rows in
      scale(x + at, by: factor, shift, to: y + at, rows)
      if !limits.isNone { limits.limit(y + at, count: rows * channels) }
    }
  }

  /// z = x·factor + shift of some rows.
  private func scale(
    _ x: UnsafePointer<Float>, by factor: UnsafePointer<Float>, _ shift: UnsafePointer<Float>,
    to z: UnsafeMutablePointer<Float>, _ rows: Int
  ) {
    ChannelScaling(x: x, y: z, rows: rows, channels: channels, factor: factor, shift: shift)
      .run(channels: channels)
  }

  /// dz of some rows of a batch: dy itself where there are no limits, else in `scratch`.
  private func slope(
    _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>, _ rows: Int,
    _ scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    if limits.isNone { return dy }
    scale(x, by: factor.base, shift.base, to: scratch, rows)
    limits.pass(dy, inPlaceOf: scratch, count: rows * channels)
    return UnsafePointer(scratch)
  }

  private var statistics: BatchStatistics {
    BatchStatistics(mean: mean.base, inverse: inverse.base, factor: factor.base)
  }

  func gatherBackward(_ tile: Tile) {
    let (x, dy) = (input.values(of: tile), output.gradients(of: tile))
    let scratch = workspaces[tile.worker].row
    let plain = sums(of: tile.index)
    plain.update(repeating: 0, count: 2 * channels)
    forEachBlock(tile) { at, rows in
      BatchNormGather(
        x: x + at, dz: slope(x + at, dy + at, rows, scratch), rows: rows, channels: channels,
        statistics: statistics, plain: plain, scaled: plain + channels
      ).run(channels: channels)
    }
  }

  func settleBackward(batch: Int) {
    let tiles = Tile.count(of: batch)
    let m = Double(rows(batch))
    for c in 0..<channels {
      var plain = 0.0
      var scaled = 0.0
      for tile in 0..<tiles {
        plain += Double(sums(of: tile)[c])
        scaled += Double(sums(of: tile)[channels + c])
      }
      parameters.offsetGradient?[c] = Float(plain)
      parameters.scaleGradient?[c] = Float(scaled)
      meanGradient.base[c] = Float(plain / m)
      meanScaled.base[c] = Float(scaled / m)
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let (x, dy) = (input.values(of: tile), output.gradients(of: tile))
    let (dx, scratch) = (input.gradients(of: tile), workspaces[tile.worker].row)
    forEachBlock(tile) { at, rows in
      BatchNormBackward(
        x: x + at, dz: slope(x + at, dy + at, rows, scratch), dx: dx + at, rows: rows,
        channels: channels, statistics: statistics, meanGradient: meanGradient.base,
        meanScaled: meanScaled.base
      ).run(channels: channels)
    }
  }
}
