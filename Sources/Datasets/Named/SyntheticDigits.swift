import Elements

/// Digits drawn from stroke skeletons, each image a pure function of (seed, part, index).
///
/// A way of writing is drawn for the digit, its points are moved a little, the curves through them
/// slanted, turned, stretched and warped, and drawn with a pen of random width. As in MNIST, the
/// ink then fills a box of 20 pixels and its centre of mass lies in the middle of 28 x 28.
public struct SyntheticDigits: Sendable {
  public static let side = 28
  public static let classes = 10

  /// Which of two sets of unlimited length an image belongs to.
  public enum Part: UInt32, Sendable {
    case train = 0
    case test = 1
  }

  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  /// The digit that an image shows. Every ten images in a row show each digit once.
  public func label(of index: Int, part: Part = .train) -> Int {
    var random = RandomStream(
      seed: seed, purpose: .synthesis, epoch: part.rawValue | 2, sample: UInt32(index / 10))
    var digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    random.shuffle(&digits)
    return digits[index % 10]
  }

  /// A set of `count` images; a longer one begins with the same images.
  public func images(_ count: Int, part: Part, threads: Int) -> ImageSet {
    precondition(count > 0)
    let size = Self.side * Self.side
    let labels = Labels((0..<count).map { label(of: $0, part: part) })
    let pixels = [UInt8](unsafeUninitializedCapacity: count * size) { buffer, initialized in
      let base = SendablePointer(buffer.baseAddress!)
      forEachPart(of: count, threads: threads) { range in
        let pen = DigitPen()
        for index in range {
          var random = RandomStream(
            seed: seed, purpose: .synthesis, epoch: part.rawValue, sample: UInt32(index))
          pen.draw(
            digit: labels[index], random: &random, into: base.pointer + index * size)
        }
      }
      initialized = count * size
    }
    return ImageSet(
      height: Self.side, width: Self.side, channels: 1, classes: Self.classes,
      pixels: pixels, labels: labels)
  }

  /// - Parameter testCount: nil for no test images.
  public func dataset(trainCount: Int, testCount: Int?, threads: Int) -> Dataset {
    Dataset(
      name: DatasetCatalog.syntheticDigits.name,
      classNames: DatasetCatalog.syntheticDigits.classNames,
      train: images(trainCount, part: .train, threads: threads),
      test: testCount.map { images($0, part: .test, threads: threads) }, provenance: .builtIn)
  }
}
