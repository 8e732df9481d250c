import ConvNet

/// Features as a profile and a log keep them: as they are where there are at most 128, else their
/// projection onto 128 directions of random signs, y = S·x/√128, which keeps distances nearly
/// (D. Achlioptas, "Database-friendly random projections", 2003). The signs depend on the sizes alone.
public struct FeatureReduction: Sendable {
  /// How many the network gives, and how many are kept.
  public let count: Int
  public let width: Int
  /// S, (count, width), each ±1/√width; empty where nothing is projected.
  private let signs: [Float]

  public static let most = 128

  public init(count: Int) {
    precondition(count > 0)
    self.count = count
    width = min(count, Self.most)
    guard count > Self.most else {
      signs = []
      return
    }
    let unit = 1 / Float(Self.most).squareRoot()
    var signs: [Float] = []
    signs.reserveCapacity(count * Self.most)
    for feature in 0..<count {
      var stream = RandomStream(
        seed: 1, purpose: .watch, epoch: WatchUse.projection, sample: UInt32(feature))
      for _ in 0..<Self.most / 32 {
        let bits = stream.next()
        for bit in 0..<32 as Range<UInt32> { signs.append(bits >> bit & 1 == 0 ? unit : -unit) }
      }
    }
    self.signs = signs
  }

  /// Of one image, (width). Sums go from the first feature to the last.
  public func reduced(_ features: some Collection<Float>) -> [Float] {
    precondition(features.count == count)
    if signs.isEmpty { return Array(features) }
    var values = [Float](repeating: 0, count: width)
    signs.withUnsafeBufferPointer { signs in
      values.withUnsafeMutableBufferPointer { values in
        for (place, feature) in features.enumerated() where feature != 0 {
          let row = signs.baseAddress! + place * width
          for i in 0..<width { values[i] += feature * row[i] }
        }
      }
    }
    return values
  }
}

/// What random numbers of the watch are for: the second part of their key.
enum WatchUse {
  static let projection: UInt32 = 0
  static let permutations: UInt32 = 1
  static let bootstrap: UInt32 = 2
  static let perturbation: UInt32 = 3
  static let windows: UInt32 = 4
  static let conditions: UInt32 = 5
}
