/// An image made larger by whole factors F (Keras's `UpSampling2D`): each position repeated, or, with
/// `bilinear`, interpolated between the centres of its neighbours (PyTorch's `align_corners=False`):
///
///     y[r] = x[⌊r/F⌋], or (1 − w)·x[⌊p⌋] + w·x[⌊p⌋ + 1] with p = (r + ½)/F − ½, w = p − ⌊p⌋
///
/// along each side, an index past the edge being that of the edge. (H, W, C) gives (F·H, F·W, C). A plan
/// refuses (`NetworkError`) vectors, and factors outside 1...65536.
public struct UpsampleDescription: Hashable, Sendable {
  public enum Interpolation: String, Hashable, Sendable, CaseIterable { case nearest, bilinear }

  public var size: Extent
  public var interpolation: Interpolation

  public init(size: Extent = Extent(2, 2), interpolation: Interpolation = .nearest) {
    self.size = size
    self.interpolation = interpolation
  }
}

extension UpsampleDescription: LayerDefinition {
  var kind: String { "upsample" }

  func infer(_ input: Shape) throws(NetworkError) -> InferredLayer {
    let (extent, channels) = try NetworkPlan.image(input, for: kind)
    guard (1...65_536).contains(size.height), (1...65_536).contains(size.width) else {
      throw NetworkError("the factors must be between 1 and 65536")
    }
    let (height, tall) = extent.height.multipliedReportingOverflow(by: size.height)
    let (width, wide) = extent.width.multipliedReportingOverflow(by: size.width)
    guard !tall, !wide else { throw NetworkError("the output is too large") }
    return InferredLayer(output: Shape(Extent(height, width), channels))
  }

  func inputRead(by live: Extent, of input: Shape, _ geometry: WindowGeometry?) -> Extent {
    Extent(
      tap(live.height - 1, size.height, input.extent.height).second + 1,
      tap(live.width - 1, size.width, input.extent.width).second + 1)
  }

  /// What an output row or column is made of: (1 − w)·x[first] + w·x[second].
  struct Tap {
    let first: Int
    let second: Int
    let weight: Float
  }

  /// Of output `index`, where `factor` outputs come of each of `count` inputs. A bilinear one lies at
  /// (index + ½)/factor − ½ among the inputs.
  func tap(_ index: Int, _ factor: Int, _ count: Int) -> Tap {
    if interpolation == .nearest {
      return Tap(first: index / factor, second: index / factor, weight: 0)
    }
    // In halves of an output: exact in integers.
    let halves = 2 * index + 1 - factor
    guard halves > 0 else { return Tap(first: 0, second: 0, weight: 0) }
    let first = halves / (2 * factor)
    guard first + 1 < count else { return Tap(first: count - 1, second: count - 1, weight: 0) }
    let rest = halves - first * 2 * factor
    return Tap(
      first: first, second: rest == 0 ? first : first + 1,
      weight: Float(rest) / Float(2 * factor))
  }

  func make(_ site: LayerSite) -> any Layer {
    let extent = site.layer.input.extent
    return Upsample(
      rows: (0..<site.output.extent.height).map { tap($0, size.height, extent.height) },
      columns: (0..<site.output.extent.width).map { tap($0, size.width, extent.width) },
      input: site.input, output: site.output)
  }
}

/// y[r, c] = Σ w·x over the four neighbours, or the one, of a place; dx = Σ w·dy over the places that
/// x is a neighbour of.
final class Upsample: Layer {
  var inputs: [Activations] { [input] }
  var backwardReads: BackwardReads { [] }

  private let rows: [UpsampleDescription.Tap]
  private let columns: [UpsampleDescription.Tap]
  private let input: Activations
  private let output: Activations

  init(
    rows: [UpsampleDescription.Tap], columns: [UpsampleDescription.Tap], input: Activations,
    output: Activations
  ) {
    self.rows = rows
    self.columns = columns
    self.input = input
    self.output = output
  }

  func forward(_ tile: Tile) {
    forEachPlace(input.values(of: tile), output.values(of: tile), tile) { x, y, channels in
      if x.row == 0 && x.column == 0 {
        y.update(from: x.base, count: channels)
      } else {
        let (a, b) = (x.base, x.base + x.right)
        let (c, d) = (a + x.below, b + x.below)
        for i in 0..<channels {
          let upper = a[i] + x.column * (b[i] - a[i])
          let lower = c[i] + x.column * (d[i] - c[i])
          y[i] = upper + x.row * (lower - upper)
        }
      }
    }
  }

  func backward(_ tile: Tile) {
    guard input.hasGradient else { return }
    let dx = input.gradients(of: tile)
    dx.update(repeating: 0, count: tile.count * input.size)
    forEachPlace(dx, output.gradients(of: tile), tile) { dx, dy, channels in
      if dx.row == 0 && dx.column == 0 {
        addRun(dy, to: dx.base, count: channels)
      } else {
        let (a, b) = (dx.base, dx.base + dx.right)
        let (c, d) = (a + dx.below, b + dx.below)
        for i in 0..<channels { a[i] += (1 - dx.row) * (1 - dx.column) * dy[i] }
        for i in 0..<channels { b[i] += (1 - dx.row) * dx.column * dy[i] }
        for i in 0..<channels { c[i] += dx.row * (1 - dx.column) * dy[i] }
        for i in 0..<channels { d[i] += dx.row * dx.column * dy[i] }
      }
    }
  }

  /// The neighbours of a place: where the first is, how far the others, and their weights.
  private struct Neighbours {
    let base: UnsafeMutablePointer<Float>
    let right: Int
    let below: Int
    let row: Float
    let column: Float
  }

  @inline(__always)
  private func forEachPlace(
    _ inputs: UnsafeMutablePointer<Float>, _ outputs: UnsafeMutablePointer<Float>, _ tile: Tile,
    _ body: (Neighbours, UnsafeMutablePointer<Float>, Int) -> Void
  ) {
    let channels = input.channels
    let width = input.extent.width
    rows.withUnsafeBufferPointer { rows in
      columns.withUnsafeBufferPointer { columns in
        var y = outputs
        for sample in 0..<tile.count {
          let image = inputs + sample * input.size
          for row in rows {
            let line = image + row.first * width * channels
            for column in columns {
              body(
                Neighbours(
                  base: line + column.first * channels,
                  right: (column.second - column.first) * channels,
                  below: (row.second - row.first) * width * channels, row: row.weight,
                  column: column.weight), y, channels)
              y += channels
            }
          }
        }
      }
    }
  }
}
