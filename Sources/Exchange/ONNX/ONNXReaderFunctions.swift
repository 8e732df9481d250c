import ConvNet
import ONNX

// Operators that work element by element: functions of one value, products and sums of several, and
// what is done to channels by constants.
extension ONNXReader {
  /// The most operators that one function is made of.
  private static let mostDepth = 24

  mutating func readElementwise(_ node: ONNXFile.Node) throws(ExchangeError) {
    if let function = ONNXFunction.unary(node), node.inputs.count == 1 {
      return try apply(node, [try value(node)]) { $0[0].mapped(function) }
    }
    if node.op == "Clip" { return try readClip(node) }
    if node.op == "Where" { return try readWhere(node) }
    guard let function = ONNXFunction.binary(node.op), !node.inputs.isEmpty else {
      throw unknown(node)
    }
    if node.inputs.count == 1 { return try define(node, try value(node)) }
    var operands: [ONNXValue?] = []
    var scalars: [Double?] = []
    for (place, name) in node.inputs.enumerated() {
      let value = values[name]
      operands.append(value)
      scalars.append(
        value == nil ? try constant(node, place).flatMap { $0.numbers }.flatMap(single) : nil)
    }
    let known = operands.compactMap { $0 }
    if node.inputs.count == 2, known.count == 1, isPreparation(known[0], node),
      ["Add", "Sub", "Mul", "Div"].contains(node.op)
    {
      return try readPreparation(node, known[0], try array(node, operands[0] == nil ? 0 : 1))
    }
    let areConstant = zip(operands, scalars).allSatisfy { $0 != nil || $1 != nil }
    if areConstant, known.allSatisfy({ $0.isOf(known[0]) }),
      known.count == 1 || node.inputs.count == 2
    {
      // Constants are functions that never vary.
      let fixed = scalars.map { number in number.map { number in ONNXCurve { _ in number } } }
      return try apply(node, known) { curves in
        var rest = curves[...]
        let all = fixed.map { $0 ?? rest.removeFirst() }
        return all.dropFirst().reduce(all[0]) { $0.combined($1, function) }
      }
    }
    if known.count == node.inputs.count {
      switch node.op {
      case "Add", "Sum": return try readMerge(node, .add)
      case "Mul": return try readMerge(node, .multiply)
      default: throw refused(node, "of several values no layer is like it")
      }
    }
    guard node.inputs.count == 2, let value = known.first else {
      throw refused(node, "of values and constants no layer is like it")
    }
    try readChannelwise(node, value, constantPlace: operands[0] == nil ? 0 : 1)
  }

  /// The number that all of these are.
  private func single(_ numbers: [Float]) -> Double? {
    guard let first = numbers.first, numbers.count <= 4096, numbers.allSatisfy({ $0 == first }),
      numbers.count == 1
    else { return nil }
    return Double(first)
  }

  private mutating func readClip(_ node: ONNXFile.Node) throws(ExchangeError) {
    func bound(_ name: String, _ place: Int) throws(ExchangeError) -> Double? {
      if let value = node.float(name) { return Double(value) }
      guard let array = try constant(node, place) else { return nil }
      guard let numbers = array.numbers, numbers.count == 1 else {
        throw refused(node, "its bound is not one number")
      }
      return Double(numbers[0])
    }
    let (low, high) = (try bound("min", 1) ?? -.infinity, try bound("max", 2) ?? .infinity)
    try apply(node, [try value(node)]) { $0[0].mapped { min(max($0, low), high) } }
  }

