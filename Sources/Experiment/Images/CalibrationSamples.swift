import ConvNet

/// Some of the images of a source, at equal distances: what ranges are looked up on.
public final class CalibrationSamples: ImageSamples {
  private let source: any ImageSamples
  private let chosen: [Int32]

  /// - Parameter count: how many, or as many as there are.
  public init(_ source: any ImageSamples, count: Int) {
    self.source = source
    chosen = Self.spread(count, of: source.count)
  }

  public var sampleShape: Shape { source.sampleShape }
  public var count: Int { chosen.count }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    source.fill(destination, sample: Int(chosen[sample]), epoch: epoch, worker: worker)
  }

  /// So many places at equal distances.
  public static func spread(_ count: Int, of all: Int) -> [Int32] {
    let count = min(count, all)
    return (0..<count).map { Int32($0 * all / count) }
  }
}
