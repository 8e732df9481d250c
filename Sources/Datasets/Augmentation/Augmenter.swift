import Elements

/// Distorts training images at random. All ops of a list that move pixels become one map and, with
/// elastic ops, one field of displacements d(p): output(p) = input(map(p) + d(p)), by one bilinear
/// resampling, with zeros or what `fill` says outside the image; a map by whole pixels copies them. Those that change
/// what the pixels hold follow in their order.
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
  private let changers: [PixelChanger]
  private let drawings: [Drawing]

  /// What the ops of one image have drawn. `@unchecked Sendable`: only one worker uses it.
  private final class Drawing: @unchecked Sendable {
    var map = PlaneMap.identity
    var fields = 0
    var changes: [PixelChange] = []

    func clear() {
      map = .identity
      fields = 0
      changes.removeAll(keepingCapacity: true)
    }
  }

  /// - Parameters:
  ///   - fill: what lies outside the images.
  ///   - seed: the experiment's.
  ///   - workers: how many threads call `distort`, each with a number of its own below this.
  public init(
    ops: [AugmentationOp], fill: BorderFill = .constant, height: Int, width: Int, channels: Int,
    seed: UInt64, workers: Int
  ) {
    self.ops = ops
    self.height = height
    self.width = width
    self.channels = channels
    self.seed = seed
    elastic = (0..<workers).map { _ in
      ops.compactMap { op in
        guard case .elastic(let elastic) = op else { return nil }
        return ElasticField(
          height: height, width: width, alpha: elastic.alpha, sigma: elastic.sigma)
      }
    }
    resamplers = (0..<workers).map { _ in
      Resampler(height: height, width: width, channels: channels, fill: fill)
    }
    let radius = ops.map(\.blurRadius).max() ?? 0
    changers = (0..<workers).map { _ in
      PixelChanger(height: height, width: width, channels: channels, radius: radius, seed: seed)
    }
    drawings = (0..<workers).map { _ in Drawing() }
  }

  /// destination = the distorted image's H·W·C floats in [0, 1].
  func distort(
    _ image: UnsafePointer<UInt8>, into destination: UnsafeMutablePointer<Float>, index: Int,
    epoch: Int, worker: Int
  ) {
    let epoch = UInt32(truncatingIfNeeded: epoch)
    let sample = UInt32(truncatingIfNeeded: index)
    let (resampler, drawing) = (resamplers[worker], drawings[worker])
    draw(drawing, epoch: epoch, sample: sample, worker: worker)
    if drawing.fields == 0, resampler.canCopy(drawing.map) {
      resampler.copy(image, drawing.map, into: destination)
    } else {
      resampler.load(image)
      resampler.resample(drawing.map, displaced: drawing.fields > 0, into: destination)
    }
    for change in drawing.changes {
      changers[worker].apply(change, to: destination, epoch: epoch, sample: sample)
    }
  }

  /// Draws every op in the order of the list.
  private func draw(_ drawing: Drawing, epoch: UInt32, sample: UInt32, worker: Int) {
    var random = RandomStream(seed: seed, purpose: .augmentation, epoch: epoch, sample: sample)
    let resampler = resamplers[worker]
    drawing.clear()
    for op in ops {
      if let next = op.drawMap(height: height, width: width, random: &random) {
        drawing.map = drawing.map.followed(by: next)
        continue
      }
      switch op {
      case .pixels(let op, let p):
        guard random.uniform() < p,
          let change = op.draw(
            height: height, width: width, number: drawing.changes.count, random: &random)
        else { continue }
        drawing.changes.append(change)
      case .randAugment(let policy):
        for _ in 0..<policy.count {
          switch policy.draw(height: height, width: width, random: &random) {
          case .map(let next): drawing.map = drawing.map.followed(by: next)
          case .change(let change): drawing.changes.append(change)
          }
        }
      case .elastic:
        if drawing.fields == 0 { resampler.clearField() }
        func noise(_ axis: Int) -> NoiseSource {
          NoiseSource(
            seed: seed, epoch: epoch, sample: sample,
            number: UInt32(truncatingIfNeeded: 2 * drawing.fields + axis))
        }
        resampler.addToField(
          elastic[worker][drawing.fields], rows: noise(0), columns: noise(1))
        drawing.fields += 1
      default: break
      }
    }
  }
}

extension AugmentationOp {
  /// How far a blur reaches; 0 for what is none.
  fileprivate var blurRadius: Int {
    if case .pixels(.blur(let blur), _) = self { blur.kernel / 2 } else { 0 }
  }
}
