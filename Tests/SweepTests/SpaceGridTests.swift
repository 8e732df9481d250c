import Testing

@testable import Search
@testable import Sweep

@Suite struct SpaceGridTests {
  @Test func variesTheLastFastest() throws {
    let space = SearchSpace([
      Parameter("a", .labels("x", "y")),
      Parameter("b", .range(lower: 1e-4, upper: 1e-2, scale: .log), points: 3),
      Parameter("c", .integers(lower: 1, upper: 2, scale: .linear)),
    ])
    let grid = try #require(Grid(space))
    #expect(grid.count == 12)
    let labels = (0..<grid.count).map { space.labels(of: grid[$0]).map { $0 ?? "" } }
    #expect(labels[0] == ["x", "0.0001", "1"])
    #expect(labels[1] == ["x", "0.0001", "2"])
    #expect(labels[2] == ["x", "0.001", "1"])
    #expect(labels[5] == ["x", "0.01", "2"])
    #expect(labels[6] == ["y", "0.0001", "1"])
    #expect(labels[11] == ["y", "0.01", "2"])
  }

  @Test func repeatsNothingUnderConditions() throws {
    let grid = try #require(Grid(mixedSpace))
    // sgd: 3 momenta × (constant, or step × 4); adam: 1 + 4; adadelta: 1; × 4 rates × 3 batches.
    #expect(grid.count == (3 * 5 + 5 + 1) * 4 * 3)
    #expect(mixedSpace.gridSize == grid.count)
    var seen: Set<Configuration> = []
    for index in 0..<grid.count {
      let configuration = grid[index]
      #expect(mixedSpace.contains(configuration))
      #expect(seen.insert(configuration).inserted)
      #expect(GridSampler(grid).configuration(trial: index) == configuration)
    }
  }

  @Test func isCountedWithoutBeingExpanded() {
    func space(_ dimensions: Int) -> SearchSpace {
      SearchSpace(
        (0..<dimensions).map {
          Parameter("p\($0)", .integers(lower: 1, upper: 1 << 20, scale: .linear))
        })
    }
    #expect(space(3).gridSize == 1 << 60)
    #expect(space(4).gridSize == nil)
    let last = Grid(space(3))![(1 << 60) - 1]
    #expect(last.values == [.integer(1 << 20), .integer(1 << 20), .integer(1 << 20)])
    #expect(SearchSpace([]).gridSize == 1)
    #expect(
      SearchSpace([Parameter("p", .range(lower: 0, upper: 1, scale: .linear))]).gridSize == nil)
  }

  @Test func takesDistinctPointsOfIntegers() throws {
    func labels(_ lower: Int, _ upper: Int, _ scale: Domain.Scale, _ points: Int) -> [String] {
      let space = SearchSpace([
        Parameter("p", .integers(lower: lower, upper: upper, scale: scale), points: points)
      ])
      let grid = Grid(space)!
      return (0..<grid.count).map { space.labels(of: grid[$0])[0]! }
    }
    #expect(labels(1, 9, .linear, 3) == ["1", "5", "9"])
    #expect(labels(1, 3, .linear, 7) == ["1", "2", "3"])
    #expect(labels(1, 1000, .log, 4) == ["1", "10", "100", "1000"])
    #expect(labels(32, 512, .log, 5) == ["32", "64", "128", "256", "512"])
    #expect(labels(1, 9, .log, 8) == ["1", "2", "3", "4", "5", "7", "9"])
    #expect(labels(1, 9, .linear, 1) == ["5"])
  }
}
