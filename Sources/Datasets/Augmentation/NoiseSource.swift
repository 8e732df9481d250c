import Elements

/// Uniform numbers by the thousand for one image: the Philox4x32-10 of `RandomStream` under the
/// same key, counted from a block far beyond those that a stream reaches, in a loop that the
/// compiler vectorises.
struct NoiseSource {
  let seed: UInt64
  let epoch: UInt32
  let sample: UInt32
  /// Tells the noises of one image apart.
  let number: UInt32

  /// numbers[j·count/4 + i] = word j of block i, as a uniform number in [−1, 1), a multiple of
  /// 2⁻²³. `count` is a multiple of four.
  func fill(_ numbers: UnsafeMutablePointer<Float>, count: Int) {
    precondition(count % 4 == 0 && count / 4 <= 1 << 24)
    let n = count / 4
    let first = (number &+ 1) << 24
    let purpose = RandomPurpose.augmentation.rawValue
    let (low, high) = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    for i in 0..<n {
      var (c0, c1, c2, c3) = (first &+ UInt32(truncatingIfNeeded: i), purpose, epoch, sample)
      var (k0, k1) = (low, high)
      for _ in 0..<10 {
        let a = UInt64(c0) &* 0xD251_1F53
        let b = UInt64(c2) &* 0xCD9E_8D57
        c0 = UInt32(truncatingIfNeeded: b >> 32) ^ c1 ^ k0
        c1 = UInt32(truncatingIfNeeded: b)
        c2 = UInt32(truncatingIfNeeded: a >> 32) ^ c3 ^ k1
        c3 = UInt32(truncatingIfNeeded: a)
        k0 = k0 &+ 0x9E37_79B9
        k1 = k1 &+ 0xBB67_AE85
      }
      numbers[i] = Self.unit(c0)
      numbers[n + i] = Self.unit(c1)
      numbers[2 * n + i] = Self.unit(c2)
      numbers[3 * n + i] = Self.unit(c3)
    }
  }

  @inline(__always)
  private static func unit(_ bits: UInt32) -> Float {
    Float(Int32(bitPattern: bits) >> 8) * 0x1p-23
  }
}
