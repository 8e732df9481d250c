import Glibc

/// How far a quantity has moved, as a person reads it: the population stability index
/// Σ (q − p) ln(q/p) over the tenths of a reference, p the share of the reference in each and q that of
/// a window. Below 0.1 is called stable, above 0.25 a shift (Siddiqi 2006, "Credit risk scorecards").
///
/// Of samples from one distribution it isn't 0 but about χ²/n + χ²/m with one degree of freedom fewer
/// than tenths (Yurdakul and Naranjo 2020, "Statistical properties of the population stability index"):
/// `chance` is what it stays below in 95 of 100 windows then. Shares are those of counts with ½ added to
/// each, so that an empty tenth is no infinity.
public struct PopulationStability: Hashable, Sendable {
  public let index: Double
  public let chance: Double
  /// The share of the reference and of the window in each part, in ascending order of the quantity.
  public let reference: [Double]
  public let window: [Double]

  /// - Parameter reference: in ascending order.
  public init(sorted reference: [Double], window: [Double]) {
    precondition(!reference.isEmpty && !window.isEmpty)
    // Between tenths; fewer where many values are equal.
    var edges: [Double] = []
    for tenth in 1..<10 {
      let edge = reference[tenth * reference.count / 10]
      if edge > edges.last ?? -.infinity, edge > reference[0] { edges.append(edge) }
    }
    func shares(_ values: [Double]) -> [Double] {
      var counts = [Int](repeating: 0, count: edges.count + 1)
      for value in values { counts[Self.part(of: value, edges)] += 1 }
      let total = Double(values.count) + 0.5 * Double(counts.count)
      return counts.map { (Double($0) + 0.5) / total }
    }
    let (p, q) = (shares(reference), shares(window))
    self.reference = p
    self.window = q
    index = zip(p, q).reduce(0) { $0 + ($1.1 - $1.0) * log($1.1 / $1.0) }
    chance =
      edges.isEmpty
      ? 0
      : ChiSquared(degrees: Double(edges.count)).quantile(0.95)
        * (1 / Double(reference.count) + 1 / Double(window.count))
  }

  /// How many edges a value has reached.
  private static func part(of value: Double, _ edges: [Double]) -> Int {
    var (low, high) = (0, edges.count)
    while low < high {
      let middle = (low + high) / 2
      if value >= edges[middle] { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
