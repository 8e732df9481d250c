// The only file that imports CLAPACKE: dense linear algebra.
import CLAPACKE

/// What LAPACK answered when it could not do its work.
struct LAPACKError: Error, CustomStringConvertible {
  let routine: String
  let status: Int
  var description: String { "LAPACK's \(routine) failed with status \(status)" }
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
}
