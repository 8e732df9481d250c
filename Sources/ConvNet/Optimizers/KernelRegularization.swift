/// What holds a layer's kernel in bounds besides `l2`. W is the kernel as a matrix with a column for
/// each index of its last axis: a filter of a convolution, a unit of a dense layer.
public struct KernelRegularization: Hashable, Sendable {
  /// λ of a penalty λ·Σ|w|, added to the objective (Keras's `l1`); its gradient is 0 where w is.
  public var l1: Float
  /// λ of a penalty λ·‖WᵀW − I‖²_F, added to the objective (Brock et al. 2017; Keras's
  /// OrthogonalRegularizer is another one, of the angles alone).
  public var orthogonal: Float
  /// The largest norm of a column of W after an update: columns that are longer are scaled down to it
  /// (Srebro et al. 2005; Keras's MaxNorm over all axes but the last). Nil for any.
  public var maxNorm: Float?

  public init(l1: Float = 0, orthogonal: Float = 0, maxNorm: Float? = nil) {
    self.l1 = l1
    self.orthogonal = orthogonal
    self.maxNorm = maxNorm
  }
}

/// The gradient of a kernel's orthogonal penalty, and the memory to work it out.
///
///     4λ·W·(WᵀW − I) = 4λ·(WWᵀ − I)·W
///
/// by the smaller of the two products. One worker does a whole kernel.
final class OrthogonalPenalty {
  private let weight: Float
  private let kernel: Matrix
  private let gram: Buffer
  /// (rows, columns)
  let gradient: Buffer

  /// - Parameter weight: λ.
  init(_ parameter: Parameter, weight: Float, in weights: Buffer, arena: Arena) {
    self.weight = weight
    kernel = Matrix(
      weights.base + parameter.offset, rows: parameter.rows, columns: parameter.columns)
    let side = min(parameter.rows, parameter.columns)
    gram = arena.floats(side, side)
    gradient = arena.floats(parameter.count)
  }

  func update() {
    let isTall = kernel.rows > kernel.columns
    let side = min(kernel.rows, kernel.columns)
    let g = Matrix(gram.base, rows: side, columns: side)
    if isTall {
      gemm(kernel.transposed, kernel, into: g)
    } else {
      gemm(kernel, kernel.transposed, into: g)
    }
    for i in 0..<side { gram.base[i * (side + 1)] -= 1 }
    let result = Matrix(gradient.base, rows: kernel.rows, columns: kernel.columns)
    if isTall { gemm(kernel, g, into: result) } else { gemm(g, kernel, into: result) }
    for i in 0..<gradient.count { gradient.base[i] *= 4 * weight }
  }
}

extension Parameter {
  /// Scales the columns whose norm is more than `largest` down to it.
  /// - Parameter norms: memory for a number of each column.
  func bound(
    _ weights: UnsafeMutablePointer<Float>, norm largest: Float,
    scratch norms: UnsafeMutablePointer<Float>
  ) {
    let w = weights + offset
    norms.update(repeating: 0, count: columns)
    for start in stride(from: 0, to: count, by: columns) {
      for column in 0..<columns {
        norms[column] += w[start + column] * w[start + column]
      }
    }
    for column in 0..<columns {
      let norm = norms[column].squareRoot()
      norms[column] = norm > largest ? largest / norm : 1
    }
    for start in stride(from: 0, to: count, by: columns) {
      for column in 0..<columns { w[start + column] *= norms[column] }
    }
    copyTransposed(weights, rows: 0..<rows)
  }
}
