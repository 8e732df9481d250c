import Elements

/// Samples of an `ImageSet` for training or evaluation, as floats in [0, 1]: byte / 255.
public final class ImageSource: SampleSource {
  public let images: ImageSet
  public let labels: Labels
  /// The images in the order of the samples; nil means all of them in their own order.
  private let indices: [Int32]?
  /// For images that come several times, how many of its kind each comes after; nil where none does.
  private let copies: [Int32]?
  private let augmenter: Augmenter?
  /// Instead of the epoch, what the augmentation is drawn by.
  private let view: Int?

  /// - Parameters:
  ///   - indices: which images, in which order; nil for all.
  ///   - augmenter: what distorts the images, each anew in each epoch; nil for the images as they
  ///     are.
  ///   - view: the epoch whose distortions are made, whatever epoch it is; nil for its own.
  public init(
    _ images: ImageSet, indices: [Int32]? = nil, augmenter: Augmenter? = nil, view: Int? = nil
  ) {
    if let augmenter {
      precondition(
        augmenter.height == images.height && augmenter.width == images.width
          && augmenter.channels == images.channels)
    }
    self.augmenter = augmenter
    self.view = view
    if let indices { precondition(indices.allSatisfy { $0 >= 0 && $0 < images.count }) }
    self.images = images
    labels = indices.map { images.labels.chosen($0) } ?? images.labels
    self.indices = indices
    copies = indices.flatMap { Self.copies($0, of: images.count) }
  }

  private static func copies(_ indices: [Int32], of count: Int) -> [Int32]? {
    var seen = [Int32](repeating: 0, count: count)
    let copies = indices.map { image in
      defer { seen[Int(image)] += 1 }
      return seen[Int(image)]
    }
    return copies.allSatisfy { $0 == 0 } ? nil : copies
  }

  /// The same of other images of the same sizes, without distortions.
  public func with(_ images: ImageSet) -> ImageSource {
    precondition(images.shape == self.images.shape && images.count == self.images.count)
    return ImageSource(images, indices: indices)
  }

  /// Some of the samples, in this order, without distortions.
  public func chosen(_ samples: [Int]) -> ImageSource {
    ImageSource(images, indices: samples.map { Int32(image(of: $0)) })
  }

  /// The images in the order of the samples; nil for all of them in their own order.
  public var chosenImages: [Int32]? { indices }

  public var sampleShape: Shape { images.shape }
  public var count: Int { indices?.count ?? images.count }

  /// The image that a sample is.
  public func image(of sample: Int) -> Int { indices.map { Int($0[sample]) } ?? sample }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    let image = image(of: sample)
    precondition(image < images.count)
    let size = images.pixelsPerImage
    images.pixels.withUnsafeBufferPointer {
      let pixels = $0.baseAddress! + image * size
      if let augmenter {
        // An image that comes several times is distorted in as many ways.
        let copy = copies.map { Int($0[sample]) } ?? 0
        augmenter.distort(
          pixels, into: destination, index: image + copy * images.count, epoch: view ?? epoch,
          worker: worker)
      } else {
        scalePixels(pixels, into: destination, count: size)
      }
    }
  }
}

/// destination = source / 255, by one multiplication with the nearest float to 1/255.
@inline(__always)
public func scalePixels(
  _ source: UnsafePointer<UInt8>, into destination: UnsafeMutablePointer<Float>, count: Int
) {
  for i in 0..<count { destination[i] = Float(source[i]) * (1 / 255) }
}

/// The same of numbers of 0 to 255 that are no bytes: whole ones give the same bits.
@inline(__always)
public func scalePixels(
  _ source: UnsafePointer<Float>, into destination: UnsafeMutablePointer<Float>, count: Int
) {
  for i in 0..<count { destination[i] = source[i] * (1 / 255) }
}
