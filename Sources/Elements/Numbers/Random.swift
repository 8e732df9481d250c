/// What a stream of random numbers is for. Part of its key, so that no use ever shifts another.
public enum RandomPurpose: UInt32, Sendable {
  case initialization = 1
  case shuffle, dropout, augmentation, split, synthesis, probe, search, importance, mixing
  case selection, corruption, watch
}

/// A counter-based random stream: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3", SC 2011).
///
/// The key is (`seed`); the counter's upper words are (`purpose`, `epoch`, `sample`) and its lowest
/// counts blocks of four numbers. Equal keys give equal numbers on any thread, in any order.
public struct RandomStream: Sendable {
  @usableFromInline let key: SIMD2<UInt32>
  @usableFromInline var counter: SIMD4<UInt32>
  @usableFromInline var block = SIMD4<UInt32>()
  @usableFromInline var used = 4

  public init(seed: UInt64, purpose: RandomPurpose, epoch: UInt32 = 0, sample: UInt32 = 0) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    counter = SIMD4(0, purpose.rawValue, epoch, sample)
  }

  /// Ten Philox rounds over one counter.
  @inlinable @inline(__always)
  public static func philox(_ counter: SIMD4<UInt32>, key: SIMD2<UInt32>) -> SIMD4<UInt32> {
    var c = counter
    var k0 = key.x
    var k1 = key.y
    for _ in 0..<10 {
      let a = UInt64(c.x) &* 0xD251_1F53
      let b = UInt64(c.z) &* 0xCD9E_8D57
      c = SIMD4(
        UInt32(truncatingIfNeeded: b >> 32) ^ c.y ^ k0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ c.w ^ k1, UInt32(truncatingIfNeeded: a))
      k0 = k0 &+ 0x9E37_79B9
      k1 = k1 &+ 0xBB67_AE85
    }
    return c
  }

  /// So many blocks of the counters (first + block, y, z, w), each as `philox(_:key:)` gives it: all first
  /// words, then all second words and so on. Written so that the compiler vectorises it.
  package static func philoxBlocks(
    _ count: Int, from first: UInt32 = 0, _ y: UInt32, _ z: UInt32, _ w: UInt32,
    key: SIMD2<UInt32>,
    to words: UnsafeMutablePointer<UInt32>
  ) {
    let (key0, key1) = (key.x, key.y)
    for i in 0..<count {
      var c0 = first &+ UInt32(truncatingIfNeeded: i)
      var (c1, c2, c3) = (y, z, w)
      var (k0, k1) = (key0, key1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      round(&c0, &c1, &c2, &c3, &k0, &k1)
      words[i] = c0
      words[count &+ i] = c1
      words[2 &* count &+ i] = c2
      words[3 &* count &+ i] = c3
    }
  }

  @inline(__always)
  private static func round(
    _ c0: inout UInt32, _ c1: inout UInt32, _ c2: inout UInt32, _ c3: inout UInt32,
    _ k0: inout UInt32, _ k1: inout UInt32
  ) {
    let a = UInt64(c0) &* 0xD251_1F53
    let b = UInt64(c2) &* 0xCD9E_8D57
    c0 = UInt32(truncatingIfNeeded: b &>> 32) ^ c1 ^ k0
    c1 = UInt32(truncatingIfNeeded: b)
    c2 = UInt32(truncatingIfNeeded: a &>> 32) ^ c3 ^ k1
    c3 = UInt32(truncatingIfNeeded: a)
    k0 = k0 &+ 0x9E37_79B9
    k1 = k1 &+ 0xBB67_AE85
  }

  /// 32 uniform bits.
  @inlinable @inline(__always)
  public mutating func next() -> UInt32 {
    if used == 4 {
      block = Self.philox(counter, key: key)
      counter.x = counter.x &+ 1
      used = 0
    }
    defer { used += 1 }
    return block[used]
  }

  /// A uniform number in [0, 1), a multiple of 2⁻²⁴.
  @inlinable @inline(__always)
  public mutating func uniform() -> Float { Float(next() >> 8) * 0x1p-24 }

  /// A uniform number in [low, high).
  @inlinable @inline(__always)
  public mutating func uniform(_ low: Float, _ high: Float) -> Float {
    low + (high - low) * uniform()
  }

  /// The next numbers that `uniform(low, high)` would give, many at a time.
  public mutating func uniforms(_ count: Int, _ low: Float, _ high: Float) -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { numbers, made in
      func one() {
        numbers.initializeElement(at: made, to: uniform(low, high))
        made += 1
      }
      while made < count, used < 4 { one() }
      let blocks = (count - made) / 4
      let words = [UInt32](unsafeUninitializedCapacity: 4 * blocks) { words, filled in
        if blocks > 0 {
          Self.philoxBlocks(
            blocks, from: counter.x, counter.y, counter.z, counter.w, key: key,
            to: words.baseAddress!)
        }
        filled = 4 * blocks
      }
      counter.x = counter.x &+ UInt32(truncatingIfNeeded: blocks)
      words.withUnsafeBufferPointer { words in
        for i in 0..<4 * blocks {
          let unit = Float(words[i % 4 * blocks + i / 4] >> 8) * 0x1p-24
          numbers.initializeElement(at: made + i, to: low + (high - low) * unit)
        }
      }
      made += 4 * blocks
      while made < count { one() }
    }
  }

  /// A uniform integer in 0..<bound, without bias (Lemire 2019).
  public mutating func below(_ bound: UInt32) -> UInt32 {
    precondition(bound > 0)
    var product = UInt64(next()) &* UInt64(bound)
    if UInt32(truncatingIfNeeded: product) < bound {
      let threshold = (0 &- bound) % bound
      while UInt32(truncatingIfNeeded: product) < threshold {
        product = UInt64(next()) &* UInt64(bound)
      }
    }
    return UInt32(truncatingIfNeeded: product >> 32)
  }

  /// A standard normal number, by Box and Muller (1958): √(−2 ln u)·cos(2πv).
  public mutating func normal() -> Float {
    let u = Float(next() >> 8) * 0x1p-24 + 0x1p-25
    let angle = uniform() * (2 * Float.pi)
    return (-2 * Elementary.log(u)).squareRoot() * Elementary.sincos(angle).cos
  }

  /// Shuffles in place (Fisher and Yates).
  public mutating func shuffle<C: MutableCollection & RandomAccessCollection>(_ items: inout C)
  where C.Index == Int {
    guard items.count > 1 else { return }
    for i in stride(from: items.count - 1, through: 1, by: -1) {
      let j = Int(below(UInt32(i + 1)))
      items.swapAt(items.startIndex + i, items.startIndex + j)
    }
  }
}
