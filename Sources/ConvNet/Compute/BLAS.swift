// The only file that imports COpenBLAS: products, OpenBLAS's own controls, and the few words of the
// processor's that Swift has no name for.
import COpenBLAS

/// A row-major matrix somewhere in memory, lent for a call. `stride` is the distance between stored
/// rows; `isTransposed` says that rows and columns are to be read exchanged.
struct MatrixView<Scalar> {
  let base: UnsafeMutablePointer<Scalar>
  let rows: Int
  let columns: Int
  let stride: Int
  let isTransposed: Bool

  init(_ base: UnsafeMutablePointer<Scalar>, rows: Int, columns: Int, stride: Int? = nil) {
    self.init(base, rows, columns, stride ?? columns, false)
  }

  private init(
    _ base: UnsafeMutablePointer<Scalar>, _ rows: Int, _ columns: Int, _ stride: Int, _ flag: Bool
  ) {
    self.base = base
    self.rows = rows
    self.columns = columns
    self.stride = stride
    isTransposed = flag
  }

  /// The same memory read as the transpose.
  var transposed: MatrixView { MatrixView(base, columns, rows, stride, !isTransposed) }

  /// Some of its columns, in the same memory.
  func columns(in range: Range<Int>) -> MatrixView {
    precondition(!isTransposed && range.upperBound <= columns)
    return MatrixView(base + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// Some of its rows, in the same memory.
  func rows(in range: Range<Int>) -> MatrixView {
    precondition(!isTransposed && range.upperBound <= rows)
    return MatrixView(
      base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }
}

typealias Matrix = MatrixView<Float>

/// C = A·B, or C += A·B when `accumulate`.
///
/// OpenBLAS 0.3.21 has, for AVX-512, a second `sgemm` for small matrices, which packs nothing and is
/// 1.4 times as fast as the large one at the shapes of a convolution; it serves products of at most
/// 10⁶ multiply-adds. So a larger product is cut into panels of that size: along the rows of C, or,
/// for Aᵀ·B, along the sum. The cut is a function of the shape and the core alone.
func gemm(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool = false) {
  precondition(a.columns == b.rows && a.rows == c.rows && b.columns == c.columns)
  precondition(!c.isTransposed)
  let rows = a.rows
  let sum = a.columns
  let columns = b.columns
  guard rows > 0, columns > 0, sum > 0 else { return }
  guard BLAS.prefersSmallProducts, !b.isTransposed else {
    return sgemm(a, b, c, accumulate)
  }
  if a.isTransposed {
    let panel = BLAS.panelOfSum(rows: rows, columns: columns)
    guard sum > panel, panel >= 8 else { return sgemm(a, b, c, accumulate) }
    var k = 0
    while k < sum {
      let count = min(panel, sum - k)
      let left = Matrix(a.base + k * a.stride, rows: count, columns: rows, stride: a.stride)
      let right = Matrix(b.base + k * b.stride, rows: count, columns: columns, stride: b.stride)
      sgemm(left.transposed, right, c, accumulate || k > 0)
      k += count
    }
  } else if BLAS.smallProduct / (sum * columns) >= Tile.size {
    let panel = BLAS.smallProduct / (sum * columns)
    var row = 0
    while row < rows {
      let count = min(panel, rows - row)
      sgemm(
        Matrix(a.base + row * a.stride, rows: count, columns: sum, stride: a.stride), b,
        Matrix(c.base + row * c.stride, rows: count, columns: columns, stride: c.stride),
        accumulate)
      row += count
    }
  } else {
    gemmOfFewRows(a, b, into: c, accumulate: accumulate)
  }
}

/// `gemm` where even a tile's rows make too large a product: cut along the longer of the sum and
/// the columns too. The cut along the sum decides bits, so it does not depend on the rows.
private func gemmOfFewRows(_ a: Matrix, _ b: Matrix, into c: Matrix, accumulate: Bool) {
  let cutsSum = a.columns >= b.columns
  let length = cutsSum ? a.columns : b.columns
  let widest = BLAS.smallProduct / (Tile.wideSize * min(a.columns, b.columns))
  guard widest >= 32 else { return sgemm(a, b, c, accumulate) }
  // Columns by the 64 or 32 that OpenBLAS takes together: for a rest of one to eight of them it
  // would allocate memory, and sum in another order.
  let panel = cutsSum ? widest : widest & (widest < 64 ? ~31 : ~63)
  // A panel of B stays in cache while all rows pass it.
  for start in stride(from: 0, to: length, by: panel) {
    let count = min(panel, length - start)
    for row in stride(from: 0, to: a.rows, by: Tile.wideSize) {
      let height = min(Tile.wideSize, a.rows - row)
      let left = a.base + row * a.stride
      let target = c.base + row * c.stride
      if cutsSum {
        sgemm(
          Matrix(left + start, rows: height, columns: count, stride: a.stride),
          Matrix(b.base + start * b.stride, rows: count, columns: b.columns, stride: b.stride),
          Matrix(target, rows: height, columns: b.columns, stride: c.stride),
          accumulate || start > 0)
      } else {
        sgemm(
          Matrix(left, rows: height, columns: a.columns, stride: a.stride),
          Matrix(b.base + start, rows: a.columns, columns: count, stride: b.stride),
          Matrix(target + start, rows: height, columns: count, stride: c.stride), accumulate)
      }
    }
  }
}

/// C = A·B in one call of `sgemm`, whatever its size.
func multiplyWhole(_ a: Matrix, _ b: Matrix, into c: Matrix) { sgemm(a, b, c, false) }

@inline(__always)
private func sgemm(_ a: Matrix, _ b: Matrix, _ c: Matrix, _ accumulate: Bool) {
  cblas_sgemm(
    CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
    b.isTransposed ? CblasTrans : CblasNoTrans,
    blasint(c.rows), blasint(c.columns), blasint(a.columns), 1, a.base, blasint(a.stride),
    b.base, blasint(b.stride), accumulate ? 1 : 0, c.base, blasint(c.stride))
}

/// C = A·B, or C += A·B when `accumulate`, in double precision.
func gemm(
  _ a: MatrixView<Double>, _ b: MatrixView<Double>, into c: MatrixView<Double>,
  accumulate: Bool = false
) {
  precondition(a.columns == b.rows && a.rows == c.rows && b.columns == c.columns)
  precondition(!c.isTransposed)
  guard a.rows > 0, b.columns > 0, b.rows > 0 else { return }
  cblas_dgemm(
    CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
    b.isTransposed ? CblasTrans : CblasNoTrans,
    blasint(c.rows), blasint(c.columns), blasint(a.columns), 1, a.base, blasint(a.stride),
    b.base, blasint(b.stride), accumulate ? 1 : 0, c.base, blasint(c.stride))
}

/// OpenBLAS as it was loaded, and the processor's modes.
public enum BLAS {
  /// The most multiply-adds that OpenBLAS's small-matrix products take.
  static let smallProduct = 1_000_000

  /// By how much of its sum `gemm` takes Aᵀ·B, (rows, sum)·(sum, columns), at a time.
  static func panelOfSum(rows: Int, columns: Int) -> Int { smallProduct / (rows * columns) }

  /// Whether the core in use has small-matrix products.
  static let prefersSmallProducts = coreName.uppercased() == "SKYLAKEX"

  /// The core in use, as OpenBLAS names it: "SkylakeX", "Haswell".
  public static let coreName = String(cString: openblas_get_corename())

  /// What OpenBLAS says of its build: "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH …".
  public static let configuration = String(cString: openblas_get_config())

  /// "0.3.21", from the configuration.
  public static let version: String = {
    let words = configuration.split(separator: " ")
    return words.count > 1 ? String(words[1]) : configuration
  }()

  /// Bytes that OpenBLAS maps for each thread that multiplies, and never gives back. Where that is
  /// refused it asks again without end.
  public static let bytesPerThread = 128 << 20

  /// Has OpenBLAS map what it takes for the calling thread, by a product that is too large for the
  /// small-matrix products, which do without.
  public static func mapMemory() {
    let side = 128
    let (a, b, c) = (Buffer(side * side), Buffer(side * side), Buffer(side * side))
    func square(_ buffer: Buffer) -> Matrix { Matrix(buffer.base, rows: side, columns: side) }
    multiplyWhole(square(a), square(b), into: square(c))
  }

  /// One BLAS thread, always: parallelism is above it.
  public static func useOneThread() { openblas_set_num_threads(1) }

  /// The processors that this process may run on.
  static var cores: Int { Int(runner_cores()) }

  /// Flush-to-zero and denormals-are-zero for the calling thread.
  static func flushDenormals() { runner_flush_denormals() }

  @inline(__always)
  static func pause() { runner_pause() }
}
