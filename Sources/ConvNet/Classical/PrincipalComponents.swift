// Letters: D features, P components.

/// Principal components (Pearson 1901; Hotelling 1933), as scikit-learn's `PCA` has them: the
/// eigenvectors of the covariance G/(N − 1), by LAPACK's `dsyevd`, the largest variance first, each with
/// the sign that makes its largest entry positive.
public struct PrincipalComponents: Sendable {
  /// (P, D)
  public let directions: [Double]
  /// (P)
  public let variances: [Double]
  /// (D)
  public let mean: [Double]

  public init(_ moments: ClassMoments) throws(LAPACKError) {
    let d = moments.features
    let (values, vectors) = try LAPACK.eigenvectors(ofSymmetric: moments.scatter, order: d)
    var directions: [Double] = []
    directions.reserveCapacity(d * d)
    for k in (0..<d).reversed() {
      let vector = vectors[k * d..<(k + 1) * d]
      let largest = vector.max { abs($0) < abs($1) }!
      directions += vector.map { largest < 0 ? -$0 : $0 }
    }
    self.directions = directions
    variances = values.reversed().map { max(0, $0) / Double(max(1, moments.samples - 1)) }
    mean = moments.mean
  }
}

/// The samples of another source by their first principal components, V·(x − m), worked out once.
public final class ProjectedSource: SampleSource {
  private let base: any SampleSource
  private let components: Int
  /// (N, P)
  private let values: Buffer

  public init(
    _ base: any SampleSource, to components: Int, of basis: PrincipalComponents, team: Team
  ) {
    let rows = SampleRows(base, workers: team.count)
    let d = rows.features
    precondition(basis.mean.count == d && (1...basis.variances.count).contains(components))
    let directions = DoubleBuffer(Array(basis.directions.prefix(components * d)))
    let projected = (0..<team.count).map { _ in DoubleBuffer(SampleRows.size * components) }
    let values = Buffer(base.count * components)
    team.forEach(rows.tiles) { tile, worker in
      let x = rows.loadDoubles(tile, worker: worker)
      for row in 0..<x.rows {
        for i in 0..<d { x.base[row * d + i] -= basis.mean[i] }
      }
      let y = projected[worker].matrix(rows: x.rows, columns: components)
      gemm(x, directions.matrix(rows: components, columns: d).transposed, into: y)
      let to = values.base + rows.samples(of: tile).lowerBound * components
      for i in 0..<x.rows * components { to[i] = Float(y.base[i]) }
    }
    self.base = base
    self.components = components
    self.values = values
  }

  public var sampleShape: Shape { .vector(components) }
  public var count: Int { base.count }
  public var labels: Labels { base.labels }

  public func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    destination.update(from: values.base + sample * components, count: components)
  }
}
