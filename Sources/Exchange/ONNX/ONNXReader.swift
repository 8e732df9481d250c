import ConvNet

/// Reads a graph from ONNX, operator by operator: those that `ONNXWriter` writes, in the forms that it
/// writes them in. What else there may be it refuses by name.
struct ONNXReader {
  /// A value of the file: what it is in the graph, and how it lies.
  struct Value {
    enum Form: Hashable {
      /// An image, channels first or last.
      case nchw, nhwc
      case vector
      /// A vector as an image of one position.
      case unsqueezed
      /// Images as rows of numbers, on their way to be whitened.
      case flat(channelsFirst: Bool)
      /// Channels in so many groups, (N, groups, …), on their way to be normalised.
      case grouped(Int)
    }
    var input: LayerInput
    var form: Form
  }

  let file: ONNXFile
  let constants: [String: ONNXFile.Constant]
  var graph: Graph
  var values: [String: Value] = [:]
  /// How far the preparation of the images has come.
  var mean: [Float]?
  var isNormalized = false
  /// Numbers of all constants, and of those that nodes hold by now, each in a copy of its own.
  let given: Int
  var held = 0

  /// The graph of a file.
  /// - Throws: `ExchangeError` naming an operator that is not read.
  static func graph(of file: ONNXFile) throws(ExchangeError) -> Graph {
    var reader = try ONNXReader(file)
    var place = 0
    while place < file.nodes.count {
      let node = file.nodes[place]
      if let steps = try reader.readTemplate(at: place) {
        place += steps
        continue
      }
      try reader.read(node)
      place += 1
    }
    return try reader.finish()
  }

  private init(_ file: ONNXFile) throws(ExchangeError) {
    self.file = file
    constants = Dictionary(uniqueKeysWithValues: file.constants.map { ($0.name, $0.value) })
    given = file.constants.reduce(0) { sum, constant in
      if case .floats(let tensor) = constant.value { sum + tensor.values.count } else { sum }
    }
    guard file.inputs.count == 1, let port = file.inputs.first, port.sizes.count == 4 else {
      throw ExchangeError("does not take one tensor of images")
    }
    var sizes: [Int] = []
    for size in port.sizes.dropFirst() {
      guard case .fixed(let size) = size, (1...65_536).contains(size) else {
        throw ExchangeError("takes images of no fixed size")
      }
      sizes.append(size)
    }
    // The writer transposes what has its channels last before any layer.
    let isLast = file.nodes.contains {
      $0.op == "Transpose" && $0.attributes["perm"] == .ints([0, 3, 1, 2])
        && $0.outputs == ["images_nchw"]
    }
    let shape =
      isLast
      ? Shape.image(height: sizes[0], width: sizes[1], channels: sizes[2])
      : Shape.image(height: sizes[1], width: sizes[2], channels: sizes[0])
    graph = Graph(input: shape)
    values[port.name] = Value(input: .images, form: isLast ? .nhwc : .nchw)
  }

  func finish() throws(ExchangeError) -> Graph {
    guard file.outputs.count == 1, let value = values[file.outputs[0].name],
      value.form == .vector, value.input == .layer(graph.nodes.count - 1)
    else { throw ExchangeError("does not end with one vector of scores") }
    guard mean == nil || isNormalized else {
      throw ExchangeError("takes a mean from the images, and divides them by nothing")
    }
    return graph
  }

  // MARK: what operators are told

  func refused(_ node: ONNXFile.Node, _ why: String) -> ExchangeError {
    ExchangeError("\(node.op) \(node.name): \(why)")
  }

  func value(_ node: ONNXFile.Node, _ place: Int = 0) throws(ExchangeError) -> Value {
    guard node.inputs.indices.contains(place), let value = values[node.inputs[place]] else {
      throw refused(node, "its input \(place) is no value that was computed before it")
    }
    return value
  }

