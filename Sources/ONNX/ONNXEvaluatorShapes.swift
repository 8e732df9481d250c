// What only moves numbers: shapes, transposes, parts of arrays.
extension ONNXEvaluator {
  /// The shape that `Reshape` makes of one; nil where it cannot.
  package static func reshape(_ shape: [Int], to wanted: [Int], keepsZero: Bool) -> [Int]? {
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
  package func axes(
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

  func squeeze(
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

  func transpose(
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
  func forEachPlace(_ shape: [Int], order: [Int], _ body: (Int) -> Void) {
    var strides = [Int](repeating: 1, count: shape.count)
    for i in shape.indices.dropLast().reversed() { strides[i] = strides[i + 1] * shape[i + 1] }
    walk(order.map { shape[$0] }, order.map { strides[$0] }, body)
  }

  func walk(_ sizes: [Int], _ steps: [Int], _ body: (Int) -> Void) {
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

  func concat(
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

  func gather(
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

  func taken(_ array: ONNXArray, _ places: [Int], _ shape: [Int]) -> ONNXArray {
    if let values = array.integers {
      return ONNXArray(.ints(places.map { values[$0] }), shape: shape, whole: array.whole)
    }
    return array.withFloats { values in
      ONNXArray(.floats(places.map { values[$0] }), shape: shape)
    }
  }

  /// What `Slice` takes of each index: the first place, the step, and how many.
  package func slices(
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

  func slice(
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
}
