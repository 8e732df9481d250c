/// What one training step takes.
public struct Batch {
  /// From 1; keys the augmentation of its images.
  public let epoch: Int
  /// From 1 over the whole training.
  public let step: Int
  /// Numbers of the source's images.
  public let samples: ArraySlice<Int32>
}

/// The batches of a training, without end: every epoch takes all images once, in an order of its own; its
/// last batch takes what is left over.
public struct Batches {
  private let images: Int
  private let size: Int
  private let seed: UInt64
  private var epoch: Int
  private var step: Int
  /// How many images of the epoch are done.
  private var done: Int
  private var order: [Int32]

  /// - Parameters:
  ///   - size: images of a batch: the batch size, as often as the optimizer accumulates.
  ///   - seed: decides the orders.
  ///   - epoch: of the first batch, from 1.
  ///   - stepInEpoch: how many steps of that epoch are done.
  ///   - step: how many steps are done in all.
  public init(
    of images: Int, size: Int, seed: UInt64, epoch: Int = 1, stepInEpoch: Int = 0, step: Int = 0
  ) {
    precondition(images > 0 && size > 0)
    self.images = images
    self.size = size
    self.seed = seed
    self.epoch = epoch
    self.step = step
    done = stepInEpoch * size
    order = Self.order(of: images, seed: seed, epoch: epoch)
  }

  /// The next batch, of which there is always one.
  public mutating func take() -> Batch {
    if done >= images {
      epoch += 1
      done = 0
      order = Self.order(of: images, seed: seed, epoch: epoch)
    }
    let first = done
    done = min(first + size, images)
    step += 1
    return Batch(epoch: epoch, step: step, samples: order[first..<done])
  }

  /// The order in which an epoch, from 1, takes the images: a function of the seed and the epoch (Fisher
  /// and Yates's shuffle).
  public static func order(of images: Int, seed: UInt64, epoch: Int) -> [Int32] {
    var order = (0..<Int32(images)).map { $0 }
    var stream = RandomStream(seed: seed, purpose: .shuffle, epoch: UInt32(epoch))
    stream.shuffle(&order)
    return order
  }
}

extension Trainer {
  /// Images of a batch, unless it is an epoch's last.
  public var imagesPerStep: Int { batchSize * updater.optimizer.accumulation }

  /// One step on a batch; see `trainStep`.
  public func train(
    on batch: Batch, of source: any SampleSource, learningRate: Float, momentum: Float? = nil
  ) -> StepResult {
    batch.samples.withUnsafeBufferPointer {
      trainStep(
        source, samples: $0, epoch: batch.epoch, step: batch.step, learningRate: learningRate,
        momentum: momentum)
    }
  }
}
