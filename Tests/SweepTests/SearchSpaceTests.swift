import Testing

@testable import Search
@testable import Sweep

@Suite struct SearchSpaceTests {
  @Test func keepsTheOrderOfItsParameters() {
    let space = SearchSpace([
      Parameter("b", .range(lower: 0, upper: 1, scale: .linear)),
      Parameter("a", .integers(lower: 1, upper: 8, scale: .log)),
    ])
    #expect(space.parameters.map(\.path) == ["b", "a"])
  }
}
