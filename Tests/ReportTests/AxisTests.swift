import Testing

@testable import Report

struct AxisTests {
  /// Stretches of every size and place that `Double` holds with room to spare.
  static let stretches: [(Double, Double)] = {
    var noise = Noise(state: 1)
    return (0..<2000).map { _ in
      let scale = DecimalText.power(Int(noise.next() * 30))
      let a = noise.next() * scale
      let b = noise.next() * scale
      return (min(a, b), max(a, b))
    }
  }()

  @Test func stepIsTheSmallestOfOneTwoFiveThatCutsSmallEnough() {
    for (low, high) in Self.stretches where low < high {
      for count in [1, 3, 6, 10] {
        let step = TickStep(span: high - low, intervals: count)
        #expect([1, 2, 5].contains(step.mantissa))
        #expect((high - low) / step.value <= Double(count) * (1 + 1e-8))
        let smaller =
          step.mantissa == 1
          ? TickStep(5, step.exponent - 1) : TickStep(step.mantissa / 2, step.exponent)
        #expect((high - low) / smaller.value > Double(count) * (1 - 1e-8))
      }
    }
  }

  @Test func linearTicksAreEvenLabelledWithTheirValueAndCoverTheValues() throws {
    for (low, high) in Self.stretches {
      let axis = Axis(values: [low, high], format: .number, intervals: 6)
      #expect(axis.low <= low && axis.high >= high && axis.low < axis.high)
      #expect((2...9).contains(axis.ticks.count))
      let step = axis.ticks[1].value - axis.ticks[0].value
      for (i, tick) in axis.ticks.enumerated() {
        #expect(abs(tick.value - (axis.ticks[0].value + Double(i) * step)) <= step * 1e-6)
        #expect(axis.position(tick.value) >= -1e-9 && axis.position(tick.value) <= 1 + 1e-9)
        #expect(try Self.read(tick.label) == tick.value)
      }
      #expect(Set(axis.ticks.map(\.label)).count == axis.ticks.count)
    }
  }

  @Test func logarithmicTicksCoverTheValuesAndGrow() throws {
    for (low, high) in Self.stretches where low > 0 {
      let axis = Axis(values: [low, high], format: .number, intervals: 6, logarithmic: true)
      #expect(axis.low > 0 && axis.low <= low && axis.high >= high)
      #expect((2...12).contains(axis.ticks.count), "\(low) \(high)")
      #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0.value < $1.value })
      for tick in axis.ticks { #expect(try Self.read(tick.label) == tick.value) }
      #expect(axis.fraction(0) == nil && axis.fraction(-1) == nil)
    }
  }

  @Test func wholeNumbersAreNeverCutIntoParts() {
    for last in 1...300 {
      let axis = Axis(values: [1, Double(last)], format: .whole, intervals: 10, rounded: false)
      #expect(axis.ticks.allSatisfy { $0.value == $0.value.rounded() && Int($0.label) != nil })
      #expect((1...11).contains(axis.ticks.count))
    }
    let long = Axis(values: [1, 1000], format: .whole, intervals: 10, rounded: false)
    #expect(long.ticks.map(\.label) == (1...10).map { "\($0 * 100)" })
  }

  @Test func percentStaysWithinAllAndNothing() {
    let right = Axis(values: [1, 1], format: .percent, intervals: 6)
    #expect(right.high == 1 && right.ticks.last?.label == "100%")
    let nothing = Axis(values: [0], format: .percent, intervals: 6)
    #expect(nothing.low == 0 && nothing.high == 1)
    let close = Axis(values: [0.985, 0.9912], format: .percent, intervals: 6)
    #expect(close.ticks.map(\.label) == ["98.4%", "98.6%", "98.8%", "99.0%", "99.2%"])
  }

  @Test func labelsOfAnAxisHaveEquallyManyDecimals() {
    let axis = Axis(values: [0, 0.31], format: .number, intervals: 8)
    #expect(
      axis.ticks.map(\.label) == ["0", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30", "0.35"])
  }

  @Test func nothingToShowGivesAnAxisAllTheSame() {
    for values in [[], [.nan], [.infinity, -.infinity], [1e301]] as [[Double]] {
      #expect(Axis(values: values, format: .number, intervals: 6).ticks.count >= 2)
      #expect(
        Axis(values: values, format: .number, intervals: 6, logarithmic: true).ticks.count >= 2)
    }
  }

  @Test(arguments: [
    (25, -2, "0.25"), (-25, -2, "−0.25"), (0, -3, "0"), (3, 7, "3e7"), (10, -1, "1"),
    (1_000_030, 0, "1000030"), (25, -10, "2.5e−9"), (100, 3, "100000"), (1, -5, "0.00001"),
  ])
  func exactDecimals(n: Int, exponent: Int, text: String) {
    #expect(DecimalText.exact(n, exponent: exponent) == text)
  }

  @Test(arguments: [
    (0.032149, "0.0321"), (0.00099996, "0.001"), (12.345, "12.3"), (999.6, "1000"), (0, "0"),
    (4.56e-7, "4.56e−7"), (-0.5, "−0.5"), (123456, "123456"), (1.2e9, "1.2e9"),
    (9.999e-5, "0.0001"), (.leastNormalMagnitude, "2.23e−308"),
  ])
  func significantDigits(value: Double, text: String) {
    #expect(DecimalText.significant(value, digits: 3) == text)
  }

  @Test(arguments: [
    (1.005, 1, "1.0"), (-0.001, 2, "0.00"), (-1.25, 1, "-1.3"), (99.995, 1, "100.0"), (7, 0, "7"),
  ])
  func fixedDecimals(value: Double, decimals: Int, text: String) {
    #expect(DecimalText.text(value, decimals: decimals) == text)
  }

  /// A label as the number that it stands for.
  static func read(_ label: String) throws -> Double {
    try #require(Double(label.map { $0 == "−" ? "-" : String($0) }.joined()))
  }

  /// Labels of even steps would lie one upon the other at the end of a logarithmic axis.
  @Test func evenStepsAreNotCrowded() {
    let axis = Axis(values: [9656, 36640], format: .number, intervals: 6, logarithmic: true)
    #expect(axis.ticks.map(\.label) == ["5000", "10000", "20000", "50000"])
    let near = Axis(values: [10, 30], format: .number, intervals: 6, logarithmic: true)
    #expect(near.ticks.map(\.label) == ["10", "15", "20", "25", "30"])
  }
}
