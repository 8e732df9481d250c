// Letters: C channels, G groups, m numbers that share a mean: P positions times C/G channels.

/// Layer normalisation over the channels of each position (Ba, Kiros and Hinton 2016), with Keras's
/// defaults:
///
///     y = γ(x − μ)/√(σ² + ε) + β
///
/// μ and σ² are the mean and the biased variance of the position's channels. Images and vectors keep
/// their shape; γ and β, where `scale` and `center` ask for them, are (C).
public struct LayerNormDescription: Hashable, Sendable {
  public var epsilon: Float
  public var scale: Bool
  public var center: Bool
  public init(epsilon: Float = 1e-3, scale: Bool = true, center: Bool = true) {
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
  }
}

/// Group normalisation over the map of a sample's group of channels (Wu and He 2018), with Keras's
/// defaults:
///
///     y = γ(x − μ)/√(σ² + ε) + β
///
/// μ and σ² are the mean and the biased variance of all numbers of the group's channels. Images and
/// vectors keep their shape; γ and β, where `scale` and `center` ask for them, are (C). A plan refuses
/// (`NetworkError`) groups that do not divide C.
public struct GroupNormDescription: Hashable, Sendable {
  public var groups: Int
  public var epsilon: Float
  public var scale: Bool
  public var center: Bool
  public init(groups: Int = 32, epsilon: Float = 1e-3, scale: Bool = true, center: Bool = true) {
    self.groups = groups
    self.epsilon = epsilon
    self.scale = scale
    self.center = center
  }
}

extension LayerNormDescription: LayerDefinition {
  var kind: String { "layer_norm" }
  var liveOutputs: LiveOutputs { .asInput }

  func infer(_ input: Shape) -> InferredLayer { InferredLayer(output: input) }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    normParameters(input.channels, scale: scale, center: center)
  }

  func make(_ site: LayerSite) -> any Layer {
    GroupNorm(groups: 1, positions: 1, epsilon: epsilon, site)
  }
}

extension GroupNormDescription: LayerDefinition {
  var kind: String { "group_norm" }
  var liveOutputs: LiveOutputs { .all }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    guard groups > 0, input.channels % groups == 0 else {
      throw NetworkError("\(input.channels) channels cannot be cut into \(groups) groups")
    }
    return InferredLayer(output: input)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    input.extent
  }

  func parameters(of input: Shape) -> [ParameterDefinition] {
    normParameters(input.channels, scale: scale, center: center)
  }

  func make(_ site: LayerSite) -> any Layer {
    let extent = site.input.extent
    return GroupNorm(
      groups: groups, positions: extent.height * extent.width, epsilon: epsilon, site)
  }
}

private func normParameters(_ channels: Int, scale: Bool, center: Bool) -> [ParameterDefinition] {
  var parameters: [ParameterDefinition] = []
  if scale { parameters.append(.channels(.scale, channels, initial: 1)) }
  if center { parameters.append(.channels(.offset, channels, initial: 0)) }
  return parameters
}

