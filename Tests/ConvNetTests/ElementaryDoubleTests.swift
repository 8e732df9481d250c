import Foundation
import Testing

@testable import ConvNet

@Suite struct ElementaryDoubleTests {
  @Test func agreesWithTheCLibrary() {
    for i in -7000...7000 {
      let x = Double(i) * 0.1 + 0.0123
      #expect(abs(Elementary.exp(x) / Foundation.exp(x) - 1) < 3e-16)
      let y = Foundation.exp(x)
      let log = Foundation.log(y)
      #expect(abs(Elementary.log(y) - log) <= 1.5 * max(log.ulp, 1e-17))
    }
    for i in 1...1000 {
      let x = 1 + Double(i - 500) * 1e-5
      #expect(abs(Elementary.log(x) - Foundation.log(x)) <= 1.5 * Foundation.log(x).ulp)
    }
    #expect(Elementary.exp(0.0) == 1)
    #expect(Elementary.exp(1000.0) == .infinity)
    #expect(Elementary.exp(-1000.0) == 0)
    #expect(Elementary.exp(Double.nan).isNaN)
    #expect(Elementary.exp(-700.0) == Foundation.exp(-700))
    #expect(Elementary.log(1.0) == 0)
    #expect(Elementary.log(0.0) == -.infinity)
    #expect(Elementary.log(-1.0).isNaN)
    #expect(Elementary.log(Double.infinity) == .infinity)
    // Smaller numbers are zero on a thread that has computed with a network.
    #expect(Elementary.log(Double.leastNormalMagnitude) == Foundation.log(.leastNormalMagnitude))
  }

  @Test func normalDistributionAgreesWithErfc() {
    for i in -3700...800 {
      let x = Double(i) * 0.01
      let expected = 0.5 * erfc(-x / 2.squareRoot())
      #expect(abs(Elementary.normalDistribution(x) - expected) <= 1e-12 * expected)
    }
    #expect(abs(Elementary.normalDensity(0) - 0.398_942_280_401_432_7) < 1e-16)
  }

  @Test func factorsAndSolves() throws {
    BLAS.useOneThread()
    // A = L·Lᵀ for a known L.
    let a: [Float] = [4, 2, -2, 2, 10, 2, -2, 2, 6]
    let factor = try Cholesky(a, order: 3)
    #expect(abs(factor.logDeterminant - Foundation.log(144)) < 1e-5)
    // A·(1, 2, 3) and A·(0, −1, 1).
    var b: [Float] = [2, 28, 20, -4, -8, 4]
    factor.solve(&b, columns: 2)
    for (x, y) in zip(b, [1, 2, 3, 0, -1, 1] as [Float]) { #expect(abs(x - y) < 1e-5) }
    let error = #expect(throws: LAPACKError.self) { try Cholesky([1, 2, 2, 1], order: 2) }
    #expect(error?.status == 2)
  }
}
