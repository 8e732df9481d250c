/// A regression tree as a partition of a search space into boxes, each with the mean loss of its
/// samples (Breiman et al. 1984): each split is the one that leaves the least sum of squares.
///
/// Options are split after their order by mean loss, which gives the best of all their divisions
/// (Breiman et al. 1984, section 4.2); options that no sample has go with the heavier side. A parameter
/// that is inactive anywhere in a box doesn't split it: what a conditional parameter explains, it
/// explains within the branch where its condition holds, and no value is made up for it elsewhere.
struct RegressionTree {
  /// A leaf's box: its bounds along ordered dimensions, its options as bits along the others.
  struct Leaf {
    var low: [Double]
    var high: [Double]
    var options: [UInt64]
    var value: Double
  }

  private(set) var leaves: [Leaf] = []

  /// - Parameters:
  ///   - columns: the coordinates of the samples, an array per dimension.
  ///   - targets: what is to be explained.
  ///   - weights: how often each sample was drawn.
  init(_ box: UnitBox, columns: [[Double]], targets: [Double], weights: [Double]) {
    var grower = Grower(box, columns: columns, targets: targets, weights: weights)
    leaves = grower.grow()
  }
}

/// Grows a tree from samples that are sorted along each dimension once, and stay so in every node.
private struct Grower {
  private let box: UnitBox
  private let columns: [[Double]]
  private let targets: [Double]
  private let weights: [Double]
  /// Along each ordered dimension the samples in ascending order; the samples of a node lie in one
  /// range, the same in all. The last is in the order of their numbers.
  private var orders: [[Int32]]
  private var goesLeft: [Bool]
  private var scratch: [Int32]

  private struct NodeSplit {
    var score: Double
    var dimension: Int
    var threshold: Double
    /// The options that go left.
    var options: UInt64
  }

  private struct Node {
    var range: Range<Int>
    var leaf: RegressionTree.Leaf
  }

  init(_ box: UnitBox, columns: [[Double]], targets: [Double], weights: [Double]) {
    self.box = box
    self.columns = columns
    self.targets = targets
    self.weights = weights
    let all = (0..<Int32(targets.count)).map { $0 }
    orders = box.dimensions.indices.map { d in
      guard box.dimensions[d] == .ordered else { return [] }
      let column = columns[d]
      return all.sorted { (column[Int($0)], $0) < (column[Int($1)], $1) }
    }
    orders.append(all)
    goesLeft = Array(repeating: false, count: targets.count)
    scratch = Array(repeating: 0, count: targets.count)
  }

  mutating func grow() -> [RegressionTree.Leaf] {
    let dimensions = box.dimensions.count
    let root = RegressionTree.Leaf(
      low: Array(repeating: 0, count: dimensions), high: Array(repeating: 1, count: dimensions),
      options: box.dimensions.map {
        if case .options(let count) = $0 { ~0 >> UInt64(64 - count) } else { 0 }
      }, value: 0)
    var open = [Node(range: 0..<targets.count, leaf: root)]
    var leaves: [RegressionTree.Leaf] = []
    while var node = open.popLast() {
      var (weight, sum) = (0.0, 0.0)
      var (least, greatest) = (Double.infinity, -Double.infinity)
      for place in node.range {
        let sample = Int(orders[dimensions][place])
        weight += weights[sample]
        sum += weights[sample] * targets[sample]
        least = min(least, targets[sample])
        greatest = max(greatest, targets[sample])
      }
      guard least < greatest, let split = bestSplit(node, weight: weight, sum: sum) else {
        node.leaf.value = sum / weight
        leaves.append(node.leaf)
        continue
      }
      let middle = node.range.lowerBound + partition(node.range, by: split)
      var (left, right) = (node, node)
      left.range = node.range.lowerBound..<middle
      right.range = middle..<node.range.upperBound
      let d = split.dimension
      if box.dimensions[d] == .ordered {
        left.leaf.high[d] = split.threshold
        right.leaf.low[d] = split.threshold
      } else {
        left.leaf.options[d] &= split.options
        right.leaf.options[d] &= ~split.options
      }
      open.append(right)
      open.append(left)
    }
    return leaves
  }

  /// The split with the greatest S₁²/W₁ + S₂²/W₂, the part of the sum of squares that depends on it; of
  /// equals the first.
  ///
  /// Where a parameter is active in a part of the box only, the split that sets this part apart is
  /// credited with half of what it gains together with the best split of the part: it may gain nothing
  /// by itself.
  private func bestSplit(_ node: Node, weight: Double, sum: Double) -> NodeSplit? {
    var best: NodeSplit?
    func consider(_ found: NodeSplit?) {
      if let found, found.score > best?.score ?? -.infinity { best = found }
    }
    let leaf = node.leaf
    for d in box.dimensions.indices {
      if box.isActive(d, low: leaf.low, high: leaf.high, options: leaf.options) {
        consider(split(node, along: d, weight: weight, sum: sum))
      } else if let parent = box.choiceBehind(d),
        box.isActive(parent.dimension, low: leaf.low, high: leaf.high, options: leaf.options)
      {
        consider(partingSplit(node, for: d, behind: parent, weight: weight, sum: sum))
      }
    }
    return best
  }

