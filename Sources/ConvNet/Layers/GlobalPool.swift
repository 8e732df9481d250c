/// The mean or the largest of a whole map, per channel (Lin, Chen and Yan 2014; Keras's
/// `GlobalAveragePooling2D` and `GlobalMaxPooling2D`):
///
///     y[c] = Σ x[r, q, c] / (H·W), or max x[r, q, c]
///
/// (H, W, C) gives a vector (C), or with `keepDims` an image (1, 1, C); of equals the first is the
/// largest. A plan refuses (`NetworkError`) vectors.
public struct GlobalPoolDescription: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case average, max }

  public var pooling: Kind
  public var keepDims: Bool

  public init(_ pooling: Kind, keepDims: Bool = false) {
    self.pooling = pooling
    self.keepDims = keepDims
  }
}

extension GlobalPoolDescription: LayerDefinition {
  var kind: String { pooling == .average ? "global_average_pool" : "global_max_pool" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (_, channels) = try NetworkPlan.image(input, for: kind)
    return InferredLayer(output: keepDims ? Shape(Extent(1, 1), channels) : .vector(channels))
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    input.extent
  }

  func make(_ site: LayerSite) -> any Layer {
    GlobalPool(pooling, input: site.input, output: site.output)
  }
}

/// Pooling of a whole map, which is a pooling with one window.
final class GlobalPool: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let pooling: GlobalPoolDescription.Kind
  private let input: Activations
  private let output: Activations
  private let window: PoolWindow
  private let share: Float

  init(_ pooling: GlobalPoolDescription.Kind, input: Activations, output: Activations) {
    self.pooling = pooling
    self.input = input
    self.output = output
    window = PoolWindow(
      rows: input.extent.height, columns: input.extent.width,
      rowStride: input.extent.width * input.channels, columnStride: input.channels,
      channels: input.channels)
    share = 1 / Float(input.extent.height * input.extent.width)
    if pooling == .max { output.hasWinners = true }
  }

  func forward(_ tile: Tile) {
    for sample in 0..<tile.count {
      let x = input.values(of: tile) + sample * input.size
      let y = output.values(of: tile) + sample * output.size
      switch pooling {
      case .average: window.average(x, share, to: y)
      case .max:
        window.pool(
          x, to: y, winners: output.winners(of: tile) + sample * output.size,
          windowColumns: window.columns)
      }
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    for sample in 0..<tile.count {
      let dy = output.gradients(of: tile) + sample * output.size
      let dx = input.gradients(of: tile) + sample * input.size
      switch pooling {
      case .average:
        dx.update(repeating: 0, count: input.size)
        window.addToAll(dy, share, to: dx)
      case .max:
        window.unpool(dy, winners: output.winners(of: tile) + sample * output.size, to: dx)
      }
    }
  }
}
