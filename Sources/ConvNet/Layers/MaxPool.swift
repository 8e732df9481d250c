/// The largest of each window, per channel (Keras's `MaxPooling2D`):
///
///     y[r, q, c] = max x[r·S + i − P, q·S + j − P, c]     dx = Σ dy over the windows that x won
///
/// (H, W, C) gives (H', W', C), H' as for a convolution. Padding never wins, and of equals the first
/// one does. A plan refuses (`NetworkError`) vectors, windows that do not fit or have more than 255
/// positions, and a side of padding as wide as the window.
public struct MaxPoolDescription: Hashable, Sendable {
  /// By default 2x2, as in Keras.
  public var size: Extent
  /// By default the size.
  public var stride: Extent
  public var padding: Padding
  public init(size: Extent = Extent(2, 2), stride: Extent? = nil, padding: Padding = .valid) {
    self.size = size
    self.stride = stride ?? size
    self.padding = padding
  }
}

extension MaxPoolDescription: LayerDefinition {
  var kind: String { "max_pool" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let geometry = try WindowGeometry(
      input: extent, window: size, stride: stride, padding: padding)
    guard size.height * size.width <= 255 else {
      throw NetworkError("a window of more than 255 positions is not supported")
    }
    try padding.checkIsSmaller(than: size)
    return InferredLayer(output: Shape(geometry.output, channels), geometry: geometry)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    geometry!.inputRead(by: live)
  }

  func make(_ site: LayerSite) -> any Layer {
    MaxPool(geometry: site.geometry, input: site.input, output: site.output)
  }
}

/// Max pooling that is not part of a convolution: windows may overlap, or hang over a padded edge.
///
///     y = max over the window of x     dx = the sum of dy over the windows that x won
final class MaxPool: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let input: Activations
  private let output: Activations
  private let geometry: WindowGeometry

  init(geometry: WindowGeometry, input: Activations, output: Activations) {
    self.geometry = geometry
    self.input = input
    self.output = output
    output.hasWinners = true
  }

  func forward(_ tile: Tile) {
    let channels = input.channels
    let values = output.values(of: tile)
    let winners = output.winners(of: tile)
    for sample in 0..<tile.count {
      let image = input.values(of: tile) + sample * input.size
      for row in 0..<output.extent.height {
        for column in 0..<output.extent.width {
          let at = sample * output.size + (row * output.extent.width + column) * channels
          let (rows, columns, firstWinner) = clippedWindow(row, column)
          PoolWindow(
            rows: rows.count, columns: columns.count, rowStride: input.extent.width * channels,
            columnStride: channels, channels: channels
          ).pool(
            image + (rows.lowerBound * input.extent.width + columns.lowerBound) * channels,
            to: values + at, winners: winners + at, firstWinner: firstWinner,
            windowColumns: geometry.window.width)
        }
      }
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let channels = input.channels
    let gradients = output.gradients(of: tile)
    let winners = output.winners(of: tile)
    let inputGradients = input.gradients(of: tile)
    inputGradients.update(repeating: 0, count: tile.count * input.size)
    for sample in 0..<tile.count {
      let image = inputGradients + sample * input.size
      for row in 0..<output.extent.height {
        for column in 0..<output.extent.width {
          let at = sample * output.size + (row * output.extent.width + column) * channels
          let y = row * geometry.stride.height - geometry.top
          let x = column * geometry.stride.width - geometry.left
          for c in 0..<channels {
            let winner = Int(winners[at + c])
            let (r, k) = winner.quotientAndRemainder(dividingBy: geometry.window.width)
            image[((y + r) * input.extent.width + x + k) * channels + c] += gradients[at + c]
          }
        }
      }
    }
  }

  /// The rows and columns of the image in an output's window, and the first one's place in it.
  private func clippedWindow(_ row: Int, _ column: Int) -> (Range<Int>, Range<Int>, Int) {
    let y = row * geometry.stride.height - geometry.top
    let x = column * geometry.stride.width - geometry.left
    let rows = max(0, y)..<min(geometry.input.height, y + geometry.window.height)
    let columns = max(0, x)..<min(geometry.input.width, x + geometry.window.width)
    let first = (rows.lowerBound - y) * geometry.window.width + columns.lowerBound - x
    return (rows, columns, first)
  }
}
