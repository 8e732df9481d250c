import ConvNet
import ONNX

/// Reads a graph from ONNX, operator by operator, as this and other programs write it.
///
/// Values lie as their writer has them (channels first or last, flattened in either order); what follows
/// from constants and sizes alone is computed; a row of operators that work element by element is known
/// for a function of the catalogue by what it computes. What no layer is like is refused, all at once.
struct ONNXReader {
  let file: ONNXFile
  var constants: [String: ONNXArray]
  var graph: Graph
  var values: [String: ONNXValue] = [:]
  /// How often each value is read.
  let readers: [String: Int]
  /// The first node that reads each as its first input.
  let firstReaders: [String: Int]
  let evaluator: ONNXEvaluator
  /// How many images a file is for; nil for any.
  let imageCount: Int?
  var functions: [ONNXPendingFunction] = []
  /// What the layers that read the images have them prepared with.
  var preparation: [ONNXPreparation]?
  /// Vectors made of images, by what they were made of.
  var flattened: [LayerInput: LayerInput] = [:]
  /// Norms that the file has as factors and offsets.
  var affineNorms: Set<Int> = []
  var notes: [String] = []
  private var problems: [String] = []
  /// Names of what could not be read.
  private var unread: Set<String> = []
  /// Numbers of all constants, and of those that nodes hold by now, each in a copy of its own.
  let given: Int
  var held = 0

  /// What gives the numbers of its input themselves, and takes no memory.
  private static let shared: Set<String> = [
    "Constant", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Shape",
  ]
  /// The most layers that a graph may have.
  static let mostLayers = 8000
  /// The most problems that are told.
  private static let mostProblems = 30

  /// The graph of a file.
  /// - Throws: `ExchangeError` naming all operators that are not read.
  static func graph(of file: ONNXFile) throws(ExchangeError) -> Graph {
    try reading(file).graph
  }

  /// - Parameter size: height and width of the images, where the file leaves them free.
  static func reading(
    _ file: ONNXFile, size: Extent? = nil
  ) throws(ExchangeError) -> (graph: Graph, notes: [String]) {
    var reader = try ONNXReader(file, size: size)
    for node in file.nodes { reader.readOrNote(node) }
    let graph = try reader.finish()
    return (graph, reader.notes)
  }

