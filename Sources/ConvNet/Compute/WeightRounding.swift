/// Weights as integers have them: w ≈ s·q, q = round(w/s) in ±(2^(bits − 1) − 1), half away from zero, of
/// each filter or unit s its largest magnitude over what q holds.
public struct WeightRounding: Hashable, Sendable {
  /// What q holds.
  public let most: Float

  public init(bits: Int) { most = Float(1 << (bits - 1) - 1) }

  /// s of a filter; of one without weights any will do.
  @inline(__always)
  public func scale(largest: Float) -> Float { max(largest > 0 ? largest / most : 1 / most, 1e-30) }

  /// q.
  @inline(__always)
  public func rounded(_ weight: Float, scale: Float) -> Float {
    min(max((weight / scale).rounded(), -most), most)
  }

  /// s·q of some columns of a kernel, (rows, columns), whose columns are filters; source and target may be
  /// one.
  /// - Parameter scales: memory for a number of each column.
  func round(
    _ weights: UnsafePointer<Float>, to target: UnsafeMutablePointer<Float>, rows: Int,
    columns: Int, _ part: Range<Int>, _ scales: UnsafeMutablePointer<Float>
  ) {
    let (first, end) = (part.lowerBound, part.upperBound)
    for c in first..<end { scales[c] = 0 }
    for row in 0..<rows {
      let w = weights + row &* columns
      for c in first..<end {
        let magnitude = abs(w[c])
        scales[c] = magnitude > scales[c] ? magnitude : scales[c]
      }
    }
    for c in first..<end { scales[c] = scale(largest: scales[c]) }
    for row in 0..<rows {
      let (w, result) = (weights + row &* columns, target + row &* columns)
      for c in first..<end { result[c] = scales[c] * rounded(w[c], scale: scales[c]) }
    }
  }
}

/// What a layer computes with in the place of its kernel, in training with quantisation.
struct RoundedKernel {
  let rounding: WeightRounding
  /// (rows, columns)
  let values: Buffer
  /// (columns)
  private let scales: Buffer

  init(_ parameter: Parameter, bits: Int, in arena: Arena) {
    rounding = WeightRounding(bits: bits)
    values = arena.floats(parameter.count)
    scales = arena.floats(parameter.columns)
  }

  /// Columns of which a worker has so many to renew at once: a line of memory.
  static let columnsTogether = 16

  func renew(_ parameter: Parameter, from weights: UnsafePointer<Float>, columns part: Range<Int>) {
    rounding.round(
      weights + parameter.offset, to: values.base, rows: parameter.rows,
      columns: parameter.columns, part, scales.base)
  }
}
