/// The rows and columns of an image that the windows of a convolution's live positions see, padding included.
/// An image that does not hold them is copied into a frame of zeros.
struct ImageFrame {
  private let stored: Extent
  private let channels: Int
  private let padding: (top: Int, left: Int)
  private let extent: Extent
  /// Whether images do not hold it.
  let isNeeded: Bool

  init(_ geometry: WindowGeometry, live: Extent, stored: Extent, channels: Int) {
    self.stored = stored
    self.channels = channels
    padding = (geometry.top, geometry.left)
    extent = Extent(
      (live.height - 1) * geometry.stride.height + geometry.window.height,
      (live.width - 1) * geometry.stride.width + geometry.window.width)
    isNeeded =
      geometry.top > 0 || geometry.left > 0 || extent.height > stored.height
      || extent.width > stored.width
  }

  /// Floats from one row to the next, of the frame or of the image that holds it.
  var rowStride: Int { (isNeeded ? extent.width : stored.width) * channels }
  /// Floats of the frame's memory.
  var floats: Int { isNeeded ? extent.height * extent.width * channels : 0 }

  /// The image where it holds the frame, else a copy of it in `memory`.
  func holding(
    _ image: UnsafePointer<Float>, in memory: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    guard isNeeded else { return image }
    memory.update(repeating: 0, count: floats)
    for row in 0..<common.height {
      (memory + place(row)).update(
        from: image + row * stored.width * channels, count: common.width * channels)
    }
    return UnsafePointer(memory)
  }

  /// What the frame holds of an image, into it.
  func take(_ image: UnsafeMutablePointer<Float>, from memory: UnsafePointer<Float>) {
    for row in 0..<common.height {
      (image + row * stored.width * channels).update(
        from: memory + place(row), count: common.width * channels)
    }
  }

  /// The rows and columns that an image and its frame have in common.
  private var common: Extent {
    Extent(
      max(0, min(stored.height, extent.height - padding.top)),
      max(0, min(stored.width, extent.width - padding.left)))
  }

  /// Where an image's row begins in the frame.
  private func place(_ row: Int) -> Int {
    ((row + padding.top) * extent.width + padding.left) * channels
  }
}
