import ConvNet

/// How the range of a value is taken from what it is for some images.
public enum CalibrationMethod: Hashable, Sendable, CustomStringConvertible {
  /// From its smallest to its largest number.
  case minimumMaximum
  /// Without the least and the greatest so many of a hundred: 0.01 leaves out one in ten thousand at each end.
  case percentile(Double)
  /// The range in which the squares of what rounding and cutting off change sum to the least.
  case leastSquares

  public var description: String {
    switch self {
    case .minimumMaximum: "min-max"
    case .percentile(let share): "percentile of \(share)"
    case .leastSquares: "least squares"
    }
  }
}

/// Numbers as they are spread between two ends.
struct CalibrationHistogram {
  let range: ClosedRange<Float>
  private(set) var counts: [Int]

  static let bins = 2048

  init(_ range: ClosedRange<Float>) {
    self.range = range
    counts = Array(repeating: 0, count: Self.bins)
  }

  private var width: Double {
    (Double(range.upperBound) - Double(range.lowerBound)) / Double(Self.bins)
  }

  mutating func add(_ values: UnsafeBufferPointer<Float>) {
    let (low, factor) = (range.lowerBound, width > 0 ? Float(1 / width) : 0)
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        let place = (value - low) * factor
        let bin = place > 0 ? min(Int(min(place, 1e9)), Self.bins - 1) : 0
        counts[bin] += 1
      }
    }
  }

  mutating func add(_ other: CalibrationHistogram) {
    for bin in counts.indices { counts[bin] += other.counts[bin] }
  }

  private func centre(_ bin: Int) -> Double {
    Double(range.lowerBound) + (Double(bin) + 0.5) * width
  }

  /// The range that a method takes, 0 in it.
  func range(by method: CalibrationMethod) -> ClosedRange<Float> {
    let whole = min(range.lowerBound, 0)...max(range.upperBound, 0)
    guard width > 0 else { return whole }
    switch method {
    case .minimumMaximum: return whole
    case .percentile(let share):
      let most = Int(Double(counts.reduce(0, +)) * share / 100)
      func cut(_ bins: some Sequence<Int>) -> Int {
        var seen = 0
        for bin in bins {
          seen += counts[bin]
          if seen > most { return bin }
        }
        return 0
      }
      let low = Double(range.lowerBound) + Double(cut(0..<Self.bins)) * width
      let high = Double(range.lowerBound) + Double(cut((0..<Self.bins).reversed()) + 1) * width
      return Float(min(low, 0))...Float(max(high, 0))
    case .leastSquares: return leastSquares(whole)
    }
  }

  /// Of ends at 64 parts each of the whole range, those of the least error.
  private func leastSquares(_ whole: ClosedRange<Float>) -> ClosedRange<Float> {
    let parts = 64
    func ends(_ end: Float) -> [Double] {
      end == 0 ? [0] : (1...parts).map { Double(end) * Double($0) / Double(parts) }
    }
    let filled = counts.indices.filter { counts[$0] > 0 }
      .map { (x: centre($0), count: Double(counts[$0])) }
    var best = (error: Double.infinity, range: whole)
    // The widest first, which equal ones don't replace.
    for low in ends(whole.lowerBound).reversed() {
      for high in ends(whole.upperBound).reversed() {
        let scale = (high - low) / 255
        guard scale > 0 else { continue }
        var error = 0.0
        for (x, count) in filled {
          let held = min(max(x, low), high)
          // Within the range a number is anywhere between two steps.
          error += count * ((x - held) * (x - held) + scale * scale / 12)
          if error >= best.error { break }
        }
        if error < best.error { best = (error, Float(low)...Float(high)) }
      }
    }
    return best.range
  }
}
