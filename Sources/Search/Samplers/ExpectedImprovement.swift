import ConvNet

/// How much lower than the best value so far the function is expected to be at a point (Jones,
/// Schonlau and Welch, "Efficient global optimization of expensive black-box functions", 1998):
///
///     EI = σ·(φ(z) + z·Φ(z)),  z = (best − mean)/σ
enum ExpectedImprovement {
  /// ln EI, also where EI itself is too small for a number: for z < 0 by Mills' ratio,
  /// φ(z)·(1 − |z|·(1 − Φ(|z|))/φ(z)).
  static func logarithm(mean: Double, variance: Double, best: Double) -> Double {
    let deviation = max(variance, 1e-20).squareRoot()
    let z = (best - mean) / deviation
    let logDeviation = Elementary.log(deviation)
    if z >= 0 {
      return logDeviation
        + Elementary.log(Elementary.normalDensity(z) + z * Elementary.normalDistribution(z))
    }
    let rest = max(1 - -z * Elementary.millsRatio(-z), 1e-30)
    return logDeviation - 0.5 * z * z - 0.918_938_533_204_672_7 + Elementary.log(rest)
  }
}
