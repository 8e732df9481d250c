/// Normal numbers by the thousand, a pair of them from each pair of random words (Box and Muller
/// 1958). Holds memory for the words; one worker uses it at a time.
public final class NormalNoise: @unchecked Sendable {
  private let key: SIMD2<UInt32>
  private let count: Int
  private let blocks: Int
  /// Four words for every four numbers, and the numbers.
  private let words: UnsafeMutablePointer<UInt32>
  private let numbers: UnsafeMutablePointer<Float>
  /// What the memory is a piece of; nil for memory of its own.
  private let owner: AnyObject?

  /// - Parameter count: how many numbers are drawn at once.
  public convenience init(count: Int, seed: UInt64) {
    let room = Self.room(count)
    self.init(
      count: count, seed: seed, words: .allocate(capacity: room),
      numbers: .allocate(capacity: room),
      of: nil)
  }

  /// In memory of somebody's who is kept: `room(count)` words and as many numbers.
  package init(
    count: Int, seed: UInt64, words: UnsafeMutablePointer<UInt32>,
    numbers: UnsafeMutablePointer<Float>, of owner: AnyObject?
  ) {
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    self.count = count
    blocks = Self.room(count) / 4
    self.words = words
    self.numbers = numbers
    self.owner = owner
  }

  package static func room(_ count: Int) -> Int { (count + 3) / 4 * 4 }

  deinit {
    guard owner == nil else { return }
    words.deallocate()
    numbers.deallocate()
  }

  /// y[i] += deviation·zᵢ, z a function of the seed and the three words.
  public func add(
    times deviation: Float, to y: UnsafeMutablePointer<Float>, _ first: UInt32, _ second: UInt32,
    _ third: UInt32
  ) {
    let (words, numbers, blocks) = (words, numbers, blocks)
    RandomStream.philoxBlocks(blocks, first, second, third, key: key, to: words)
    for half in stride(from: 0, to: 4 * blocks, by: max(1, 2 * blocks)) {
      let (lengths, angles) = (words + half, words + half + blocks)
      let (cosines, sines) = (numbers + half, numbers + half + blocks)
      for i in 0..<blocks {
        let u = Float(lengths[i] >> 8) * 0x1p-24 + 0x1p-25
        let angle = Float(angles[i] >> 8) * 0x1p-24 * (2 * Float.pi)
        let radius = deviation * (-2 * Elementary.log(u)).squareRoot()
        let (sine, cosine) = Elementary.sincos(angle)
        cosines[i] = radius * cosine
        sines[i] = radius * sine
      }
    }
    for i in 0..<count { y[i] += numbers[i] }
  }
}
