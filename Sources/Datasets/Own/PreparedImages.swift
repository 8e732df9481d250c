import Images

extension ImagePreparation {
  /// One image or several of one shape as they should be; nil where their size is wrong and nothing
  /// says how to change it.
  func prepare(_ images: StoredImages, threads: Int = 1) -> StoredImages? {
    let shape = shape ?? images.shape
    guard
      resize != .none || shape.height == images.shape.height && shape.width == images.shape.width
    else { return nil }
    var images = images.withChannels(shape.channels)
    if inverts {
      for i in images.pixels.indices { images.pixels[i] = ~images.pixels[i] }
    }
    if images.shape == shape { return images }
    let inner = keepsAspect ? images.shape.contained(in: shape) : shape
    let (filter, from, count) = (
      ResizeFilter(resize, from: images.shape, to: inner), images, images.count
    )
    let pixels = [UInt8](unsafeUninitializedCapacity: count * inner.count) { buffer, initialized in
      let base = SendablePointer(buffer.baseAddress!)
      forEachPart(of: count, threads: threads) { range in
        from.pixels.withUnsafeBufferPointer { source in
          for index in range {
            filter.resize(
              source.baseAddress! + index * from.shape.count,
              into: base.pointer + index * inner.count)
          }
        }
      }
      initialized = count * inner.count
    }
    return StoredImages(shape: inner, pixels: pixels).amidZeros(shape)
  }
}
