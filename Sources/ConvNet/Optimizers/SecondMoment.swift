/// E[x·xᵀ] from step to step, and its inverse. Of symmetric matrices only what lies on and below the
/// diagonal is kept, but of the inverse all. (order, order)
final class SecondMoment {
  let order: Int
  /// Σ x·xᵀ of a step.
  let sum: Buffer
  let average: Buffer
  let inverse: Buffer
  private let factor: DoubleBuffer

  init(order: Int, arena: Arena) {
    self.order = order
    sum = arena.floats(order, order)
    average = arena.floats(order, order)
    inverse = arena.floats(order, order)
    factor = arena.doubles(order, order)
  }

  var inverted: Matrix { Matrix(inverse.base, rows: order, columns: order) }

  /// tr/order
  var meanEigenvalue: Double {
    (0..<order).reduce(0) { $0 + Double(average.base[$1 * (order + 1)]) } / Double(order)
  }

  /// Takes some rows of the sum into the average.
  func takeSum(rows: Range<Int>, kept: Float, scale: Float) {
    let share = (1 - kept) * scale
    for row in rows {
      let (from, to) = (sum.base + row * order, average.base + row * order)
      for i in 0...row { to[i] = kept * to[i] + share * from[i] }
    }
  }

  /// (E + damping·I)⁻¹
  func invert(damping: Double) {
    for row in 0..<order {
      let at = row * order
      for i in at...at + row { factor.base[i] = Double(average.base[i]) }
      factor.base[at + row] += damping
    }
    guard LAPACK.invert(positiveDefinite: factor.base, order: order) else {
      // Of numbers that are not finite; the next loss isn't either, and says so.
      inverse.all.update(repeating: .nan)
      return
    }
    for row in 0..<order {
      for column in 0...row {
        let value = Float(factor.base[row * order + column])
        inverse.base[row * order + column] = value
        inverse.base[column * order + row] = value
      }
    }
  }
}

/// The lower triangle of XᵀX, in panels of rows, each as far as the diagonal.
enum Gram {
  static func panels(of order: Int) -> [Range<Int>] {
    stride(from: 0, to: order, by: panel).map { $0..<min($0 + panel, order) }
  }

  private static let panel = 64

  static func multiply(_ x: Matrix, into gram: Matrix, accumulate: Bool) {
    var row = 0
    while row < x.columns {
      let rows = row..<min(row + panel, x.columns)
      multiply(x, rows: rows, into: gram, accumulate: accumulate)
      row = rows.upperBound
    }
  }

  /// Some rows; some of what lies above the diagonal is written too.
  static func multiply(_ x: Matrix, rows: Range<Int>, into gram: Matrix, accumulate: Bool) {
    guard !rows.isEmpty else { return }
    // A square that stays in the first cache; a wider one would be cut along the sum.
    var column = 0
    while column < rows.upperBound {
      let columns = column..<min(column + 2 * panel, rows.upperBound)
      gemm(
        x.columns(in: rows).transposed, x.columns(in: columns),
        into: gram.rows(in: rows).columns(in: columns), accumulate: accumulate)
      column = columns.upperBound
    }
  }
}