  func floats(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> Tensor {
    guard node.inputs.indices.contains(place),
      case .floats(let tensor) = constants[node.inputs[place]]
    else { throw refused(node, "its input \(place) is no constant of floats") }
    return tensor
  }

  func sizes(_ node: ONNXFile.Node, _ place: Int) throws(ExchangeError) -> [Int] {
    guard node.inputs.indices.contains(place),
      case .ints(let values) = constants[node.inputs[place]],
      values.allSatisfy({ $0.magnitude <= 1 << 31 })
    else { throw refused(node, "its input \(place) is no constant of whole numbers") }
    return values
  }

  func ints(
    _ node: ONNXFile.Node, _ name: String, count: Int
  ) throws(ExchangeError) -> [Int] {
    guard case .ints(let values) = node.attributes[name], values.count == count,
      values.allSatisfy({ (0...65_536).contains($0) })
    else { throw refused(node, "its \(name) is not \(count) numbers from 0 to 65536") }
    return values
  }

  func extent(_ node: ONNXFile.Node, _ name: String) throws(ExchangeError) -> Extent {
    let values = try ints(node, name, count: 2)
    return Extent(values[0], values[1])
  }

  func sides(_ node: ONNXFile.Node) throws(ExchangeError) -> Sides {
    let values = try ints(node, "pads", count: 4)
    return Sides(top: values[0], bottom: values[2], left: values[1], right: values[3])
  }

  func float(_ node: ONNXFile.Node, _ name: String) throws(ExchangeError) -> Float {
    guard case .float(let value) = node.attributes[name], value.isFinite else {
      throw refused(node, "its \(name) is no number")
    }
    return value
  }

  /// Refuses attributes that are none of these.
  func only(_ names: Set<String>, _ node: ONNXFile.Node) throws(ExchangeError) {
    if let other = node.attributes.keys.sorted().first(where: { !names.contains($0) }) {
      throw refused(node, "its attribute \(other) is not read")
    }
  }

  // MARK: nodes of the graph

  mutating func add(
    _ node: ONNXFile.Node, _ layer: LayerDescription, _ inputs: [LayerInput],
    _ tensors: [TensorInfo.Role: Tensor] = [:], form: Value.Form? = nil
  ) throws(ExchangeError) {
    let shapes = inputs.map { graph.shape(of: $0) }
    let shape: Shape
    do throws(NetworkError) { shape = try layer.output(of: shapes) } catch {
      throw refused(node, error.message)
    }
    held += tensors.values.reduce(0) { $0 + $1.values.count }
    guard held <= 2 * given else {
      throw refused(node, "the file has many layers of the same numbers, which are not read")
    }
    let input = graph.append(
      Graph.Node(node.name, layer, inputs: inputs, output: shape, tensors: tensors))
    try define(
      node, node.outputs.first, Value(input: input, form: form ?? (shape.isImage ? .nchw : .vector))
    )
  }

  mutating func define(
    _ node: ONNXFile.Node, _ name: String?, _ value: Value
  ) throws(ExchangeError) {
    guard let name, !name.isEmpty, values.updateValue(value, forKey: name) == nil,
      constants[name] == nil
    else { throw refused(node, "its output has no name, or one that is taken") }
  }

  func image(_ node: ONNXFile.Node) throws(ExchangeError) -> LayerInput {
    let value = try value(node)
    guard value.form == .nchw else {
      throw refused(node, "it does not read an image, (N, C, H, W)")
    }
    return value.input
  }

  func bias(_ node: ONNXFile.Node) throws(ExchangeError) -> Tensor? {
    node.inputs.count > 2 ? try floats(node, 2) : nil
  }

  /// Whether the file goes on with the steps of one of the templates; how many they are.
  mutating func readTemplate(at place: Int) throws(ExchangeError) -> Int? {
    for template in ONNXTemplate.all {
      let nodes = file.nodes[place...].prefix(template.steps.count)
      guard nodes.count == template.steps.count, let x = nodes.first?.inputs.first,
        let value = values[x]
      else { continue }
      var outputs: [String] = []
      var isOne = true
      for (node, step) in zip(nodes, template.steps) {
        isOne =
          node.op == step.op && node.attributes.isEmpty && node.outputs.count == 1
          && node.inputs.count == step.operands.count
          && zip(node.inputs, step.operands).allSatisfy { name, operand in
            switch operand {
            case .x: name == x
            case .step(let step): name == outputs[step]
            case .constant(let number): constants[name] == .floats(Tensor([number], shape: []))
            }
          }
        guard isOne else { break }
        outputs.append(node.outputs[0])
      }
      guard isOne else { continue }
      try add(
        nodes.last!, .activation(template.activation), [value.input], form: value.form)
      return template.steps.count
    }
    return nil
  }
}
