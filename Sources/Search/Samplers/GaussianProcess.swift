import ConvNet

/// A Gaussian process: a distribution of functions, given noisy values at some points (Rasmussen and
/// Williams, "Gaussian processes for machine learning", 2006).
///
///     y ~ N(0, s²·(K + η·I)),  K_ij = k(r_ij),  r² = Σ_g ‖x_g − x'_g‖²/ℓ_g²
///     k(r) = (1 + √5·r + 5/3·r²)·e^(−√5·r), Matérn's covariance with ν = 5/2
///     mean(x) = k(x)ᵀ·α,  α = (K + η·I)⁻¹·y,  variance(x) = s²·(1 − k(x)ᵀ·(K + η·I)⁻¹·k(x))
///
/// s² is the one of the largest likelihood, yᵀα/n. LAPACK factors in single precision; residuals are
/// taken in double, and what was solved is corrected by them (as LAPACK's `dsposv` does), so that
/// means and variances are those of double precision as long as the factorisation succeeds.
struct GaussianProcess {
  /// Points of a few features; a group of features, such as the options of a choice, shares ℓ_g.
  struct Points {
    /// (count, features)
    var values: [Double]
    let groups: [Range<Int>]
    var features: Int { groups.last?.upperBound ?? 0 }
    var count: Int { features == 0 ? 0 : values.count / features }

    /// ‖x_g − x'_g‖² of each pair i > j and each group: (n(n − 1)/2, groups).
    var squares: [Double] {
      var squares: [Double] = []
      squares.reserveCapacity(count * (count - 1) / 2 * groups.count)
      for i in 0..<count {
        for j in 0..<i {
          for group in groups {
            var square = 0.0
            for f in group {
              let difference = values[i * features + f] - values[j * features + f]
              square += difference * difference
            }
            squares.append(square)
          }
        }
      }
      return squares
    }
  }

  struct Hyperparameters: Equatable {
    /// ℓ_g
    var lengthscales: [Double]
    /// η, the variance of the noise in units of s².
    var noise: Double
  }

  let points: Points
  let hyperparameters: Hyperparameters
  /// s²
  let scale: Double
  /// 1/ℓ² of each feature.
  private let weights: [Double]
  /// K + η·I, (n, n).
  private let covariance: [Double]
  private let factor: Cholesky
  private let alpha: [Double]

  /// - Parameter scale: s²; that of the largest likelihood when nil.
  /// - Throws: `LAPACKError` where K + η·I isn't positive definite to single precision: η is too
  ///   small.
  init(_ points: Points, values: [Double], _ hyperparameters: Hyperparameters, scale: Double? = nil)
    throws(LAPACKError)
  {
    precondition(points.count == values.count && !values.isEmpty)
    self.points = points
    self.hyperparameters = hyperparameters
    weights = Self.weights(hyperparameters.lengthscales, points.groups)
    let n = points.count
    var covariance = [Double](repeating: 0, count: n * n)
    Self.fill(&covariance, points, points, weights)
    for i in 0..<n { covariance[i * (n + 1)] = 1 + hyperparameters.noise }
    self.covariance = covariance
    factor = try Cholesky(covariance.map { Float($0) }, order: n)
    alpha = Self.solve(factor, covariance, values)
    self.scale = scale ?? max(zip(values, alpha).reduce(0) { $0 + $1.0 * $1.1 } / Double(n), 1e-12)
  }

  /// Mean and variance (without noise) of the function at some points.
  func posterior(_ others: Points) -> (mean: [Double], variance: [Double]) {
    let (n, m) = (points.count, others.count)
    var cross = [Double](repeating: 0, count: m * n)
    Self.fill(&cross, others, points, weights)
    var solved = cross.map { Float($0) }
    factor.solve(&solved, columns: m)
    var (mean, variance) = ([Double](repeating: 0, count: m), [Double](repeating: 0, count: m))
    var residual = [Double](repeating: 0, count: n)
    for j in 0..<m {
      let k = Array(cross[j * n..<(j + 1) * n])
      let w = solved[j * n..<(j + 1) * n].map(Double.init)
      for i in 0..<n { residual[i] = k[i] }
      Self.subtract(covariance, times: w, from: &residual)
      // kᵀA⁻¹k = kᵀw + wᵀ(k − A·w) up to the square of w's error.
      var (product, reduction) = (0.0, 0.0)
      for i in 0..<n {
        product += k[i] * alpha[i]
        reduction += (k[i] + residual[i]) * w[i]
      }
      mean[j] = product
      variance[j] = scale * max(1 - reduction, 0)
    }
    return (mean, variance)
  }

