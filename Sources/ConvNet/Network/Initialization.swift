extension Initializer {
  /// Fills a kernel stored (rows, columns) = (fan_in, units), with
  /// fan_in = K·K·C and fan_out = K·K·F for a convolution.
  ///
  /// The stream is keyed by (seed, layer), so that no layer's weights depend on another's shape.
  func fill(
    _ values: UnsafeMutablePointer<Float>, rows: Int, columns: Int, fanOut: Int, seed: UInt64,
    layer: Int
  ) throws(NetworkError) {
    var stream = RandomStream(seed: seed, purpose: .initialization, sample: UInt32(layer))
    let count = rows * columns
    let fanIn = Double(rows)
    func uniform(variance: Double) {
      let limit = Float((3 * variance).squareRoot())
      for i in 0..<count { values[i] = stream.uniform(-limit, limit) }
    }
    func normal(variance: Double) {
      // The deviation of a normal variable truncated at two deviations is 0.87962566 of its own.
      let deviation = Float(variance.squareRoot() / 0.879_625_661_034_239_8)
      for i in 0..<count {
        var z = stream.normal()
        while abs(z) > 2 { z = stream.normal() }
        values[i] = deviation * z
      }
    }
    switch self {
    case .glorotUniform: uniform(variance: 2 / (fanIn + Double(fanOut)))
    case .glorotNormal: normal(variance: 2 / (fanIn + Double(fanOut)))
    case .heUniform: uniform(variance: 2 / fanIn)
    case .heNormal: normal(variance: 2 / fanIn)
    case .lecunUniform: uniform(variance: 1 / fanIn)
    case .lecunNormal: normal(variance: 1 / fanIn)
    case .zeros: values.update(repeating: 0, count: count)
    case .orthogonal:
      let (tall, thin) = (max(rows, columns), min(rows, columns))
      let matrix = Buffer(count)
      for i in 0..<count { matrix.base[i] = stream.normal() }
      do {
        try LAPACK.orthonormalize(matrix.base, rows: tall, columns: thin)
      } catch {
        throw NetworkError("orthogonal initialisation of layer \(layer): \(error)")
      }
      for row in 0..<rows {
        for column in 0..<columns {
          values[row * columns + column] =
            matrix.base[rows >= columns ? row * thin + column : column * thin + row]
        }
      }
    }
  }
}
