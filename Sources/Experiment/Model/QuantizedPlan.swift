import ConvNet
import Quantization
import Storage

// The plan of a quantised model as JSON, short: the image as [name, sizes, scale, zero point], and operations, each of
// which gives the value of its own name and number, as
//
//     [kind, name, inputs, sizes, [scale, zero point], what there is of its own]
//
// where [] for inputs is the value before, and [] for the scale that of the input. Of its own are a window, an
// activation, and the bits of a kernel where they are fewer than 8. A window is its size; its stride is behind that
// where it isn't 1, and dilation and sides where there are such.
extension QuantizedModel {
  var plan: JSONValue {
    [
      "input": [
        .string(input.name), .array(input.shape.sizes.map { JSONValue($0) }),
        JSONValue(input.scale), JSONValue(input.zeroPoint),
      ],
      "operations": .array(
        operations.enumerated().map { place, operation in
          let value = values[operation.output]
          precondition(operation.output == place + 1 && value.name == operation.name)
          let first = values[operation.inputs[0]]
          let isScaledAsInput = value.scale == first.scale && value.zeroPoint == first.zeroPoint
          var parts: [JSONValue] = [
            .string(operation.kind.word), .string(operation.name),
            .array(operation.inputs == [place] ? [] : operation.inputs.map { JSONValue($0) }),
            .array(value.shape.sizes.map { JSONValue($0) }),
            .array(isScaledAsInput ? [] : [JSONValue(value.scale), JSONValue(value.zeroPoint)]),
          ]
          switch operation.kind {
          case .conv2D(let window, _, let activation),
            .depthwiseConv2D(let window, _, let activation):
            parts += [window.json, .string(activation.rawValue)]
          case .dense(_, let activation), .add(let activation), .clamp(let activation):
            parts.append(.string(activation.rawValue))
          case .maxPool(let window), .averagePool(let window): parts.append(window.json)
          case .pad(let sides): parts.append(sides.json)
          case .mean, .reshape, .softmax: break
          }
          if let kernel = operation.kind.kernel, kernel.bits < 8 {
            parts.append(JSONValue(kernel.bits))
          }
          return .array(parts)
        }),
    ]
  }

