import ConvNet
import Glibc

/// Computes what an operator says, plainly: what of a file follows from constants alone is worked out with
/// it, and what was read of a file is checked with it.
struct ONNXEvaluator {
  let opset: Int
  /// The most numbers that an operator may give.
  var most = 1 << 30
  /// Whether convolutions and their like are computed too.
  var computesLayers = true

  static func refused(_ node: ONNXFile.Node, _ why: String) -> ExchangeError {
    ExchangeError("\(node.title): \(why)")
  }

  /// What an operator's first output is.
  /// - Throws: `ExchangeError` where it is not known here, or its operands do not fit it.
  func evaluate(
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
  private func whole(_ node: ONNXFile.Node, _ values: [Double]) throws(ExchangeError) -> [Int] {
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

  func clamp(_ axis: Int, _ count: Int) -> Int {
    let axis = axis < 0 ? axis.addingReportingOverflow(count).partialValue : axis
    return min(max(axis, 0), count)
  }

  /// A shape that there may be memory for.
  func checked(_ node: ONNXFile.Node, _ shape: [Int]) throws(ExchangeError) -> [Int] {
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

  /// The shape that `Reshape` makes of one; nil where it cannot.
  static func reshape(_ shape: [Int], to wanted: [Int], keepsZero: Bool) -> [Int]? {
    var sizes: [Int] = []
    var free: Int?
    var count = 1
    for (i, size) in wanted.enumerated() {
      var size = size
      if size == 0, keepsZero {
        guard i < shape.count else { return nil }
        size = shape[i]
      }
      if size == -1 {
        guard free == nil else { return nil }
        free = i
        sizes.append(1)
        continue
      }
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard size >= 0, !overflow else { return nil }
      count = product
      sizes.append(size)
    }
    let whole = shape.reduce(1, *)
    if let free {
      guard count > 0, whole % count == 0 else { return nil }
      sizes[free] = whole / count
      return sizes
    }
    return count == whole ? sizes : nil
  }

  /// Axes of an attribute, or since some opset of an input; each from 0 to `count`, in order.
  func axes(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?], _ count: Int
  ) throws(ExchangeError) -> [Int]? {
    var axes: [Int]?
    if case .ints(let values) = node.attributes["axes"] { axes = values }
    if inputs.count > 1, let array = inputs[1] { axes = array.integers }
    guard let axes else { return nil }
    var found: Set<Int> = []
    for axis in axes {
      let place = axis < 0 ? axis.addingReportingOverflow(count).partialValue : axis
      guard (0..<count).contains(place), found.insert(place).inserted else {
        throw Self.refused(node, "its axes \(axes) are not of \(count) indices")
      }
    }
    return found.sorted()
  }

  private func squeeze(
    _ node: ONNXFile.Node, _ array: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    var shape = array.shape
    if node.op == "Squeeze" {
      let axes =
        try axes(node, inputs, shape.count) ?? shape.indices.filter { shape[$0] == 1 }
      for axis in axes.reversed() {
        guard shape[axis] == 1 else { throw Self.refused(node, "index \(axis) is not of size 1") }
        shape.remove(at: axis)
      }
      return array.reshaped(shape)
    }
    var added = 0
    if case .ints(let values) = node.attributes["axes"] { added = values.count }
    if inputs.count > 1, let values = inputs[1] { added = values.count }
    guard let axes = try axes(node, inputs, shape.count + added) else {
      throw Self.refused(node, "it has no axes")
    }
    guard shape.count + added <= ONNXArray.mostIndices else {
      throw Self.refused(node, "it would have too many indices")
    }
    for axis in axes { shape.insert(1, at: axis) }
    return array.reshaped(shape)
  }

  private func transpose(
    _ node: ONNXFile.Node, _ array: ONNXArray
  ) throws(ExchangeError) -> ONNXArray {
    let order = node.ints("perm") ?? array.shape.indices.reversed()
    guard order.sorted() == Array(array.shape.indices) else {
      throw Self.refused(node, "its perm \(order) is none of \(array.shape.count) indices")
    }
    if let tensor = array.tensor(order) { return .floats(tensor) }
    let values = array.integers!
    let sizes = order.map { array.shape[$0] }
    var result: [Int] = []
    forEachPlace(array.shape, order: order) { result.append(values[$0]) }
    return ONNXArray(.ints(result), shape: sizes)
  }

  /// Calls `body` with the places of an array of some shape, in the order of its transpose.
  private func forEachPlace(_ shape: [Int], order: [Int], _ body: (Int) -> Void) {
    var strides = [Int](repeating: 1, count: shape.count)
    for i in shape.indices.dropLast().reversed() { strides[i] = strides[i + 1] * shape[i + 1] }
    walk(order.map { shape[$0] }, order.map { strides[$0] }, body)
  }

  private func walk(_ sizes: [Int], _ steps: [Int], _ body: (Int) -> Void) {
    guard !sizes.contains(0) else { return }
    var index = [Int](repeating: 0, count: sizes.count)
    var place = 0
    while true {
      body(place)
      var k = sizes.count - 1
      while k >= 0 {
        index[k] += 1
        place += steps[k]
        if index[k] < sizes[k] { break }
        place -= steps[k] * sizes[k]
        index[k] = 0
        k -= 1
      }
      if k < 0 { return }
    }
  }

  private func concat(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let arrays = inputs.compactMap { $0 }
    guard let first = arrays.first, arrays.count == inputs.count, let given = node.int("axis"),
      (-first.shape.count..<first.shape.count).contains(given)
    else { throw Self.refused(node, "it has no axis, or lacks an input") }
    let axis = clamp(given, first.shape.count)
    var shape = first.shape
    shape[axis] = 0
    for array in arrays {
      guard array.shape.count == shape.count,
        shape.indices.allSatisfy({ $0 == axis || array.shape[$0] == shape[$0] }),
        array.content.isFloat == first.content.isFloat
      else { throw Self.refused(node, "its inputs do not fit each other") }
      shape[axis] += array.shape[axis]
    }
    let outer = shape[..<axis].reduce(1, *)
    let runs = arrays.map { $0.shape[axis...].reduce(1, *) }
    if first.content.isFloat {
      let parts = arrays.map { $0.numbers! }
      var values: [Float] = []
      values.reserveCapacity(shape.reduce(1, *))
      for i in 0..<outer {
        for (part, run) in zip(parts, runs) { values += part[i * run..<(i + 1) * run] }
      }
      return ONNXArray(.floats(values), shape: shape)
    }
    let parts = arrays.map { $0.integers! }
    var values: [Int] = []
    for i in 0..<outer {
      for (part, run) in zip(parts, runs) { values += part[i * run..<(i + 1) * run] }
    }
    return ONNXArray(.ints(values), shape: shape)
  }

  private func gather(
    _ node: ONNXFile.Node, _ array: ONNXArray, _ places: ONNXArray
  ) throws(ExchangeError) -> ONNXArray {
    let axis = clamp(node.int("axis") ?? 0, array.shape.count)
    guard let wanted = places.integers, axis < array.shape.count else {
      throw Self.refused(node, "it does not take places of an index")
    }
    let size = array.shape[axis]
    var found: [Int] = []
    for place in wanted {
      guard (-size..<size).contains(place) else {
        throw Self.refused(node, "it takes place \(place) of \(size)")
      }
      found.append(place < 0 ? place + size : place)
    }
    let shape = Array(array.shape[..<axis]) + places.shape + array.shape[(axis + 1)...]
    _ = try checked(node, shape)
    let (outer, run) = (array.shape[..<axis].reduce(1, *), array.shape[(axis + 1)...].reduce(1, *))
    var order: [Int] = []
    for i in 0..<outer {
      for place in found {
        for j in 0..<run { order.append((i * size + place) * run + j) }
      }
    }
    return taken(array, order, shape)
  }

  private func taken(_ array: ONNXArray, _ places: [Int], _ shape: [Int]) -> ONNXArray {
    if let values = array.integers {
      return ONNXArray(.ints(places.map { values[$0] }), shape: shape)
    }
    return array.withFloats { values in
      ONNXArray(.floats(places.map { values[$0] }), shape: shape)
    }
  }

  /// What `Slice` takes of each index: the first place, the step, and how many.
  func slices(
    _ node: ONNXFile.Node, _ shape: [Int], _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> [(start: Int, step: Int, count: Int)] {
    func row(_ place: Int, _ name: String) -> [Int]? {
      if let values = node.ints(name) { return values }
      return inputs.indices.contains(place) ? inputs[place]?.integers : nil
    }
    guard let starts = row(1, "starts"), let ends = row(2, "ends"), starts.count == ends.count
    else { throw Self.refused(node, "its starts and ends are not known") }
    let axes = row(3, "axes") ?? Array(starts.indices)
    let steps = row(4, "steps") ?? starts.map { _ in 1 }
    guard axes.count == starts.count, steps.count == starts.count, !steps.contains(0) else {
      throw Self.refused(node, "its axes or steps do not fit its starts")
    }
    var slices = shape.map { (start: 0, step: 1, count: $0) }
    for (i, given) in axes.enumerated() {
      let axis = given < 0 ? given.addingReportingOverflow(shape.count).partialValue : given
      guard shape.indices.contains(axis), steps[i] > Int.min else {
        throw Self.refused(node, "axis \(given) is none of \(shape)")
      }
      let (size, step) = (shape[axis], steps[i])
      func bounded(_ value: Int, _ low: Int, _ high: Int) -> Int {
        min(max(value < 0 ? value.addingReportingOverflow(size).partialValue : value, low), high)
      }
      let start = step > 0 ? bounded(starts[i], 0, size) : bounded(starts[i], -1, size - 1)
      // From the end backwards, what lies before the first place is -1.
      let end =
        step > 0
        ? bounded(ends[i], 0, size)
        : ends[i] < 0 && ends[i] < -size ? -1 : bounded(ends[i], -1, size - 1)
      let length = step > 0 ? end - start : start - end
      let stride = Int(min(step.magnitude, UInt(Int.max)))
      slices[axis] = (start, step, length <= 0 ? 0 : (length - 1) / stride + 1)
    }
    return slices
  }

  private func slice(
    _ node: ONNXFile.Node, _ array: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let slices = try slices(node, array.shape, inputs)
    var strides = [Int](repeating: 1, count: array.shape.count)
    for i in array.shape.indices.dropLast().reversed() {
      strides[i] = strides[i + 1] * array.shape[i + 1]
    }
    let first = zip(slices, strides).reduce(0) { $1.0.count > 0 ? $0 + $1.0.start * $1.1 : $0 }
    let sizes = slices.map(\.count)
    var places: [Int] = []
    // A step of one place or none is never taken.
    let steps = zip(slices, strides).map { slice, stride in
      slice.count > 1 ? slice.step * stride : 0
    }
    walk(sizes, steps) { places.append(first + $0) }
    return taken(array, places, sizes)
  }

  // MARK: broadcasting

  func broadcast(_ node: ONNXFile.Node, _ a: [Int], _ b: [Int]) throws(ExchangeError) -> [Int] {
    let rank = max(a.count, b.count)
    let (a, b) = (
      Array(repeating: 1, count: rank - a.count) + a, Array(repeating: 1, count: rank - b.count) + b
    )
    var shape: [Int] = []
    for (x, y) in zip(a, b) {
      guard x == y || x == 1 || y == 1 else { throw Self.refused(node, "\(a) and \(b) do not fit") }
      shape.append(x == 1 ? y : x)
    }
    return try checked(node, shape)
  }

  /// An array repeated over a larger shape.
  func spread(_ array: ONNXArray, to shape: [Int]) throws(ExchangeError) -> ONNXArray {
    if array.shape == shape { return array }
    let own = Array(repeating: 1, count: shape.count - array.shape.count) + array.shape
    var strides = [Int](repeating: 1, count: shape.count)
    for i in own.indices.dropLast().reversed() { strides[i] = strides[i + 1] * own[i + 1] }
    var places: [Int] = []
    places.reserveCapacity(shape.reduce(1, *))
    walk(shape, zip(own, strides).map { $0 == 1 ? 0 : $1 }) { places.append($0) }
    return taken(array, places, shape)
  }

  private func combine(
    _ node: ONNXFile.Node, _ a: ONNXArray, _ b: ONNXArray, _ function: ONNXFunction.Binary
  ) throws(ExchangeError) -> ONNXArray {
    let shape = try broadcast(node, a.shape, b.shape)
    let (x, y) = (try spread(a, to: shape), try spread(b, to: shape))
    if let x = x.integers, let y = y.integers {
      var values: [Int] = []
      for (x, y) in zip(x, y) {
        // Sizes are exact, which a double is not beyond 2⁵³.
        let (exact, overflow) =
          switch node.op {
          case "Add", "Sum": x.addingReportingOverflow(y)
          case "Sub": x.subtractingReportingOverflow(y)
          case "Mul": x.multipliedReportingOverflow(by: y)
          case "Div": x.dividedReportingOverflow(by: y)
          default: (try whole(node, [function(Double(x), Double(y))])[0], false)
          }
        if overflow { throw Self.refused(node, "it comes to no whole number of 64 bits") }
        values.append(exact)
      }
      return ONNXArray(.ints(values), shape: shape)
    }
    guard x.content.isFloat, y.content.isFloat else {
      throw Self.refused(node, "its operands are of two types")
    }
    let isTruth = ONNXFunction.isTruth(node.op)
    return x.withFloats { x in
      y.withFloats { y in
        if isTruth {
          return ONNXArray(
            .ints(x.indices.map { Int(function(Double(x[$0]), Double(y[$0]))) }), shape: shape)
        }
        return ONNXArray(
          .floats(x.indices.map { Float(function(Double(x[$0]), Double(y[$0]))) }), shape: shape)
      }
    }
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
  var title: String {
    let own = name.isEmpty ? outputs.first ?? "" : name
    return own.isEmpty ? op : "\(op) \(own)"
  }

  func int(_ name: String) -> Int? {
    if case .int(let value) = attributes[name] { value } else { nil }
  }

  func ints(_ name: String) -> [Int]? {
    if case .ints(let values) = attributes[name] { values } else { nil }
  }

  func float(_ name: String) -> Float? {
    if case .float(let value) = attributes[name] { value } else { nil }
  }

  func string(_ name: String) -> String? {
    if case .string(let value) = attributes[name] { value } else { nil }
  }
}