  /// r ← r − A·x for a symmetric A, row by row, which the compiler vectorises.
  private static func subtract(
    _ matrix: [Double], times x: [Double], from residual: inout [Double]
  ) {
    let n = x.count
    matrix.withUnsafeBufferPointer { matrix in
      residual.withUnsafeMutableBufferPointer { residual in
        for k in 0..<n {
          let row = matrix.baseAddress! + k * n
          let factor = x[k]
          for i in 0..<n { residual[i] -= factor * row[i] }
        }
      }
    }
  }

  /// −ln p(y) for the best s², without constants: ½·n·ln s² + ½·ln det(K + η·I); and its gradient
  /// by ln ℓ_g and by η. Nil where the matrix isn't positive definite.
  ///
  /// - Parameter squares: `points.squares`, which stay the same from one call to the next.
  static func negativeLogLikelihood(
    _ points: Points, squares: [Double], values: [Double], _ hyperparameters: Hyperparameters
  ) -> (value: Double, byLogLengthscales: [Double], byNoise: Double)? {
    guard let process = try? GaussianProcess(points, values: values, hyperparameters) else {
      return nil
    }
    let n = points.count
    let value =
      0.5 * Double(n) * Elementary.log(process.scale) + 0.5 * process.factor.logDeterminant
    var inverse = [Float](repeating: 0, count: n * n)
    for i in 0..<n { inverse[i * (n + 1)] = 1 }
    process.factor.solve(&inverse, columns: n)
    // ∂/∂θ = ½ Σ_ij M_ij ∂K_ij/∂θ, M = A⁻¹ − ααᵀ/s²
    // ∂k/∂ln ℓ_g = 5/3·(1 + √5·r)·e^(−√5·r)·‖x_g − x'_g‖²/ℓ_g²
    let alpha = process.alpha
    let weights = hyperparameters.lengthscales.map { 1 / ($0 * $0) }
    let groups = weights.count
    var byLog = [Double](repeating: 0, count: groups)
    var byNoise = 0.0
    var pair = 0
    for i in 0..<n {
      byNoise += 0.5 * (Double(inverse[i * (n + 1)]) - alpha[i] * alpha[i] / process.scale)
      for j in 0..<i {
        var sum = 0.0
        for g in 0..<groups { sum += squares[pair + g] * weights[g] }
        let root = (5 * sum).squareRoot()
        let m = Double(inverse[i * n + j]) - alpha[i] * alpha[j] / process.scale
        let common = m * (5.0 / 3) * (1 + root) * Elementary.exp(-root)
        for g in 0..<groups { byLog[g] += common * squares[pair + g] * weights[g] }
        pair += groups
      }
    }
    return (value, byLog, byNoise)
  }

  private static func weights(_ lengthscales: [Double], _ groups: [Range<Int>]) -> [Double] {
    zip(lengthscales, groups).flatMap { Array(repeating: 1 / ($0 * $0), count: $1.count) }
  }

  /// k(x, x') of all pairs: (a.count, b.count).
  private static func fill(
    _ matrix: inout [Double], _ a: Points, _ b: Points, _ weights: [Double]
  ) {
    let features = weights.count
    let columns = b.count
    for i in 0..<a.count {
      for j in 0..<columns {
        var sum = 0.0
        for f in 0..<features {
          let difference = a.values[i * features + f] - b.values[j * features + f]
          sum += difference * difference * weights[f]
        }
        let root = (5 * sum).squareRoot()
        matrix[i * columns + j] = (1 + root + root * root / 3) * Elementary.exp(-root)
      }
    }
  }

  /// A⁻¹·b, corrected by its residual three times.
  private static func solve(_ factor: Cholesky, _ matrix: [Double], _ b: [Double]) -> [Double] {
    let n = b.count
    var x = [Double](repeating: 0, count: n)
    for _ in 0..<4 {
      var exact = b
      subtract(matrix, times: x, from: &exact)
      var residual = exact.map { Float($0) }
      factor.solve(&residual, columns: 1)
      for i in 0..<n { x[i] += Double(residual[i]) }
    }
    return x
  }
}
