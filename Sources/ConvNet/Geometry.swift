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
/// H' = ⌊(H + top + bottom − K) / S⌋ + 1, and the like for the width; with `same`, H' = ⌈H / S⌉.
struct WindowGeometry: Hashable, Sendable {
  let input: Extent
  let output: Extent
  let window: Extent
  let stride: Extent
  let top: Int
  let left: Int

  /// - Throws: `NetworkError` when the window does not fit.
  init(input: Extent, window: Extent, stride: Extent, padding: Padding) throws(NetworkError) {
    let sizes = [window.height, window.width, stride.height, stride.width]
    guard sizes.allSatisfy({ (1...65_536).contains($0) }) else {
      throw NetworkError("window and stride must be between 1 and 65536")
    }
    var before = Extent(0, 0)
    var after = Extent(0, 0)
    switch padding {
    case .valid: break
    case .same:
      func total(_ size: Int, _ window: Int, _ stride: Int) -> Int {
        max(((size + stride - 1) / stride - 1) * stride + window - size, 0)
      }
      let rows = total(input.height, window.height, stride.height)
      let columns = total(input.width, window.width, stride.width)
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
    guard window.height <= height, window.width <= width else {
      throw NetworkError(
        "a window of \(window.height)x\(window.width) does not fit an input of "
          + "\(input.height)x\(input.width)"
          + (height == input.height && width == input.width
            ? "" : " padded to \(height)x\(width)"))
    }
    self.input = input
    self.window = window
    self.stride = stride
    top = before.height
    left = before.width
    output = Extent(
      (height - window.height) / stride.height + 1, (width - window.width) / stride.width + 1)
  }

  /// How much of the input, from its first row and column, the first `live` outputs read.
  func inputRead(by live: Extent) -> Extent {
    Extent(
      max(1, min(input.height, (live.height - 1) * stride.height + window.height - top)),
      max(1, min(input.width, (live.width - 1) * stride.width + window.width - left)))
  }
}
