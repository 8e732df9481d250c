import Elements

/// A convolution along one axis with taps that are the same to both sides, sixteen numbers at a time.
enum SymmetricFilter {
  /// weights[k] = the Gaussian at k = 0, 1, … radius, scaled so that the whole, both sides of it,
  /// sums to 1.
  static func gaussian(sigma: Float, into weights: UnsafeMutableBufferPointer<Float>) {
    for k in weights.indices {
      weights[k] = Elementary.exp(-0.5 * Float(k) / sigma * (Float(k) / sigma))
    }
    let sum = weights.reduce(-weights[0]) { $0 + 2 * $1 }
    for k in weights.indices { weights[k] /= sum }
  }

  /// w₀·v(0) + Σₖ wₖ·(v(−k) + v(k)), with v(k) the 16 floats k steps from `centre`.
  @inline(__always)
  static func apply(
    _ centre: UnsafeMutablePointer<Float>, _ weights: UnsafeBufferPointer<Float>, step: Int
  ) -> SIMD16<Float> {
    var sum = weights[0] * load(centre)
    for k in 1..<max(1, weights.count) {
      sum += weights[k] * (load(centre - k * step) + load(centre + k * step))
    }
    return sum
  }

  @inline(__always)
  static func load(_ values: UnsafePointer<Float>) -> SIMD16<Float> {
    UnsafeRawPointer(values).loadUnaligned(as: SIMD16<Float>.self)
  }

  @inline(__always)
  static func store(_ values: SIMD16<Float>, at place: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(place).storeBytes(of: values, as: SIMD16<Float>.self)
  }
}