/// Normalisation over the m numbers of a group of channels in some positions of one sample: in all of
/// them for `group_norm`, in one for `layer_norm`.
///
///     x̂ = (x − μ)/√(σ² + ε)     y = γx̂ + β     dγ = Σ dy·x̂     dβ = Σ dy
///     dx = (γdy − Σ γdy/m − x̂·Σ γdy·x̂/m)/√(σ² + ε)
final class GroupNorm: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }

  private let input: Activations
  private let output: Activations
  private let channels: Int
  private let groups: Int
  private let positions: Int
  private let epsilon: Float
  private let scale: TiledParameter?
  private let offset: TiledParameter?
  private let workspaces: [Workspace]
  /// μ and 1/√(σ² + ε) of each group, sample after sample of a batch in training.
  private let statistics: Buffer
  private let itemsPerSample: Int

  init(groups: Int, positions: Int, epsilon: Float, _ site: LayerSite) {
    input = site.input
    output = site.output
    channels = site.input.channels
    self.groups = groups
    self.positions = positions
    self.epsilon = epsilon
    scale = site.parameters[.scale]
    offset = site.parameters[.offset]
    workspaces = site.workspaces
    itemsPerSample = site.input.size / (positions * channels)
    statistics = site.arena.floats(site.batchSize, itemsPerSample, groups, 2)
    for workspace in workspaces { workspace.reserve(columns: 0, outputs: 0, row: 6 * channels) }
  }

  func forward(_ tile: Tile) {
    let share = 1 / Float(positions * (channels / groups))
    let row = workspaces[tile.worker].row
    let (mean, inverse, sums) = (row, row + channels, row + 2 * channels)
    let (scale, offset) = (scale?.values.base, offset?.values.base)
    for item in 0..<tile.count * itemsPerSample {
      let x = input.values(of: tile) + item * positions * channels
      let y = output.values(of: tile) + item * positions * channels
      sums.update(repeating: 0, count: channels)
      addColumnSums(of: x, rows: positions, columns: channels, to: sums)
      spreadGroupSums(of: sums, to: mean) { $0 * share }
      sums.update(repeating: 0, count: channels)
      for position in 0..<positions {
        let from = x + position * channels
        for c in 0..<channels {
          let difference = from[c] - mean[c]
          sums[c] += difference * difference
        }
      }
      spreadGroupSums(of: sums, to: inverse) { 1 / ($0 * share + epsilon).squareRoot() }
      if tile.isTraining { keep(mean, inverse, tile, item) }
      if let scale { for c in 0..<channels { inverse[c] *= scale[c] } }
      for position in 0..<positions {
        let (from, to) = (x + position * channels, y + position * channels)
        for c in 0..<channels { to[c] = (from[c] - mean[c]) * inverse[c] }
        if let offset { for c in 0..<channels { to[c] += offset[c] } }
      }
    }
  }

  func backward(_ tile: Tile) {
    let share = 1 / Float(positions * (channels / groups))
    let row = workspaces[tile.worker].row
    let (mean, inverse) = (row, row + channels)
    let (plain, scaled) = (row + 2 * channels, row + 3 * channels)
    let (plainMean, scaledMean) = (row + 4 * channels, row + 5 * channels)
    let scaleGradient = self.scale?.clearedGradient(of: tile)
    let offsetGradient = self.offset?.clearedGradient(of: tile)
    let scale = self.scale?.values.base
    for item in 0..<tile.count * itemsPerSample {
      let x = input.values(of: tile) + item * positions * channels
      let dy = output.gradients(of: tile) + item * positions * channels
      recall(mean, inverse, tile, item)
      plain.update(repeating: 0, count: 2 * channels)
      for position in 0..<positions {
        let (x, dy) = (x + position * channels, dy + position * channels)
        for c in 0..<channels {
          plain[c] += dy[c]
          scaled[c] += dy[c] * ((x[c] - mean[c]) * inverse[c])
        }
      }
      if let offsetGradient { addRun(plain, to: offsetGradient, count: channels) }
      if let scaleGradient { addRun(scaled, to: scaleGradient, count: channels) }
      guard input.hasGradient else { continue }
      if let scale {
        for c in 0..<channels {
          plain[c] *= scale[c]
          scaled[c] *= scale[c]
        }
      }
      spreadGroupSums(of: plain, to: plainMean) { $0 * share }
      spreadGroupSums(of: scaled, to: scaledMean) { $0 * share }
      let dx = input.gradients(of: tile) + item * positions * channels
      for position in 0..<positions {
        let (x, dy) = (x + position * channels, dy + position * channels)
        let dx = dx + position * channels
        if let scale {
          for c in 0..<channels { dx[c] = dy[c] * scale[c] }
        } else {
          dx.update(from: dy, count: channels)
        }
        for c in 0..<channels {
          let normalized = (x[c] - mean[c]) * inverse[c]
          dx[c] = inverse[c] * (dx[c] - plainMean[c] - normalized * scaledMean[c])
        }
      }
    }
  }

  /// values[c] = f(Σ of the sums of c's group).
  @inline(__always)
  private func spreadGroupSums(
    of sums: UnsafeMutablePointer<Float>, to values: UnsafeMutablePointer<Float>,
    _ f: (Float) -> Float
  ) {
    let width = channels / groups
    for group in 0..<groups {
      let value = f(orderedSum(sums + group * width, count: width))
      (values + group * width).update(repeating: value, count: width)
    }
  }

  private func statistics(_ tile: Tile, _ item: Int) -> UnsafeMutablePointer<Float> {
    statistics.base + (tile.first * itemsPerSample + item) * groups * 2
  }

  private func keep(
    _ mean: UnsafeMutablePointer<Float>, _ inverse: UnsafeMutablePointer<Float>, _ tile: Tile,
    _ item: Int
  ) {
    let kept = statistics(tile, item)
    for group in 0..<groups {
      kept[2 * group] = mean[group * (channels / groups)]
      kept[2 * group + 1] = inverse[group * (channels / groups)]
    }
  }

  private func recall(
    _ mean: UnsafeMutablePointer<Float>, _ inverse: UnsafeMutablePointer<Float>, _ tile: Tile,
    _ item: Int
  ) {
    let kept = statistics(tile, item)
    let width = channels / groups
    for group in 0..<groups {
      (mean + group * width).update(repeating: kept[2 * group], count: width)
      (inverse + group * width).update(repeating: kept[2 * group + 1], count: width)
    }
  }
}
