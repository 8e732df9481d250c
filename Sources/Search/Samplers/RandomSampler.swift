import ConvNet

/// Draws every trial by itself, uniformly on each parameter's scale (Bergstra and Bengio, "Random
/// search for hyper-parameter optimization", JMLR 2012).
public struct RandomSampler: Sampler {
  public let space: SearchSpace
  public let seed: UInt64

  public init(space: SearchSpace, seed: UInt64) {
    self.space = space
    self.seed = seed
  }

  public func configuration(
    trial: Int, observations: [Observation] = [], pending: [Configuration] = []
  ) -> Configuration {
    var stream = RandomStream.search(.random, seed: seed, trial: trial)
    return space.configuration(at: space.parameters.map { _ in stream.unit() })
  }
}
