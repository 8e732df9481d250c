/// A point as a mixture of a few others: the w with w ≥ 0, Σ w = 1 and at most three of them above 0
/// for which |z − Σ wₖ·zₖ|² is least.
///
/// The mean of anything over a set of images that is in part of one kind and in part of another is the
/// mixture of the kinds' means, by the same parts; so parts are found from means (as M. Saerens et al. 2002
/// and Z. Lipton et al., "Detecting and correcting for label shift with black box predictors", ICML 2018,
/// find the parts of classes). Among mixtures of one, two and three points those of more are taken only where
/// they are nearer by what is asked for.
///
/// With G = (zₖ − z)·(zₗ − z) of the points of a subset the least is at w = G⁻¹1 / 1ᵀG⁻¹1, where it is
/// 1 / 1ᵀG⁻¹1; a subset with a negative weight has its least in a smaller one. All subsets are tried.
public struct MeanMixture: Hashable, Sendable {
  public struct Part: Hashable, Sendable {
    /// Which of the points.
    public let index: Int
    public let weight: Double
  }

  /// From the greatest part to the least.
  public let parts: [Part]
  /// |z − Σ wₖ·zₖ|².
  public let rest: Double

  /// - Parameters:
  ///   - rows: the points, (K, d), K at least 1.
  ///   - gain: by how much a mixture of one more must be nearer than one with this rest.
  public init(of z: [Double], from rows: [[Double]], gain: (Double) -> Double) {
    precondition(!rows.isEmpty)
    let count = rows.count
    let offsets = rows.map { row in zip(row, z).map { $0 - $1 } }
    var g = [Double](repeating: 0, count: count * count)
    for a in 0..<count {
      for b in 0...a {
        var sum = 0.0
        for i in z.indices { sum += offsets[a][i] * offsets[b][i] }
        g[a * count + b] = sum
        g[b * count + a] = sum
      }
    }
    var best = Self.single(g, count)
    for next in [Self.pair, Self.triple] {
      guard let found = next(g, count), best.rest - found.rest > gain(best.rest) else { break }
      best = found
    }
    parts = zip(best.places, best.weights).map { Part(index: $0, weight: $1) }
      .sorted { ($1.weight, $0.index) < ($0.weight, $1.index) }
    rest = best.rest
  }

  private typealias Subset = (places: [Int], weights: [Double], rest: Double)

  private static func single(_ g: [Double], _ count: Int) -> Subset {
    var best = 0
    for a in 0..<count where g[a * count + a] < g[best * count + best] { best = a }
    return ([best], [1], g[best * count + best])
  }

  private static func pair(_ g: [Double], _ count: Int) -> Subset? {
    var best: Subset?
    var least = Double.infinity
    for b in 0..<count {
      for a in 0..<b {
        let (aa, bb, ab) = (g[a * count + a], g[b * count + b], g[a * count + b])
        let (u, v) = (bb - ab, aa - ab)
        guard u > 0, v > 0 else { continue }
        let rest = (aa * bb - ab * ab) / (u + v)
        guard rest < least else { continue }
        least = rest
        best = subset([a, b], [u / (u + v), v / (u + v)], g, count)
      }
    }
    return best
  }

  private static func triple(_ g: [Double], _ count: Int) -> Subset? {
    var places = (0, 0, 0)
    var weights = (0.0, 0.0, 0.0)
    var least = Double.infinity
    g.withUnsafeBufferPointer { g in
      for c in 0..<count {
        for b in 0..<c {
          let (bb, cc, bc) = (g[b * count + b], g[c * count + c], g[b * count + c])
          for a in 0..<b {
            let (aa, ab, ac) = (g[a * count + a], g[a * count + b], g[a * count + c])
            // The adjugate of G, symmetric, times ones.
            let (ofAB, ofAC, ofBC) = (ac * bc - ab * cc, ab * bc - ac * bb, ab * ac - aa * bc)
            let ofAA = bb * cc - bc * bc
            let u = ofAA + ofAB + ofAC
            let v = ofAB + (aa * cc - ac * ac) + ofBC
            let w = ofAC + ofBC + (aa * bb - ab * ab)
            guard u > 0, v > 0, w > 0 else { continue }
            let sum = u + v + w
            let rest = (aa * ofAA + ab * ofAB + ac * ofAC) / sum
            guard rest < least else { continue }
            least = rest
            places = (a, b, c)
            weights = (u / sum, v / sum, w / sum)
          }
        }
      }
    }
    guard least < .infinity else { return nil }
    return subset(
      [places.0, places.1, places.2], [weights.0, weights.1, weights.2], g, count)
  }

  /// With wᵀG·w for the rest, which no points that are nearly one make wrong, as they do a determinant.
  private static func subset(
    _ places: [Int], _ weights: [Double], _ g: [Double], _ count: Int
  ) -> Subset {
    var rest = 0.0
    for (a, u) in zip(places, weights) {
      for (b, v) in zip(places, weights) { rest += u * v * g[a * count + b] }
    }
    return (places, weights, max(0, rest))
  }
}
