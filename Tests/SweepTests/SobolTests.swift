import TestSupport
import Testing

@testable import Search
@testable import Sweep

@Suite struct SobolTests {
  struct SciPy: Decodable {
    let first: [[UInt32]]
    let number12345: [UInt32]
  }

  @Test func agreesWithSciPy() throws {
    let scipy = try Fixture.load("sobol", as: SciPy.self)
    let sequence = SobolSequence(dimensions: SobolSequence.maximumDimensions)
    #expect(scipy.first[0].count == sequence.dimensions)
    for (index, point) in scipy.first.enumerated() {
      let ours = point.indices.map { sequence.bits(UInt32(index), dimension: $0) }
      #expect(ours == point.map { $0 << 2 })
    }
    let ours = scipy.number12345.indices.map { sequence.bits(12345, dimension: $0) }
    #expect(ours == scipy.number12345.map { $0 << 2 })
  }

  /// Of the first 2ᵏ points one lies in each of 2ᵏ intervals, scrambled or not; in the first two
  /// dimensions, one in each box of area 2⁻ᵏ.
  @Test func scramblingKeepsTheSpread() {
    let sequence = SobolSequence(dimensions: 20)
    for dimension in 0..<20 {
      let cells = (0..<64 as Range<UInt32>).map {
        Int(sequence.scrambled($0, dimension: dimension, seed: 7) * 64)
      }
      #expect(Set(cells).count == 64)
    }
    for split in 0...6 {
      let (columns, rows) = (Double(1 << split), Double(64 >> split))
      let boxes = (0..<64 as Range<UInt32>).map { index in
        Int(sequence.scrambled(index, dimension: 0, seed: 7) * columns) * 64
          + Int(sequence.scrambled(index, dimension: 1, seed: 7) * rows)
      }
      #expect(Set(boxes).count == 64)
    }
  }

  @Test func scramblingIsUniformOverSeeds() {
    let sequence = SobolSequence(dimensions: 3)
    var counts = Array(repeating: 0, count: 16)
    for seed in 0..<3200 as Range<UInt64> {
      counts[Int(sequence.scrambled(5, dimension: 2, seed: seed) * 16)] += 1
    }
    // 15 degrees of freedom: below 37.7 in 999 of 1000 cases.
    #expect(chiSquare(counts) < 37.7)
  }

  @Test func servesMoreParametersThanItHasDimensions() {
    let space = SearchSpace(
      (0..<SobolSequence.maximumDimensions + 4).map {
        Parameter("p\($0)", .range(lower: 0, upper: 1, scale: .linear))
      })
    let sampler = SobolSampler(space: space, seed: 1)
    #expect(space.contains(sampler.configuration(trial: 3)))
    #expect(
      sampler.configuration(trial: 3).values.last != sampler.configuration(trial: 4).values.last)
  }
}
