/// Images as a file holds them, before they are made to fit.
package struct StoredImages {
  package var shape: ImageShape
  /// (N, H, W, C)
  package var pixels: [UInt8]

  package init(shape: ImageShape, pixels: [UInt8]) {
    self.shape = shape
    self.pixels = pixels
  }

  package var count: Int { pixels.count / shape.count }
}
