/// What part of a tree's variance over its space each dimension explains by itself.
///
/// With all dimensions independent and uniform, f₀ = ∫ f, the main effect of dimension j is
/// fⱼ(xⱼ) = ∫ f dx₋ⱼ − f₀ with the variance Vⱼ = ∫ fⱼ² dxⱼ, and V = ∫ (f − f₀)² (functional analysis of
/// variance, Hooker 2007). A tree is constant on boxes, so the integrals are sums over its leaves
/// (Hutter, Hoos and Leyton-Brown 2014).
struct VarianceDecomposition {
  let total: Double
  let mainEffects: [Double]

  init(_ tree: RegressionTree, _ box: UnitBox) {
    let dimensions = box.dimensions.indices
    /// The measure of a leaf along a dimension.
    func width(_ leaf: RegressionTree.Leaf, _ d: Int) -> Double {
      if case .options(let count) = box.dimensions[d] {
        Double(leaf.options[d].nonzeroBitCount) / Double(count)
      } else {
        leaf.high[d] - leaf.low[d]
      }
    }
    let volumes = tree.leaves.map { leaf in
      dimensions.reduce(1.0) { $0 * width(leaf, $1) }
    }
    let mean = zip(tree.leaves, volumes).reduce(0) { $0 + $1.0.value * $1.1 }
    total = zip(tree.leaves, volumes).reduce(0) {
      $0 + ($1.0.value - mean) * ($1.0.value - mean) * $1.1
    }
    mainEffects = dimensions.map { d in
      // What a leaf adds to the mean over the other dimensions, wherever it reaches along this one.
      let shares = zip(tree.leaves, volumes).map { leaf, volume in
        volume > 0 ? (leaf.value - mean) * volume / width(leaf, d) : 0
      }
      if case .options(let count) = box.dimensions[d] {
        var effects = [Double](repeating: 0, count: count)
        for (leaf, share) in zip(tree.leaves, shares) {
          for option in 0..<count where leaf.options[d] >> UInt64(option) & 1 == 1 {
            effects[option] += share
          }
        }
        return effects.reduce(0) { $0 + $1 * $1 } / Double(count)
      }
      let edges = Self.distinct(tree.leaves.map { $0.low[d] } + [1])
      var changes = [Double](repeating: 0, count: edges.count)
      for (leaf, share) in zip(tree.leaves, shares) {
        changes[Self.place(of: leaf.low[d], in: edges)] += share
        changes[Self.place(of: leaf.high[d], in: edges)] -= share
      }
      var (effect, variance) = (0.0, 0.0)
      for i in 0..<edges.count - 1 {
        effect += changes[i]
        variance += effect * effect * (edges[i + 1] - edges[i])
      }
      return variance
    }
  }

  private static func distinct(_ values: [Double]) -> [Double] {
    var kept: [Double] = []
    for value in values.sorted() where value != kept.last { kept.append(value) }
    return kept
  }

  /// Where an edge lies among the ascending `edges`.
  private static func place(of edge: Double, in edges: [Double]) -> Int {
    var (low, high) = (0, edges.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if edges[middle] < edge { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
