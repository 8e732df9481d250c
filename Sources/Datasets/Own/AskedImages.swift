import Elements
import Images

/// Images that a model is asked about: their pixels as it takes them, and what is known of each.
public final class AskedImages: ImageSamples {
  /// One of them.
  public struct Image: Hashable, Sendable {
    /// The file; of several in one file, with its place among them: `x.npy[3]`.
    public let name: String
    /// Its class, where its folder or a table says it.
    public let label: Int?
  }

  public let images: [Image]
  /// What cannot be read, each with the reason.
  public let problems: [String]
  /// What was taken for granted, or left out, as sentences to the user.
  public let notes: [String]
  public let shape: ImageShape
  /// What the model sees of all images, (N, H, W, C), before it is normalised.
  public let pixels: [UInt8]

  init(
    _ images: [Image], shape: ImageShape, pixels: [UInt8], problems: [String],
    notes: [DatasetNote]
  ) {
    precondition(pixels.count == images.count * shape.count)
    self.images = images
    self.shape = shape
    self.pixels = pixels
    self.problems = problems
    self.notes = DatasetNote.lines(notes)
  }

  public var sampleShape: Shape {
    .image(height: shape.height, width: shape.width, channels: shape.channels)
  }
  public var count: Int { images.count }

  /// The same of one of them, (H, W, C).
  public func pixels(of image: Int) -> ArraySlice<UInt8> {
    pixels[image * shape.count..<(image + 1) * shape.count]
  }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    pixels.withUnsafeBufferPointer {
      scalePixels($0.baseAddress! + sample * shape.count, into: destination, count: shape.count)
    }
  }
}
