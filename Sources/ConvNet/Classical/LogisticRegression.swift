// Letters: N samples, D features, C classes.

extension LinearClassifier {
  /// Multinomial logistic regression, the definition of scikit-learn's `LogisticRegression` with
  /// C = 1/(λN): the least of
  ///
  ///     Σ −ln softmax(W·x + b)_label / N + λ/2·‖W‖²
  ///
  /// in double precision, by L-BFGS from zero or from another classifier.
  /// - Parameter tolerance: the search ends when no entry of the gradient is larger.
  public init(
    logistic source: any SampleSource, classes: Int, penalty: Double,
    from start: LinearClassifier? = nil, iterations: Int = 100, tolerance: Double = 1e-4, team: Team
  ) {
    let objective = LogisticObjective(source, classes: classes, penalty: penalty, team: team)
    let first =
      start.map { $0.weights + $0.biases } ?? [Double](repeating: 0, count: objective.size)
    let best = LimitedMemoryBFGS.minimum(
      from: first, iterations: iterations, tolerance: tolerance, of: objective.value)
    self.init(
      weights: Array(best.prefix(objective.size - classes)), biases: Array(best.suffix(classes)))
  }
}

/// The objective and its gradient over a source. Partial sums are those of fixed parts of the samples,
/// added in order.
private final class LogisticObjective {
  private let rows: SampleRows
  private let classes: Int
  private let penalty: Double
  private let team: Team
  /// W, then b.
  let size: Int
  private let parts: Int
  /// Of each part its gradient and its loss, (parts, size + 1).
  private let sums: DoubleBuffer
  private let scores: [DoubleBuffer]
  private let point: DoubleBuffer

  private static let mostParts = 64

  init(_ source: any SampleSource, classes: Int, penalty: Double, team: Team) {
    rows = SampleRows(source, workers: team.count)
    self.classes = classes
    self.penalty = penalty
    self.team = team
    size = classes * (rows.features + 1)
    parts = min(Self.mostParts, rows.tiles)
    sums = DoubleBuffer(parts * (size + 1))
    scores = (0..<team.count).map { _ in DoubleBuffer(SampleRows.size * classes) }
    point = DoubleBuffer(size)
  }

  func value(_ x: [Double]) -> (value: Double, gradient: [Double]) {
    _ = point.all.update(fromContentsOf: x)
    team.forEach(parts) { part, worker in self.add(part, worker) }
    let n = Double(rows.source.count)
    let weights = size - classes
    var gradient = [Double](repeating: 0, count: size)
    var loss = 0.0
    for part in 0..<parts {
      let sum = sums.base + part * (size + 1)
      for i in 0..<size { gradient[i] += sum[i] }
      loss += sum[size]
    }
    var square = 0.0
    for i in 0..<size { gradient[i] /= n }
    for i in 0..<weights {
      gradient[i] += penalty * x[i]
      square += x[i] * x[i]
    }
    return (loss / n + penalty / 2 * square, gradient)
  }

  private func add(_ part: Int, _ worker: Int) {
    let d = rows.features
    let sum = sums.base + part * (size + 1)
    sum.update(repeating: 0, count: size + 1)
    let kernel = MatrixView(point.base, rows: classes, columns: d)
    let biases = point.base + classes * d
    let labels = rows.source.labels
    for tile in rows.tiles * part / parts..<rows.tiles * (part + 1) / parts {
      let x = rows.loadDoubles(tile, worker: worker)
      let y = scores[worker].matrix(rows: x.rows, columns: classes)
      gemm(x, kernel.transposed, into: y)
      for (row, sample) in rows.samples(of: tile).enumerated() {
        let z = y.base + row * classes
        for c in 0..<classes { z[c] += biases[c] }
        sum[size] += softmaxGradient(z, classes: classes, label: labels[sample])
        for c in 0..<classes { sum[classes * d + c] += z[c] }
      }
      gemm(
        y.transposed, x, into: MatrixView(sum, rows: classes, columns: d), accumulate: true)
    }
  }

  /// z ← softmax(z) − the label's indicator; returns −ln softmax(z)_label.
  private func softmaxGradient(
    _ z: UnsafeMutablePointer<Double>, classes: Int, label: Int
  ) -> Double {
    var most = z[0]
    for c in 1..<classes { most = max(most, z[c]) }
    let own = z[label] - most
    var total = 0.0
    for c in 0..<classes {
      z[c] = Elementary.exp(z[c] - most)
      total += z[c]
    }
    for c in 0..<classes { z[c] /= total }
    z[label] -= 1
    return Elementary.log(total) - own
  }
}
