import ConvNet
import Experiment
import Testing

@testable import Search
@testable import Sweep

@Suite struct SpaceTests {
  static let domains: [Domain] = [
    .labels("a", "b", "c"),
    .range(lower: 1e-5, upper: 3e-2, scale: .log),
    .range(lower: -2.5, upper: 7, scale: .linear),
    .range(lower: 0.1234567891, upper: 0.1234567899, scale: .linear),
    .range(lower: 3, upper: 3, scale: .linear),
    .integers(lower: -3, upper: 4, scale: .linear),
    .integers(lower: 1, upper: 1000, scale: .log),
    .integers(lower: 5, upper: 5, scale: .log),
    .integers(lower: -(1 << 48), upper: 1 << 48, scale: .linear),
  ]

  @Test(arguments: domains) func decodesWithinTheBounds(_ domain: Domain) {
    for step in -1...1001 {
      let value = domain.value(at: Double(step) / 1000)
      #expect(domain.contains(value))
      // What a coordinate decodes to comes back from its own coordinate.
      #expect(domain.value(at: domain.coordinate(of: value)) == value)
    }
    #expect(domain.contains(domain.value(at: 1.0.nextDown)))
  }

  @Test func reachesBothEnds() {
    let range = Domain.range(lower: 0.1234564, upper: 123.4567891, scale: .log)
    #expect(range.value(at: 0) == .number(0.1234564))
    #expect(range.value(at: 1) == .number(123.4567891))
    let integers = Domain.integers(lower: 2, upper: 5, scale: .linear)
    #expect(integers.value(at: 0) == .integer(2))
    #expect(integers.value(at: 1) == .integer(5))
    let options = Domain.labels("a", "b")
    #expect(options.value(at: 0.499) == .option(0))
    #expect(options.value(at: 1) == .option(1))
  }

  @Test func givesTheEndsOfIntegersWholeCells() {
    let domain = Domain.integers(lower: 2, upper: 5, scale: .linear)
    for (k, edge) in [(2, 0.0), (3, 0.25), (4, 0.5), (5, 0.75)] {
      #expect(domain.value(at: edge) == .integer(k))
      #expect(domain.value(at: edge + 0.25 - 1e-12) == .integer(k))
      #expect(domain.cell(of: .integer(k)) == edge...edge + 0.25)
    }
    // On the log scale the cell of k goes from ln(k − ½) to ln(k + ½).
    let log = Domain.integers(lower: 1, upper: 4, scale: .log)
    let (start, width) = (Elementary.log(0.5), Elementary.log(4.5) - Elementary.log(0.5))
    for k in 1...4 {
      let cell = log.cell(of: .integer(k))
      #expect(abs(cell.lowerBound - (Elementary.log(Double(k) - 0.5) - start) / width) < 1e-15)
      #expect(log.value(at: cell.lowerBound + 1e-12) == .integer(k))
      #expect(log.value(at: cell.upperBound - 1e-12) == .integer(k))
    }
  }

  @Test func roundsToSixDigits() {
    #expect(1234567.89.rounded(toDigits: 6, of: 1234567.89) == 1_234_570)
    #expect(0.000123456789.rounded(toDigits: 6, of: 0.000123456789) == 0.000123457)
    #expect((-0.1234565001).rounded(toDigits: 6, of: 0.1) == -0.123457)
    #expect(9.999999.rounded(toDigits: 6, of: 9.999999) == 10)
    #expect(0.0.rounded(toDigits: 6, of: 1) == 0)
    #expect(1e-3.rounded(toDigits: 6, of: 1e-3) == 1e-3)
    #expect(1e300.rounded(toDigits: 6, of: 1e-300) == 1e300)
    let domain = Domain.range(lower: 1e-4, upper: 1e-1, scale: .log)
    for step in 1..<100 {
      guard case .number(let x) = domain.value(at: Double(step) / 100) else { return }
      let digits = x.description.prefix { $0 != "e" }.filter(\.isWholeNumber)
      #expect(digits.drop { $0 == "0" }.count <= 6)
    }
  }

  @Test func keepsConditions() {
    for trial in 0..<200 {
      let configuration = RandomSampler(space: mixedSpace, seed: 3).configuration(trial: trial)
      #expect(mixedSpace.contains(configuration))
      let values = configuration.values
      #expect((values[2] != nil) == (values[0] == .option(0)))
      #expect((values[3] != nil) == (values[0] != .option(2)))
      #expect((values[4] != nil) == (values[3] == .option(1)))
    }
    var wrong = RandomSampler(space: mixedSpace, seed: 3).configuration(trial: 0)
    wrong.values[0] = .option(2)
    wrong.values[2] = .number(0.5)
    #expect(!mixedSpace.contains(wrong))
  }

  @Test func writesAndReadsLabels() {
    for trial in 0..<100 {
      let configuration = RandomSampler(space: mixedSpace, seed: 4).configuration(trial: trial)
      let labels = mixedSpace.labels(of: configuration)
      #expect(mixedSpace.configuration(labelled: labels) == configuration)
    }
    #expect(mixedSpace.configuration(labelled: ["sgd", "1", nil, nil, nil, "32"]) == nil)
    let domain = Domain.range(lower: 1e-6, upper: 1, scale: .log)
    #expect(domain.label(.number(3e-5)) == "3e-05")
    #expect(domain.json(.number(0.5)) == 0.5)
    #expect(Domain.labels("a", "b").json(.option(1)) == "b")
    #expect(domain.value(labelled: "2") == nil)
  }

  @Test func isFlatOnItsScale() {
    let space = SearchSpace([
      Parameter("log", .range(lower: 1e-4, upper: 1, scale: .log)),
      Parameter("linear", .range(lower: -1, upper: 1, scale: .linear)),
      Parameter("integer", .integers(lower: 1, upper: 5, scale: .linear)),
    ])
    let sampler = RandomSampler(space: space, seed: 9)
    var decades = [0, 0, 0, 0]
    var quarters = [0, 0, 0, 0]
    var integers = [0, 0, 0, 0, 0]
    let count = 4000
    for trial in 0..<count {
      let values = sampler.configuration(trial: trial).values
      guard case .number(let a) = values[0], case .number(let b) = values[1],
        case .integer(let k) = values[2]
      else { return }
      decades[a < 1e-3 ? 0 : a < 1e-2 ? 1 : a < 1e-1 ? 2 : 3] += 1
      quarters[min(Int((b + 1) * 2), 3)] += 1
      integers[k - 1] += 1
    }
    // χ² with 3 and 4 degrees of freedom is below 16.3 and 18.5 in 999 of 1000 cases.
    #expect(chiSquare(decades) < 16.3)
    #expect(chiSquare(quarters) < 16.3)
    #expect(chiSquare(integers) < 18.5)
  }
}

func chiSquare(_ counts: [Int]) -> Double {
  let expected = Double(counts.reduce(0, +)) / Double(counts.count)
  return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
}