  private init(_ file: ONNXFile, size: Extent?) throws(ExchangeError) {
    self.file = file
    constants = Dictionary(
      file.constants.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    given =
      file.constants.reduce(0) { $1.value.content.isFloat ? $0 + $1.value.count : $0 }
      + file.nodes.reduce(0) { sum, node in
        if case .tensor(let array) = node.attributes["value"] { sum + array.count } else { sum }
      }
    evaluator = ONNXEvaluator(opset: file.opset, most: 2 * given + 4096, computesLayers: false)
    var readers: [String: Int] = [:]
    for node in file.nodes { for name in node.inputs { readers[name, default: 0] += 1 } }
    for output in file.outputs { readers[output.name, default: 0] += 1 }
    self.readers = readers
    firstReaders = Dictionary(
      file.nodes.enumerated().compactMap { place, node in node.inputs.first.map { ($0, place) } },
      uniquingKeysWith: { first, _ in first })
    guard file.outputs.count == 1 else {
      let names = file.outputs.prefix(9).map(\.name).joined(separator: ", ")
      throw ExchangeError("has \(file.outputs.count) outputs (\(names)); one, of scores, is read")
    }
    guard file.inputs.count == 1, let port = file.inputs.first else {
      let names = file.inputs.prefix(9).map(\.name).joined(separator: ", ")
      throw ExchangeError("has \(file.inputs.count) inputs (\(names)); one, of images, is read")
    }
    guard port.type == 1 else {
      throw ExchangeError("takes images of the type \(port.type); floats (1) are read")
    }
    guard port.sizes.count == 4 else {
      throw ExchangeError(
        "takes a tensor of \(port.sizes.count) indices; images have four, as (N, C, H, W)")
    }
    let isLast = Self.hasChannelsLast(file, port)
    var sizes: [Int] = []
    for (place, given) in port.sizes.enumerated().dropFirst() {
      if case .fixed(let own) = given {
        guard (1...65_536).contains(own) else {
          throw ExchangeError("takes images of \(own) rows, columns or channels")
        }
        sizes.append(own)
      } else if let size, place != (isLast ? 3 : 1) {
        sizes.append(place == (isLast ? 1 : 2) ? size.height : size.width)
      } else {
        throw ExchangeError(
          "takes images of no fixed size"
            + (place == (isLast ? 3 : 1) ? " of channels" : "; --size HEIGHTxWIDTH says which"))
      }
    }
    let shape =
      isLast
      ? Shape.image(height: sizes[0], width: sizes[1], channels: sizes[2])
      : Shape.image(height: sizes[1], width: sizes[2], channels: sizes[0])
    if case .fixed(let count) = port.sizes[0], count > 0 {
      imageCount = count
    } else {
      imageCount = nil
    }
    graph = Graph(input: shape)
    var layout = ONNXValueLayout(shape)
    if isLast { layout.indices = ONNXValueLayout.nhwc }
    values[port.name] = ONNXValue(.images, layout)
  }

  /// Whether images have their channels last: where they are transposed from that before any layer, or
  /// where only the last size is that of channels.
  static func hasChannelsLast(_ file: ONNXFile, _ port: ONNXFile.Port) -> Bool {
    var name = port.name
    var names = [name: true]
    for node in file.nodes where node.inputs.contains(where: { names[$0] != nil }) {
      switch node.op {
      case "Transpose":
        if node.ints("perm") == [0, 3, 1, 2] { return true }
      case "Mul", "Add", "Sub", "Div", "Identity", "Cast":
        name = node.outputs.first ?? ""
        names[name] = true
        continue
      default: break
      }
      break
    }
    func isOfChannels(_ size: ONNXFile.Port.Size) -> Bool { size == .fixed(1) || size == .fixed(3) }
    return isOfChannels(port.sizes[3]) && !isOfChannels(port.sizes[1])
  }

  private mutating func finish() throws(ExchangeError) -> Graph {
    if problems.isEmpty {
      do throws(ExchangeError) { try readOutput() } catch { problems.append(error.description) }
    }
    guard problems.isEmpty else {
      if problems.count == 1 { throw ExchangeError(problems[0]) }
      let told = problems.prefix(Self.mostProblems).map { "\n  \($0)" }.joined()
      let more = problems.count - Self.mostProblems
      throw ExchangeError(
        "has \(problems.count) operators that no layer of the catalogue is like:\(told)"
          + (more > 0 ? "\n  and \(more) more" : ""))
    }
    return graph
  }

  private mutating func readOutput() throws(ExchangeError) {
    let output = file.outputs[0].name
    guard let value = values[output] else {
      throw ExchangeError("gives \(output), which is computed from no images")
    }
    guard value.groups == nil, value.layout.isInOrder else {
      throw ExchangeError("gives scores of all positions, channels first, which is not read")
    }
    var input = try settle(value)
    guard case .layer(let place) = input else { throw ExchangeError("computes nothing") }
    let last = graph.nodes[place]
    if last.output.isImage {
      // A softmax of one position is one of the vector that it is.
      let isSoftmax = last.layer == .activation(.softmax) && last.output.extent == Extent(1, 1)
      let vector = Shape.vector(value.layout.count)
      input = graph.append(
        Graph.Node(
          "scores", .flatten, inputs: isSoftmax ? last.inputs : [input], output: vector))
      if isSoftmax {
        input = graph.append(
          Graph.Node(last.name, last.layer, inputs: [input], output: vector))
      }
    }
    graph.keepOnly(reaching: input)
    guard let preparation else { return }
    try prepare(preparation)
  }

  // MARK: operators

  private mutating func readOrNote(_ node: ONNXFile.Node) {
    do throws(ExchangeError) { try readKnown(node) } catch {
      problems.append(error.description)
      // With the shape that it would have kept, what else there is can still be told.
      if Self.keepsShape(node), let name = node.inputs.first, let value = values[name] {
        try? define(node, value)
      } else {
        unread.formUnion(node.outputs)
      }
    }
  }

  private static func keepsShape(_ node: ONNXFile.Node) -> Bool {
    node.op == "LRN" || ONNXFunction.unary(node) != nil || node.op == "BatchNormalization"
  }

  /// Notes a function that no activation is like; where it would have been, what it is of stands.
  mutating func note(_ problem: ExchangeError) { problems.append(problem.description) }

  private mutating func readKnown(_ node: ONNXFile.Node) throws(ExchangeError) {
    try check(node)
    let named = node.inputs.filter { !$0.isEmpty }
    if named.contains(where: unread.contains) {
      unread.formUnion(node.outputs)
      return
    }
    if named.allSatisfy({ constants[$0] != nil }) {
      guard !node.op.hasPrefix("Random"), node.op != "Multinomial", node.op != "Bernoulli" else {
        throw refused(node, "it draws at random")
      }
      let result = try evaluator.evaluate(
        node, node.inputs.map { $0.isEmpty ? nil : constants[$0] })
      if !Self.shared.contains(node.op) { try hold(result.count, node) }
      guard let name = node.outputs.first, !name.isEmpty, values[name] == nil,
        constants.updateValue(result, forKey: name) == nil
      else { throw refused(node, "its output has no name, or one that is taken") }
      return
    }
    for name in named where constants[name] == nil && values[name] == nil {
      throw refused(node, "its input \(name) is no value that was computed before it")
    }
    try read(node)
  }
}

extension Graph {
  /// Leaves out what does not lead to one node, which comes to be the last.
  mutating func keepOnly(reaching output: LayerInput) {
    guard case .layer(let last) = output else { return }
    var isKept = nodes.map { _ in false }
    isKept[last] = true
    for place in stride(from: last, through: 0, by: -1) where isKept[place] {
      for case .layer(let before) in nodes[place].inputs { isKept[before] = true }
    }
    var moved: [Int: Int] = [:]
    var kept: [Node] = []
    for (place, node) in nodes.enumerated() where isKept[place] {
      var node = node
      node.inputs = node.inputs.map {
        if case .layer(let before) = $0 { .layer(moved[before]!) } else { $0 }
      }
      moved[place] = kept.count
      kept.append(node)
    }
    nodes = kept
  }
}
