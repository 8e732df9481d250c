import TestSupport

/// SciPy's and statsmodels's own numbers; the scripts in `Fixtures/` made them.
enum StatisticsFixture {
  static let statistics = Result { try Fixture.load("statistics", as: Statistics.self) }

  struct Statistics: Decodable {
    struct Student: Decodable { let degrees, t, upper: Double }
    struct StudentQuantile: Decodable { let degrees, p, t: Double }
    struct Normal: Decodable { let z, cumulative: Double }
    struct NormalQuantile: Decodable { let p, z: Double }
    struct ChiSquared: Decodable { let degrees, x, lower, upper: Double }
    struct ChiSquaredQuantile: Decodable { let degrees, p, x: Double }
    struct Binomial: Decodable {
      let trials, k: Int
      let probability, cumulative: Double
    }
    struct Noncentral: Decodable { let degrees, noncentrality, t, lower: Double }
    struct Test: Decodable {
      let t, degrees, p: Double
      let interval: [Double]
    }
    struct Sample: Decodable {
      let first, second: [Double]
      let mean, deviation: Double
      let meanInterval, deviationInterval: [Double]
      let paired, welch: Test
      let pairedD, pairedG, independentD: Double
      let pairedDInterval, independentDInterval: [Double]
    }
    struct Wilcoxon: Decodable {
      let differences: [Double]
      let positiveRanks, p: Double
    }
    struct McNemar: Decodable {
      let firstOnly, secondOnly: Int
      let exactP, midP: Double
    }
    struct Power: Decodable {
      let n: Int
      let effect, alpha, paired, independent: Double
    }
    struct Needed: Decodable {
      let effect, alpha, power: Double
      let paired, independent: Int
    }
    struct Holm: Decodable { let values, adjusted: [Double] }

    let student: [Student]
    let studentQuantiles: [StudentQuantile]
    let normal: [Normal]
    let normalQuantiles: [NormalQuantile]
    let chiSquared: [ChiSquared]
    let chiSquaredQuantiles: [ChiSquaredQuantile]
    let binomial: [Binomial]
    let noncentral: [Noncentral]
    let samples: [Sample]
    let wilcoxon: [Wilcoxon]
    let mcnemar: [McNemar]
    let power: [Power]
    let needed: [Needed]
    let holm: [Holm]
  }
}
