// Rows and columns put around an image, or taken from around it.

/// Rows above and below, columns to the left and right.
public struct Sides: Hashable, Sendable {
  public var top, bottom, left, right: Int

  public init(top: Int, bottom: Int, left: Int, right: Int) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }
}

/// Zeros put around an image, or some of its edge cut away (Keras's `ZeroPadding2D`, `Cropping2D`):
///
///     y[r, q, c] = x[r − top, q − left, c], 0 outside     y[r, q, c] = x[r + top, q + left, c]
///
/// (H, W, C) gives (H ± (top + bottom), W ± (left + right), C). A plan refuses (`NetworkError`) vectors,
/// sides outside 0...65536, and to cut all away.
public struct FrameDescription: Hashable, Sendable {
  public enum Kind: Hashable, Sendable { case zeroPad, crop }

  public var change: Kind
  public var sides: Sides

  public init(_ change: Kind, _ sides: Sides) {
    self.change = change
    self.sides = sides
  }
}

extension FrameDescription: LayerDefinition {
  var kind: String { change == .zeroPad ? "zero_pad" : "crop" }

  /// What is added to each side.
  private var sign: Int { change == .zeroPad ? 1 : -1 }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    let all = [sides.top, sides.bottom, sides.left, sides.right]
    guard all.allSatisfy({ (0...65_536).contains($0) }) else {
      throw NetworkError("each side must be between 0 and 65536")
    }
    let height = extent.height + sign * (sides.top + sides.bottom)
    let width = extent.width + sign * (sides.left + sides.right)
    guard height > 0, width > 0 else {
      throw NetworkError("nothing would be left of \(extent.height)x\(extent.width)")
    }
    return InferredLayer(output: Shape(Extent(height, width), channels))
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    Extent(
      max(1, min(input.extent.height, live.height - sign * sides.top)),
      max(1, min(input.extent.width, live.width - sign * sides.left)))
  }

  func make(_ site: LayerSite) -> any Layer {
    Frame(
      top: sign * sides.top, left: sign * sides.left, input: site.input, output: site.output)
  }
}

/// y[r, c] = x[r − top, c − left], 0 outside; dx[r, c] = dy[r + top, c + left].
final class Frame: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let top: Int
  private let left: Int
  private let input: Activations
  private let output: Activations

  init(top: Int, left: Int, input: Activations, output: Activations) {
    self.top = top
    self.left = left
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    for sample in 0..<tile.count {
      copyFrame(
        input.values(of: tile) + sample * input.size, input.extent, top: top, left: left,
        channels: input.channels, to: output.values(of: tile) + sample * output.size,
        output.extent)
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    for sample in 0..<tile.count {
      copyFrame(
        output.gradients(of: tile) + sample * output.size, output.extent, top: -top, left: -left,
        channels: input.channels, to: input.gradients(of: tile) + sample * input.size,
        input.extent)
    }
  }
}

/// target[r, c] = source[r − top, c − left] where the source has it, else 0.
func copyFrame(
  _ source: UnsafePointer<Float>, _ from: Extent, top: Int, left: Int, channels: Int,
  to target: UnsafeMutablePointer<Float>, _ to: Extent
) {
  let first = min(max(0, left), to.width)
  let end = max(first, min(to.width, from.width + left))
  for row in 0..<to.height {
    let line = target + row * to.width * channels
    guard row - top >= 0, row - top < from.height else {
      line.update(repeating: 0, count: to.width * channels)
      continue
    }
    line.update(repeating: 0, count: first * channels)
    (line + first * channels).update(
      from: source + ((row - top) * from.width + first - left) * channels,
      count: (end - first) * channels)
    (line + end * channels).update(repeating: 0, count: (to.width - end) * channels)
  }
}
