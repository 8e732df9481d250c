/// What an ONNX file holds (github.com/onnx/onnx, `onnx.proto`): operators on named values, and the
/// numbers that some of these begin with. Only what networks of this program need of it is here; a file
/// with anything else is refused.
struct ONNXFile: Hashable, Sendable {
  struct Node: Hashable, Sendable {
    var op: String
    var name: String
    /// An empty name is an input that is left out.
    var inputs: [String]
    var outputs: [String]
    var attributes: [String: Attribute] = [:]
  }

  enum Attribute: Hashable, Sendable {
    case float(Float)
    case int(Int)
    case string(String)
    case ints([Int])
  }

  /// Numbers, in row-major order.
  enum Constant: Hashable, Sendable {
    case floats(Tensor)
    /// Sizes and places, in one row.
    case ints([Int])
  }

  /// An input or output of the whole graph; a size with a name is free.
  struct Port: Hashable, Sendable {
    enum Size: Hashable, Sendable {
      case fixed(Int)
      case free(String)
    }
    var name: String
    var sizes: [Size]
  }

  var name: String
  var nodes: [Node] = []
  /// In the order of their first use.
  var constants: [(name: String, value: Constant)] = []
  var inputs: [Port] = []
  var outputs: [Port] = []
  var metadata: [(key: String, value: String)] = []
  var producer = ""

  /// What is written, and what is read: IR 8 came with opset 17 (ONNX 1.12, June 2022).
  static let irVersion = 8
  static let opset = 17

  static func == (a: ONNXFile, b: ONNXFile) -> Bool { a.encoded == b.encoded }
  func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

// The numbers of the fields are those of onnx.proto.
extension ONNXFile {
  /// The file's bytes.
  var encoded: [UInt8] {
    var model = ProtobufWriter()
    model.integer(1, Self.irVersion)
    model.string(2, producer)
    model.message(7, write)
    model.message(8) {
      $0.string(1, "")
      $0.integer(2, Self.opset)
    }
    for (key, value) in metadata {
      model.message(14) {
        $0.string(1, key)
        $0.string(2, value)
      }
    }
    return model.bytes
  }

  private func write(_ graph: inout ProtobufWriter) {
    for node in nodes { graph.message(1) { Self.write(node, &$0) } }
    graph.string(2, name)
    for (name, value) in constants { graph.message(5) { Self.write(name, value, &$0) } }
    for port in inputs { graph.message(11) { Self.write(port, &$0) } }
    for port in outputs { graph.message(12) { Self.write(port, &$0) } }
  }

  private static func write(_ node: Node, _ message: inout ProtobufWriter) {
    for input in node.inputs { message.string(1, input) }
    for output in node.outputs { message.string(2, output) }
    message.string(3, node.name)
    message.string(4, node.op)
    for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
      message.message(5) { attribute in
        attribute.string(1, name)
        switch value {
        case .float(let value):
          attribute.float(2, value)
          attribute.integer(20, 1)
        case .int(let value):
          attribute.integer(3, value)
          attribute.integer(20, 2)
        case .string(let value):
          attribute.string(4, value)
          attribute.integer(20, 3)
        case .ints(let values):
          attribute.packed(8, values)
          attribute.integer(20, 7)
        }
      }
    }
  }

  private static func write(_ name: String, _ value: Constant, _ message: inout ProtobufWriter) {
    switch value {
    case .floats(let tensor):
      message.packed(1, tensor.shape)
      message.integer(2, 1)
      message.string(8, name)
      tensor.values.withUnsafeBytes { message.bytes(9, $0) }
    case .ints(let values):
      message.packed(1, [values.count])
      message.integer(2, 7)
      message.string(8, name)
      values.withUnsafeBytes { message.bytes(9, $0) }
    }
  }

