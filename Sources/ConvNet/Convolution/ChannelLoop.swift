/// A loop over rows of channels, for a vector of neighbouring channels: what it holds of each channel
/// stays in registers.
protocol ChannelLoop {
  /// Of `lanes` channels from the `channel`-th on, as many as V has or fewer.
  func run<V: SIMD>(_ channel: Int, _ lanes: Int, _: V.Type) where V.Scalar == Float
}

extension ChannelLoop {
  /// All channels, sixteen at a time; what is left over by eight, four and one to three. The numbers of
  /// lanes are constants but for the last, so that only there a vector is put together lane by lane.
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
    if c &+ 4 <= channels {
      run(c, 4, SIMD4<Float>.self)
      c = c &+ 4
    }
    if c < channels { run(c, channels &- c, SIMD4<Float>.self) }
  }
}

// What lies beyond the lanes belongs to another position, which another worker may be writing.

/// As many lanes of a vector, the others zero.
@inline(__always)
func load<V: SIMD>(
  _ pointer: UnsafePointer<Float>, _ lanes: Int, as type: V.Type = V.self
) -> V where V.Scalar == Float {
  if lanes == V.scalarCount { return load(pointer) }
  var vector = V()
  for lane in 0..<lanes { vector[lane] = pointer[lane] }
  return vector
}

@inline(__always)
func load<V: SIMD>(
  _ pointer: UnsafeMutablePointer<Float>, _ lanes: Int, as type: V.Type = V.self
) -> V where V.Scalar == Float {
  load(UnsafePointer(pointer), lanes)
}

/// The first `lanes` of a vector.
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
