/// What an ONNX file holds (github.com/onnx/onnx, `onnx.proto`): operators on named values, and the
/// numbers that some of these begin with.
package struct ONNXFile: Hashable, Sendable {
  package struct Node: Hashable, Sendable {
    package var op: String
    package var name: String
    /// An empty name is an input that is left out.
    package var inputs: [String]
    package var outputs: [String]
    package var attributes: [String: Attribute] = [:]
    /// Whose operator it is; empty for ONNX's own.
    package var domain = ""

    package init(
      op: String, name: String, inputs: [String], outputs: [String],
      attributes: [String: Attribute] = [:], domain: String = ""
    ) {
      (self.op, self.name, self.inputs, self.outputs) = (op, name, inputs, outputs)
      (self.attributes, self.domain) = (attributes, domain)
    }
  }

  package enum Attribute: Hashable, Sendable {
    case float(Float)
    case int(Int)
    case string(String)
    case ints([Int])
    case floats([Float])
    case tensor(ONNXArray)
    /// What nothing here reads, by the number of its kind: graphs, texts and the like.
    case other(Int)
  }

  /// An input or output of the whole graph; a size with a name is free.
  package struct Port: Hashable, Sendable {
    package enum Size: Hashable, Sendable {
      case fixed(Int)
      case free(String)
    }
    package var name: String
    package var sizes: [Size]
    /// The number that onnx.proto has for the type of its elements; 1 for floats.
    package var type = 1

    package init(name: String, sizes: [Size], type: Int = 1) {
      (self.name, self.sizes, self.type) = (name, sizes, type)
    }
  }

  package var name: String
  package var nodes: [Node] = []
  /// In the order of their first use.
  package var constants: [(name: String, value: ONNXArray)] = []
  package var inputs: [Port] = []
  package var outputs: [Port] = []
  package var metadata: [(key: String, value: String)] = []
  package var producer = ""
  /// The version of ONNX's own operators.
  package var opset = Self.writtenOpset

  package init(name: String) { self.name = name }

  /// What is written: IR 8 came with opset 17 (ONNX 1.12, June 2022).
  package static let irVersion = 8
  package static let writtenOpset = 17
  /// What is read: from ONNX 1.2 on, of May 2018.
  package static let opsets = 7...25

  package static func == (a: ONNXFile, b: ONNXFile) -> Bool { a.encoded == b.encoded }
  package func hash(into hasher: inout Hasher) { hasher.combine(encoded) }
}

// The numbers of the fields are those of onnx.proto.
extension ONNXFile {
  /// The file's bytes.
  package var encoded: [UInt8] {
    var model = ProtobufWriter()
    model.integer(1, Self.irVersion)
    model.string(2, producer)
    model.message(7, write)
    model.message(8) {
      $0.string(1, "")
      $0.integer(2, opset)
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
        case .floats(let values):
          for value in values { attribute.float(7, value) }
          attribute.integer(20, 6)
        case .tensor(let array):
          attribute.message(5) { Self.write("", array, &$0) }
          attribute.integer(20, 4)
        case .other(let kind): attribute.integer(20, kind)
        }
      }
    }
  }

  private static func write(
    _ name: String, _ value: ONNXArray, _ message: inout ProtobufWriter
  ) {
    message.packed(1, value.shape)
    message.integer(2, value.content.isFloat ? 1 : value.whole.rawValue)
    message.string(8, name)
    switch value.content {
    case .floats(let values): values.withUnsafeBytes { message.bytes(9, $0) }
    case .stored(let bytes): message.bytes(9, bytes)
    case .ints(let values) where value.whole == .int64:
      values.withUnsafeBytes { message.bytes(9, $0) }
    case .ints(let values):
      message.bytes(
        9,
        values.flatMap { number in
          (0..<value.whole.bytes).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        })
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
