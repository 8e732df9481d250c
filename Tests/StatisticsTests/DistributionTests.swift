import TestSupport
import Testing

@testable import Statistics

@Suite struct DistributionTests {
  @Test func studentT() throws {
    let fixture = try StatisticsFixture.statistics.get()
    for c in fixture.student {
      let t = StudentT(degrees: c.degrees)
      expectNear(t.upperTail(c.t), c.upper, "P(T > \(c.t)), \(c.degrees) degrees")
      expectNear(t.cumulative(-c.t), c.upper, "P(T ≤ \(-c.t)), \(c.degrees) degrees")
    }
    for c in fixture.studentQuantiles {
      let t = StudentT(degrees: c.degrees)
      expectNear(t.quantile(c.p), c.t, "quantile \(c.p), \(c.degrees) degrees")
      expectNear(t.cumulative(t.quantile(c.p)), c.p, "there and back, \(c.p)")
    }
    #expect(StudentT(degrees: 3).upperTail(.infinity) == 0)
    #expect(StudentT(degrees: 3).twoSided(0) == 1)
  }

  @Test func normal() throws {
    let fixture = try StatisticsFixture.statistics.get()
    for c in fixture.normal {
      expectNear(StandardNormal.cumulative(c.z), c.cumulative, "Φ(\(c.z))")
    }
    for c in fixture.normalQuantiles {
      expectNear(StandardNormal.quantile(c.p), c.z, "quantile \(c.p)")
    }
  }

  @Test func chiSquared() throws {
    let fixture = try StatisticsFixture.statistics.get()
    for c in fixture.chiSquared {
      let chi = ChiSquared(degrees: c.degrees)
      expectNear(chi.cumulative(c.x), c.lower, "P(X ≤ \(c.x)), \(c.degrees) degrees")
      expectNear(chi.upperTail(c.x), c.upper, "P(X > \(c.x)), \(c.degrees) degrees")
    }
    for c in fixture.chiSquaredQuantiles {
      let chi = ChiSquared(degrees: c.degrees)
      expectNear(chi.quantile(c.p), c.x, "quantile \(c.p), \(c.degrees) degrees")
    }
  }

  @Test func binomial() throws {
    let fixture = try StatisticsFixture.statistics.get()
    for c in fixture.binomial {
      let binomial = FairBinomial(trials: c.trials)
      expectNear(binomial.probability(of: c.k), c.probability, "P(X = \(c.k)) of \(c.trials)")
      expectNear(binomial.cumulative(c.k), c.cumulative, "P(X ≤ \(c.k)) of \(c.trials)")
    }
    #expect(FairBinomial(trials: 4).cumulative(-1) == 0)
    #expect(FairBinomial(trials: 4).probability(of: 5) == 0)
  }

  @Test func noncentralT() throws {
    let fixture = try StatisticsFixture.statistics.get()
    for c in fixture.noncentral {
      let t = NoncentralT(degrees: c.degrees, noncentrality: c.noncentrality)
      let what = "t \(c.t), δ \(c.noncentrality), \(c.degrees) degrees"
      expectNear(t.cumulative(c.t), c.lower, what)
      expectNear(t.cumulative(c.t) + t.upperTail(c.t), 1, relative: 1e-12, "both tails, \(what)")
    }
    // Without noncentrality it is Student's.
    for degrees in [1.0, 5, 30] {
      expectNear(
        NoncentralT(degrees: degrees, noncentrality: 0).upperTail(2.5),
        StudentT(degrees: degrees).upperTail(2.5), "central, \(degrees)")
    }
  }
}
