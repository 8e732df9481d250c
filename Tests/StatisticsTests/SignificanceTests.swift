import TestSupport
import Testing

@testable import Statistics

@Suite struct SignificanceTests {
  @Test func meansDeviationsAndTTests() throws {
    for c in try StatisticsFixture.statistics.get().samples {
      let sample = Sample(c.first)
      let other = Sample(c.second)
      expectNear(sample.mean, c.mean, "mean")
      expectNear(sample.deviation, c.deviation, "deviation")
      expectNear(sample.meanInterval()?.low, c.meanInterval[0], "mean, low")
      expectNear(sample.meanInterval()?.high, c.meanInterval[1], "mean, high")
      expectNear(sample.deviationInterval()?.low, c.deviationInterval[0], "deviation, low")
      expectNear(sample.deviationInterval()?.high, c.deviationInterval[1], "deviation, high")
      let differences = zip(c.first, c.second).map { $1 - $0 }
      for (test, expected) in [
        (TTest(ofDifferences: differences), c.paired), (TTest(sample, other), c.welch),
      ] {
        // The differences themselves are only good to 1e-13 of the values.
        expectNear(test?.statistic, expected.t, relative: 1e-9, "t")
        expectNear(test?.degrees, expected.degrees, relative: 1e-9, "degrees")
        expectNear(test?.p, expected.p, relative: 1e-9, "p")
        expectNear(test?.interval.low, expected.interval[0], relative: 1e-9, "low")
        expectNear(test?.interval.high, expected.interval[1], relative: 1e-9, "high")
      }
      let paired = EffectSize(ofDifferences: differences)
      expectNear(paired?.d, c.pairedD, relative: 1e-9, "d of pairs")
      expectNear(paired?.g, c.pairedG, relative: 1e-9, "g of pairs")
      expectNear(paired?.interval.low, c.pairedDInterval[0], relative: 1e-8, "d of pairs, low")
      expectNear(paired?.interval.high, c.pairedDInterval[1], relative: 1e-8, "d of pairs, high")
      let independent = EffectSize(sample, other)
      expectNear(independent?.d, c.independentD, relative: 1e-9, "d")
      expectNear(independent?.interval.low, c.independentDInterval[0], relative: 1e-8, "d, low")
      expectNear(independent?.interval.high, c.independentDInterval[1], relative: 1e-8, "d, high")
    }
  }

  @Test func whereNothingVaries() {
    let same = Sample([0.1, 0.1, 0.1])
    #expect(same.mean == 0.1)
    #expect(same.deviation == 0)
    #expect(same.meanInterval() == Interval(0.1, 0.1))
    #expect(Sample([2]).deviation == nil)
    #expect(Sample([2]).meanInterval() == nil)
    #expect(TTest(ofDifferences: [0.5]) == nil)
    #expect(TTest(Sample([1]), Sample([1, 2])) == nil)
    let equal = TTest(ofDifferences: [0, 0, 0])
    #expect(equal?.p == 1 && equal?.statistic == 0)
    let shifted = TTest(ofDifferences: [0.5, 0.5])
    #expect(shifted?.p == 0 && shifted?.statistic == .infinity)
    #expect(EffectSize(ofDifferences: [0.5, 0.5]) == nil)
    #expect(WilcoxonSignedRank(ofDifferences: [0, 0]).p == 1)
  }

  @Test func wilcoxon() throws {
    for c in try StatisticsFixture.statistics.get().wilcoxon {
      let test = WilcoxonSignedRank(ofDifferences: c.differences)
      #expect(test.positiveRanks == c.positiveRanks)
      expectNear(test.p, c.p, "\(c.differences)")
    }
  }

  @Test func mcNemar() throws {
    for c in try StatisticsFixture.statistics.get().mcnemar {
      let test = McNemar(firstOnly: c.firstOnly, secondOnly: c.secondOnly)
      expectNear(test.exactP, c.exactP, "exact \(c.firstOnly), \(c.secondOnly)")
      expectNear(test.midP, c.midP, "mid \(c.firstOnly), \(c.secondOnly)")
    }
    let counted = McNemar(
      first: [0, 1, 2, 3, 4, 0], second: [0, 1, 9, 9, 9, 1], labels: [0, 1, 2, 3, 5, 1])
    #expect(
      counted == McNemar(bothRight: 2, firstOnly: 2, secondOnly: 1, bothWrong: 1))
  }

  @Test func holm() throws {
    for c in try StatisticsFixture.statistics.get().holm {
      for (value, expected) in zip(Holm.adjusted(c.values), c.adjusted) {
        expectNear(value, expected, "\(c.values)")
      }
    }
    #expect(Holm.adjusted([]) == [])
  }
}
