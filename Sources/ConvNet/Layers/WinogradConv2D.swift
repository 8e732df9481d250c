/// A convolution of 3x3 with its bias and activation, and with the max pooling that follows it, if any, by
/// Winograd's minimal filtering (Lavin and Gray 2016):
///
///     U = G·W·Gᵀ      V = Bᵀ·X·B      Y = Aᵀ·(V·U)·A
///     dM = A·dY·Aᵀ    dW += Gᵀ·(Vᵀ·dM)·G    dX = B·(dM·Uᵀ)·Bᵀ
///
/// Both gradients are the exact adjoints of the forward pass, of the same tiles and the same kernel U,
/// which is renewed once a step. Computed in blocks whose V and M stay in the second-level cache; the
/// backward pass makes V again rather than keep it. Where it pays, a pooled one takes its gradients over
/// the winners alone.
final class WinogradConv2D: Layer {
  var inputs: [Activations] { [input] }
  var samplesTogether: Int {
    tiling.imagesPerBlock == 1
      || BLASCore.rowsAreApart(sum: tiling.channels, columns: tiling.filters) ? 1 : Tile.size
  }
  var backwardReads: BackwardReads { end.backwardReads }
  var ways: ProductWays? {
    ProductWays(
      forward: "winograd \(tiling.filter.results)x\(tiling.filter.results)",
      backward: winners.map { _ in "winners" }, from: input, to: output)
  }

  private let input: Activations
  private let output: Activations
  private let tiling: WinogradTiling
  private let kernel: WinogradKernel
  private let weights: ConvolutionWeights
  private let end: ConvolutionEnd
  private let winners: WinnerGradients?
  private let workspaces: [Workspace]

  init(
    _ filter: WinogradFilter, _ site: LayerSite, end: ConvolutionEnd, winners: WinnerGradients?,
    weights: ConvolutionWeights
  ) {
    let live = site.layer.live
    let (channels, filters) = (site.input.channels, weights.kernel.columns)
    input = site.input
    output = site.output
    self.weights = weights
    self.end = end
    self.winners = winners
    workspaces = site.workspaces
    tiling = WinogradTiling(
      filter, site.geometry, live: live, stored: input.extent, channels: channels,
      filters: filters, poolHeight: end.rowsTogether,
      isAlone: !site.trains && site.numerics.keepsImagesApart
        && !BLASCore.rowsAreApart(sum: channels, columns: filters))
    let goesBack = output.hasGradient && winners == nil
    kernel = site.winogradKernel(
      filter, channels: channels, filters: filters, goesBack: goesBack && input.hasGradient)
    for workspace in workspaces {
      if let winners { workspace.reserve(winners) }
      workspace.reserve(
        columns: tiling.memory(goesBack: goesBack),
        outputs: end.isInPlace && !(goesBack && !end.keepsGradient) ? 0 : tiling.resultsOfBlock,
        row: live.width * filters)
    }
  }

  func forward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    tiling.forEachBlock(of: tile.count, in: workspace.columns) { block in
      let rows = tiling.results(of: block.rows)
      let results =
        end.isInPlace
        ? output.values(of: tile) + end.at(block.samples.lowerBound, rows) : workspace.outputs
      tiling.lower(input.values(of: tile) + block.samples.lowerBound * input.size, block)
      tiling.multiply(block, by: kernel)
      tiling.raise(block, to: results)
      for (n, sample) in block.samples.enumerated() {
        end.finish(results + n * tiling.size(of: rows), rows, sample: sample, tile)
      }
    }
  }

  func backward(_ tile: Tile) {
    let workspace = workspaces[tile.worker]
    let biasGradient = weights.biasGradient(of: tile)
    biasGradient?.update(repeating: 0, count: tiling.filters)
    if input.hasGradient {
      input.gradients(of: tile).update(repeating: 0, count: tile.count * input.size)
    }
    if let winners {
      return winners.add(tile, input: input, weights, end, workspace, biasGradient)
    }
    let gradient = tiling.kernelGradient(workspace.columns)
    var isFirst = true
    tiling.forEachBlock(of: tile.count, in: workspace.columns) { block in
      let rows = tiling.results(of: block.rows)
      let results =
        end.keepsGradient
        ? output.gradients(of: tile) + end.at(block.samples.lowerBound, rows) : workspace.outputs
      for (n, sample) in block.samples.enumerated() {
        end.unfinish(
          results + n * tiling.size(of: rows), rows, sample: sample, tile, workspace, biasGradient)
      }
      let first = block.samples.lowerBound * input.size
      tiling.lower(input.values(of: tile) + first, block)
      tiling.lowerGradient(results, block)
      tiling.multiplyBack(block, kernel, into: gradient, isFirst: isFirst)
      if input.hasGradient {
        tiling.raiseGradient(block, addTo: input.gradients(of: tile) + first)
      }
      isFirst = false
    }
    kernel.gradient(
      gradient, to: weights.kernelGradient(of: tile), scratch: tiling.scratch(workspace.columns))
  }
}
