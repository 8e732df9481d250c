import ConvNet

/// How scores of different bundles are compared.
public enum PruningComparison: String, Hashable, Sendable, CaseIterable {
  /// As they are.
  case none
  /// Each divided by √Σs² of its bundle (Molchanov et al. 2017).
  case l2
  /// Not at all: of each bundle the same share goes.
  case uniform
}

/// The strands of a network in the order in which they go.
public struct Ranking: Sendable {
  private let strands: Strands
  /// From the one that is missed least. The best of each bundle is none of them.
  private let order: [(key: Double, bundle: Int, strand: Int)]
  /// Of each bundle, its strands from the least.
  private let bundles: [[Int]]
  private let multiple: Int
  private let inner: [Double?]

  /// Layers that a criterion says nothing of, which stay whole.
  public let unscored: [String]
  /// How many strands are compared.
  public let count: Int
  /// How many may go.
  public var most: Int { order.count }

  /// - Parameters:
  ///   - multiple: what the number of channels that stay of a bundle is a multiple of, where it has had as
  ///     many.
  ///   - images: for `taylor`.
  /// - Throws: `OutOfMemory`, `NetworkError`.
  public init(
    _ model: Model, by criterion: PruningCriterion, compared comparison: PruningComparison,
    multiple: Int = 1, images: GradientImages? = nil, team: Team
  ) throws {
    let strands = Strands(model.plan)
    self.strands = strands
    self.multiple = multiple
    inner = Scores.squeezed(of: model, strands)
    let scores = try Scores(criterion, of: model, strands, images: images, team: team).values
    var unscored: [String] = []
    var (bundles, ranked): ([[Int]], [(key: Double, bundle: Int, strand: Int)]) = ([], [])
    for bundle in strands.bundles {
      let own = bundle.strands.compactMap { strand in scores[strand].map { (strand, $0) } }
      guard own.count == bundle.strands.count else {
        unscored += bundle.makers.map { strands.plan.layers[$0].label }
        continue
      }
      let sorted = own.sorted { ($0.1, $0.0) < ($1.1, $1.0) }
      let length = own.reduce(0) { $0 + $1.1 * $1.1 }.squareRoot()
      for (rank, (strand, score)) in sorted.enumerated().dropLast() {
        let key =
          switch comparison {
          case .none: score
          case .l2: length > 0 ? score / length : 0
          case .uniform: Double(rank + 1) / Double(sorted.count)
          }
        ranked.append((key, bundles.count, strand))
      }
      bundles.append(sorted.map(\.0))
    }
    order = ranked.sorted { ($0.key, $0.strand) < ($1.key, $1.strand) }
    self.bundles = bundles
    self.unscored = unscored
    count = bundles.reduce(0) { $0 + $1.count }
  }

  /// Layers that stay whole whatever is asked for, and why.
  public var whole: [Strands.Whole] { strands.whole }

  /// What goes if the first so many of the order do, and all that are missed as little as the last of
  /// them, rounded to multiples.
  func removal(ofFirst count: Int) -> Removal {
    var gone = Array(repeating: 0, count: bundles.count)
    for (place, entry) in order.enumerated()
    where place < count || count > 0 && entry.key == order[count - 1].key {
      gone[entry.bundle] += 1
    }
    let chosen = zip(bundles, gone).flatMap { bundle, gone in
      let left = (bundle.count - gone + multiple - 1) / multiple * multiple
      return bundle.prefix(max(0, bundle.count - left))
    }
    return Removal(of: chosen, from: strands) { squeezed in
      squeezed.sorted { (inner[$0] ?? 0, $0) < (inner[$1] ?? 0, $1) }
    }
  }

  /// The model without the first so many of the order.
  /// - Throws: `NetworkError` where it can't be written down.
  public func model(_ model: Model, withoutFirst count: Int) throws(NetworkError) -> Model {
    try removal(ofFirst: count).applied(to: model)
  }

  /// The fewest that must go for a cost that is at most as much, nil where no number is enough; and the
  /// cost where all go that may.
  /// - Parameter cost: of what is left; what it is of fewer channels should be no more.
  public func fewest(
    of model: Model, within limit: Double, cost: (Model) throws -> Double
  ) throws -> (count: Int?, least: Double) {
    let least = try cost(self.model(model, withoutFirst: most))
    guard least <= limit else { return (nil, least) }
    var (few, enough) = (-1, most)
    while enough - few > 1 {
      let middle = (few + enough) / 2
      let isEnough = try cost(self.model(model, withoutFirst: middle)) <= limit
      if isEnough { enough = middle } else { few = middle }
    }
    return (enough, least)
  }
}
