import ConvNet
import ONNX

// What operators read, and the nodes that they become.
extension ONNXReader {
  func value(_ node: ONNXFile.Node, _ place: Int = 0) throws(ExchangeError) -> ONNXValue {
    guard node.inputs.indices.contains(place), let value = values[node.inputs[place]] else {
      throw refused(node, "its input \(place) is a constant, or missing")
    }
    return value
  }

  /// A constant that is there; nil where the input is left out.
  func constant(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> ONNXArray? {
    guard node.inputs.indices.contains(place), !node.inputs[place].isEmpty else { return nil }
    guard let constant = constants[node.inputs[place]] else {
      throw refused(
        node, "its input \(place) is computed from the images, where it is to be constant")
    }
    return constant
  }

  func array(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> ONNXArray {
    guard let array = try constant(node, place), array.content.isFloat else {
      throw refused(node, "its input \(place) is no constant of floats")
    }
    return array
  }

  /// As many numbers as there are channels, or one for all of them.
  func row(_ node: ONNXFile.Node, _ place: Int, _ count: Int) throws(ExchangeError) -> Tensor? {
    guard let array = try constant(node, place) else { return nil }
    guard let numbers = array.numbers, numbers.count == count else {
      throw refused(node, "its input \(place) is not of \(count) floats")
    }
    return Tensor(numbers)
  }

  func sizes(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> [Int] {
    guard let values = try constant(node, place)?.integers else {
      throw refused(node, "its input \(place) is no constant of whole numbers")
    }
    return values
  }

  /// An attribute of so many sizes, or what stands where it is left out.
  func sizes(
    _ node: ONNXFile.Node, _ name: String, or missing: [Int]
  ) throws(ExchangeError) -> [Int] {
    if node.attributes[name] == nil { return missing }
    guard let values = node.ints(name), values.count == missing.count,
      values.allSatisfy({ (0...65_536).contains($0) })
    else { throw refused(node, "its \(name) is not \(missing.count) numbers from 0 to 65536") }
    return values
  }

  func extent(
    _ node: ONNXFile.Node, _ name: String, or missing: Extent
  ) throws(ExchangeError) -> Extent {
    let values = try sizes(node, name, or: [missing.height, missing.width])
    guard values.allSatisfy({ $0 > 0 }) else { throw refused(node, "its \(name) has a 0") }
    return Extent(values[0], values[1])
  }

  func float(_ node: ONNXFile.Node, _ name: String, or missing: Float) throws(ExchangeError)
    -> Float
  {
    if node.attributes[name] == nil { return missing }
    guard let value = node.float(name), value.isFinite else {
      throw refused(node, "its \(name) is no number")
    }
    return value
  }

  // MARK: nodes of the graph

  mutating func hold(_ count: Int, _ node: ONNXFile.Node) throws(ExchangeError) {
    held += count
    guard held <= 2 * given + 4096 else {
      throw refused(node, "the file has many layers of the same numbers, which are not read")
    }
  }

  @discardableResult
  mutating func append(
    _ node: ONNXFile.Node, _ layer: LayerDescription, _ inputs: [LayerInput],
    _ tensors: [TensorInfo.Role: Tensor] = [:]
  ) throws(ExchangeError) -> LayerInput {
    let shapes = inputs.map { graph.shape(of: $0) }
    let shape: Shape
    do throws(NetworkError) { shape = try layer.output(of: shapes) } catch {
      throw refused(node, error.message)
    }
    try hold(tensors.values.reduce(0) { $0 + $1.values.count }, node)
    guard graph.nodes.count < Self.mostLayers else {
      throw refused(node, "the file comes to more than \(Self.mostLayers) layers here")
    }
    let name = node.name.isEmpty ? node.outputs.first ?? node.op : node.name
    return graph.append(Graph.Node(name, layer, inputs: inputs, output: shape, tensors: tensors))
  }

  /// A layer of the catalogue whose output lies as ONNX's own operators have it, or as told.
  mutating func add(
    _ node: ONNXFile.Node, _ layer: LayerDescription, _ inputs: [LayerInput],
    _ tensors: [TensorInfo.Role: Tensor] = [:], layout: [[ONNXValueLayout.Axis]]? = nil
  ) throws(ExchangeError) {
    let input = try append(node, layer, inputs, tensors)
    var value = ONNXValue(input, ONNXValueLayout(graph.shape(of: input)))
    if let layout { value.layout.indices = layout }
    try define(node, value)
  }

  mutating func define(_ node: ONNXFile.Node, _ value: ONNXValue) throws(ExchangeError) {
    guard let name = node.outputs.first, !name.isEmpty, constants[name] == nil,
      values.updateValue(value, forKey: name) == nil
    else { throw refused(node, "its output has no name, or one that is taken") }
    // Masks, indices and the like, which nobody may read.
    for other in node.outputs.dropFirst() where !other.isEmpty && readers[other] != nil {
      throw refused(node, "its output \(other) is read, and is not computed here")
    }
  }

  /// What an operator reads as an image, (N, C, H, W).
  mutating func image(
    _ node: ONNXFile.Node, _ place: Int = 0,
    like layout: [[ONNXValueLayout.Axis]] = ONNXValueLayout.nchw
  ) throws(ExchangeError) -> LayerInput {
    let value = try value(node, place)
    guard value.groups == nil, value.layout.isLike(layout) else {
      throw refused(node, "it does not read an image, (N, C, H, W)")
    }
    let input = try settle(value)
    if graph.shape(of: input).isImage { return input }
    // An image of one position that was made a vector.
    guard case .layer(let place) = input, graph.nodes[place].layer == .flatten else {
      throw refused(node, "it reads a vector as an image, which no layer makes of one")
    }
    return graph.nodes[place].inputs[0]
  }

  /// What an operator reads as a vector, (N, C); its layout says how its numbers lie.
  mutating func vector(
    _ node: ONNXFile.Node, _ place: Int = 0
  ) throws(ExchangeError) -> (input: LayerInput, layout: ONNXValueLayout) {
    let value = try value(node, place)
    guard value.groups == nil, value.layout.indices.count == 1 else {
      throw refused(node, "it does not read vectors, (N, C)")
    }
    return (try flat(try settle(value), node), value.layout)
  }

  mutating func flat(_ input: LayerInput, _ node: ONNXFile.Node) throws(ExchangeError) -> LayerInput
  {
    guard graph.shape(of: input).isImage else { return input }
    if let known = flattened[input] { return known }
    var flat = node
    flat.name = "flatten_\(flattened.count)"
    let made = try append(flat, .flatten, [input])
    flattened[input] = made
    return made
  }
}