  private mutating func readWhere(_ node: ONNXFile.Node) throws(ExchangeError) {
    var known: [ONNXValue] = []
    var fixed: [ONNXCurve?] = []
    for place in 0..<3 {
      if let name = node.inputs.dropFirst(place).first, let value = values[name] {
        known.append(value)
        fixed.append(nil)
      } else if let array = try constant(node, place), array.count == 1 {
        let number = array.numbers.map { Double($0[0]) } ?? Double(array.integers![0])
        fixed.append(ONNXCurve { _ in number })
      }
    }
    guard fixed.count == 3, known.allSatisfy({ $0.isOf(known[0]) }) else {
      throw refused(node, "of several values no layer is like it")
    }
    try apply(node, known) { curves in
      var rest = curves[...]
      let all = fixed.map { $0 ?? rest.removeFirst() }
      return ONNXCurve(
        values: all[0].values.indices.map {
          all[0].values[$0] != 0 ? all[1].values[$0] : all[2].values[$0]
        })
    }
  }

  /// Takes down a function of functions of one value.
  private mutating func apply(
    _ node: ONNXFile.Node, _ operands: [ONNXValue],
    _ function: @escaping ([ONNXCurve]) -> ONNXCurve
  ) throws(ExchangeError) {
    guard operands.allSatisfy({ $0.groups == nil }) else {
      throw refused(node, "it reads channels in groups")
    }
    var operands = operands
    let depth = 1 + operands.reduce(0) { max($0, $1.function.map { functions[$0].depth } ?? 0) }
    if depth > Self.mostDepth {
      for i in operands.indices { operands[i] = try settled(operands[i]) }
    }
    guard operands.allSatisfy({ $0.isOf(operands[0]) }) else {
      throw refused(node, "of several values no layer is like it")
    }
    var value = operands[0]
    value.function = nil
    let curves = operands.map { $0.function.map { functions[$0].curve } ?? .identity }
    functions.append(
      ONNXPendingFunction(
        node: node, operands: operands.map(\.function), apply: function, curve: function(curves),
        depth: depth, of: value))
    value.function = functions.count - 1
    // What several read, and is a function of the catalogue, is a layer of its own.
    if let name = node.outputs.first, readers[name] ?? 0 > 1,
      case .activation = Kind(functions[functions.count - 1].curve)
    {
      value = try settled(value)
    }
    try define(node, value)
  }

  /// A value as a layer gives it.
  mutating func settled(_ value: ONNXValue) throws(ExchangeError) -> ONNXValue {
    var value = value
    value.input = try settle(value)
    value.function = nil
    if value.input != .images { value.preparation = [] }
    return value
  }

  /// Where a value's numbers are: what is still to be done to them becomes a layer.
  mutating func settle(_ value: ONNXValue) throws(ExchangeError) -> LayerInput {
    guard let place = value.function else {
      if value.input == .images { try commit(value.preparation) }
      return value.input
    }
    if let known = functions[place].settled { return known }
    let input = try layer(for: place)
    functions[place].settled = input
    return input
  }

  private mutating func layer(for place: Int) throws(ExchangeError) -> LayerInput {
    let pending = functions[place]
    var base = pending.of
    // Two slopes are one, but their product is rounded otherwise.
    if pending.node.op == "LeakyRelu", let before = pending.operands[0],
      case .activation(.leakyReLU) = Kind(functions[before].curve),
      let curve = curve(of: place, from: before), let known = Kind(curve)
    {
      base.function = before
      let input = try settle(base)
      return try append(known, pending.node, input)
    }
    if let made = try layer(pending.curve, pending.node, base) { return made }
    // A function of what is itself one, the nearest first.
    for nearer in ancestors(of: place) {
      guard let curve = curve(of: place, from: nearer), let known = Kind(curve) else { continue }
      base = pending.of
      base.function = nearer
      let input = try settle(base)
      return try append(known, pending.node, input)
    }
    // A sum or a product of functions.
    if pending.operands.count == 2, ["Add", "Sum", "Mul"].contains(pending.node.op) {
      var inputs: [LayerInput] = []
      for operand in pending.operands {
        base.function = operand
        inputs.append(try settle(base))
      }
      return try append(
        pending.node, .merge(MergeDescription(pending.node.op == "Mul" ? .multiply : .add)), inputs)
    }
    base.function = pending.operands.first ?? nil
    note(
      refused(pending.node, "with what comes before it, it is no function of the catalogue"))
    return try settle(base)
  }