  private static func write(_ port: Port, _ message: inout ProtobufWriter) {
    message.string(1, port.name)
    message.message(2) { type in
      type.message(1) { tensor in
        tensor.integer(1, 1)
        tensor.message(2) { shape in
          for size in port.sizes {
            shape.message(1) {
              switch size {
              case .fixed(let value): $0.integer(1, value)
              case .free(let name): $0.string(2, name)
              }
            }
          }
        }
      }
    }
  }
}

extension ONNXFile {
  /// Reads a file's bytes. Whatever they claim, no more memory is taken than some times their own.
  /// - Throws: `ExchangeError` for what is damaged, or needs more of ONNX than there is here.
  init(parsing bytes: [UInt8]) throws(ExchangeError) {
    self.init(name: "")
    var reader = ProtobufReader(bytes[...])
    var (version, opset): (Int?, Int?) = (nil, nil)
    var graph: ArraySlice<UInt8>?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: version = try value.integer()
      case 2: producer = try value.string()
      case 7:
        guard graph == nil else { throw ExchangeError("has two graphs") }
        graph = try value.bytes()
      case 8:
        let (domain, number) = try Self.opset(try value.bytes())
        guard domain.isEmpty || domain == "ai.onnx" else {
          throw ExchangeError("needs operators of \(domain), which are not read")
        }
        opset = number
      case 14: metadata.append(try Self.pair(try value.bytes()))
      case 3, 4, 5, 6: break
      default: throw ExchangeError("has a field \(field) of its model, which is not read")
      }
    }
    guard let version, version >= 1, let graph else { throw ExchangeError("is no ONNX model") }
    guard opset == Self.opset else {
      throw ExchangeError(
        "is of opset \(opset.map(String.init) ?? "none"); \(Self.opset) is read")
    }
    try readGraph(graph)
  }

  private static func opset(
    _ bytes: ArraySlice<UInt8>
  ) throws(ExchangeError) -> (domain: String, version: Int) {
    var reader = ProtobufReader(bytes)
    var (domain, version) = ("", 0)
    while let (field, value) = try reader.next() {
      if field == 1 { domain = try value.string() }
      if field == 2 { version = try value.integer() }
    }
    return (domain, version)
  }

  private static func pair(
    _ bytes: ArraySlice<UInt8>
  ) throws(ExchangeError) -> (key: String, value: String) {
    var reader = ProtobufReader(bytes)
    var (key, text) = ("", "")
    while let (field, value) = try reader.next() {
      if field == 1 { key = try value.string() }
      if field == 2 { text = try value.string() }
    }
    return (key, text)
  }

  private mutating func readGraph(_ bytes: ArraySlice<UInt8>) throws(ExchangeError) {
    var reader = ProtobufReader(bytes)
    var names: Set<String> = []
    while let (field, value) = try reader.next() {
      switch field {
      case 1: nodes.append(try Self.node(try value.bytes()))
      case 2: name = try value.string()
      case 5:
        let constant = try Self.constant(try value.bytes())
        guard names.insert(constant.name).inserted else {
          throw ExchangeError("has two initializers named \(constant.name)")
        }
        constants.append(constant)
      case 10, 13: break
      case 11: inputs.append(try Self.port(try value.bytes()))
      case 12: outputs.append(try Self.port(try value.bytes()))
      default: throw ExchangeError("has a field \(field) of its graph, which is not read")
      }
    }
  }

  private static func node(_ bytes: ArraySlice<UInt8>) throws(ExchangeError) -> Node {
    var reader = ProtobufReader(bytes)
    var node = Node(op: "", name: "", inputs: [], outputs: [])
    while let (field, value) = try reader.next() {
      switch field {
      case 1: node.inputs.append(try value.string())
      case 2: node.outputs.append(try value.string())
      case 3: node.name = try value.string()
      case 4: node.op = try value.string()
      case 5:
        let (name, attribute) = try Self.attribute(try value.bytes())
        guard node.attributes.updateValue(attribute, forKey: name) == nil else {
          throw ExchangeError("\(node.op) has the attribute \(name) twice")
        }
      case 6: break
      case 7:
        let domain = try value.string()
        guard domain.isEmpty || domain == "ai.onnx" else {
          throw ExchangeError("has an operator of \(domain), which is not read")
        }
      default: throw ExchangeError("has a field \(field) of a node, which is not read")
      }
    }
    return node
  }

  private static func attribute(
    _ bytes: ArraySlice<UInt8>
  ) throws(ExchangeError) -> (String, Attribute) {
    var reader = ProtobufReader(bytes)
    var (name, kind) = ("", 0)
    var (float, integer, text, integers): (Float, Int, String, [Int]) = (0, 0, "", [])
    while let (field, value) = try reader.next() {
      switch field {
      case 1: name = try value.string()
      case 2: float = try value.float()
      case 3: integer = try value.integer()
      case 4: text = try value.string()
      case 8: integers += try value.integers()
      case 13: break
      case 20: kind = try value.integer()
      default: throw ExchangeError("the attribute \(name) is of a kind that is not read")
      }
    }
    switch kind {
    case 1: return (name, .float(float))
    case 2: return (name, .int(integer))
    case 3: return (name, .string(text))
    case 7: return (name, .ints(integers))
    default: throw ExchangeError("the attribute \(name) is of a kind that is not read")
    }
  }

  private static func constant(
    _ bytes: ArraySlice<UInt8>
  ) throws(ExchangeError) -> (name: String, value: Constant) {
    var reader = ProtobufReader(bytes)
    var (shape, type, name): ([Int], Int, String) = ([], 0, "")
    var raw: ArraySlice<UInt8> = []
    while let (field, value) = try reader.next() {
      switch field {
      case 1: shape += try value.integers()
      case 2: type = try value.integer()
      case 8: name = try value.string()
      case 9: raw = try value.bytes()
      case 12: break
      case 13, 14:
        throw ExchangeError("\(name) is in another file (external data), which is not read")
      default: throw ExchangeError("\(name) has its numbers in a field that is not read")
      }
    }
    guard type == 1 || type == 7 else {
      throw ExchangeError("\(name) has elements of type \(type); float and int64 are read")
    }
    var count = type == 1 ? 4 : 8
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { throw ExchangeError("\(name) has an impossible shape") }
      count = product
    }
    guard count == raw.count else {
      throw ExchangeError("\(name) has \(raw.count) bytes, but its shape takes \(count)")
    }
    return raw.withUnsafeBytes { raw in
      if type == 7 {
        return (
          name,
          .ints(
            stride(from: 0, to: raw.count, by: 8).map {
              Int(Int64(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: Int64.self)))
            })
        )
      }
      let values = [Float](unsafeUninitializedCapacity: raw.count / 4) { buffer, count in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: raw)
        count = raw.count / 4
      }
      return (name, .floats(Tensor(values, shape: shape)))
    }
  }

  private static func port(_ bytes: ArraySlice<UInt8>) throws(ExchangeError) -> Port {
    var port = Port(name: "", sizes: [])
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() {
      if field == 1 { port.name = try value.string() }
      guard field == 2 else { continue }
      var type = ProtobufReader(try value.bytes())
      while let (field, value) = try type.next() {
        guard field == 1 else { throw ExchangeError("\(port.name) is no tensor") }
        var tensor = ProtobufReader(try value.bytes())
        while let (field, value) = try tensor.next() {
          if field == 1, try value.integer() != 1 {
            throw ExchangeError("\(port.name) is not of floats")
          }
          guard field == 2 else { continue }
          var shape = ProtobufReader(try value.bytes())
          while let (_, value) = try shape.next() {
            port.sizes.append(try size(try value.bytes()))
          }
        }
      }
    }
    return port
  }

  private static func size(_ bytes: ArraySlice<UInt8>) throws(ExchangeError) -> Port.Size {
    var reader = ProtobufReader(bytes)
    var size = Port.Size.free("")
    while let (field, value) = try reader.next() {
      if field == 1 { size = .fixed(try value.integer()) }
      if field == 2 { size = .free(try value.string()) }
    }
    return size
  }
}
