// A file's bytes as an `ONNXFile`; the numbers of the fields are those of onnx.proto.

extension ONNXFile {
  /// The most operators that a file may have.
  private static let mostNodes = 50_000

  /// Reads a file's bytes. Whatever they claim, no more memory is taken than some times their own; floats
  /// stay where they are.
  /// - Throws: `ExchangeError` for what is damaged, or needs more of ONNX than there is here.
  package init(parsing bytes: [UInt8]) throws(ExchangeError) {
    try self.init(parsing: FileBytes(bytes))
  }

  package init(parsing bytes: FileBytes) throws(ExchangeError) {
    self.init(name: "")
    var reader = ProtobufReader(bytes)
    var (version, opset): (Int?, Int?) = (nil, nil)
    var graph: FileBytes?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: version = try value.integer()
      case 2: producer = try value.string()
      case 7:
        guard graph == nil else { throw ExchangeError("has two graphs") }
        graph = try value.bytes()
      case 8:
        let (domain, number) = try Self.opset(try value.bytes())
        // Others may be named that no operator is of.
        if domain.isEmpty || domain == "ai.onnx" { opset = number }
      case 14: metadata.append(try Self.pair(try value.bytes()))
      // Whose operators functions are is seen where they are used.
      case 3, 4, 5, 6, 25, 26: break
      default: throw ExchangeError("has a field \(field) of its model, which is not read")
      }
    }
    guard let version, version >= 1, let graph else { throw ExchangeError("is no ONNX model") }
    guard let opset, Self.opsets.contains(opset) else {
      throw ExchangeError(
        "is of opset \(opset.map(String.init) ?? "none"); "
          + "\(Self.opsets.lowerBound) to \(Self.opsets.upperBound) are read")
    }
    self.opset = opset
    try readGraph(graph)
  }

  private static func opset(
    _ bytes: FileBytes
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
    _ bytes: FileBytes
  ) throws(ExchangeError) -> (key: String, value: String) {
    var reader = ProtobufReader(bytes)
    var (key, text) = ("", "")
    while let (field, value) = try reader.next() {
      if field == 1 { key = try value.string() }
      if field == 2 { text = try value.string() }
    }
    return (key, text)
  }

  private mutating func readGraph(_ bytes: FileBytes) throws(ExchangeError) {
    var reader = ProtobufReader(bytes)
    var names: Set<String> = []
    var ports: [Port] = []
    while let (field, value) = try reader.next() {
      switch field {
      case 1:
        guard nodes.count < Self.mostNodes else {
          throw ExchangeError("has more than \(Self.mostNodes) operators")
        }
        nodes.append(try Self.node(try value.bytes()))
      case 2: name = try value.string()
      case 5:
        let constant = try Self.array(try value.bytes())
        guard names.insert(constant.name).inserted else {
          throw ExchangeError("has two initializers named \(constant.name)")
        }
        constants.append(constant)
      case 10, 13, 14, 16: break
      case 11: ports.append(try Self.port(try value.bytes()))
      case 12: outputs.append(try Self.port(try value.bytes()))
      case 15: throw ExchangeError("has sparse initializers, which are not read")
      default: throw ExchangeError("has a field \(field) of its graph, which is not read")
      }
    }
    // Older files name their initializers among the inputs.
    inputs = ports.filter { !names.contains($0.name) }
    // What is left out of an operator's outputs has no name.
    for name in inputs.map(\.name) + nodes.flatMap(\.outputs)
    where !name.isEmpty && !names.insert(name).inserted {
      throw ExchangeError("gives two tensors the name \(name)")
    }
  }

  private static func node(_ bytes: FileBytes) throws(ExchangeError) -> Node {
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
      case 6, 8, 9, 10: break
      case 7:
        let domain = try value.string()
        node.domain = domain == "ai.onnx" ? "" : domain
      default: throw ExchangeError("has a field \(field) of a node, which is not read")
      }
    }
    return node
  }

  private static func attribute(
    _ bytes: FileBytes
  ) throws(ExchangeError) -> (String, Attribute) {
    var reader = ProtobufReader(bytes)
    var (name, kind) = ("", 0)
    var (float, integer, text): (Float, Int, FileBytes) = (0, 0, FileBytes())
    var (integers, floats): ([Int], [Float]) = ([], [])
    var tensor: ONNXArray?
    while let (field, value) = try reader.next() {
      switch field {
      case 1: name = try value.string()
      case 2: float = try value.float()
      case 3: integer = try value.integer()
      case 4: text = try value.bytes()
      case 5: tensor = try array(try value.bytes()).value
      case 7: floats += try value.floats()
      case 8: integers += try value.integers()
      case 20: kind = try value.integer()
      default: break
      }
    }
    switch kind {
    case 1: return (name, .float(float))
    case 2: return (name, .int(integer))
    case 3:
      return (name, String(validating: text, as: UTF8.self).map { .string($0) } ?? .other(kind))
    case 4: return (name, tensor.map { .tensor($0) } ?? .other(kind))
    case 6: return (name, .floats(floats))
    case 7: return (name, .ints(integers))
    default: return (name, .other(kind))
    }
  }

  /// A TensorProto. Types: 1 float, 2 and 3 bytes, 4 and 5 of 16 bits, 6 int32, 7 int64, 9 bool, 11 double.
  private static func array(
    _ bytes: FileBytes
  ) throws(ExchangeError) -> (name: String, value: ONNXArray) {
    var reader = ProtobufReader(bytes)
    var (shape, type, name): ([Int], Int, String) = ([], 0, "")
    var raw: FileBytes?
    var fields: [FileBytes] = []
    var (floats, doubles, integers): ([Float], [Double], [Int]) = ([], [], [])
    while let (field, value) = try reader.next() {
      switch field {
      case 1: shape += try value.integers()
      case 2: type = try value.integer()
      // Packed floats lie as raw ones do.
      case 4:
        if case .bytes(let bytes) = value {
          fields.append(bytes)
        } else {
          floats.append(try value.float())
        }
      case 5, 7: integers += try value.integers()
      case 8: name = try value.string()
      case 9: raw = try value.bytes()
      case 10: doubles += try value.doubles()
      case 12, 16: break
      case 14 where try value.integer() == 0: break
      case 13, 14:
        throw ExchangeError(
          "has numbers in another file (external data\(name.isEmpty ? "" : ", \(name)")), which is not "
            + "read; write it as one file")
      default: throw ExchangeError("\(name) has its numbers in a field \(field), which is not read")
      }
    }
    guard shape.count <= ONNXArray.mostIndices else {
      throw ExchangeError("\(name) has \(shape.count) indices; \(ONNXArray.mostIndices) are read")
    }
    guard let width = [1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 11: 8][type] else {
      throw ExchangeError(
        "\(name) has elements of type \(type); float (1), double (11), bool (9) and whole numbers are "
          + "read")
    }
    let whole = ONNXArray.Whole(rawValue: type) ?? .int64
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow, product <= 1 << 40 else {
        throw ExchangeError("\(name) has an impossible shape")
      }
      count = product
    }
    func check(_ found: Int, _ expected: Int, _ what: String) throws(ExchangeError) {
      guard found == expected else {
        throw ExchangeError("\(name) has \(found) \(what), but its shape takes \(expected)")
      }
    }
    if let raw {
      try check(raw.count, count * width, "bytes")
      if type == 1 { return (name, ONNXArray(stored: raw, shape: shape)) }
      return (name, ONNXArray(decoded(raw, type, width), shape: shape, whole: whole))
    }
    switch type {
    case 1:
      if floats.isEmpty, fields.count == 1 {
        try check(fields[0].count, 4 * count, "bytes")
        return (name, ONNXArray(stored: fields[0], shape: shape))
      }
      for field in fields { floats += try ProtobufReader.Value.bytes(field).floats() }
      try check(floats.count, count, "numbers")
      return (name, ONNXArray(.floats(floats), shape: shape))
    case 11:
      try check(doubles.count, count, "numbers")
      return (name, ONNXArray(.floats(doubles.map { Float($0) }), shape: shape))
    default:
      try check(integers.count, count, "numbers")
      guard whole == .bool || integers.allSatisfy(whole.range.contains) else {
        throw ExchangeError("\(name) has numbers that its type does not hold")
      }
      return (name, ONNXArray(.ints(integers), shape: shape, whole: whole))
    }
  }

  private static func decoded(
    _ raw: FileBytes, _ type: Int, _ width: Int
  ) -> ONNXArray.Content {
    raw.withUnsafeBytes { raw in
      func load<Number>(_ place: Int, as type: Number.Type) -> Number {
        raw.loadUnaligned(fromByteOffset: place, as: type)
      }
      let places = stride(from: 0, to: raw.count, by: width)
      switch type {
      case 11: return .floats(places.map { Float(load($0, as: Double.self)) })
      case 3: return .ints(places.map { Int(load($0, as: Int8.self)) })
      case 4: return .ints(places.map { Int(load($0, as: UInt16.self)) })
      case 5: return .ints(places.map { Int(load($0, as: Int16.self)) })
      case 6: return .ints(places.map { Int(load($0, as: Int32.self)) })
      case 7: return .ints(places.map { Int(load($0, as: Int64.self)) })
      default: return .ints(places.map { Int(load($0, as: UInt8.self)) })
      }
    }
  }

  private static func port(_ bytes: FileBytes) throws(ExchangeError) -> Port {
    var port = Port(name: "", sizes: [])
    var reader = ProtobufReader(bytes)
    while let (field, value) = try reader.next() {
      if field == 1 { port.name = try value.string() }
      guard field == 2 else { continue }
      var type = ProtobufReader(try value.bytes())
      while let (field, value) = try type.next() {
        guard field == 1 else { continue }
        var tensor = ProtobufReader(try value.bytes())
        while let (field, value) = try tensor.next() {
          if field == 1 { port.type = try value.integer() }
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

  private static func size(_ bytes: FileBytes) throws(ExchangeError) -> Port.Size {
    var reader = ProtobufReader(bytes)
    var size = Port.Size.free("")
    while let (field, value) = try reader.next() {
      if field == 1 { size = .fixed(try value.integer()) }
      if field == 2 { size = .free(try value.string()) }
    }
    return size
  }
}
