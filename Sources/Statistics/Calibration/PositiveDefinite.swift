/// Systems of equations whose matrix is symmetric and positive definite, by Cholesky's factors. Nothing but
/// sums, products and roots, in order.
public enum PositiveDefinite {
  /// x of A·x = b; A is symmetric and positive definite, of which the lower triangle is read.
  public static func solve(_ matrix: [Double], _ b: [Double]) -> [Double] {
    let d = b.count
    var (l, x) = (matrix, b)
    for row in 0..<d {
      for column in 0...row {
        var sum = l[row * d + column]
        for k in 0..<column { sum -= l[row * d + k] * l[column * d + k] }
        l[row * d + column] =
          row == column ? max(sum, 1e-300).squareRoot() : sum / l[column * d + column]
      }
    }
    for row in 0..<d {
      for k in 0..<row { x[row] -= l[row * d + k] * x[k] }
      x[row] /= l[row * d + row]
    }
    for row in (0..<d).reversed() {
      for k in row + 1..<max(d, row + 1) { x[row] -= l[k * d + row] * x[k] }
      x[row] /= l[row * d + row]
    }
    return x
  }
}