  /// - Parameter kernel: that of an operation, by its name, with its bits and its sizes, filters first but for
  ///   the depthwise.
  /// - Throws: `NetworkError` for a plan that is not whole, or of what cannot be computed.
  init(
    plan: JSONValue, normalization: Normalization?,
    kernel given: (String, Int, [Int]) throws(NetworkError) -> QuantizedKernel
  ) throws(NetworkError) {
    let broken = NetworkError("its plan is not whole")
    func value(
      _ name: JSONValue, _ sizes: JSONValue, _ scale: JSONValue, _ zero: JSONValue
    ) throws(NetworkError) -> Value {
      guard let name = name.string, let shape = sizes.integers.flatMap(Shape.init(sizes:)),
        let scale = scale.double, let zero = zero.int
      else { throw broken }
      return Value(name, shape, scale: Float(scale), zeroPoint: zero)
    }
    guard let image = plan["input"]?.array, image.count == 4,
      let operations = plan["operations"]?.array
    else { throw broken }
    var values = [try value(image[0], image[1], image[2], image[3])]
    var made: [Operation] = []
    for (place, operation) in operations.enumerated() {
      guard let parts = operation.array, parts.count >= 5, let kind = parts[0].string,
        let name = parts[1].string, let named = parts[2].integers, let scale = parts[4].array
      else { throw broken }
      func part(_ place: Int) -> JSONValue { place < parts.count ? parts[place] : .null }
      let inputs = named.isEmpty ? [place] : named
      guard values.indices.contains(inputs[0]) else { throw broken }
      let input = values[inputs[0]]
      switch scale.count {
      case 0:
        values.append(
          try value(parts[1], parts[3], JSONValue(input.scale), JSONValue(input.zeroPoint)))
      case 2: values.append(try value(parts[1], parts[3], scale[0], scale[1]))
      default: throw broken
      }
      let output = values[place + 1]
      func activation(_ place: Int) throws(NetworkError) -> QuantizedActivation {
        guard let word = part(place).string, let activation = QuantizedActivation(rawValue: word)
        else { throw broken }
        return activation
      }
      func window() throws(NetworkError) -> QuantizedWindow {
        guard let window = QuantizedWindow(part(5)) else { throw broken }
        return window
      }
      /// Of an operation whose own parts end before a place.
      func kernel(before place: Int, _ sizes: [Int]) throws(NetworkError) -> QuantizedKernel {
        guard parts.count > place else { return try given(name, 8, sizes) }
        guard let bits = part(place).int, (2..<8).contains(bits) else { throw broken }
        return try given(name, bits, sizes)
      }
      let own: QuantizedOperation
      switch kind {
      case "conv2d":
        let window = try window()
        let sizes = [
          output.shape.channels, window.size.height, window.size.width, input.shape.channels,
        ]
        own = .conv2D(window, try kernel(before: 7, sizes), try activation(6))
      case "depthwise_conv2d":
        let window = try window()
        let sizes = [window.size.height, window.size.width, input.shape.channels]
        own = .depthwiseConv2D(window, try kernel(before: 7, sizes), try activation(6))
      case "dense":
        let sizes = [output.shape.count, input.shape.count]
        own = .dense(try kernel(before: 6, sizes), try activation(5))
      case "max_pool": own = .maxPool(try window())
      case "average_pool": own = .averagePool(try window())
      case "mean": own = .mean
      case "add": own = .add(try activation(5))
      case "clamp": own = .clamp(try activation(5))
      case "pad":
        guard let sides = Sides(part(5)) else { throw broken }
        own = .pad(sides)
      case "reshape": own = .reshape
      case "softmax": own = .softmax
      default: throw NetworkError("its plan has an operation of the kind \(JSONValue.quoted(kind))")
      }
      made.append(Operation(name, own, inputs: inputs, output: place + 1))
    }
    try self.init(values: values, operations: made, normalization: normalization)
  }
}

extension Shape {
  fileprivate var sizes: [Int] {
    switch self {
    case .image(let height, let width, let channels): [height, width, channels]
    case .vector(let count): [count]
    }
  }

  fileprivate init?(sizes: [Int]) {
    switch sizes.count {
    case 1: self = .vector(sizes[0])
    case 3: self = .image(height: sizes[0], width: sizes[1], channels: sizes[2])
    default: return nil
    }
  }
}

extension JSONValue {
  fileprivate var integers: [Int]? {
    guard let array, case let numbers = array.compactMap(\.int), numbers.count == array.count
    else { return nil }
    return numbers
  }
}

extension Sides {
  fileprivate var json: JSONValue {
    [JSONValue(top), JSONValue(bottom), JSONValue(left), JSONValue(right)]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let sides = json.integers, sides.count == 4 else { return nil }
    self.init(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
  }
}

extension QuantizedWindow {
  /// Size, stride, dilation, sides, as far as there is something to be said.
  fileprivate var json: JSONValue {
    let all = [
      size.height, size.width, stride.height, stride.width, dilation.height, dilation.width,
      sides.top, sides.bottom, sides.left, sides.right,
    ]
    let usual = Self.usual
    let count = [2, 4].first { all[$0...] == usual[$0...] } ?? all.count
    return .array(all[..<count].map { JSONValue($0) })
  }

  /// What isn't said.
  private static let usual = [0, 0, 1, 1, 1, 1, 0, 0, 0, 0]

  fileprivate init?(_ json: JSONValue) {
    guard let said = json.integers, [2, 4, 10].contains(said.count) else { return nil }
    let n = said + Self.usual[said.count...]
    self.init(
      size: Extent(n[0], n[1]), stride: Extent(n[2], n[3]), dilation: Extent(n[4], n[5]),
      sides: Sides(top: n[6], bottom: n[7], left: n[8], right: n[9]))
  }
}
