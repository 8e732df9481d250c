/// A loop over rows of channels, for a vector of neighbouring channels: what it holds of each channel
/// stays in registers.
protocol ChannelKernel {
  /// Of `lanes` channels from the `channel`-th on, as many as V has or fewer.
  func run<V: SIMD>(_ channel: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float
}

extension ChannelKernel {
  /// All channels, sixteen at a time; what is left over by eight, four and one to three.
  @inline(__always)
  func run(channels: Int) {
    var c = 0
    while c &+ 16 <= channels {
      run(c, 16, Vector.self)
      c = c &+ 16
    }
    if c &+ 8 <= channels {
      run(c, 8, SIMD8<Float>.self)
      c = c &+ 8
    }
    while c < channels {
      run(c, min(4, channels &- c), SIMD4<Float>.self)
      c = c &+ 4
    }
  }
}

/// The first `lanes` of a vector; what lies beyond them belongs to another position.
@inline(__always)
func store<V: SIMD>(
  _ vector: V, _ lanes: Int, to pointer: UnsafeMutablePointer<Float>
) where V.Scalar == Float {
  if lanes == V.scalarCount {
    store(vector, to: pointer)
  } else {
    for lane in 0..<lanes { pointer[lane] = vector[lane] }
  }
}
