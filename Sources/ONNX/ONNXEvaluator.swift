import ConvNet
import Glibc

/// Computes what an operator says, plainly: what of a file follows from constants alone is worked out with
/// it, and what was read of a file is checked with it.
package struct ONNXEvaluator {
  package let opset: Int
  /// The most numbers that an operator may give.
  package var most: Int
  /// Whether convolutions and their like are computed too.
  package var computesLayers: Bool
  /// Who works out convolutions; without one the caller alone, to the same bits.
  package var team: Team?

  package init(
    opset: Int, most: Int = 1 << 30, computesLayers: Bool = true, team: Team? = nil
  ) {
    (self.opset, self.most, self.computesLayers, self.team) = (opset, most, computesLayers, team)
  }

  package static func refused(_ node: ONNXFile.Node, _ why: String) -> ExchangeError {
    ExchangeError("\(node.title): \(why)")
  }

  /// What an operator's first output is.
  /// - Throws: `ExchangeError` where it is not known here, or its operands do not fit it.
  package func evaluate(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    func input(_ place: Int) throws(ExchangeError) -> ONNXArray {
      guard inputs.indices.contains(place), let array = inputs[place] else {
        throw Self.refused(node, "its input \(place) is missing")
      }
      return array
    }
    func integers(_ place: Int) throws(ExchangeError) -> [Int] {
      guard let values = try input(place).integers else {
        throw Self.refused(node, "its input \(place) is not of whole numbers")
      }
      return values
    }
    switch node.op {
    case "Constant": return try constant(node)
    case "Identity", "Dropout": return try input(0)
    case "Cast", "CastLike": return try cast(node, input(0), inputs)
    case "Shape":
      let shape = try input(0).shape
      let start = clamp(node.int("start") ?? 0, shape.count)
      return .ints(
        Array(shape[start..<max(start, clamp(node.int("end") ?? shape.count, shape.count))]))
    case "Reshape":
      let array = try input(0)
      guard
        let shape = Self.reshape(
          array.shape, to: try integers(1), keepsZero: node.int("allowzero") != 1)
      else { throw Self.refused(node, "\(array.shape) cannot become \(try integers(1))") }
      return array.reshaped(shape)
    case "Flatten":
      let array = try input(0)
      let axis = clamp(node.int("axis") ?? 1, array.shape.count)
      return array.reshaped([
        array.shape[..<axis].reduce(1, *), array.shape[axis...].reduce(1, *),
      ])
    case "Squeeze", "Unsqueeze": return try squeeze(node, input(0), inputs)
    case "Transpose":
      let array = try input(0)
      return try transpose(node, array)
    case "Concat": return try concat(node, inputs)
    case "Gather": return try gather(node, input(0), input(1))
    case "Slice": return try slice(node, input(0), inputs)
    case "Expand":
      let array = try input(0)
      let shape = try broadcast(node, array.shape, try integers(1))
      return try spread(array, to: shape)
    case "ConstantOfShape":
      let shape = try integers(0)
      var value = ONNXArray(.floats([0]), shape: [1])
      if case .tensor(let tensor) = node.attributes["value"] { value = tensor }
      guard value.count == 1 else { throw Self.refused(node, "its value is not one number") }
      return try spread(value.reshaped([]), to: try checked(node, shape))
    case "Range":
      let (start, limit, step) = (try integers(0), try integers(1), try integers(2))
      guard start.count == 1, limit.count == 1, step.count == 1, step[0] != 0 else {
        throw Self.refused(node, "it does not count by whole numbers")
      }
      var (values, value): ([Int], Int) = ([], start[0])
      while step[0] > 0 ? value < limit[0] : value > limit[0] {
        guard values.count < min(most, 1 << 20) else { throw Self.refused(node, "it is too long") }
        values.append(value)
        let (next, overflow) = value.addingReportingOverflow(step[0])
        if overflow { break }
        value = next
      }
      return .ints(values)
    case "Where":
      let (condition, a, b) = (try input(0), try input(1), try input(2))
      let shape = try broadcast(node, try broadcast(node, condition.shape, a.shape), b.shape)
      guard let chosen = try spread(condition, to: shape).integers else {
        throw Self.refused(node, "its condition is not of truths")
      }
      let (first, second) = (try spread(a, to: shape), try spread(b, to: shape))
      if let a = first.integers, let b = second.integers {
        return ONNXArray(
          .ints(chosen.indices.map { chosen[$0] != 0 ? a[$0] : b[$0] }), shape: shape)
      }
      guard let a = first.numbers, let b = second.numbers else {
        throw Self.refused(node, "its choices are of two types")
      }
      return ONNXArray(
        .floats(chosen.indices.map { chosen[$0] != 0 ? a[$0] : b[$0] }), shape: shape)
    case "QuantizeLinear": return try quantized(node, inputs)
    case "DequantizeLinear": return try dequantized(node, inputs)
    case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd":
      return try reduce(node, input(0), inputs)
    default:
      if let function = ONNXFunction.unary(node) {
        let array = try input(0)
        if let values = array.integers {
          let results = values.map { function(Double($0)) }
          return ONNXArray(.ints(try whole(node, results)), shape: array.shape)
        }
        return array.withFloats { floats in
          ONNXArray(.floats(floats.map { Float(function(Double($0))) }), shape: array.shape)
        }
      }
      if let function = ONNXFunction.binary(node.op) {
        var result = try input(0)
        if inputs.count == 1 { return result }
        for place in 1..<inputs.count {
          result = try combine(node, result, try input(place), function)
        }
        return result
      }
      guard computesLayers else {
        throw Self.refused(node, "of constants alone it is not read")
      }
      return try evaluateLayer(node, inputs)
    }
  }

  /// Whole numbers that came of an operation on such.
  func whole(_ node: ONNXFile.Node, _ values: [Double]) throws(ExchangeError) -> [Int] {
    var numbers: [Int] = []
    numbers.reserveCapacity(values.count)
    for value in values {
      guard let number = Int(exactly: value.rounded(.towardZero)) else {
        throw Self.refused(node, "it comes to no whole number of 64 bits")
      }
      numbers.append(number)
    }
    return numbers
  }

  package func clamp(_ axis: Int, _ count: Int) -> Int {
    let axis = axis < 0 ? axis.addingReportingOverflow(count).partialValue : axis
    return min(max(axis, 0), count)
  }

  /// A shape that there may be memory for.
  package func checked(_ node: ONNXFile.Node, _ shape: [Int]) throws(ExchangeError) -> [Int] {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow, product <= most, shape.count <= ONNXArray.mostIndices else {
        throw Self.refused(node, "it would be \(shape)")
      }
      count = product
    }
    return shape
  }

  private func constant(_ node: ONNXFile.Node) throws(ExchangeError) -> ONNXArray {
    guard node.attributes.count == 1, let (name, value) = node.attributes.first else {
      throw Self.refused(node, "it does not have one value")
    }
    switch (name, value) {
    case ("value", .tensor(let array)): return array
    case ("value_float", .float(let value)): return ONNXArray(.floats([value]), shape: [])
    case ("value_int", .int(let value)): return ONNXArray(.ints([value]), shape: [])
    case ("value_ints", .ints(let values)): return .ints(values)
    case ("value_floats", .floats(let values)):
      return ONNXArray(.floats(values), shape: [values.count])
    default: throw Self.refused(node, "its value is of a kind that is not read")
    }
  }

  private func cast(
    _ node: ONNXFile.Node, _ array: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let isToFloat: Bool
    if node.op == "CastLike" {
      isToFloat = inputs.count > 1 && inputs[1]?.content.isFloat == true
    } else {
      switch node.int("to") {
      case 1, 11: isToFloat = true
      case 2, 3, 4, 5, 6, 7, 9: isToFloat = false
      default: throw Self.refused(node, "to a type that is not read")
      }
    }
    if let values = array.integers {
      if isToFloat { return ONNXArray(.floats(values.map { Float($0) }), shape: array.shape) }
      return node.int("to") == 9
        ? ONNXArray(.ints(values.map { $0 == 0 ? 0 : 1 }), shape: array.shape) : array
    }
    if isToFloat { return array }
    let values = array.numbers!
    if node.int("to") == 9 {
      return ONNXArray(.ints(values.map { $0 == 0 ? 0 : 1 }), shape: array.shape)
    }
    return ONNXArray(.ints(try whole(node, values.map { Double($0) })), shape: array.shape)
  }

  private func reduce(
    _ node: ONNXFile.Node, _ array: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let axes = try axes(node, inputs, array.shape.count) ?? Array(array.shape.indices)
    let kept = array.shape.indices.filter { !axes.contains($0) }
    let size = axes.reduce(1) { $0 * array.shape[$1] }
    guard size > 0 else { throw Self.refused(node, "it reduces nothing") }
    let numbers = array.numbers.map { $0.map { Double($0) } } ?? array.integers!.map { Double($0) }
    var (rows, sum, seen): ([Double], Double, Int) = ([], 0, 0)
    forEachPlace(array.shape, order: kept + axes) { place in
      let value = numbers[place]
      switch (node.op, seen) {
      case (_, 0): sum = value
      case ("ReduceMax", _): sum = max(sum, value)
      case ("ReduceMin", _): sum = min(sum, value)
      case ("ReduceProd", _): sum *= value
      default: sum += value
      }
      seen += 1
      if seen == size {
        rows.append(node.op == "ReduceMean" ? sum / Double(size) : sum)
        seen = 0
      }
    }
    let shape =
      node.int("keepdims") == 0
      ? kept.map { array.shape[$0] }
      : array.shape.indices.map { axes.contains($0) ? 1 : array.shape[$0] }
    if array.content.isFloat { return ONNXArray(.floats(rows.map { Float($0) }), shape: shape) }
    return ONNXArray(.ints(try whole(node, rows)), shape: shape)
  }
}

extension ONNXFile.Node {
  /// What it is called to people: its operator and its name, or else what it gives.
  package var title: String {
    let own = name.isEmpty ? outputs.first ?? "" : name
    return own.isEmpty ? op : "\(op) \(own)"
  }

  package func int(_ name: String) -> Int? {
    if case .int(let value) = attributes[name] { value } else { nil }
  }

  package func ints(_ name: String) -> [Int]? {
    if case .ints(let values) = attributes[name] { values } else { nil }
  }

  package func float(_ name: String) -> Float? {
    if case .float(let value) = attributes[name] { value } else { nil }
  }

  package func string(_ name: String) -> String? {
    if case .string(let value) = attributes[name] { value } else { nil }
  }
}
