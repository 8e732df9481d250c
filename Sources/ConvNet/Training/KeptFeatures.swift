/// What a layer of frozen ones below it gives of each of some images, worked out once: what is read
/// instead of the images by a trainer that keeps it (`Freezing.features`), and by its `inference`.
public final class KeptFeatures: SampleSource {
  public let sampleShape: Shape
  public let labels: Labels
  /// (N, H, W, C)
  private let values: Buffer

  public var count: Int { labels.count }

  /// Bytes of those of so many samples.
  public static func bytes(_ count: Int, _ shape: Shape) -> Int {
    ByteCount.product(MemoryLayout<Float>.stride, count, shape.count)
  }

  /// - Throws: `OutOfMemory`.
  init(_ source: any SampleSource, shape: Shape, by inference: Inference) throws(OutOfMemory) {
    sampleShape = shape
    labels = source.labels
    let size = shape.count
    values = try Arena(bytes: Self.bytes(source.count, shape) + 127).floats(source.count, size)
    let base = values.base
    inference.forEachTile(of: source, range: 0..<source.count, .base) { tile in
      (base + tile.samples.lowerBound * size).update(
        from: tile.values, count: tile.samples.count * size)
    }
  }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    destination.update(
      from: values.base + sample * sampleShape.count, count: sampleShape.count)
  }
}

extension Trainer {
  /// The samples of a source as it reads them: the images themselves, or what is kept of them, which is
  /// worked out here.
  /// - Throws: `OutOfMemory`.
  public func read(_ source: any SampleSource) throws(OutOfMemory) -> any SampleSource {
    guard freezing.features != nil else { return source }
    return try KeptFeatures(source, shape: sampleShape, by: inference)
  }
}
