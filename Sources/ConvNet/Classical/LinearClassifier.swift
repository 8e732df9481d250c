// Letters: N samples, D features, C classes.

/// The class whose score W·x + b is the largest.
public struct LinearClassifier: Sendable {
  /// W, (C, D).
  public let weights: [Double]
  /// b, (C).
  public let biases: [Double]

  public init(weights: [Double], biases: [Double]) {
    precondition(!biases.isEmpty && weights.count % biases.count == 0)
    self.weights = weights
    self.biases = biases
  }

  public var parameters: Int { weights.count + biases.count }

  /// Each sample's class; of equal scores the first.
  public func predictions(of source: any SampleSource, team: Team) -> Labels {
    let rows = SampleRows(source, workers: team.count)
    let classes = biases.count
    precondition(rows.features * classes == weights.count)
    let kernel = DoubleBuffer(weights)
    let scores = (0..<team.count).map { _ in DoubleBuffer(SampleRows.size * classes) }
    return Labels(count: source.count) { output in
      team.forEach(rows.tiles) { tile, worker in
        let x = rows.loadDoubles(tile, worker: worker)
        let y = scores[worker].matrix(rows: x.rows, columns: classes)
        gemm(
          x, kernel.matrix(rows: classes, columns: rows.features).transposed, into: y)
        for (row, sample) in rows.samples(of: tile).enumerated() {
          var best = 0
          for c in 1..<classes
          where y.base[row * classes + c] + biases[c] > y.base[row * classes + best] + biases[best]
          {
            best = c
          }
          output[sample] = UInt16(best)
        }
      }
    }
  }
}

extension LinearClassifier {
  /// Ridge regression on the classes' indicators y (Hoerl and Kennard 1970), the definition of
  /// scikit-learn's `Ridge`: the least Σ‖y − W·x − b‖² + α‖W‖², which is
  ///
  ///     (G + αI)·Wᵀ = Sᵀ     b = n/N − W·m
  ///
  /// by Cholesky's factors, n the classes' counts. α > 0.
  public init(ridge alpha: Double, _ moments: ClassMoments) throws(LAPACKError) {
    precondition(alpha > 0)
    let d = moments.features
    var matrix = moments.scatter
    for i in 0..<d { matrix[i * d + i] += alpha }
    var weights = moments.classSums
    try LAPACK.solve(positiveDefinite: matrix, order: d, &weights)
    self.init(weights: weights, through: moments)
  }

  /// Least squares on the classes' indicators: of the W that reach the least Σ‖y − W·x − b‖² the
  /// shortest, W = S·G⁺. G⁺ leaves out directions whose share of the variance is below 10⁻¹² of the
  /// largest one's.
  public init(leastSquares components: PrincipalComponents, _ moments: ClassMoments) {
    let d = moments.features
    let classes = moments.classCounts.count
    let samples = Double(moments.samples - 1)
    var weights = [Double](repeating: 0, count: classes * d)
    for (k, variance) in components.variances.enumerated()
    where variance > 1e-12 * components.variances[0] {
      let v = components.directions[k * d..<(k + 1) * d]
      for c in 0..<classes {
        var share = 0.0
        for (a, b) in zip(v, moments.classSums[c * d..<(c + 1) * d]) { share += a * b }
        share /= variance * samples
        for (i, a) in v.enumerated() { weights[c * d + i] += share * a }
      }
    }
    self.init(weights: weights, through: moments)
  }

  /// With the biases that send the mean to the classes' shares.
  private init(weights: [Double], through moments: ClassMoments) {
    let d = moments.features
    let n = Double(moments.samples)
    let biases = moments.classCounts.enumerated().map { c, count in
      var bias = Double(count) / n
      for i in 0..<d { bias -= weights[c * d + i] * moments.mean[i] }
      return bias
    }
    self.init(weights: weights, biases: biases)
  }
}
