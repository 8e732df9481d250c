/// How images are made to fit the shape that a network expects: colours first, then sizes.
public struct ImagePreparation: Hashable, Sendable {
  /// How an image of another size becomes one of this.
  public enum Resize: String, Hashable, Sendable, CaseIterable {
    /// Not at all: another size is an error.
    case none
    /// A triangle filter, which when it shrinks spans as many pixels as become one: Pillow's `BILINEAR`,
    /// and torchvision's with `antialias`.
    case bilinear
    /// The mean of the area that a pixel covers: Pillow's `BOX`.
    case area
  }

  /// What all images become; nil for what they are.
  public var shape: ImageShape?
  public var resize: Resize
  /// Whether an image keeps the proportion of its sides: it becomes as large as fits into the shape, in
  /// whose middle it lies amid zeros (Pillow's ImageOps.pad).
  public var keepsAspect: Bool
  /// Whether bytes become 255 − byte: for dark ink on light paper.
  public var inverts: Bool

  public init(
    shape: ImageShape? = nil, resize: Resize = .none, keepsAspect: Bool = false,
    inverts: Bool = false
  ) {
    self.shape = shape
    self.resize = resize
    self.keepsAspect = keepsAspect
    self.inverts = inverts
  }

  public static let asTheyAre = ImagePreparation()

  /// Whether images of this shape stay as they are.
  package func keeps(_ shape: ImageShape) -> Bool { !inverts && (self.shape ?? shape) == shape }

  /// A message of a size that is wrong.
  package func refusal(_ found: ImageShape) -> String {
    "its images are \(found), where the spec's shape is \(shape ?? found); give dataset.resize "
      + "\"bilinear\" or \"area\", or another dataset.shape"
  }
}

extension ImageShape {
  /// The largest size with the proportion of this one's sides that fits into another, its sides rounded as
  /// Pillow's ImageOps.contain does, but never to nothing.
  package func contained(in other: ImageShape) -> ImageShape {
    func rounded(_ side: Double) -> Int { max(1, Int(side.rounded(.toNearestOrEven))) }
    var fitting = other
    let (own, others) = (width * other.height, other.width * height)
    if own > others {
      fitting.height = rounded(Double(height) / Double(width) * Double(other.width))
    } else if own < others {
      fitting.width = rounded(Double(width) / Double(height) * Double(other.height))
    }
    return fitting
  }
}

extension StoredImages {
  /// The images in the middle of larger ones that are zero around them.
  package func amidZeros(_ larger: ImageShape) -> StoredImages {
    if larger == shape { return self }
    func margin(_ size: Int, _ own: Int) -> Int {
      Int((Double(size - own) / 2).rounded(.toNearestOrEven))
    }
    let top = margin(larger.height, shape.height)
    let left = margin(larger.width, shape.width)
    let rowSize = shape.width * shape.channels
    var result = [UInt8](repeating: 0, count: count * larger.count)
    for image in 0..<count {
      for y in 0..<shape.height {
        let source = image * shape.count + y * rowSize
        let place = image * larger.count + ((top + y) * larger.width + left) * shape.channels
        result.replaceSubrange(place..<place + rowSize, with: pixels[source..<source + rowSize])
      }
    }
    return StoredImages(shape: larger, pixels: result)
  }

  /// Grey from colour by (19595·R + 38470·G + 7471·B + 2¹⁵) / 2¹⁶, ITU-R 601-2 as in Pillow; colour from
  /// grey by repeating it.
  package func withChannels(_ channels: Int) -> StoredImages {
    if channels == shape.channels { return self }
    precondition([1, 3].contains(channels) && [1, 3].contains(shape.channels))
    var shape = shape
    shape.channels = channels
    let count = self.pixels.count / self.shape.channels
    let pixels = [UInt8](unsafeUninitializedCapacity: count * channels) { buffer, initialized in
      self.pixels.withUnsafeBufferPointer { source in
        for i in 0..<count {
          if channels == 1 {
            let (r, g, b) = (
              UInt32(source[3 * i]), UInt32(source[3 * i + 1]), UInt32(source[3 * i + 2])
            )
            buffer[i] = UInt8(
              truncatingIfNeeded: (19595 &* r &+ 38470 &* g &+ 7471 &* b &+ 0x8000) >> 16)
          } else {
            for c in 0..<3 { buffer[3 * i + c] = source[i] }
          }
        }
      }
      initialized = count * channels
    }
    return StoredImages(shape: shape, pixels: pixels)
  }
}

