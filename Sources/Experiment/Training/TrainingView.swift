import ConvNet
import Datasets

/// What a run's network is shown of the training images: distorted and mixed as they are in any epoch,
/// whichever batch they come in.
public final class TrainingView {
  /// An image as it goes into the network, before it is normalised.
  public struct Shown: Sendable {
    /// (H, W, C) in [0, 1].
    public let pixels: [Float]
    /// Its class; and where another image was mixed in, that one's, and the part that is its own.
    public let label: Int
    public let other: (label: Int, share: Float)?
  }

  private let spec: ExperimentSpec
  private let source: any SampleSource
  private var order: (epoch: Int, samples: [Int32]) = (0, [])

  public init(_ spec: ExperimentSpec, _ data: RunData) {
    self.spec = spec
    source = data.train
  }

  /// A sample of the training images as an epoch, from 1, shows it.
  public func show(_ sample: Int, epoch: Int) -> Shown {
    let size = source.sampleShape.count
    let label = source.labels[sample]
    guard !spec.mixing.isEmpty, let (batch, place, pass) = batch(of: sample, in: epoch),
      let mix = BatchMix(
        spec.mixing, input: source.sampleShape, seed: spec.seed, pass: pass)
    else { return Shown(pixels: fill([sample], epoch), label: label, other: nil) }
    let tile = BatchMix.tile(of: place, batch: batch.count)
    var pixels = fill(batch[tile].map { $0 }, epoch)
    var scratch = pixels
    pixels.withUnsafeMutableBufferPointer { pixels in
      scratch.withUnsafeMutableBufferPointer {
        mix.apply(
          to: pixels.baseAddress!, count: tile.count, sample: source.sampleShape,
          scratch: $0.baseAddress!)
      }
    }
    let first = (place - tile.lowerBound) * size
    let partner = mix.partner(of: place, batch: batch.count)
    return Shown(
      pixels: Array(pixels[first..<first + size]), label: label,
      other: (source.labels[batch[partner]], mix.share))
  }

  /// The samples of one pass through the network, the place among them of the given one, and the
  /// number of the pass in the run.
  private func batch(of sample: Int, in epoch: Int) -> (samples: [Int], place: Int, pass: Int)? {
    if order.epoch != epoch {
      order = (epoch, Batches.order(of: source.count, seed: spec.seed, epoch: epoch))
    }
    guard let place = order.samples.firstIndex(of: Int32(sample)) else { return nil }
    let (size, accumulation) = (spec.training.batchSize, spec.optimizer.accumulation)
    let perStep = size * accumulation
    let stepsPerEpoch = (source.count + perStep - 1) / perStep
    let steps = (epoch - 1) * stepsPerEpoch + place / perStep
    let pass = steps * accumulation + place % perStep / size + 1
    let first = place / perStep * perStep + place % perStep / size * size
    let end = min(first + size, source.count)
    return (order.samples[first..<end].map(Int.init), place - first, pass)
  }

  private func fill(_ samples: [Int], _ epoch: Int) -> [Float] {
    let size = source.sampleShape.count
    return Array(unsafeUninitializedCapacity: samples.count * size) { buffer, count in
      buffer.initialize(repeating: 0)
      for (place, sample) in samples.enumerated() {
        source.fill(
          buffer.baseAddress! + place * size, sample: sample, epoch: epoch, worker: 0)
      }
      count = samples.count * size
    }
  }
}
