import ConvNet

/// Distorts training images at random. All ops of a list become one affine map and, with elastic
/// ops, one field of displacements d(p): output(p) = input(M·p + t + d(p)), by one bilinear
/// resampling, with zeros outside the image.
///
/// What an image becomes depends on (seed, epoch, image) alone.
public final class Augmenter: Sendable {
  public let ops: [AugmentationOp]
  let height: Int, width: Int, channels: Int
  private let seed: UInt64
  /// For each worker, one per elastic op.
  private let elastic: [[ElasticField]]
  /// One per worker, never shared.
  private let resamplers: [Resampler]

  /// - Parameters:
  ///   - seed: the experiment's.
  ///   - workers: how many threads call `distort`, each with a number of its own below this.
  public init(
    ops: [AugmentationOp], height: Int, width: Int, channels: Int, seed: UInt64, workers: Int
  ) {
    self.ops = ops
    self.height = height
    self.width = width
    self.channels = channels
    self.seed = seed
    elastic = (0..<workers).map { _ in
      ops.compactMap { op in
        guard case .elastic(let alpha, let sigma) = op else { return nil }
        return ElasticField(height: height, width: width, alpha: alpha, sigma: sigma)
      }
    }
    resamplers = (0..<workers).map { _ in
      Resampler(height: height, width: width, channels: channels)
    }
  }

  /// destination = the distorted image's H·W·C floats in [0, 1].
  func distort(
    _ image: UnsafePointer<UInt8>, into destination: UnsafeMutablePointer<Float>, index: Int,
    epoch: Int, worker: Int
  ) {
    let epoch = UInt32(truncatingIfNeeded: epoch)
    let sample = UInt32(truncatingIfNeeded: index)
    var random = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, sample: sample)
    let resampler = resamplers[worker]
    var map = AffineMap.identity
    var fields = 0
    for op in ops {
      if let next = op.drawMap(height: height, width: width, random: &random) {
        map = map.followed(by: next)
      } else {
        if fields == 0 { resampler.clearField() }
        func noise(_ axis: Int) -> NoiseSource {
          NoiseSource(
            seed: seed, epoch: epoch, sample: sample,
            number: UInt32(truncatingIfNeeded: 2 * fields + axis))
        }
        resampler.addToField(elastic[worker][fields], rows: noise(0), columns: noise(1))
        fields += 1
      }
    }
    resampler.load(image)
    resampler.resample(map, displaced: fields > 0, into: destination)
  }
}
