import ConvNet

/// Where the values of a graph lie while one image goes through it: each from when it is computed until
/// it was last read, in as little memory as first fit finds.
struct CMemory {
  /// Of the images, and of each node, in floats; a node that is only another view has that one's place.
  let images: Int
  let places: [Int]
  /// In floats.
  let size: Int

  /// - Parameter view: the input that a node's output is, where it computes nothing.
  init(_ graph: Graph, view: (Graph.Node) -> LayerInput?) {
    // Value 0 is that of the images, value i + 1 of node i.
    func index(_ input: LayerInput) -> Int {
      if case .layer(let place) = input { place + 1 } else { 0 }
    }
    var roots = [0]
    var last = [0] + graph.nodes.indices.map { $0 + 1 }
    for (place, node) in graph.nodes.enumerated() {
      roots.append(view(node).map { roots[index($0)] } ?? place + 1)
      for input in node.inputs { last[roots[index(input)]] = place + 1 }
      last[roots[place + 1]] = max(last[roots[place + 1]], place + 1)
    }
    var taken: [(range: Range<Int>, until: Int)] = []
    var offsets = [Int](repeating: 0, count: roots.count)
    var size = 0
    for value in roots.indices where roots[value] == value {
      let count = value == 0 ? graph.input.count : graph.nodes[value - 1].output.count
      // What was last read by an earlier node is free.
      taken.removeAll { $0.until < value }
      var offset = 0
      for (range, _) in taken.sorted(by: { $0.range.lowerBound < $1.range.lowerBound }) {
        if offset + count <= range.lowerBound { break }
        offset = max(offset, range.upperBound)
      }
      offsets[value] = offset
      taken.append((offset..<offset + count, last[value]))
      size = max(size, offset + count)
    }
    images = offsets[0]
    places = graph.nodes.indices.map { offsets[roots[$0 + 1]] }
    self.size = size
  }
}
