import ONNX
import Storage

/// What a SavedModel's `saved_model.pb` holds (TensorFlow's `saved_model.proto`, `graph.proto`,
/// `function.proto`): a graph of operators, the functions that it calls, and its signatures. Weights are
/// constants; there are no variables.
struct SavedModelFile {
  /// The types of values, by their numbers in `types.proto`.
  enum DataType: Int {
    case float = 1
    case int32 = 3
    case uint8 = 4
    case string = 7
    case int64 = 9

    var size: Int {
      switch self {
      case .float, .int32: 4
      case .uint8: 1
      case .string: 0
      case .int64: 8
      }
    }
  }

  enum Attribute {
    case int(Int)
    case ints([Int])
    case float(Float)
    case bool(Bool)
    case string(String)
    case type(DataType)
    case types([DataType])
    /// −1 for a size that is free.
    case shape([Int])
    case shapes([[Int]])
    case tensor(DataType, shape: [Int], bytes: [UInt8])
    case strings([String])
    case function(String)
  }

  struct Node {
    let name: String
    let op: String
    let inputs: [String]
    let attributes: [String: Attribute]
  }

  struct Port {
    let name: String
    let type: DataType
    let shape: [Int]
  }

  struct Function {
    let name: String
    let inputs: [(name: String, type: DataType)]
    /// What its value is called, and the output of a node that it is.
    let output: (name: String, type: DataType, of: String)
    let nodes: [Node]
  }

  struct Signature {
    let name: String
    /// What TensorFlow Serving takes it for.
    let method: String
    let inputs: [(key: String, port: Port)]
    let outputs: [(key: String, port: Port)]
  }

  var functions: [Function] = []
  var nodes: [Node] = []
  var signatures: [Signature] = []

  /// Of the graph's format: that of TensorFlow 2.3 (July 2020).
  static let producer = 440

  var encoded: [UInt8] {
    var model = ProtobufWriter()
    model.integer(1, 1)
    model.message(2) { meta in
      meta.message(1) { $0.string(4, "serve") }
      meta.message(2) { graph in
        for node in nodes { graph.message(1) { Self.write(node, &$0) } }
        graph.message(2) { library in
          for function in functions { library.message(1) { Self.write(function, &$0) } }
        }
        graph.message(4) { $0.integer(1, Self.producer) }
      }
      for signature in signatures {
        meta.message(5) { entry in
          entry.string(1, signature.name)
          entry.message(2) { Self.write(signature, &$0) }
        }
      }
    }
    return model.bytes
  }

  private static func write(_ signature: Signature, _ message: inout ProtobufWriter) {
    for (field, ports) in [(1, signature.inputs), (2, signature.outputs)] {
      for (key, port) in ports {
        message.message(field) { entry in
          entry.string(1, key)
          entry.message(2) { info in
            info.string(1, "\(port.name):0")
            info.integer(2, port.type.rawValue)
            info.message(3) { write(shape: port.shape, &$0) }
          }
        }
      }
    }
    message.string(3, signature.method)
  }

  private static func write(_ function: Function, _ message: inout ProtobufWriter) {
    message.message(1) { signature in
      signature.string(1, function.name)
      let ports =
        function.inputs.map { (2, $0.name, $0.type) }
        + [(3, function.output.name, function.output.type)]
      for (field, name, type) in ports {
        signature.message(field) {
          $0.string(1, name)
          $0.integer(3, type.rawValue)
        }
      }
    }
    for node in function.nodes { message.message(3) { write(node, &$0) } }
    message.message(4) {
      $0.string(1, function.output.name)
      $0.string(2, function.output.of)
    }
  }

  private static func write(_ node: Node, _ message: inout ProtobufWriter) {
    message.string(1, node.name)
    message.string(2, node.op)
    for input in node.inputs { message.string(3, input) }
    for (name, value) in node.attributes.sorted(by: { $0.key < $1.key }) {
      message.message(5) { entry in
        entry.string(1, name)
        entry.message(2) { write(value, &$0) }
      }
    }
  }

  private static func write(_ value: Attribute, _ message: inout ProtobufWriter) {
    switch value {
    case .int(let value): message.integer(3, value)
    case .ints(let values): message.message(1) { $0.packed(3, values) }
    case .float(let value): message.float(4, value)
    case .bool(let value): message.integer(5, value ? 1 : 0)
    case .string(let value): message.string(2, value)
    case .type(let type): message.integer(6, type.rawValue)
    case .types(let types): message.message(1) { $0.packed(6, types.map(\.rawValue)) }
    case .shape(let shape): message.message(7) { write(shape: shape, &$0) }
    case .shapes(let shapes):
      message.message(1) { list in
        for shape in shapes { list.message(7) { write(shape: shape, &$0) } }
      }
    case .tensor(let type, let shape, let bytes):
      message.message(8) { tensor in
        tensor.integer(1, type.rawValue)
        tensor.message(2) { write(shape: shape, &$0) }
        tensor.bytes(4, bytes)
      }
    case .strings(let values):
      message.message(8) { tensor in
        tensor.integer(1, DataType.string.rawValue)
        tensor.message(2) { write(shape: [values.count], &$0) }
        for value in values { tensor.string(8, value) }
      }
    case .function(let name): message.message(10) { $0.string(1, name) }
    }
  }

  private static func write(shape: [Int], _ message: inout ProtobufWriter) {
    for size in shape { message.message(2) { $0.integer(1, size) } }
  }
}

extension SavedModelFile {
  /// The constants of floats in a file's graph, by their names.
  /// - Throws: `ExchangeError` for what is damaged.
  static func constants(in bytes: [UInt8]) throws(ExchangeError) -> [String: FileBytes] {
    var found: [String: FileBytes] = [:]
    for meta in try messages(2, in: FileBytes(bytes)) {
      for graph in try messages(2, in: meta) {
        for node in try messages(1, in: graph) {
          guard let name = try messages(1, in: node).last, let value = try floats(of: node)
          else { continue }
          guard let name = String(validating: name, as: UTF8.self) else {
            throw ExchangeError("has a constant whose name is not UTF-8")
          }
          found[name] = value
        }
      }
    }
    return found
  }

  /// The fields of a number in a message that are texts or messages themselves.
  private static func messages(
    _ number: Int, in bytes: FileBytes
  ) throws(ExchangeError) -> [FileBytes] {
    var reader = ProtobufReader(bytes)
    var found: [FileBytes] = []
    while let (field, value) = try reader.next() {
      if field == number, case .bytes(let bytes) = value { found.append(bytes) }
    }
    return found
  }

  /// What a node holds, if it is a constant of floats.
  private static func floats(
    of node: FileBytes
  ) throws(ExchangeError) -> FileBytes? {
    guard try messages(2, in: node).last.map({ $0.elementsEqual("Const".utf8) }) == true else {
      return nil
    }
    for entry in try messages(5, in: node) {
      for value in try messages(2, in: entry) {
        for tensor in try messages(8, in: value) {
          var reader = ProtobufReader(tensor)
          var type = 0
          var content = FileBytes()
          while let (field, value) = try reader.next() {
            if field == 1 { type = try value.integer() }
            if field == 4 { content = try value.bytes() }
          }
          if type == DataType.float.rawValue { return content }
        }
      }
    }
    return nil
  }
}
