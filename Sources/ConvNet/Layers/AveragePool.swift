// Letters: n positions of a window that count, C channels.

/// The mean of each window, per channel (LeCun et al. 1998; Keras's `AveragePooling2D`, and PyTorch's
/// `AvgPool2d`):
///
///     y[r, q, c] = Σ x[r·S + i − P, q·S + j − P, c] / n
///
/// (H, W, C) gives (H', W', C), H' as for a convolution; the stride is by default the size. A plan
/// refuses (`NetworkError`) vectors, windows that do not fit, and a side of padding as wide as the
/// window.
public struct AveragePoolDescription: Hashable, Sendable {
  public var size: Extent
  public var stride: Extent
  public var padding: Padding
  /// Whether the zeros around the image count among a window's n positions, as PyTorch takes them to
  /// unless told otherwise. Keras never counts them, which is the default.
  public var countIncludePad: Bool

  public init(
    size: Extent = Extent(2, 2), stride: Extent? = nil, padding: Padding = .valid,
    countIncludePad: Bool = false
  ) {
    self.size = size
    self.stride = stride ?? size
    self.padding = padding
    self.countIncludePad = countIncludePad
  }
}

extension AveragePoolDescription: LayerDefinition {
  var kind: String { "average_pool" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let geometry = try WindowGeometry(
      input: extent, window: size, stride: stride, padding: padding)
    try padding.checkIsSmaller(than: size)
    return InferredLayer(output: Shape(geometry.output, channels), geometry: geometry)
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    geometry!.inputRead(by: live)
  }

  func make(_ site: LayerSite) -> any Layer {
    AveragePool(
      geometry: site.geometry, countIncludePad: countIncludePad, input: site.input,
      output: site.output)
  }
}

/// Average pooling:
///
///     y = Σ x / n over the window     dx = Σ dy / n over the windows that hold x
final class AveragePool: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let input: Activations
  private let output: Activations
  private let geometry: WindowGeometry
  private let countIncludePad: Bool

  init(
    geometry: WindowGeometry, countIncludePad: Bool, input: Activations, output: Activations
  ) {
    self.geometry = geometry
    self.countIncludePad = countIncludePad
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    let values = output.values(of: tile)
    forEachWindow(input.values(of: tile), tile) { image, place, window, share in
      window.average(image, share, to: values + place)
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let gradients = output.gradients(of: tile)
    let inputGradients = input.gradients(of: tile)
    inputGradients.update(repeating: 0, count: tile.count * input.size)
    forEachWindow(inputGradients, tile) { image, place, window, share in
      window.addToAll(gradients + place, share, to: image)
    }
  }

  /// Every window of a tile: where in `images` it begins, its output's place, and 1/n.
  @inline(__always)
  private func forEachWindow(
    _ images: UnsafeMutablePointer<Float>, _ tile: Tile,
    _ body: (UnsafeMutablePointer<Float>, Int, PoolWindow, Float) -> Void
  ) {
    let channels = input.channels
    let whole = geometry.window.height * geometry.window.width
    for sample in 0..<tile.count {
      let image = images + sample * input.size
      for row in 0..<output.extent.height {
        for column in 0..<output.extent.width {
          let (rows, columns) = geometry.clippedWindow(row, column)
          let window = PoolWindow(
            rows: rows.count, columns: columns.count, rowStride: input.extent.width * channels,
            columnStride: channels, channels: channels)
          body(
            image + (rows.lowerBound * input.extent.width + columns.lowerBound) * channels,
            sample * output.size + (row * output.extent.width + column) * channels, window,
            1 / Float(countIncludePad ? whole : rows.count * columns.count))
        }
      }
    }
  }
}

extension PoolWindow {
  /// values[c] = share · Σ over the window of map[…][c].
  @inline(__always)
  func average(
    _ map: UnsafePointer<Float>, _ share: Float, to values: UnsafeMutablePointer<Float>
  ) {
    var c = 0
    while c &+ 16 <= channels {
      var sum = Vector()
      for row in 0..<rows {
        for column in 0..<columns {
          sum += load(map + (row &* rowStride &+ column &* columnStride &+ c))
        }
      }
      store(sum * share, to: values + c)
      c = c &+ 16
    }
    while c < channels {
      var sum: Float = 0
      for row in 0..<rows {
        for column in 0..<columns { sum += map[row &* rowStride &+ column &* columnStride &+ c] }
      }
      values[c] = sum * share
      c = c &+ 1
    }
  }

  /// map[…][c] += share · gradient[c], all over the window.
  @inline(__always)
  func addToAll(
    _ gradient: UnsafePointer<Float>, _ share: Float, to map: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows {
      for column in 0..<columns {
        let to = map + (row &* rowStride &+ column &* columnStride)
        for c in 0..<channels { to[c] += share * gradient[c] }
      }
    }
  }
}

extension WindowGeometry {
  /// The rows and columns of the image in an output's window.
  @inline(__always)
  func clippedWindow(_ row: Int, _ column: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let y = row * stride.height - top
    let x = column * stride.width - left
    return (
      max(0, y)..<min(input.height, y + window.height),
      max(0, x)..<min(input.width, x + window.width)
    )
  }
}

extension Padding {
  /// Every window of a pooling must hold something of the image.
  func checkIsSmaller(than window: Extent) throws(NetworkError) {
    if case .explicit(let top, let bottom, let left, let right) = self,
      max(top, bottom) >= window.height || max(left, right) >= window.width
    {
      throw NetworkError("padding must be smaller than the window")
    }
  }
}
