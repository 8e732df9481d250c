import ONNX

/// What a `.tflite` file holds (TensorFlow Lite's schema, version 3): one graph of tensors and operators.
struct TFLiteFile {
  /// The operators in use, by their numbers in the schema.
  enum Operator: Int {
    case add = 0
    case averagePool = 1
    case concatenation = 2
    case conv = 3
    case depthwiseConv = 4
    case fullyConnected = 9
    case logistic = 14
    case maxPool = 17
    case mul = 18
    case relu = 19
    case relu6 = 21
    case reshape = 22
    case resizeBilinear = 23
    case softmax = 25
    case tanh = 28
    case pad = 34
    case transpose = 39
    case mean = 40
    case sub = 41
    case div = 42
    case exp = 47
    case prelu = 54
    case maximum = 55
    case minimum = 57
    case neg = 59
    case padV2 = 60
    case slice = 65
    case log = 73
    case rsqrt = 76
    case reduceMax = 82
    case resizeNearest = 97
    case leakyRelu = 98
    case squaredDifference = 99
    case abs = 101
    case elu = 111
    case quantize = 114
    case hardSwish = 117
    case gelu = 150
  }

  struct Node {
    let op: Operator
    /// Which form of the operator it needs.
    var version = 1
    let inputs: [Int]
    let output: Int
    /// The number of the options' type, and their fields; nil for none.
    var options: (type: Int, fields: [Int: FlatValue])?
  }

  struct Value {
    let name: String
    let shape: [Int]
    /// The bytes of a constant; nil for what is computed.
    var constant: [UInt8]?
    var type = ElementType.float32
    /// What its integers stand for; nil where they are what they are.
    var quantization: Quantization?
  }

  /// The elements of a tensor, by their numbers in the schema.
  enum ElementType: Int {
    case float32 = 0
    case int32 = 2
    case uint8 = 3
    case int8 = 9
  }

  /// x = s(q − z), one s and z or as many as an index of the tensor has places.
  struct Quantization {
    let scales: [Float]
    let zeroPoints: [Int]
    /// The index.
    var index = 0
  }

  let description: String
  var values: [Value] = []
  var nodes: [Node] = []
  var input = 0
  var output = 0

  static let identifier = "TFL3"

  var encoded: [UInt8] {
    var codes: [(op: Operator, version: Int)] = []
    for node in nodes where !codes.contains(where: { $0 == (node.op, node.version) }) {
      codes.append((node.op, node.version))
    }
    // Buffer 0 is that of all that has none.
    var buffers: [[Int: FlatValue]] = [[:]]
    var tensors: [[Int: FlatValue]] = []
    for value in values {
      var tensor: [Int: FlatValue] = [0: .ints(value.shape), 3: .string(value.name)]
      if value.type != .float32 { tensor[1] = .byte(value.type.rawValue) }
      if let quantization = value.quantization {
        var fields: [Int: FlatValue] = [
          2: .floats(quantization.scales), 3: .longs(quantization.zeroPoints),
        ]
        if quantization.index > 0 { fields[6] = .int(quantization.index) }
        tensor[4] = .table(fields)
      }
      if let constant = value.constant {
        tensor[2] = .int(buffers.count)
        buffers.append([0: .bytes(constant[...])])
      } else {
        // Of any number of images: without that the kernels of slices insist on the one of the shape.
        tensor[7] = .ints([-1] + value.shape.dropFirst())
      }
      tensors.append(tensor)
    }
    let operators = nodes.map { node in
      let code = codes.firstIndex { $0 == (node.op, node.version) }!
      var fields: [Int: FlatValue] = [
        0: .int(code), 1: .ints(node.inputs), 2: .ints([node.output]),
      ]
      if let options = node.options {
        fields[3] = .byte(options.type)
        fields[4] = .table(options.fields)
      }
      return fields
    }
    let graph: [Int: FlatValue] = [
      0: .tables(tensors), 1: .ints([input]), 2: .ints([output]), 3: .tables(operators),
      4: .string("main"),
    ]
    func port(_ value: Int) -> FlatValue {
      .tables([[0: .string(values[value].name), 1: .int(value)]])
    }
    return FlatBufferWriter.file(
      [
        0: .int(3),
        1: .tables(
          codes.map { code in
            // The byte is for readers of before there were more than 127.
            [
              0: .byte(min(code.op.rawValue, 127)), 2: .int(code.version),
              3: .int(code.op.rawValue),
            ]
          }),
        2: .tables([graph]), 3: .string(description), 4: .tables(buffers),
        7: .tables([[0: port(input), 1: port(output), 2: .string("serving_default")]]),
      ], identifier: Self.identifier)
  }

  /// The constants of a file by their names.
  /// - Throws: `ExchangeError` for what is damaged.
  static func constants(in bytes: [UInt8]) throws(ExchangeError) -> [String: ArraySlice<UInt8>] {
    let reader = try FlatBufferReader(bytes, identifier: identifier)
    let model = try reader.root
    let buffers = try reader.tables(4, of: model)
    guard let graph = try reader.tables(2, of: model).first else {
      throw ExchangeError("has no graph")
    }
    var constants: [String: ArraySlice<UInt8>] = [:]
    for tensor in try reader.tables(0, of: graph) {
      let buffer = try reader.int(2, of: tensor)
      guard buffer != 0 else { continue }
      guard buffers.indices.contains(buffer) else {
        throw ExchangeError("has a tensor of the buffer \(buffer), which is not there")
      }
      constants[try reader.string(3, of: tensor)] = try reader.bytes(0, of: buffers[buffer])
    }
    return constants
  }
}
