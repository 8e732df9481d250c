// The only file that imports CLAPACKE: dense linear algebra.
import CLAPACKE

/// What LAPACK answered when it could not do its work.
public struct LAPACKError: Error, CustomStringConvertible {
  public let routine: String
  public let status: Int
  public var description: String { "LAPACK's \(routine) failed with status \(status)" }
}

enum LAPACK {
  /// Replaces a row-major matrix of rows ≥ columns by Q of its QR factorisation, each column's sign
  /// that of R's diagonal, so that Q is uniform over such matrices when `a` is normal
  /// (Mezzadri 2007).
  static func orthonormalize(_ a: UnsafeMutablePointer<Float>, rows: Int, columns: Int) throws {
    precondition(rows >= columns)
    let reflectors = Buffer(columns)
    var status = LAPACKE_sgeqrf(
      LAPACK_ROW_MAJOR, Int32(rows), Int32(columns), a, Int32(columns),
      reflectors.base)
    guard status == 0 else { throw LAPACKError(routine: "sgeqrf", status: Int(status)) }
    let signs = (0..<columns).map { a[$0 * columns + $0] < 0 ? -1 as Float : 1 }
    status = LAPACKE_sorgqr(
      LAPACK_ROW_MAJOR, Int32(rows), Int32(columns), Int32(columns), a,
      Int32(columns), reflectors.base)
    guard status == 0 else { throw LAPACKError(routine: "sorgqr", status: Int(status)) }
    for row in 0..<rows {
      for column in 0..<columns { a[row * columns + column] *= signs[column] }
    }
  }

  /// Replaces a symmetric matrix by its eigenvectors, one in each row, and returns the eigenvalues in
  /// ascending order.
  static func symmetricEigen(_ a: UnsafeMutablePointer<Float>, order: Int) throws -> [Float] {
    var values = [Float](repeating: 0, count: order)
    // A column of LAPACK's is a row of ours.
    let status = LAPACKE_ssyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(order), a,
      Int32(max(order, 1)), &values)
    guard status == 0 else { throw LAPACKError(routine: "ssyevd", status: Int(status)) }
    return values
  }
}

/// The Cholesky factorisation A = L·Lᵀ of a symmetric, positive definite matrix in single precision.
public struct Cholesky: Sendable {
  /// A is (order, order).
  public let order: Int
  /// L below and on the diagonal, column after column; above it what was there.
  private let factor: [Float]

  /// - Parameter matrix: A, (order, order); its lower triangle in column-major order is read.
  /// - Throws: `LAPACKError` where A isn't positive definite to single precision; `status` k says
  ///   that the leading minor of order k is not.
  public init(_ matrix: [Float], order: Int) throws(LAPACKError) {
    precondition(matrix.count == order * order)
    var factor = matrix
    let status = LAPACKE_spotrf(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), Int32(order), &factor, Int32(max(order, 1)))
    guard status == 0 else { throw LAPACKError(routine: "spotrf", status: Int(status)) }
    self.order = order
    self.factor = factor
  }

  /// B ← A⁻¹·B for right-hand sides that lie one after the other: (columns, order).
  public func solve(_ b: inout [Float], columns: Int) {
    precondition(b.count == columns * order)
    guard order > 0, columns > 0 else { return }
    let status = LAPACKE_spotrs(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), Int32(order), Int32(columns), factor,
      Int32(order), &b, Int32(order))
    precondition(status == 0, "LAPACK's spotrs failed with status \(status)")
  }

  /// ln det A = 2 Σᵢ ln Lᵢᵢ
  public var logDeterminant: Double {
    2 * (0..<order).reduce(0) { $0 + Elementary.log(Double(factor[$1 * (order + 1)])) }
  }
}

extension LAPACK {
  /// B ← A⁻¹·B for a symmetric, positive definite A, (order, order), by its Cholesky factors; the
  /// right-hand sides lie one after the other, (count, order).
  static func solve(
    positiveDefinite matrix: [Double], order: Int, _ b: inout [Double]
  ) throws(LAPACKError) {
    precondition(order > 0 && matrix.count == order * order && b.count % order == 0)
    var factor = matrix
    let status = LAPACKE_dposv(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "L")), Int32(order), Int32(b.count / order), &factor,
      Int32(order), &b, Int32(order))
    guard status == 0 else { throw LAPACKError(routine: "dposv", status: Int(status)) }
  }

  /// The eigenvalues of a symmetric matrix, (order, order), in ascending order, and its eigenvectors,
  /// of length 1, one after the other.
  static func eigenvectors(
    ofSymmetric matrix: [Double], order: Int
  ) throws(LAPACKError) -> (values: [Double], vectors: [Double]) {
    precondition(order > 0 && matrix.count == order * order)
    var vectors = matrix
    var values = [Double](repeating: 0, count: order)
    let status = LAPACKE_dsyevd(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(order), &vectors,
      Int32(order), &values)
    guard status == 0 else { throw LAPACKError(routine: "dsyevd", status: Int(status)) }
    return (values, vectors)
  }
}

extension LAPACK {
  /// A ← A⁻¹ for a symmetric, positive definite A, (order, order), of which what lies on and below the
  /// diagonal is read and written, by its Cholesky factors. Returns whether it was positive definite.
  static func invert(positiveDefinite a: UnsafeMutablePointer<Double>, order: Int) -> Bool {
    // A row of ours is a column of LAPACK's.
    let (upper, n) = (CChar(UInt8(ascii: "U")), Int32(order))
    return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, upper, n, a, n) == 0
      && LAPACKE_dpotri_work(LAPACK_COL_MAJOR, upper, n, a, n) == 0
  }
}

/// The eigendecomposition of symmetric matrices of one order, in memory that is taken once.
final class SymmetricEigenSolver {
  let order: Int
  /// The matrix, (order, order), and, once solved, its eigenvectors one after the other.
  var matrix: UnsafeMutablePointer<Double> { square.base }
  /// In ascending order.
  var values: UnsafeMutablePointer<Double> { row.base }
  private let square: DoubleBuffer
  private let row: DoubleBuffer
  private let work: DoubleBuffer
  private let integers: UnsafeMutablePointer<Int32>
  private let integerCount: Int32

  init(order: Int, arena: Arena) {
    self.order = order
    square = arena.doubles(order, order)
    row = arena.doubles(order)
    var (size, integerSize) = (0.0, Int32(0))
    let status = LAPACKE_dsyevd_work(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(order),
      square.base, Int32(order), row.base, &size, -1, &integerSize, -1)
    precondition(status == 0, "LAPACK's dsyevd failed with status \(status)")
    work = arena.doubles(Int(size))
    integers = arena.take(Int32.self, Int(integerSize))
    integerCount = integerSize
  }

  /// - Returns: whether the eigenvalues were found.
  func solve() -> Bool {
    LAPACKE_dsyevd_work(
      LAPACK_COL_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "L")), Int32(order), matrix,
      Int32(order), values, work.base, Int32(work.count), integers, integerCount) == 0
  }
}
