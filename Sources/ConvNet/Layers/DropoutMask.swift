/// Which of `count` things of a sample stay in training: each with probability 1 − p, p a multiple of
/// 2⁻¹⁶, and is then multiplied by 1/(1 − p).
///
/// A function of (seed, layer, step, place in the batch, thing).
final class DropoutMask {
  private let count: Int
  private let threshold: UInt16
  private let scale: Float
  private let key: SIMD2<UInt32>
  private let purpose: UInt32
  /// Random words of one sample for each worker, eight things to a block of four.
  private let scratch: [UnsafeMutablePointer<UInt32>]
  private let arena: Arena
  private let blocks: Int

  init(rate: Float, count: Int, layer: Int, seed: UInt64, workers: Int, arena: Arena) {
    precondition(rate >= 0 && rate < 1)
    self.count = count
    threshold = UInt16(min(65_535, (rate * 65_536).rounded()))
    scale = 1 / (1 - Float(threshold) * 0x1p-16)
    key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    purpose = RandomPurpose.dropout.rawValue | UInt32(layer + 1) << 8
    blocks = (count + 7) / 8
    scratch = (0..<workers).map { [blocks] _ in arena.take(UInt32.self, blocks, 4) }
    self.arena = arena
  }

  /// kept[i] = the scale or 0 for one sample's things, 16 random bits for each.
  func draw(to kept: UnsafeMutablePointer<Float>, tile: Tile, sample: Int) {
    let words = scratch[tile.worker]
    RandomStream.philoxBlocks(
      blocks, purpose, UInt32(truncatingIfNeeded: tile.step),
      UInt32(truncatingIfNeeded: tile.first + sample), key: key, to: words)
    words.withMemoryRebound(to: UInt16.self, capacity: blocks * 8) { bits in
      for i in 0..<count { kept[i] = bits[i] >= threshold ? scale : 0 }
    }
  }
}