/// Resampling of 8-bit images along one axis after the other, with weights of 22 bits (Pillow,
/// Resample.c): columns first, then rows, rounded to bytes after each. From version 13 on, Pillow takes
/// the rows first where that is less work, which may round a pixel otherwise.
package struct ResizeFilter: Sendable {
  /// For each place of the result, the first place of the source and the weights from there on.
  private struct Axis: Sendable {
    let first: [Int]
    let weights: [[Int32]]

    /// w(i) ∝ f((i + ½ − centre) / scale), centre = (place + ½)·from/to, scale = max(1, from/to).
    init(_ filter: ImagePreparation.Resize, from: Int, to: Int) {
      let ratio = Double(from) / Double(to)
      let scale = max(1, ratio)
      let inverse = 1 / scale
      let support = (filter == .area ? 0.5 : 1) * scale
      var first: [Int] = []
      var weights: [[Int32]] = []
      for place in 0..<to {
        let centre = (Double(place) + 0.5) * ratio
        let low = max(0, Int(centre - support + 0.5))
        let high = min(from, Int(centre + support + 0.5))
        var exact = (low..<high).map { i -> Double in
          let x = (Double(i) - centre + 0.5) * inverse
          return filter == .area ? (x > -0.5 && x <= 0.5 ? 1 : 0) : max(0, 1 - abs(x))
        }
        let sum = exact.reduce(0, +)
        if sum != 0 { for i in exact.indices { exact[i] /= sum } }
        first.append(low)
        weights.append(exact.map { Int32(0.5 + $0 * Double(1 << 22)) })
      }
      self.first = first
      self.weights = weights
    }
  }

  private let from: ImageShape, to: ImageShape
  private let columns: Axis, rows: Axis

  package init(_ filter: ImagePreparation.Resize, from: ImageShape, to: ImageShape) {
    precondition(filter != .none && from.channels == to.channels)
    self.from = from
    self.to = to
    columns = Axis(filter, from: from.width, to: to.width)
    rows = Axis(filter, from: from.height, to: to.height)
  }

  @inline(__always)
  private static func byte(_ sum: Int) -> UInt8 { UInt8(clamping: sum >> 22) }

  package func resize(_ source: UnsafePointer<UInt8>, into result: UnsafeMutablePointer<UInt8>) {
    let channels = from.channels
    // (H, W', C)
    var narrowed = [UInt8](repeating: 0, count: from.height * to.width * channels)
    if from.width == to.width {
      for i in narrowed.indices { narrowed[i] = source[i] }
    } else {
      for y in 0..<from.height {
        for x in 0..<to.width {
          let (first, weights) = (columns.first[x], columns.weights[x])
          for c in 0..<channels {
            var sum = 1 << 21
            for (k, weight) in weights.enumerated() {
              sum += Int(weight) * Int(source[(y * from.width + first + k) * channels + c])
            }
            narrowed[(y * to.width + x) * channels + c] = Self.byte(sum)
          }
        }
      }
    }
    let rowSize = to.width * channels
    for y in 0..<to.height {
      if from.height == to.height {
        for x in 0..<rowSize { result[y * rowSize + x] = narrowed[y * rowSize + x] }
        continue
      }
      let (first, weights) = (rows.first[y], rows.weights[y])
      for x in 0..<rowSize {
        var sum = 1 << 21
        for (k, weight) in weights.enumerated() {
          sum += Int(weight) * Int(narrowed[(first + k) * rowSize + x])
        }
        result[y * rowSize + x] = Self.byte(sum)
      }
    }
  }
}