  /// What of the catalogue a function is.
  private enum Kind {
    case nothing
    case activation(Activation)
    case line(factor: Double, offset: Double)

    init?(_ curve: ONNXCurve) {
      if let (factor, offset) = curve.line {
        self = factor == 1 && offset == 0 ? .nothing : .line(factor: factor, offset: offset)
      } else if let activation = curve.activation {
        self = .activation(activation)
      } else {
        return nil
      }
    }
  }

  private mutating func layer(
    _ curve: ONNXCurve, _ node: ONNXFile.Node, _ base: ONNXValue
  ) throws(ExchangeError) -> LayerInput? {
    guard let kind = Kind(curve) else { return nil }
    return try append(kind, node, try settle(base))
  }

  private mutating func append(
    _ kind: Kind, _ node: ONNXFile.Node, _ input: LayerInput
  ) throws(ExchangeError) -> LayerInput {
    switch kind {
    case .nothing: return input
    case .activation(let activation): return try append(node, .activation(activation), [input])
    case .line(let factor, let offset):
      let channels = graph.shape(of: input).channels
      return try appendAffine(
        node, input, Array(repeating: Float(factor), count: channels),
        Array(repeating: Float(offset), count: channels))
    }
  }

  /// The functions that one is made of, the nearest first.
  private func ancestors(of place: Int) -> [Int] {
    var found: Set<Int> = []
    var rest = functions[place].operands.compactMap { $0 }
    while let next = rest.popLast() {
      guard found.count < 2 * Self.mostDepth, found.insert(next).inserted else { continue }
      rest += functions[next].operands.compactMap { $0 }
    }
    return found.sorted(by: >)
  }

  /// A function by another that it is made of; nil where it is not of that alone.
  private func curve(of place: Int, from ancestor: Int) -> ONNXCurve? {
    var known: [Int: ONNXCurve] = [ancestor: .identity]
    for next in ancestors(of: place).reversed() + [place] where next > ancestor {
      var curves: [ONNXCurve] = []
      for operand in functions[next].operands {
        guard let operand, let curve = known[operand] else { break }
        curves.append(curve)
      }
      if curves.count == functions[next].operands.count {
        known[next] = functions[next].apply(curves)
      }
    }
    return known[place]
  }

  // MARK: several values

  mutating func readMerge(_ node: ONNXFile.Node, _ merge: Merge) throws(ExchangeError) {
    var inputs: [LayerInput] = []
    let operands = try node.inputs.indices.map { (i) throws(ExchangeError) in try value(node, i) }
    let rank = operands[0].layout.indices.count
    guard operands.allSatisfy({ $0.groups == nil && $0.layout.indices.count == rank }) else {
      throw refused(node, "its values do not have the same indices")
    }
    var indices = operands[0].layout.indices
    for operand in operands {
      for (i, axes) in operand.layout.plain.enumerated() where !axes.isEmpty {
        let own = operands[0].layout.plain[i]
        guard own.isEmpty || own == axes else {
          throw refused(node, "its values do not lie in the same order")
        }
        if own.isEmpty { indices[i] = operand.layout.indices[i] }
      }
      inputs.append(try settle(operand))
    }
    let areImages = inputs.map { graph.shape(of: $0).isImage }
    if rank == 1 || merge == .add, areImages.contains(true), areImages.contains(false) {
      for i in inputs.indices { inputs[i] = try flat(inputs[i], node) }
    }
    let input = try append(node, .merge(MergeDescription(merge)), inputs)
    let layout =
      graph.shape(of: input).sizes.map {
        ONNXValueLayout($0.height, $0.width, $0.channels, indices)
      }
      ?? ONNXValueLayout(
        operands[0].layout.height, operands[0].layout.width, operands[0].layout.channels, indices)
    try define(node, ONNXValue(input, layout))
  }
}
