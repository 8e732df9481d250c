import Images

/// What is made of each of a user's own images, before its colours and its size are made to fit.
public enum FilePreparation: String, Hashable, Sendable, CaseIterable {
  /// What MNIST was made of: `DigitPreparation`.
  case digit

  /// What the images become.
  public var shape: ImageShape {
    ImageShape(height: DigitPreparation.side, width: DigitPreparation.side, channels: 1)
  }

  /// - Throws: for the first image on which nothing is found.
  func prepare(_ images: StoredImages, threads: Int = 1) throws(ImageProblem) -> StoredImages {
    let (from, size) = (images.shape.count, shape.count)
    var pixels = [UInt8](repeating: 0, count: images.count * size)
    var isFound = [Bool](repeating: false, count: images.count)
    pixels.withUnsafeMutableBufferPointer { pixels in
      isFound.withUnsafeMutableBufferPointer { isFound in
        // Each place is written by one thread.
        let made = SendablePointer(pixels.baseAddress!)
        let found = SendablePointer(isFound.baseAddress!)
        forEachPart(of: images.count, threads: threads) { range in
          for index in range {
            let image = Array(images.pixels[index * from..<(index + 1) * from])
            guard let digit = DigitPreparation.prepare(image, shape: images.shape) else { continue }
            (made.pointer + index * size).update(from: digit, count: size)
            found.pointer[index] = true
          }
        }
      }
    }
    if let index = isFound.firstIndex(of: false) {
      let which = images.count == 1 ? "" : "image \(index), counted from 0: "
      throw ImageProblem(which + DigitPreparation.nothingFound)
    }
    return StoredImages(shape: shape, pixels: pixels)
  }
}
