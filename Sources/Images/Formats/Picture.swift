/// One image to be looked at by people.
public struct Picture: Sendable {
  private let image: StoredImages

  public init(shape: ImageShape, pixels: [UInt8]) {
    precondition(pixels.count == shape.count)
    image = StoredImages(shape: shape, pixels: pixels)
  }

  /// Nil where the file is no image that can be read.
  public init?(reading path: String, turned: Bool) {
    guard let file = try? ImageFile(path), let image = try? file.decode(turned: turned) else {
      return nil
    }
    self.image = image
  }

  /// The bytes of a PNG file.
  public var png: [UInt8] {
    PNGFile.encode(
      image.pixels, width: image.shape.width, height: image.shape.height,
      channels: image.shape.channels)
  }

  /// As large as fits into a shape without changing its aspect, in the middle, on black. A smaller image
  /// is enlarged by whole numbers, so that its pixels can be seen.
  public func fitted(into shape: ImageShape) -> [UInt8] {
    let source = image.withChannels(shape.channels)
    let from = source.shape
    let scale = min(
      Double(shape.height) / Double(from.height), Double(shape.width) / Double(from.width))
    let zoom = scale >= 1 ? scale.rounded(.down) : scale
    let height = min(shape.height, max(1, Int((Double(from.height) * zoom).rounded())))
    let width = min(shape.width, max(1, Int((Double(from.width) * zoom).rounded())))
    let to = ImageShape(height: height, width: width, channels: shape.channels)
    var pixels = [UInt8](repeating: 0, count: to.count)
    if from == to {
      pixels = source.pixels
    } else {
      let filter = ResizeFilter(.area, from: from, to: to)
      source.pixels.withUnsafeBufferPointer { source in
        pixels.withUnsafeMutableBufferPointer {
          filter.resize(source.baseAddress!, into: $0.baseAddress!)
        }
      }
    }
    var result = [UInt8](repeating: 0, count: shape.count)
    let (top, left) = ((shape.height - height) / 2, (shape.width - width) / 2)
    let row = width * shape.channels
    for y in 0..<height {
      let start = ((top + y) * shape.width + left) * shape.channels
      for x in 0..<row { result[start + x] = pixels[y * row + x] }
    }
    return result
  }
}
