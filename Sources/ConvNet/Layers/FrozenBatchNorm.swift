/// A batch normalisation that stays as it is while others learn: it goes by its moving statistics in
/// training too, so that the samples of a batch don't depend on one another.
///
///     z = x·γ/√(σ² + ε) + (β − μγ/√(σ² + ε))     y = f(z)
///     dx = dy·f′·γ/√(σ² + ε)
///
/// with the moving μ and σ²; f is the ReLU or ReLU6 that follows, if any.
final class FrozenBatchNorm: Layer {
  var inputs: [Activations] { [input] }
  /// z keeps to the limits where y is strictly between them.
  var backwardReads: BackwardReads { .output }

  private let input: Activations
  private let output: Activations
  private let limits: Limits
  private let parameters: BatchNorm.Memory
  private let workspaces: [Workspace]

  init(
    limits: Limits, input: Activations, output: Activations, parameters: BatchNorm.Memory,
    workspaces: [Workspace]
  ) {
    self.limits = limits
    self.input = input
    self.output = output
    self.parameters = parameters
    self.workspaces = workspaces
    // The factors of all channels, and what is added to them.
    for workspace in workspaces {
      workspace.reserve(columns: 0, outputs: 0, row: 2 * parameters.channels)
    }
  }

  private func rows(_ tile: Tile) -> Int { tile.count * input.size / parameters.channels }

  /// Factors and shifts, (C) each, in the worker's memory.
  private func moving(
    _ tile: Tile
  ) -> (factor: UnsafeMutablePointer<Float>, shift: UnsafeMutablePointer<Float>) {
    let factor = workspaces[tile.worker].row
    let shift = factor + parameters.channels
    parameters.moving(factor, shift)
    return (factor, shift)
  }

  func forward(_ tile: Tile) {
    let (factor, shift) = moving(tile)
    let (y, rows) = (output.values(of: tile), rows(tile))
    ChannelScaling(
      x: input.values(of: tile), y: y, rows: rows, channels: parameters.channels, factor: factor,
      shift: shift
    ).run(channels: parameters.channels)
    if !limits.isNone { limits.limit(y, count: rows * parameters.channels) }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let (factor, shift) = moving(tile)
    shift.update(repeating: 0, count: parameters.channels)
    let (dx, rows) = (input.gradients(of: tile), rows(tile))
    ChannelScaling(
      x: output.gradients(of: tile), y: dx, rows: rows, channels: parameters.channels,
      factor: factor, shift: shift
    ).run(channels: parameters.channels)
    if !limits.isNone {
      limits.stop(dx, where: output.values(of: tile), count: rows * parameters.channels)
    }
  }
}
