import Glibc

/// The noncentral t distribution: of (Z + δ) / S, where Z is standard normal and S² is chi-squared
/// with ν degrees of freedom over ν. The t statistic has it when there is a difference.
///
/// P(T > t) = E[Φ(δ − t S)] and P(T ≤ t) = E[Φ(t S − δ)], integrated over u = ln S, whose density is
/// 2 xᵃ e⁻ˣ / Γ(a) with a = ν/2 and x = a e^(2u). The integrand is smooth and falls off on both sides
/// faster than an exponential or as one, so the trapezoidal rule converges exponentially.
public struct NoncentralT: Sendable {
  public let degrees: Double
  public let noncentrality: Double

  public init(degrees: Double, noncentrality: Double) {
    precondition(degrees > 0 && noncentrality.isFinite)
    self.degrees = degrees
    self.noncentrality = noncentrality
  }

  /// P(T ≤ t).
  public func cumulative(_ t: Double) -> Double {
    expectation { StandardNormal.cumulative(t * $0 - noncentrality) }
  }

  /// P(T > t).
  public func upperTail(_ t: Double) -> Double {
    expectation { StandardNormal.cumulative(noncentrality - t * $0) }
  }

  /// E[f(S)] for an f that changes over no less than 1/δ of ln S. What is cut off at the ends has a
  /// density below e⁻¹⁰⁰.
  private func expectation(_ f: (Double) -> Double) -> Double {
    let a = degrees / 2
    let reach = 100 / degrees
    let low = -(reach + reach.squareRoot())
    let high = reach.squareRoot()
    let width = min(1 / (2 * degrees).squareRoot(), 1 / max(1, abs(noncentrality)))
    let count = Int(((high - low) / (width / 6)).rounded(.up))
    let step = (high - low) / Double(count)
    var sum = 0.0
    for i in 0...count {
      let s = exp(low + Double(i) * step)
      sum += GammaFunctions.prefix(a, a * s * s) * f(s)
    }
    return 2 * step * sum
  }

  /// The δ at which P(T > t) = p; P grows with δ.
  static func noncentrality(degrees: Double, at t: Double, upperTail p: Double) -> Double {
    // About normal with this deviation (Johnson and Welch 1940).
    let scale = (1 + t * t / (2 * degrees)).squareRoot()
    let centre = t + StandardNormal.quantile(p) * scale
    func isAbove(_ delta: Double) -> Bool {
      NoncentralT(degrees: degrees, noncentrality: delta).upperTail(t) >= p
    }
    var low = centre
    var high = centre
    var reach = 0.5 * scale
    while isAbove(low) {
      low -= reach
      reach *= 2
    }
    reach = 0.5 * scale
    while !isAbove(high) {
      high += reach
      reach *= 2
    }
    while high - low > 1e-12 * max(1, abs(low)) {
      let middle = 0.5 * (low + high)
      if isAbove(middle) { high = middle } else { low = middle }
    }
    return 0.5 * (low + high)
  }
}
