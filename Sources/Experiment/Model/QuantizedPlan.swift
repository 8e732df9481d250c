import ConvNet
import Quantization
import Storage

// The plan of a quantised model as JSON, short: values as [name, sizes, scale, zero point], operations as
// [kind, name, inputs, output, what there is of its own], of fewer bits than 8 with the bits of its kernel last.
extension QuantizedModel {
  var plan: JSONValue {
    [
      "values": .array(
        values.map { value in
          [
            .string(value.name), .array(value.shape.sizes.map { JSONValue($0) }),
            JSONValue(value.scale), JSONValue(value.zeroPoint),
          ]
        }),
      "operations": .array(
        operations.map { operation in
          var parts: [JSONValue] = [
            .string(operation.kind.word), .string(operation.name),
            .array(operation.inputs.map { JSONValue($0) }), JSONValue(operation.output),
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
    guard let values = plan["values"]?.array, let operations = plan["operations"]?.array else {
      throw broken
    }
    var own: [Value] = []
    for value in values {
      guard let parts = value.array, parts.count == 4, let name = parts[0].string,
        let sizes = parts[1].integers, let scale = parts[2].double, let zero = parts[3].int,
        let shape = Shape(sizes: sizes)
      else { throw broken }
      own.append(Value(name, shape, scale: Float(scale), zeroPoint: zero))
    }
    var made: [Operation] = []
    for operation in operations {
      guard let parts = operation.array, parts.count >= 4, let kind = parts[0].string,
        let name = parts[1].string, let inputs = parts[2].integers, let output = parts[3].int
      else { throw broken }
      func part(_ place: Int) -> JSONValue { place < parts.count ? parts[place] : .null }
      func activation(_ place: Int) throws(NetworkError) -> QuantizedActivation {
        guard let word = part(place).string, let activation = QuantizedActivation(rawValue: word)
        else { throw broken }
        return activation
      }
      func window() throws(NetworkError) -> QuantizedWindow {
        guard let window = QuantizedWindow(part(4)) else { throw broken }
        return window
      }
      /// Of an operation whose own parts end before a place.
      func kernel(
        before place: Int, _ sizes: (Shape, Shape) -> [Int]
      ) throws(NetworkError) -> QuantizedKernel {
        guard let input = inputs.first, own.indices.contains(input), own.indices.contains(output)
        else { throw broken }
        var bits = 8
        if parts.count > place {
          guard let fewer = part(place).int, (2..<8).contains(fewer) else { throw broken }
          bits = fewer
        }
        return try given(name, bits, sizes(own[input].shape, own[output].shape))
      }
      let kindOf: QuantizedOperation
      switch kind {
      case "conv2d":
        let window = try window()
        let kernel = try kernel(before: 6) { input, output in
          [output.channels, window.size.height, window.size.width, input.channels]
        }
        kindOf = .conv2D(window, kernel, try activation(5))
      case "depthwise_conv2d":
        let window = try window()
        let kernel = try kernel(before: 6) { input, _ in
          [window.size.height, window.size.width, input.channels]
        }
        kindOf = .depthwiseConv2D(window, kernel, try activation(5))
      case "dense":
        let kernel = try kernel(before: 5) { input, output in [output.count, input.count] }
        kindOf = .dense(kernel, try activation(4))
      case "max_pool": kindOf = .maxPool(try window())
      case "average_pool": kindOf = .averagePool(try window())
      case "mean": kindOf = .mean
      case "add": kindOf = .add(try activation(4))
      case "clamp": kindOf = .clamp(try activation(4))
      case "pad":
        guard let sides = Sides(part(4)) else { throw broken }
        kindOf = .pad(sides)
      case "reshape": kindOf = .reshape
      case "softmax": kindOf = .softmax
      default: throw NetworkError("its plan has an operation of the kind \(JSONValue.quoted(kind))")
      }
      made.append(Operation(name, kindOf, inputs: inputs, output: output))
    }
    try self.init(values: own, operations: made, normalization: normalization)
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
  /// Size, stride, dilation, sides.
  fileprivate var json: JSONValue {
    .array(
      [
        size.height, size.width, stride.height, stride.width, dilation.height, dilation.width,
        sides.top, sides.bottom, sides.left, sides.right,
      ].map { JSONValue($0) })
  }

  fileprivate init?(_ json: JSONValue) {
    guard let n = json.integers, n.count == 10 else { return nil }
    self.init(
      size: Extent(n[0], n[1]), stride: Extent(n[2], n[3]), dilation: Extent(n[4], n[5]),
      sides: Sides(top: n[6], bottom: n[7], left: n[8], right: n[9]))
  }
}
