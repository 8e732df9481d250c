import Foundation
import Testing

@testable import ConvNet

/// The elementary functions against the C library's in double precision.
@Suite struct ElementaryTests {
  /// Evenly spaced numbers of a closed interval, its ends among them.
  private func sweep(_ low: Float, _ high: Float, count: Int = 20_001) -> [Float] {
    (0..<count).map {
      $0 == count - 1 ? high : low + (high - low) * (Float($0) / Float(count - 1))
    }
  }

  /// Every so many of the positive normal floats.
  private func positives(step: UInt32 = 100_003) -> [Float] {
    stride(
      from: Float.leastNormalMagnitude.bitPattern, to: Float.infinity.bitPattern, by: Int(step)
    )
    .map { Float(bitPattern: $0) }
  }

  /// The largest |f(x) − g(x)| in units in the last place of a float near g(x).
  private func ulps(
    _ inputs: [Float], _ f: (Float) -> Float, _ g: (Double) -> Double
  ) -> Double {
    inputs.reduce(0) { worst, x in
      let exact = g(Double(x))
      let scale = max(abs(exact), Double(Float.leastNormalMagnitude))
      let ulp = Double(sign: .plus, exponent: scale.exponent - 23, significand: 1)
      let error = abs(Double(f(x)) - exact) / ulp
      return error > worst || error.isNaN ? error : worst
    }
  }

  private func error(
    _ inputs: [Float], _ f: (Float) -> Float, _ g: (Double) -> Double
  ) -> Double {
    inputs.reduce(0) { worst, x in
      let error = abs(Double(f(x)) - g(Double(x)))
      return error > worst || error.isNaN ? error : worst
    }
  }

  @Test func exponential() {
    #expect(ulps(sweep(-87.33, 88.72), Elementary.exp, Foundation.exp) <= 2)
    #expect(ulps(sweep(-1, 1), Elementary.exp, Foundation.exp) <= 2)
    #expect(Elementary.exp(0 as Float) == 1)
    #expect(Elementary.exp(-0.0 as Float) == 1)
    #expect(Elementary.exp((88.722_84 as Float).nextDown).isFinite)
    #expect(Elementary.exp(88.722_84 as Float) == .infinity)
    #expect(Elementary.exp(.infinity as Float) == .infinity)
    #expect(Elementary.exp(3e38 as Float) == .infinity)
    #expect(Elementary.exp(-87.336_55 as Float) == 0)
    #expect(Elementary.exp(-3e38 as Float) == 0)
    #expect(Elementary.exp(-.infinity as Float) == 0)
    #expect(Elementary.exp(.nan as Float).isNaN)
  }

  @Test func logarithm() {
    #expect(ulps(positives(), Elementary.log, Foundation.log) <= 2)
    #expect(ulps(sweep(0.5, 2), Elementary.log, Foundation.log) <= 2)
    #expect(Elementary.log(1 as Float) == 0)
    #expect(Elementary.log(0 as Float) == -.infinity)
    #expect(Elementary.log(-0.0 as Float) == -.infinity)
    #expect(Elementary.log(-1 as Float).isNaN)
    #expect(Elementary.log(-.infinity as Float).isNaN)
    #expect(Elementary.log(.infinity as Float) == .infinity)
    #expect(Elementary.log(.nan as Float).isNaN)
  }

  @Test func logarithmOfOnePlus() {
    #expect(ulps(sweep(0, 1), Elementary.logOnePlus, { Foundation.log1p($0) }) <= 3)
    #expect(ulps(sweep(0, 1e-6), Elementary.logOnePlus, { Foundation.log1p($0) }) <= 3)
    for range in [sweep(-85, 85), sweep(-1, 1)] {
      let exact = { (x: Double) in max(x, 0) + Foundation.log1p(Foundation.exp(-abs(x))) }
      #expect(ulps(range, Elementary.softplus, exact) <= 5)
    }
    #expect(Elementary.softplus(.infinity) == .infinity)
    #expect(Elementary.softplus(-.infinity) == 0)
    #expect(Elementary.softplus(.nan).isNaN)
  }

