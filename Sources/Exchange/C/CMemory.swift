import ConvNet

/// Where the values of a network lie while one image goes through it: each from when it is computed until
/// it was last read, in as little memory as first fit finds.
struct CMemory {
  /// What computes a value. Value 0 is that of the images, value i + 1 of step i.
  struct Step {
    let inputs: [Int]
    let count: Int
    /// Whether it computes nothing, and is but another view of its first input.
    let isView: Bool
  }

  /// Of the images, and of each step, in numbers; a step that is only another view has that one's place.
  let images: Int
  let places: [Int]
  /// In numbers.
  let size: Int

  init(images count: Int, _ steps: [Step]) {
    var roots = [0]
    var last = [0] + steps.indices.map { $0 + 1 }
    for (place, step) in steps.enumerated() {
      roots.append(step.isView ? roots[step.inputs[0]] : place + 1)
      for input in step.inputs { last[roots[input]] = place + 1 }
      last[roots[place + 1]] = max(last[roots[place + 1]], place + 1)
    }
    var taken: [(range: Range<Int>, until: Int)] = []
    var offsets = [Int](repeating: 0, count: roots.count)
    var size = 0
    for value in roots.indices where roots[value] == value {
      let count = value == 0 ? count : steps[value - 1].count
      // What was last read by an earlier step is free.
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
    places = steps.indices.map { offsets[roots[$0 + 1]] }
    self.size = size
  }

  /// - Parameter isView: whether a node computes nothing.
  init(_ graph: Graph, isView: (Graph.Node) -> Bool) {
    self.init(
      images: graph.input.count,
      graph.nodes.map { node in
        Step(
          inputs: node.inputs.map { if case .layer(let place) = $0 { place + 1 } else { 0 } },
          count: node.output.count, isView: isView(node))
      })
  }
}
