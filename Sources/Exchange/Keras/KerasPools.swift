import ConvNet
import Storage

// Pools with sides of their own, for which Keras has no word: zeros around the image, and then what keeps
// them from counting.
extension KerasModel {
  mutating func addPool(
    _ pool: MaxPoolDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape
  ) -> Int {
    let output = sizes(node.output)
    if let padding = plainPadding(shape, node, pool.size, pool.stride) {
      return append(
        "MaxPooling2D", node.name, [x], output, window(pool.size, pool.stride, padding))
    }
    var padded = zeroPad(x, node.sides, shape, "\(node.name)_padded")
    if !isNeverNegative(node.inputs[0]) {
      // x + 0, and around it 0 + the least number that there is.
      func offsets(_ count: Int, _ before: Int, _ after: Int) -> [Float] {
        (0..<before + count + after).map {
          (before..<before + count).contains($0) ? 0 : -.greatestFiniteMagnitude
        }
      }
      let (height, width, _) = shape.sizes!
      let rows = offsets(height, node.sides.top, node.sides.bottom)
      let columns = offsets(width, node.sides.left, node.sides.right)
      for (name, values, places) in [
        ("rows", rows, [rows.count, 1]), ("columns", columns, [1, columns.count]),
      ] where values.contains(where: { $0 != 0 }) {
        padded = append(
          "Rescaling", "\(node.name)_\(name)", [padded], layers[padded].output,
          [("scale", 1), ("offset", grid(values, rows: places[0], columns: places[1]))])
      }
    }
    return append(
      "MaxPooling2D", node.name, [padded], output, window(pool.size, pool.stride, "valid"))
  }

  mutating func addPool(
    _ pool: AveragePoolDescription, _ node: Graph.Node, _ x: Int, _ shape: Shape
  ) -> Int {
    let output = sizes(node.output)
    let counts = pool.countIncludePad && node.sides != .none
    if !counts, let padding = plainPadding(shape, node, pool.size, pool.stride) {
      return append(
        "AveragePooling2D", node.name, [x], output, window(pool.size, pool.stride, padding))
    }
    let padded = zeroPad(x, node.sides, shape, "\(node.name)_padded")
    let mean = append(
      "AveragePooling2D", counts ? node.name : "\(node.name)_whole", [padded], output,
      window(pool.size, pool.stride, "valid"))
    if counts { return mean }
    let factors = node.factorsWithoutPadding(pool, of: shape)
    let scale = grid(factors.values, rows: factors.shape[1], columns: factors.shape[2])
    return append(
      "Rescaling", node.name, [mean], output, [("scale", scale), ("offset", 0)])
  }

  /// One number for each place, (rows, columns, 1).
  private func grid(_ values: [Float], rows: Int, columns: Int) -> JSONValue {
    .array(
      (0..<rows).map { row in
        .array((0..<columns).map { .array([JSONValue(values[row * columns + $0])]) })
      })
  }

  /// Whether zeros are the least that there can be.
  private func isNeverNegative(_ input: LayerInput) -> Bool {
    guard case .layer(let place) = input else { return false }
    switch graph.nodes[place].layer {
    case .activation(.relu), .activation(.relu6), .activation(.sigmoid), .activation(.hardSigmoid),
      .activation(.softplus), .activation(.softmax):
      return true
    case .maxPool, .averagePool, .merge(MergeDescription(.concat)):
      return graph.nodes[place].inputs.allSatisfy(isNeverNegative)
    default: return false
    }
  }
}
