import ConvNet
import Storage

/// What the images of a training look like, in two figures of each: the mean of its pixels in [0, 1], and
/// the part of them above ½. What lies far outside is of another kind: dark on light, or empty.
public struct InkRange: Hashable, Sendable {
  /// From the 0.5th to the 99.5th of a hundred images.
  public let mean: ClosedRange<Double>
  public let share: ClosedRange<Double>

  public init(mean: ClosedRange<Double>, share: ClosedRange<Double>) {
    self.mean = mean
    self.share = share
  }

  /// The most images that are looked at; of more, so many at equal distances.
  private static let most = 10_000

  /// Nil where there are none.
  public init?(of source: any ImageSamples) {
    let count = min(source.count, Self.most)
    guard count > 0 else { return nil }
    var figures: [(mean: Double, share: Double)] = []
    figures.reserveCapacity(count)
    var pixels = [Float](repeating: 0, count: source.sampleShape.count)
    for i in 0..<count {
      pixels.withUnsafeMutableBufferPointer {
        source.fill($0.baseAddress!, sample: i * source.count / count, epoch: 0, worker: 0)
      }
      figures.append(Self.figures(of: pixels))
    }
    func range(_ values: [Double]) -> ClosedRange<Double> {
      let sorted = values.sorted()
      return sorted[count / 200]...sorted[count - 1 - count / 200]
    }
    self.init(mean: range(figures.map(\.mean)), share: range(figures.map(\.share)))
  }

  private static func figures(of pixels: some Collection<Float>) -> (mean: Double, share: Double) {
    var (sum, above) = (0.0, 0)
    for pixel in pixels {
      sum += Double(pixel)
      if pixel > 0.5 { above += 1 }
    }
    return (sum / Double(pixels.count), Double(above) / Double(pixels.count))
  }

  private static func figures(of pixels: ArraySlice<UInt8>) -> (mean: Double, share: Double) {
    let (sum, above) = pixels.withUnsafeBufferPointer { pixels in
      var (sum, above) = (0, 0)
      for pixel in pixels {
        sum += Int(pixel)
        above += pixel > 127 ? 1 : 0
      }
      return (sum, above)
    }
    let count = Double(pixels.count)
    return (Double(sum) / (255 * count), Double(above) / count)
  }

  /// What is unlike the images of the training in one, as a phrase: "0.87 of white on average, where the
  /// training images have 0.03 to 0.26". Nil where nothing is: both figures lie in their ranges, or
  /// outside of them by no more than these are wide.
  public func surprise(in pixels: ArraySlice<UInt8>) -> String? {
    let (mean, share) = Self.figures(of: pixels)
    func isFar(_ value: Double, _ range: ClosedRange<Double>) -> Bool {
      let width = max(range.upperBound - range.lowerBound, 0.02)
      return value < range.lowerBound - width || value > range.upperBound + width
    }
    if isFar(mean, self.mean) || mean == 0 && self.mean.lowerBound > 0 {
      return "\(fixed(mean, 2)) of white on average, where the training images have "
        + "\(fixed(self.mean.lowerBound, 2)) to \(fixed(self.mean.upperBound, 2))"
    }
    if isFar(share, self.share) {
      return "\(fixed(share, 2)) of it is bright, of the training images "
        + "\(fixed(self.share.lowerBound, 2)) to \(fixed(self.share.upperBound, 2))"
    }
    return nil
  }

  public init?(_ value: JSONValue) {
    func range(_ key: String) -> ClosedRange<Double>? {
      guard let ends = value[key]?.array?.compactMap(\.double), ends.count == 2,
        ends.allSatisfy({ (0...1).contains($0) }), ends[0] <= ends[1]
      else { return nil }
      return ends[0]...ends[1]
    }
    guard let mean = range("mean"), let share = range("share") else { return nil }
    self.init(mean: mean, share: share)
  }

  public var json: JSONValue {
    func ends(_ range: ClosedRange<Double>) -> JSONValue {
      [JSONValue(range.lowerBound), JSONValue(range.upperBound)]
    }
    return ["mean": ends(mean), "share": ends(share)]
  }
}
