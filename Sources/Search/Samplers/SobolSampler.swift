import ConvNet

/// Takes point i of a Sobol sequence, scrambled by the seed: spread more evenly than random ones,
/// best when their number is a power of two.
///
/// Parameters beyond `SobolSequence.maximumDimensions` are drawn at random. Every parameter has a
/// dimension, whether or not its condition holds.
public struct SobolSampler: Sampler {
  public let space: SearchSpace
  public let seed: UInt64
  private let sequence: SobolSequence

  public init(space: SearchSpace, seed: UInt64) {
    self.space = space
    self.seed = seed
    sequence = SobolSequence(
      dimensions: min(space.parameters.count, SobolSequence.maximumDimensions))
  }

  public func configuration(
    trial: Int, observations: [Observation] = [], pending: [Configuration] = []
  ) -> Configuration {
    var stream = RandomStream.search(.random, seed: seed, trial: trial)
    return space.configuration(
      at: space.parameters.indices.map { place in
        place < sequence.dimensions
          ? sequence.scrambled(UInt32(truncatingIfNeeded: trial), dimension: place, seed: seed)
          : stream.unit()
      })
  }
}
