/// Takes the configurations of a grid one after the other, the last parameter varying fastest.
public struct GridSampler: Sampler {
  public let grid: Grid

  public init(_ grid: Grid) { self.grid = grid }

  /// - Precondition: `trial` is below `grid.count`.
  public func configuration(
    trial: Int, observations: [Observation] = [], pending: [Configuration] = []
  ) -> Configuration { grid[trial] }
}
