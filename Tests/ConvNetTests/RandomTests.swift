import Testing

@testable import ConvNet

/// Counter-based random numbers.
@Suite struct RandomTests {
  /// The known answers that Random123 publishes for philox4x32-10.
  @Test(arguments: [
    (
      SIMD4<UInt32>(0, 0, 0, 0), SIMD2<UInt32>(0, 0),
      SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
    ),
    (
      SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
      SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
      SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ])
  func knownAnswers(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, answer: SIMD4<UInt32>) {
    #expect(RandomStream.philox(counter, key: key) == answer)
  }

  @Test(arguments: [1, 2, 15, 16, 17, 100])
  func blocksAreTheSameNumbers(count: Int) {
    let key = SIMD2<UInt32>(0x1234_5678, 0x9abc_def0)
    var words = [UInt32](repeating: 0, count: 4 * count)
    RandomStream.philoxBlocks(count, 7, 0xffff_ffff, 3, key: key, to: &words)
    for i in 0..<count {
      let block = RandomStream.philox(SIMD4(UInt32(i), 7, 0xffff_ffff, 3), key: key)
      for word in 0..<4 { #expect(words[word * count + i] == block[word]) }
    }
  }

  /// A stream is its key: purpose, epoch, sample and both halves of the seed.
  @Test func streamsAreIndependent() {
    func first(
      _ seed: UInt64, _ purpose: RandomPurpose, _ epoch: UInt32, _ sample: UInt32
    ) -> [UInt32] {
      var stream = RandomStream(seed: seed, purpose: purpose, epoch: epoch, sample: sample)
      return (0..<9).map { _ in stream.next() }
    }
    let streams = [
      first(1, .shuffle, 0, 0), first(2, .shuffle, 0, 0), first(1 | 1 << 32, .shuffle, 0, 0),
      first(1, .dropout, 0, 0), first(1, .shuffle, 1, 0), first(1, .shuffle, 0, 1),
    ]
    #expect(Set(streams.flatMap { $0 }).count == streams.count * 9)
    #expect(first(1, .shuffle, 0, 0) == streams[0])
    let block = RandomStream.philox(
      SIMD4(1, RandomPurpose.dropout.rawValue, 5, 6), key: SIMD2(0xdead_beef, 0xcafe))
    #expect(
      Array(first(0xcafe_dead_beef, .dropout, 5, 6)[4..<8]) == (0..<4).map { block[$0] })
  }

  @Test func manyAtATimeAreTheSameNumbers() {
    for (before, count) in [(0, 0), (0, 65_535), (1, 3), (2, 4), (3, 10), (5, 1), (4, 17)] {
      var one = RandomStream(seed: 3, purpose: .probe, epoch: 2, sample: 9)
      for _ in 0..<before { _ = one.next() }
      var many = one
      #expect(many.uniforms(count, -1, 3) == (0..<count).map { _ in one.uniform(-1, 3) })
      #expect(many.next() == one.next(), "after \(before) and \(count)")
    }
  }

  @Test func uniformMoments() {
    var stream = RandomStream(seed: 5, purpose: .probe)
    let count = 100_000
    let numbers = (0..<count).map { _ in stream.uniform() }
    #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
    let (mean, variance) = moments(numbers)
    // Five standard errors of each.
    #expect(abs(mean - 0.5) < 5 * (1.0 / 12 / Double(count)).squareRoot())
    #expect(abs(variance - 1.0 / 12) < 5 * (1.0 / 180 / Double(count)).squareRoot())
    for _ in 0..<1000 {
      let x = stream.uniform(-3, 5)
      #expect(x >= -3 && x < 5)
    }
  }

  @Test func normalMoments() {
    var stream = RandomStream(seed: 6, purpose: .probe)
    let count = 100_000
    let numbers = (0..<count).map { _ in stream.normal() }
    #expect(numbers.allSatisfy { $0.isFinite })
    let (mean, variance) = moments(numbers)
    #expect(abs(mean) < 5 / Double(count).squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / Double(count)).squareRoot())
    let fourth = numbers.reduce(0.0) { $0 + Double($1) * Double($1) * Double($1) * Double($1) }
    #expect(abs(fourth / Double(count) - 3) < 5 * (96 / Double(count)).squareRoot())
    // P(|z| > 2) = 0.0455003
    let tail = Double(numbers.count { abs($0) > 2 }) / Double(count)
    #expect(abs(tail - 0.045_500_3) < 5 * (0.0455 * 0.9545 / Double(count)).squareRoot())
  }

  @Test(arguments: [1, 2, 3, 7, 10, 1 << 20, 3 << 30, .max] as [UInt32])
  func belowStaysBelow(bound: UInt32) {
    var stream = RandomStream(seed: 8, purpose: .probe)
    for _ in 0..<500 { #expect(stream.below(bound) < bound) }
  }

  /// A multiply-shift without rejection would give a third of the numbers twice as often as the
  /// others for a bound of 3·2³⁰.
  @Test func belowIsWithoutBias() {
    var stream = RandomStream(seed: 9, purpose: .probe)
    let count = 30_000
    for bound: UInt32 in [6, 3 << 30] {
      var counts = [0, 0, 0]
      for _ in 0..<count { counts[Int(stream.below(bound) % 3)] += 1 }
      var thirds = [0, 0, 0]
      for _ in 0..<count { thirds[Int(stream.below(bound) / (bound / 3))] += 1 }
      for n in counts + thirds {
        #expect(abs(Double(n) - Double(count) / 3) < 5 * (Double(count) * 2 / 9).squareRoot())
      }
    }
  }

  @Test func shufflesArePermutations() {
    var stream = RandomStream(seed: 10, purpose: .shuffle)
    for count in [0, 1, 2, 3, 100, 1001] {
      var items = Array(0..<count)
      stream.shuffle(&items)
      #expect(items.sorted() == Array(0..<count))
      #expect(count < 100 || items != Array(0..<count))
    }
    var slice = Array(0..<10)[3..<7]
    stream.shuffle(&slice)
    #expect(slice.sorted() == [3, 4, 5, 6])
  }

  /// All 24 orders of four things, equally often.
  @Test func shufflesAreUniform() {
    var stream = RandomStream(seed: 11, purpose: .shuffle)
    var counts: [[Int]: Int] = [:]
    let count = 24_000
    for _ in 0..<count {
      var items = [0, 1, 2, 3]
      stream.shuffle(&items)
      counts[items, default: 0] += 1
    }
    #expect(counts.count == 24)
    let square = counts.values.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
    // Chi squared with 23 degrees of freedom exceeds 60 once in 30,000.
    #expect(square < 60)
  }

  private func moments(_ numbers: [Float]) -> (mean: Double, variance: Double) {
    let mean = numbers.reduce(0.0) { $0 + Double($1) } / Double(numbers.count)
    let squares = numbers.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (mean, squares / Double(numbers.count))
  }
}
