import ConvNet

/// What random numbers of a search are for: the `epoch` of their stream's key, so that no use ever
/// shifts another.
enum SearchUse: UInt32 {
  case random, scrambling, parzen, acquisition, exploitation, exploration, restarts
}

extension RandomStream {
  /// The stream of one trial of a search.
  static func search(_ use: SearchUse, seed: UInt64, trial: Int) -> RandomStream {
    RandomStream(
      seed: seed, purpose: .search, epoch: use.rawValue, sample: UInt32(truncatingIfNeeded: trial))
  }

  /// A uniform number in [0, 1), a multiple of 2⁻⁵³.
  mutating func unit() -> Double {
    let high = UInt64(next())
    let low = UInt64(next())
    return Double((high << 32 | low) >> 11) * 0x1p-53
  }

  /// A uniform place of 0..<count.
  mutating func place(of count: Int) -> Int { Int(below(UInt32(count))) }
}