  private func split(
    _ node: Node, along d: Int, within part: Part? = nil, weight: Double, sum: Double
  ) -> NodeSplit? {
    if case .options(let count) = box.dimensions[d] {
      return optionSplit(node, along: d, within: part, count: count, weight: weight, sum: sum)
    }
    return orderedSplit(node, along: d, within: part, weight: weight, sum: sum)
  }

  /// The samples of a node that have some options of a choice.
  private struct Part {
    let column: [Double]
    let options: UInt64
    func contains(_ sample: Int) -> Bool { options >> UInt64(column[sample]) & 1 == 1 }
  }

  private func partingSplit(
    _ node: Node, for d: Int, behind parent: (dimension: Int, options: UInt64), weight: Double,
    sum: Double
  ) -> NodeSplit? {
    let part = Part(column: columns[parent.dimension], options: parent.options)
    var (partWeight, partSum) = (0.0, 0.0)
    for place in node.range {
      let sample = Int(orders[box.dimensions.count][place])
      guard part.contains(sample) else { continue }
      partWeight += weights[sample]
      partSum += weights[sample] * targets[sample]
    }
    guard partWeight > 0, partWeight < weight,
      let inner = split(node, along: d, within: part, weight: partWeight, sum: partSum)
    else { return nil }
    let (restWeight, restSum) = (weight - partWeight, sum - partSum)
    let together = inner.score + restSum * restSum / restWeight
    return NodeSplit(
      score: 0.5 * (together + sum * sum / weight), dimension: parent.dimension, threshold: 0,
      options: parent.options)
  }

  private func orderedSplit(
    _ node: Node, along d: Int, within part: Part?, weight: Double, sum: Double
  ) -> NodeSplit? {
    let order = orders[d]
    let column = columns[d]
    var (leftWeight, leftSum) = (0.0, 0.0)
    var (bestScore, below, above) = (-Double.infinity, 0.0, 0.0)
    var last = -1.0
    for place in node.range {
      let sample = Int(order[place])
      if let part, !part.contains(sample) { continue }
      let here = column[sample]
      if last >= 0, last < here {
        let rightSum = sum - leftSum
        let score = leftSum * leftSum / leftWeight + rightSum * rightSum / (weight - leftWeight)
        if score > bestScore { (bestScore, below, above) = (score, last, here) }
      }
      last = here
      leftWeight += weights[sample]
      leftSum += weights[sample] * targets[sample]
    }
    guard bestScore > -.infinity else { return nil }
    let middle = 0.5 * (below + above)
    return NodeSplit(
      score: bestScore, dimension: d, threshold: middle > below ? middle : above, options: 0)
  }

  private func optionSplit(
    _ node: Node, along d: Int, within part: Part?, count: Int, weight: Double, sum: Double
  ) -> NodeSplit? {
    let order = orders[box.dimensions.count]
    let column = columns[d]
    var optionWeights = [Double](repeating: 0, count: count)
    var sums = [Double](repeating: 0, count: count)
    for place in node.range {
      let sample = Int(order[place])
      if let part, !part.contains(sample) { continue }
      let option = Int(column[sample])
      optionWeights[option] += weights[sample]
      sums[option] += weights[sample] * targets[sample]
    }
    let present = (0..<count).filter { optionWeights[$0] > 0 }
    guard present.count > 1 else { return nil }
    let ranked = present.sorted {
      (sums[$0] / optionWeights[$0], $0) < (sums[$1] / optionWeights[$1], $1)
    }
    var (leftWeight, leftSum, left) = (0.0, 0.0, 0 as UInt64)
    var best = NodeSplit(score: -.infinity, dimension: d, threshold: 0, options: 0)
    var bestWeight = 0.0
    for option in ranked.dropLast() {
      leftWeight += optionWeights[option]
      leftSum += sums[option]
      left |= 1 << UInt64(option)
      let rightSum = sum - leftSum
      let score = leftSum * leftSum / leftWeight + rightSum * rightSum / (weight - leftWeight)
      if score > best.score {
        best.score = score
        best.options = left
        bestWeight = leftWeight
      }
    }
    if 2 * bestWeight >= weight {
      best.options |= ~present.reduce(0 as UInt64) { $0 | 1 << UInt64($1) }
    }
    return best
  }

  /// Puts the samples that go left before the others, in every order, and counts them.
  private mutating func partition(_ range: Range<Int>, by split: NodeSplit) -> Int {
    let column = columns[split.dimension]
    let isOrdered = box.dimensions[split.dimension] == .ordered
    let base = orders.count - 1
    var count = 0
    for place in range {
      let sample = Int(orders[base][place])
      let value = column[sample]
      let left =
        isOrdered ? value < split.threshold : split.options >> UInt64(value) & 1 == 1
      goesLeft[sample] = left
      if left { count += 1 }
    }
    for d in orders.indices where !orders[d].isEmpty {
      orders[d].withUnsafeMutableBufferPointer { order in
        scratch.withUnsafeMutableBufferPointer { rest in
          goesLeft.withUnsafeBufferPointer { goesLeft in
            var (next, kept) = (range.lowerBound, 0)
            for place in range {
              let sample = order[place]
              if goesLeft[Int(sample)] {
                order[next] = sample
                next += 1
              } else {
                rest[kept] = sample
                kept += 1
              }
            }
            for place in 0..<kept { order[next + place] = rest[place] }
          }
        }
      }
    }
    return count
  }
}
