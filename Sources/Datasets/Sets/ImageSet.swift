import Elements
import Images
import Storage

/// Labelled 8-bit images of one size, immutable.
public struct ImageSet: Sendable {
  /// The shape of one image.
  public let height: Int, width: Int, channels: Int
  /// How many classes there are; every label is less.
  public let classes: Int
  /// (N, H, W, C), one allocation.
  public let pixels: PixelBytes
  /// (N)
  public let labels: Labels
  /// SHA-256, in hexadecimal, over the SHA-256 digests of the two IDX files that hold these images
  /// and these labels (sizes included), and the class count as one byte. It names the content, not
  /// how it was stored. Where there are more than 256 classes, each label is two bytes in such a file,
  /// and so is the class count, the lower byte first.
  public let digest: String

  public var count: Int { labels.count }
  public var pixelsPerImage: Int { height * width * channels }
  var imageShape: ImageShape { ImageShape(height: height, width: width, channels: channels) }
  public var shape: Shape { .image(height: height, width: width, channels: channels) }

  /// - Precondition: the sizes agree and every label is below `classes`; readers check both first.
  public init(
    height: Int, width: Int, channels: Int, classes: Int, pixels: [UInt8], labels: Labels
  ) {
    let imageHeader = IDXHeader(
      dimensions: channels == 1
        ? [labels.count, height, width] : [labels.count, height, width, channels])
    self.init(
      height: height, width: width, channels: channels, classes: classes,
      pixels: pixels, labels: labels,
      pixelsDigest: imageHeader.digest(with: pixels),
      labelsDigest: IDXHeader(dimensions: [labels.count]).digest(
        with: labels.bytes(ofClasses: classes)))
  }

  /// As above, with the digests of the two IDX files known.
  init(
    height: Int, width: Int, channels: Int, classes: Int, pixels: [UInt8], labels: Labels,
    pixelsDigest: [UInt8], labelsDigest: [UInt8]
  ) {
    let low = UInt8(truncatingIfNeeded: classes)
    let classCount = classes <= 256 ? [low] : [low, UInt8(truncatingIfNeeded: classes >> 8)]
    self.init(
      height: height, width: width, channels: channels, classes: classes,
      pixels: PixelBytes(pixels), labels: labels,
      digest: SHA256.hex(of: pixelsDigest + labelsDigest + classCount))
  }

  /// As above, with the set's own digest known.
  init(
    height: Int, width: Int, channels: Int, classes: Int, pixels: PixelBytes, labels: Labels,
    digest: String
  ) {
    precondition(height > 0 && width > 0 && channels > 0)
    precondition((1...Labels.mostClasses).contains(classes))
    precondition(pixels.count == labels.count * height * width * channels)
    precondition(labels.allSatisfy { $0 < classes })
    self.height = height
    self.width = width
    self.channels = channels
    self.classes = classes
    self.pixels = pixels
    self.labels = labels
    self.digest = digest
  }

  /// The H·W·C bytes of one image.
  public func image(_ index: Int) -> [UInt8] {
    pixels[index * pixelsPerImage..<(index + 1) * pixelsPerImage]
  }

  /// The first `count` images, as a set of their own with a digest of its own.
  public func prefix(_ count: Int) -> ImageSet {
    precondition(count > 0 && count <= self.count)
    if count == self.count { return self }
    return ImageSet(
      height: height, width: width, channels: channels, classes: classes,
      pixels: pixels[0..<count * pixelsPerImage], labels: labels.chosen(0..<Int32(count)))
  }

  /// Some of the images, in the order of their numbers, as a set of their own.
  func subset(_ indices: [Int32]) -> ImageSet {
    if indices.count == count { return self }
    let size = pixelsPerImage
    let chosen = [UInt8](unsafeUninitializedCapacity: indices.count * size) { buffer, initialized in
      pixels.withUnsafeBufferPointer { source in
        for (place, index) in indices.enumerated() {
          (buffer.baseAddress! + place * size).update(
            from: source.baseAddress! + Int(index) * size, count: size)
        }
      }
      initialized = indices.count * size
    }
    return ImageSet(
      height: height, width: width, channels: channels, classes: classes, pixels: chosen,
      labels: labels.chosen(indices))
  }

  /// These images and then others of the same shape and classes.
  func appending(_ others: ImageSet) -> ImageSet {
    precondition(shape == others.shape && classes == others.classes)
    return ImageSet(
      height: height, width: width, channels: channels, classes: classes,
      pixels: pixels[0..<pixels.count] + others.pixels[0..<others.pixels.count],
      labels: labels + others.labels)
  }

  /// The images made to fit; nil where nothing says how.
  func prepared(_ preparation: ImagePreparation, threads: Int) -> ImageSet? {
    if preparation.keeps(imageShape) { return self }
    let stored = StoredImages(shape: imageShape, pixels: pixels[0..<pixels.count])
    return preparation.prepare(stored, threads: threads)?.set(labels: labels, classes: classes)
  }

  /// How many images each class has.
  public var classCounts: [Int] { labels.counts(ofClasses: classes) }
}
