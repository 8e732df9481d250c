/// Batch normalisation (Ioffe and Szegedy 2015), over the m values of a channel in a batch:
///
///     x̂ = (x − μ)/√(σ² + ε)     y = γx̂ + β
///     dγ = Σ dy·x̂     dβ = Σ dy     dx = γ/√(σ² + ε) · (dy − dβ/m − x̂·dγ/m)
///
/// Each tile gathers its sums; they are merged in tile order (Chan, Golub and LeVeque 1979), in
/// `Double`. Evaluation uses the moving statistics.
final class BatchNorm: BatchCoupledLayer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { .inputs }

  private let input: Activations
  private let output: Activations
  private let channels: Int
  private let momentum: Float
  private let epsilon: Float
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
  }

  /// Two rows of C for each tile: means and squared deviations, or Σ dy and Σ dy·x̂.
  private let sums: Buffer
  /// (C) each, of the current batch: μ, σ², 1/√(σ² + ε), dβ/m, dγ/m.
  private let mean: Buffer
  private let variance: Buffer
  private let inverse: Buffer
  private let meanGradient: Buffer
  private let meanScaled: Buffer

  init(
    _ description: BatchNormDescription, channels: Int, input: Activations, output: Activations,
    parameters: Memory, tiles: Int, workspaces: [Workspace]
  ) {
    self.input = input
    self.output = output
    self.channels = channels
    self.parameters = parameters
    self.workspaces = workspaces
    momentum = description.momentum
    epsilon = description.epsilon
    sums = Buffer(tiles * 2 * channels)
    mean = Buffer(channels)
    variance = Buffer(channels)
    inverse = Buffer(channels)
    meanGradient = Buffer(channels)
    meanScaled = Buffer(channels)
    for workspace in workspaces { workspace.reserve(columns: 0, outputs: 0, row: 2 * channels) }
  }

  private func rows(_ samples: Int) -> Int { samples * input.size / channels }

  private func sums(of tile: Int) -> UnsafeMutablePointer<Float> {
    sums.base + tile * 2 * channels
  }

  func gather(_ tile: Tile) {
    let x = input.values(of: tile)
    let rows = rows(tile.count)
    let mean = sums(of: tile.index)
    let deviation = mean + channels
    mean.update(repeating: 0, count: 2 * channels)
    addColumnSums(of: x, rows: rows, columns: channels, to: mean)
    let share = 1 / Float(rows)
    for c in 0..<channels { mean[c] *= share }
    for row in 0..<rows {
      let from = x + row * channels
      for c in 0..<channels {
        let difference = from[c] - mean[c]
        deviation[c] += difference * difference
      }
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
    }
  }

  func commit() {
    let (mean, variance) = (parameters.movingMean, parameters.movingVariance)
    for c in 0..<channels {
      mean[c] = momentum * mean[c] + (1 - momentum) * self.mean.base[c]
      variance[c] = momentum * variance[c] + (1 - momentum) * self.variance.base[c]
    }
  }

  func forward(_ tile: Tile) {
    let factor = workspaces[tile.worker].row
    let shift = factor + channels
    for c in 0..<channels {
      let mean = tile.isTraining ? mean.base[c] : parameters.movingMean[c]
      let inverse =
        tile.isTraining
        ? inverse.base[c] : 1 / (parameters.movingVariance[c] + epsilon).squareRoot()
      factor[c] = inverse * (parameters.scale?[c] ?? 1)
      shift[c] = (parameters.offset?[c] ?? 0) - mean * factor[c]
    }
    let x = input.values(of: tile)
    let y = output.values(of: tile)
    for row in 0..<rows(tile.count) {
      let from = x + row * channels
      let to = y + row * channels
      for c in 0..<channels { to[c] = from[c] * factor[c] + shift[c] }
    }
  }

  func gatherBackward(_ tile: Tile) {
    let x = input.values(of: tile)
    let dy = output.gradients(of: tile)
    let plain = sums(of: tile.index)
    let scaled = plain + channels
    plain.update(repeating: 0, count: 2 * channels)
    let (mean, inverse) = (mean.base, inverse.base)
    for row in 0..<rows(tile.count) {
      let (x, dy) = (x + row * channels, dy + row * channels)
      for c in 0..<channels {
        plain[c] += dy[c]
        scaled[c] += dy[c] * ((x[c] - mean[c]) * inverse[c])
      }
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
    let x = input.values(of: tile)
    let dy = output.gradients(of: tile)
    let dx = input.gradients(of: tile)
    let factor = workspaces[tile.worker].row
    for c in 0..<channels { factor[c] = inverse.base[c] * (parameters.scale?[c] ?? 1) }
    let (mean, inverse) = (mean.base, inverse.base)
    let (meanGradient, meanScaled) = (meanGradient.base, meanScaled.base)
    for row in 0..<rows(tile.count) {
      let at = row * channels
      for c in 0..<channels {
        let normalized = (x[at + c] - mean[c]) * inverse[c]
        dx[at + c] = factor[c] * (dy[at + c] - meanGradient[c] - normalized * meanScaled[c])
      }
    }
  }
}
