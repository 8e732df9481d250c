import ConvNet
import Foundation
import TestSupport
import Testing

@testable import Search
@testable import Sweep

@Suite struct GaussianProcessTests {
  struct ScikitLearn: Decodable {
    struct Case: Decodable {
      let lengthscales: [Double]
      let noise, scale: Double
      let mean, variance: [Double]
      let logLikelihood: Double
      let gradient: [Double]
    }
    let inputs, values, others: [Double]
    let cases: [Case]
  }

  static let groups = [0..<1, 1..<3, 3..<4]

  @Test func agreesWithScikitLearn() throws {
    BLAS.useOneThread()
    let sklearn = try Fixture.load("gaussian_process", as: ScikitLearn.self)
    let points = GaussianProcess.Points(values: sklearn.inputs, groups: Self.groups)
    let others = GaussianProcess.Points(values: sklearn.others, groups: Self.groups)
    for expected in sklearn.cases {
      let hyperparameters = GaussianProcess.Hyperparameters(
        lengthscales: expected.lengthscales, noise: expected.noise)
      let process = try GaussianProcess(points, values: sklearn.values, hyperparameters)
      #expect(abs(process.scale / expected.scale - 1) < 1e-5)
      let (mean, variance) = process.posterior(others)
      for i in mean.indices {
        #expect(abs(mean[i] - expected.mean[i]) < 1e-5)
        #expect(abs(variance[i] - expected.variance[i]) < 1e-5 * expected.scale)
      }
      let n = Double(points.count)
      let likelihood = try #require(
        GaussianProcess.negativeLogLikelihood(
          points, squares: points.squares, values: sklearn.values, hyperparameters))
      let full = -likelihood.value - n / 2 * (1 + Foundation.log(2 * Double.pi))
      #expect(abs(full - expected.logLikelihood) < 2e-3)
      for (ours, theirs) in zip(likelihood.byLogLengthscales, expected.gradient) {
        #expect(abs(-ours - theirs) < 2e-2 * max(1, abs(theirs)))
      }
    }
  }

  @Test func likelihoodsGradientIsItsSlope() throws {
    BLAS.useOneThread()
    let sklearn = try Fixture.load("gaussian_process", as: ScikitLearn.self)
    let points = GaussianProcess.Points(values: sklearn.inputs, groups: Self.groups)
    let here = GaussianProcess.Hyperparameters(lengthscales: [0.5, 0.8, 0.6], noise: 0.02)
    func value(_ change: (inout GaussianProcess.Hyperparameters) -> Void) -> Double {
      var moved = here
      change(&moved)
      return GaussianProcess.negativeLogLikelihood(
        points, squares: points.squares, values: sklearn.values, moved)!.value
    }
    let found = try #require(
      GaussianProcess.negativeLogLikelihood(
        points, squares: points.squares, values: sklearn.values, here))
    let h = 0.02
    for g in 0..<3 {
      let slope =
        (value { $0.lengthscales[g] *= Foundation.exp(h) }
          - value { $0.lengthscales[g] *= Foundation.exp(-h) }) / (2 * h)
      #expect(abs(slope - found.byLogLengthscales[g]) < 0.02 * max(1, abs(slope)))
    }
    let slope = (value { $0.noise += 0.002 } - value { $0.noise -= 0.002 }) / 0.004
    #expect(abs(slope - found.byNoise) < 0.02 * max(1, abs(slope)))
  }

  @Test func fitPrefersTheScaleOfTheData() {
    BLAS.useOneThread()
    // The second coordinate doesn't matter: its length scale is found to be long.
    let sequence = SobolSequence(dimensions: 2)
    var inputs: [Double] = []
    var values: [Double] = []
    for index in 0..<24 as Range<UInt32> {
      let x = sequence.scrambled(index, dimension: 0, seed: 1)
      inputs += [x, sequence.scrambled(index, dimension: 1, seed: 1)]
      values.append(Foundation.sin(12 * x))
    }
    let points = GaussianProcess.Points(values: inputs, groups: [0..<1, 1..<2])
    let process = GaussianProcess.fitted(
      points, values: GaussianProcessSampler.standardized(values))
    let lengthscales = process.hyperparameters.lengthscales
    #expect(lengthscales[1] > 3 * lengthscales[0])
    #expect(process.hyperparameters.noise < 0.01)
  }

  @Test func largeLossesAreCut() {
    #expect(
      GaussianProcessSampler.capped([1, 2, 0.5, 3, 1e9, 2, 7]) == [1, 2, 0.5, 3, 6.5, 2, 6.5])
    // Half of them are the least: nothing says how large is large.
    #expect(GaussianProcessSampler.capped([1, 1, 1, 5]) == [1, 1, 1, 5])
  }

  @Test func survivesEqualPoints() {
    BLAS.useOneThread()
    let points = GaussianProcess.Points(
      values: Array(repeating: 0.5, count: 40), groups: [0..<1])
    let process = GaussianProcess.fitted(
      points, values: (0..<40).map { $0 % 2 == 0 ? 1 : -1 })
    let (mean, variance) = process.posterior(
      GaussianProcess.Points(values: [0.5, 0.9], groups: [0..<1]))
    #expect(abs(mean[0]) < 0.05)
    #expect(variance.allSatisfy { $0.isFinite && $0 >= 0 })
  }

  @Test func expectedImprovementIsItsIntegral() {
    for (mean, variance, best) in [(0.0, 1.0, 0.3), (1, 0.25, 0.2), (-1, 4, 0), (3, 0.5, 1)] {
      let deviation = variance.squareRoot()
      // ∫ max(best − y, 0) N(y) dy by the midpoint rule.
      var integral = 0.0
      let step = deviation / 1000
      for i in -12_000..<12_000 {
        let y = mean + (Double(i) + 0.5) * step
        let z = (y - mean) / deviation
        integral +=
          max(best - y, 0) * Foundation.exp(-z * z / 2) / (2 * Double.pi * variance).squareRoot()
          * step
      }
      let ours = ExpectedImprovement.logarithm(mean: mean, variance: variance, best: best)
      #expect(abs(ours - Foundation.log(integral)) < 1e-5)
    }
    // Far from the best it goes on falling where EI itself is 0: ≈ −z²/2 − 2 ln |z| − ln √(2π).
    let far = ExpectedImprovement.logarithm(mean: 60, variance: 1, best: 0)
    #expect(abs(far - (-1800 - 2 * Foundation.log(60) - 0.918_938_5)) < 1e-2)
  }

  @Test func quasiNewtonFindsRosenbrocksValley() throws {
    let found = try #require(
      QuasiNewton.minimum(from: [-1.2, 1], iterations: 200) { x in
        let (a, b) = (1 - x[0], x[1] - x[0] * x[0])
        return (a * a + 100 * b * b, [-2 * a - 400 * x[0] * b, 200 * b])
      })
    #expect(abs(found.x[0] - 1) < 1e-2 && abs(found.x[1] - 1) < 1e-2)
    #expect(QuasiNewton.minimum(from: [0]) { _ in nil } == nil)
  }
}
