import Glibc

/// Whether two samples are from one continuous distribution (Kolmogorov 1933, Smirnov 1939): D is the
/// greatest distance between their empirical distribution functions.
///
/// With samples of n and m values, p is the probability that a path from (0, 0) to (n, m) by n steps
/// across and m up, each order as likely, comes to a place (i, j) with |i/n − j/m| ≥ D (Hodges 1958, "The
/// significance probability of the Smirnov two-sample test"). With equal values in both the true p is
/// less. Of more than `mostExact` places inside it is Kolmogorov's distribution instead, with the
/// correction of Stephens (1970).
public struct KolmogorovSmirnov: Hashable, Sendable {
  public let distance: Double
  public let p: Double

  /// The most n·m for which p is exact.
  static let mostExact = 100_000_000

  /// - Precondition: neither is empty, and all values are finite.
  public init(_ first: [Double], _ second: [Double]) {
    self.init(sorted: first.sorted(), second.sorted())
  }

  /// Of samples in ascending order.
  /// - Parameter tolerance: how far the distributions may be from one another: p is that of a distance which
  ///   is less by so much.
  public init(sorted first: [Double], _ second: [Double], tolerance: Double = 0) {
    precondition(!first.isEmpty && !second.isEmpty)
    let (n, m) = (first.count, second.count)
    var (i, j) = (0, 0)
    // |i·m − j·n|, so that D is a whole number of parts of n·m.
    var greatest = 0
    while i < n && j < m {
      let value = min(first[i], second[j])
      while i < n && first[i] <= value { i += 1 }
      while j < m && second[j] <= value { j += 1 }
      greatest = max(greatest, abs(i * m - j * n))
    }
    distance = Double(greatest) / (Double(n) * Double(m))
    greatest -= Int(tolerance * Double(n) * Double(m))
    if greatest <= 0 {
      p = 1
    } else if n <= Self.mostExact / m {
      p = Self.exact(n, m, atLeast: greatest)
    } else {
      p = Self.asymptotic(n, m, distance: Double(greatest) / (Double(n) * Double(m)))
    }
  }

  /// P(i, j) = 1 outside, else i/(i + j)·P(i − 1, j) + j/(i + j)·P(i, j − 1): the step before a place
  /// came from either side by that chance. All terms are positive, so that no digit of a small p is lost.
  static func exact(_ n: Int, _ m: Int, atLeast distance: Int) -> Double {
    // Inside are, in the row i, the j with |i·m − j·n| < distance.
    var row = [Double](repeating: 1, count: m + 1)
    return row.withUnsafeMutableBufferPointer { row in
      var result = 1.0
      for i in 0...n {
        // Ceilings and floors of (i·m ∓ (distance − 1)) / n.
        let low = i * m - (distance - 1)
        let first = low <= 0 ? 0 : (low + n - 1) / n
        let last = min(m, (i * m + distance - 1) / n)
        if first > 0 { row[first - 1] = 1 }
        var below = 1.0
        if first == 0 {
          // From (0, 0) nothing has been outside.
          row[0] = i == 0 ? 0 : row[0]
          below = row[0]
        }
        var j = max(first, 1)
        while j <= last {
          let share = Double(i) / Double(i + j)
          below = share * row[j] + (1 - share) * below
          row[j] = below
          j += 1
        }
        // What is above is outside, as it was.
        if last < m { row[last + 1] = 1 }
        result = row[m]
      }
      return min(1, result)
    }
  }

  /// 2 Σ (−1)^(k−1) e^(−2k²λ²), λ = (√e + 0.12 + 0.11/√e)·D with e = nm/(n + m).
  static func asymptotic(_ n: Int, _ m: Int, distance: Double) -> Double {
    let root = (Double(n) * Double(m) / Double(n + m)).squareRoot()
    let lambda = (root + 0.12 + 0.11 / root) * distance
    if lambda < 0.3 { return 1 }
    var (sum, sign) = (0.0, 1.0)
    for k in 1...100 {
      let term = exp(-2 * Double(k * k) * lambda * lambda)
      sum += sign * term
      if term < sum * 0x1p-53 { break }
      sign = -sign
    }
    return min(1, max(0, 2 * sum))
  }
}
