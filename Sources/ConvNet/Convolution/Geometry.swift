/// Why a network cannot be built, and where in its model.
public struct NetworkError: Error, CustomStringConvertible, Hashable {
  public let layer: LayerPlace?
  public let message: String

  public init(layer: LayerPlace? = nil, _ message: String) {
    self.layer = layer
    self.message = message
  }

  public var description: String {
    layer.map { "\($0): \(message)" } ?? message
  }
}

/// The geometry of a window that slides over an image: of a convolution or of a pooling.
///
/// H' = ⌊(H + top + bottom − K') / S⌋ + 1, K' = (K − 1)·D + 1 with a dilation of D, and the like for
/// the width; with `same`, H' = ⌈H / S⌉.
package struct WindowGeometry: Hashable, Sendable {
  package let input: Extent
  package let output: Extent
  package let window: Extent
  package let stride: Extent
  /// From one row or column of the image that the window holds to the next.
  package let dilation: Extent
  package let top: Int
  package let left: Int

  /// - Throws: `NetworkError` when the window does not fit.
  package init(
    input: Extent, window: Extent, stride: Extent, padding: Padding,
    dilation: Extent = Extent(1, 1)
  ) throws(NetworkError) {
    let sizes = [window.height, window.width, stride.height, stride.width]
    guard sizes.allSatisfy({ (1...65_536).contains($0) }) else {
      throw NetworkError("window and stride must be between 1 and 65536")
    }
    guard [dilation.height, dilation.width].allSatisfy({ (1...65_536).contains($0) }) else {
      throw NetworkError("the dilation must be between 1 and 65536")
    }
    let span = Self.span(window, dilation)
    var before = Extent(0, 0)
    var after = Extent(0, 0)
    switch padding {
    case .valid: break
    case .same:
      func total(_ size: Int, _ window: Int, _ stride: Int) -> Int {
        max(((size + stride - 1) / stride - 1) * stride + window - size, 0)
      }
      let rows = total(input.height, span.height, stride.height)
      let columns = total(input.width, span.width, stride.width)
      before = Extent(rows / 2, columns / 2)
      after = Extent(rows - rows / 2, columns - columns / 2)
    case .explicit(let top, let bottom, let left, let right):
      guard [top, bottom, left, right].allSatisfy({ (0...65_536).contains($0) }) else {
        throw NetworkError("padding must be between 0 and 65536")
      }
      before = Extent(top, left)
      after = Extent(bottom, right)
    }
    let height = input.height + before.height + after.height
    let width = input.width + before.width + after.width
    guard span.height <= height, span.width <= width else {
      throw NetworkError(
        "a window of \(span.height)x\(span.width) does not fit an input of "
          + "\(input.height)x\(input.width)"
          + (height == input.height && width == input.width
            ? "" : " padded to \(height)x\(width)"))
    }
    self.input = input
    self.window = window
    self.stride = stride
    self.dilation = dilation
    top = before.height
    left = before.width
    output = Extent(
      (height - span.height) / stride.height + 1, (width - span.width) / stride.width + 1)
  }

  /// The rows and columns of the image from the window's first to its last.
  package var span: Extent { Self.span(window, dilation) }

  private static func span(_ window: Extent, _ dilation: Extent) -> Extent {
    Extent(
      (window.height - 1) * dilation.height + 1, (window.width - 1) * dilation.width + 1)
  }

  /// How much of the input, from its first row and column, the first `live` outputs read.
  package func inputRead(by live: Extent) -> Extent {
    Extent(
      max(1, min(input.height, (live.height - 1) * stride.height + span.height - top)),
      max(1, min(input.width, (live.width - 1) * stride.width + span.width - left)))
  }
}