  @Test func sineAndCosine() {
    for range in [sweep(-8192, 8192), sweep(-7, 7), sweep(-1e-3, 1e-3)] {
      #expect(error(range, { Elementary.sincos($0).sin }, Foundation.sin) < 1e-6)
      #expect(error(range, { Elementary.sincos($0).cos }, Foundation.cos) < 1e-6)
    }
    #expect(Elementary.sincos(0) == (0, 1))
  }

  @Test func hyperbolicTangent() {
    for range in [sweep(-10, 10), sweep(-0.7, 0.7), positives()] {
      #expect(error(range, Elementary.tanh, Foundation.tanh) <= 1.5e-7)
    }
    #expect(ulps(sweep(1e-4, 0.7), Elementary.tanh, Foundation.tanh) <= 3)
    for x in sweep(0, 12, count: 501) { #expect(Elementary.tanh(-x) == -Elementary.tanh(x)) }
    #expect(Elementary.tanh(0) == 0)
    #expect(Elementary.tanh(.infinity) == 1)
    #expect(Elementary.tanh(-.infinity) == -1)
    #expect(Elementary.tanh(3e38) == 1)
    #expect(Elementary.tanh(.nan).isNaN)
  }

  @Test func errorFunction() {
    for range in [sweep(-6, 6), sweep(-0.6, 0.6), positives()] {
      #expect(error(range, Elementary.erf, Foundation.erf) <= 2e-7)
    }
    for x in sweep(0, 6, count: 501) { #expect(Elementary.erf(-x) == -Elementary.erf(x)) }
    #expect(Elementary.erf(0) == 0)
    #expect(Elementary.erf(.infinity) == 1)
    #expect(Elementary.erf(-.infinity) == -1)
    #expect(Elementary.erf(3e38) == 1)
    #expect(Elementary.erf(.nan).isNaN)
  }

  @Test func exponentialMinusOne() {
    #expect(error(sweep(-90, 0), Elementary.expMinusOne, Foundation.expm1) <= 1.5e-7)
    #expect(ulps(sweep(-1, -1e-6), Elementary.expMinusOne, Foundation.expm1) <= 4)
    #expect(Elementary.expMinusOne(0) == 0)
    #expect(Elementary.expMinusOne(-.infinity) == -1)
    #expect(Elementary.expMinusOne(.nan).isNaN)
  }

  @Test func logistic() {
    let exact = { (x: Double) in 1 / (1 + Foundation.exp(-x)) }
    #expect(error(sweep(-90, 90), Elementary.sigmoid, exact) <= 1.5e-7)
    #expect(ulps(sweep(-80, 80), Elementary.sigmoid, exact) <= 4)
    #expect(Elementary.sigmoid(0) == 0.5)
    #expect(Elementary.sigmoid(.infinity) == 1)
    #expect(Elementary.sigmoid(-.infinity) == 0)
    #expect(Elementary.sigmoid(-200) == 0)
    #expect(Elementary.sigmoid(.nan).isNaN)
  }

  @Test func softmaxOfExtremes() {
    func softmaxed(_ x: [Float]) -> [Float] {
      var y = x
      softmax(x, to: &y, count: x.count)
      return y
    }
    #expect(softmaxed([1000, -1000, -.infinity]) == [1, 0, 0])
    #expect(softmaxed([3]) == [1])
    #expect(softmaxed([-3e38, -3e38]) == [0.5, 0.5])
    #expect(softmaxed([0, .nan, 1]).allSatisfy { $0.isNaN })
    #expect(softmaxed([0, .infinity, 1])[1].isNaN)
    let y = softmaxed(randomFloats(33, scale: 5))
    #expect(abs(y.reduce(0, +) - 1) < 1e-6)
  }
}
