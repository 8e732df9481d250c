import ConvNet

/// How the channels between two layers are scaled before a network is quantised, which changes nothing that it
/// computes: what the first gives is divided by s of each channel, and the second's weights are multiplied by it.
public enum Equalization: String, Hashable, Sendable, CaseIterable {
  case none
  /// s = √(r₁/r₂), so that both layers' largest weights of a channel are equal (Nagel et al. 2019).
  case weights
  /// s = √(a/r₂), so that the largest number of a channel is that of the weights that read it (Xiao et al.
  /// 2022, SmoothQuant).
  case activations
}

extension FoldedNetwork {
  /// Two layers with kernels, the second alone reading the first's channels one by one.
  struct Pair: Hashable {
    let first: Int
    let second: Int
    /// The values on the way, that of the first layer being the first.
    let values: [Int]
  }

  var pairs: [Pair] {
    var readers = Array(repeating: [Int](), count: nodes.count + 1)
    for (place, node) in nodes.enumerated() {
      for input in node.inputs { readers[input].append(place) }
    }
    return nodes.indices.compactMap { first in
      guard !nodes[first].kernel.isEmpty else { return nil }
      var values = [first + 1]
      while true {
        // The last value is read once more, as the scores.
        guard let reader = readers[values.last!].first, readers[values.last!].count == 1,
          values.last! < nodes.count
        else { return nil }
        if !nodes[reader].kernel.isEmpty {
          return Pair(first: first, second: reader, values: values)
        }
        guard nodes[reader].keepsFactors else { return nil }
        values.append(reader + 1)
      }
    }
  }

  /// Divides and multiplies until nothing changes any more, of all pairs in turn.
  ///
  /// A relu6 stays one, and so s is at least what keeps a channel's numbers below 6 that is there; one that
  /// reaches 6 keeps its scale.
  /// - Parameter largest: of what a node gives for some images, in each channel.
  mutating func equalize(
    _ way: Equalization, largest: (Node) throws -> [Float]
  ) throws {
    guard way != .none else { return }
    let pairs = pairs
    var seen: [Int: [Float]] = [:]
    for pair in pairs {
      let node = nodes[pair.first]
      if way == .activations || node.activation == .relu6 {
        seen[pair.first] = try largest(node)
      }
    }
    for _ in 0..<Self.mostTurns {
      var most: Float = 1
      for pair in pairs {
        let own = divisors(pair, way, seen[pair.first])
        for s in own { most = max(most, s, 1 / s) }
        divide(pair, by: own)
        if let numbers = seen[pair.first] {
          seen[pair.first] = zip(numbers, own).map { $0 / $1 }
        }
      }
      if most < 1.0001 { return }
    }
  }

  private static let mostTurns = 40
  /// Beyond these, a channel that is hardly there would take all of another's precision.
  private static let bounds: ClosedRange<Float> = 1 / 1024...1024

  private func divisors(
    _ pair: Pair, _ way: Equalization, _ seen: [Float]?
  ) -> [Float] {
    let channels = nodes[pair.first].bias.count
    var first = [Float](repeating: 0, count: channels)
    for (place, weight) in nodes[pair.first].kernel.enumerated() {
      let own = nodes[pair.first].filter(place)
      first[own] = max(first[own], abs(weight))
    }
    if way == .activations, let seen { first = seen }
    var second = [Float](repeating: 0, count: channels)
    for (place, weight) in nodes[pair.second].kernel.enumerated() {
      second[place % channels] = max(second[place % channels], abs(weight))
    }
    let factors = factors[pair.values[0]]
    return (0..<channels).map { c in
      guard first[c] > 0, second[c] > 0 else { return 1 }
      var s = (first[c] / second[c]).squareRoot()
      if nodes[pair.first].activation == .relu6, let seen {
        // What reaches 6 does so before it is scaled, and is never scaled then.
        if seen[c] >= 6, factors == nil || factors![c] == 1 { return 1 }
        s = max(s, seen[c] / 6)
      }
      // Of all turns together.
      let before = factors?[c] ?? 1
      let after = min(max(before / s, Self.bounds.lowerBound), Self.bounds.upperBound)
      return before / after
    }
  }

  private mutating func divide(_ pair: Pair, by divisors: [Float]) {
    let channels = divisors.count
    for place in nodes[pair.first].kernel.indices {
      nodes[pair.first].kernel[place] /= divisors[nodes[pair.first].filter(place)]
    }
    for c in 0..<channels { nodes[pair.first].bias[c] /= divisors[c] }
    for place in nodes[pair.second].kernel.indices {
      nodes[pair.second].kernel[place] *= divisors[place % channels]
    }
    for value in pair.values {
      let before = factors[value] ?? Array(repeating: 1, count: channels)
      factors[value] = zip(before, divisors).map { $0 / $1 }
    }
  }
}

extension FoldedNetwork.Node {
  /// The filter that a weight is of.
  func filter(_ place: Int) -> Int {
    if case .depthwiseConv2D = kind { return place % bias.count }
    return place / (kernel.count / bias.count)
  }

  /// Whether what it gives is multiplied channel by channel where what it reads is.
  fileprivate var keepsFactors: Bool {
    switch kind {
    case .maxPool, .averagePool, .pad, .mean, .reshape: true
    case .clamp: activation != .relu6
    default: false
    }
  }
}
