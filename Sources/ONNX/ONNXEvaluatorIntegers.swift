import ConvNet

// The operators of quantised networks. Of real numbers x = s(q − z), one scale s and zero point z for all, for
// each place of an axis, or for each block of such places.
extension ONNXEvaluator {
  /// Numbers of an operator that stand for some of another's.
  private struct Spread {
    let count: Int
    let run: Int
    let size: Int
    let block: Int
    let blocks: Int

    /// Which of them is for the number at a place.
    func callAsFunction(_ place: Int) -> Int {
      if count == 1 { return 0 }
      let (outer, rest) = place.quotientAndRemainder(dividingBy: run * size)
      guard block > 0 else { return rest / run }
      return (outer * blocks + rest / run / block) * run + rest % run
    }
  }

  private func spread(
    _ node: ONNXFile.Node, _ shape: [Int], _ scale: ONNXArray
  ) throws(ExchangeError) -> Spread {
    if scale.count == 1, scale.shape.count < 2 {
      return Spread(count: 1, run: 1, size: 1, block: 0, blocks: 0)
    }
    let given = node.int("axis") ?? 1
    let axis = given < 0 ? given + shape.count : given
    guard shape.indices.contains(axis) else { throw Self.refused(node, "its axis is none") }
    let run = shape[(axis + 1)...].reduce(1, *)
    let block = node.int("block_size") ?? 0
    if block > 0 {
      var expected = shape
      expected[axis] = (shape[axis] - 1) / block + 1
      guard scale.shape == expected else {
        throw Self.refused(node, "its scales are not of blocks of \(block)")
      }
      return Spread(
        count: scale.count, run: run, size: shape[axis], block: block, blocks: expected[axis])
    }
    guard scale.shape == [shape[axis]] else {
      throw Self.refused(node, "\(scale.shape) scales are not of axis \(axis) of \(shape)")
    }
    return Spread(count: scale.count, run: run, size: shape[axis], block: 0, blocks: 0)
  }

  /// Scales, and as many zero points.
  private func scales(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?], _ scale: Int, _ zero: Int
  ) throws(ExchangeError) -> (scales: [Float], zeros: [Int], whole: ONNXArray.Whole?) {
    guard inputs.indices.contains(scale), let scales = inputs[scale]?.numbers,
      scales.allSatisfy({ $0.isFinite && $0 > 0 })
    else { throw Self.refused(node, "its input \(scale) is not of scales") }
    guard inputs.indices.contains(zero), let zeros = inputs[zero] else {
      return (scales, scales.map { _ in 0 }, nil)
    }
    guard let numbers = zeros.integers, numbers.count == scales.count,
      numbers.allSatisfy({ zeros.whole.range.contains($0) })
    else { throw Self.refused(node, "its zero points are not as its scales") }
    return (scales, numbers, zeros.whole)
  }

  /// round(x/s) + z, halves to even, held in what its type holds.
  func quantized(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    guard let first = inputs.first, let x = first, x.content.isFloat, inputs.count > 1,
      let scale = inputs[1]
    else { throw Self.refused(node, "its input is not of floats, or it has no scale") }
    let (scales, zeros, own) = try scales(node, inputs, 1, 2)
    guard let whole = own ?? ONNXArray.Whole(rawValue: node.int("output_dtype") ?? 2),
      whole.bytes <= 2
    else { throw Self.refused(node, "to a type that is not read") }
    let spread = try spread(node, x.shape, scale)
    let range = whole.range
    let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
    func one(_ x: Float, _ scale: Float, _ zero: Float) -> Int {
      let value = (x / scale).rounded(.toNearestOrEven) + zero
      return value >= high ? range.upperBound : value >= low ? Int(value) : range.lowerBound
    }
    let values = x.withFloats { x in
      if spread.count == 1 {
        let (scale, zero) = (scales[0], Float(zeros[0]))
        return x.map { one($0, scale, zero) }
      }
      return x.indices.map { place in
        let own = spread(place)
        return one(x[place], scales[own], Float(zeros[own]))
      }
    }
    return ONNXArray(.ints(values), shape: x.shape, whole: whole)
  }

  /// s(q − z).
  func dequantized(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    guard let first = inputs.first, let x = first, let values = x.integers, inputs.count > 1,
      let scale = inputs[1]
    else { throw Self.refused(node, "its input is not of whole numbers, or it has no scale") }
    guard x.whole.bytes <= 4, x.whole != .bool else {
      throw Self.refused(node, "its input is of a type that is not read")
    }
    let (scales, zeros, _) = try scales(node, inputs, 1, 2)
    let spread = try spread(node, x.shape, scale)
    if spread.count == 1 {
      let (scale, zero) = (scales[0], zeros[0])
      return values.map { Float($0 - zero) * scale }.array(x.shape)
    }
    return values.enumerated().map { place, value in
      let own = spread(place)
      return Float(value - zeros[own]) * scales[own]
    }.array(x.shape)
  }

  /// What multiplies whole numbers; nil for other operators.
  func evaluateIntegers(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray? {
    /// Of as many bytes that no sum of products leaves 64 bits.
    func whole(_ place: Int, bytes: Int = 2) throws(ExchangeError) -> (ONNXArray, [Int]) {
      guard inputs.indices.contains(place), let array = inputs[place],
        let values = array.integers, array.whole.bytes <= bytes, array.whole != .bool
      else {
        throw Self.refused(node, "its input \(place) is not of whole numbers of \(8 * bytes) bits")
      }
      return (array, values)
    }
    /// Zero points of an operand: one, or one for each of so many.
    func zeros(_ place: Int, _ count: Int) throws(ExchangeError) -> [Int] {
      guard inputs.indices.contains(place), inputs[place] != nil else { return [0] }
      let (_, zeros) = try whole(place)
      guard zeros.count == 1 || zeros.count == count else {
        throw Self.refused(node, "its zero points are not one for each of \(count)")
      }
      return zeros
    }
    switch node.op {
    case "ConvInteger":
      let filters = try whole(1).0.shape.first ?? 0
      let sums = try convolved(
        node, whole(0).0, zeros(2, 1)[0], whole(1).0, zeros(3, filters), nil)
      return ONNXArray(.ints(sums.values), shape: sums.shape, whole: .int32)
    case "MatMulInteger":
      let columns = try whole(1).0.shape.last ?? 0
      let sums = try multiplied(node, whole(0).0, zeros(2, 1)[0], whole(1).0, zeros(3, columns))
      return ONNXArray(.ints(sums.values), shape: sums.shape, whole: .int32)
    case "QLinearConv":
      let (kernel, _) = try whole(3)
      let filters = kernel.shape.first ?? 0
      var bias: [Int]?
      if inputs.count > 8, inputs[8] != nil { bias = try whole(8, bytes: 4).1 }
      guard bias?.count ?? filters == filters else {
        throw Self.refused(node, "its bias is not of \(filters) numbers")
      }
      let sums = try convolved(
        node, whole(0).0, zeros(2, 1)[0], kernel, zeros(5, filters), bias)
      let run = sums.shape.dropFirst(2).reduce(1, *)
      return try scaled(node, sums, inputs, x: 1, w: 4, y: 6) { $0 / run % filters }
    case "QLinearMatMul":
      let columns = try whole(3).0.shape.last ?? 0
      let sums = try multiplied(node, whole(0).0, zeros(2, 1)[0], whole(3).0, zeros(5, columns))
      return try scaled(node, sums, inputs, x: 1, w: 4, y: 6) { $0 % columns }
    default: return nil
    }
  }

  /// round(sum·x·w/y) + z, halves to even.
  private func scaled(
    _ node: ONNXFile.Node, _ sums: (values: [Int], shape: [Int]), _ inputs: [ONNXArray?],
    x: Int, w: Int, y: Int, channel: (Int) -> Int
  ) throws(ExchangeError) -> ONNXArray {
    guard inputs.count > y + 1 else { throw Self.refused(node, "it lacks an input") }
    func numbers(_ place: Int) throws(ExchangeError) -> [Float] {
      guard let numbers = inputs[place]?.numbers, numbers.allSatisfy({ $0 > 0 && $0.isFinite })
      else { throw Self.refused(node, "its input \(place) is not of scales") }
      return numbers
    }
    let (own, kernel, output) = (try numbers(x), try numbers(w), try numbers(y))
    guard own.count == 1, output.count == 1, let zeros = inputs[y + 1],
      zeros.integers?.count == 1, zeros.whole.bytes <= 2
    else { throw Self.refused(node, "its scales are not one for all of its input and output") }
    let (range, zero) = (zeros.whole.range, zeros.integers![0])
    let factors = kernel.map { Double(own[0] * $0) / Double(output[0]) }
    guard factors.allSatisfy(\.isFinite) else {
      throw Self.refused(node, "its scales are too far apart")
    }
    var values: [Int] = []
    values.reserveCapacity(sums.values.count)
    for (place, sum) in sums.values.enumerated() {
      let factor = factors.count == 1 ? factors[0] : factors[channel(place) % factors.count]
      let value = (Double(sum) * factor).rounded(.toNearestOrEven) + Double(zero)
      values.append(
        Int(min(max(value, Double(range.lowerBound)), Double(range.upperBound))))
    }
    return ONNXArray(.ints(values), shape: sums.shape, whole: zeros.whole)
  }

  /// Σ(x − z)(w − z_f) + b_f
  private func convolved(
    _ node: ONNXFile.Node, _ x: ONNXArray, _ zero: Int, _ kernel: ONNXArray, _ zeros: [Int],
    _ bias: [Int]?
  ) throws(ExchangeError) -> (values: [Int], shape: [Int]) {
    let groups = node.int("group") ?? 1
    guard x.shape.count == 4, kernel.shape.count == 4, !x.shape.contains(0),
      !kernel.shape.contains(0), groups > 0, kernel.shape[1] <= x.shape[1],
      kernel.shape[1] * groups == x.shape[1], kernel.shape[0] % groups == 0
    else { throw Self.refused(node, "its kernel does not fit its input") }
    let (count, channels, height, width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3])
    let map = ONNXMap(count, channels, height, width, [])
    let window = try window(node, map, Array(kernel.shape.suffix(2)))
    let (filters, seen) = (kernel.shape[0], kernel.shape[1])
    let shape = try checked(node, [count, filters] + window.output)
    let (pixels, weights) = (x.integers!, kernel.integers!)
    var result: [Int] = []
    result.reserveCapacity(shape.reduce(1, *))
    for image in 0..<count {
      for f in 0..<filters {
        let first = f / (filters / groups) * seen
        let own = zeros.count == 1 ? zeros[0] : zeros[f]
        for r in 0..<window.output[0] {
          for q in 0..<window.output[1] {
            var sum = bias?[f] ?? 0
            for i in 0..<window.rows {
              let row = r * window.stride[0] + i * window.dilation[0] - window.pads[0]
              guard row >= 0, row < height else { continue }
              for j in 0..<window.columns {
                let column = q * window.stride[1] + j * window.dilation[1] - window.pads[1]
                guard column >= 0, column < width else { continue }
                for c in 0..<seen {
                  let plane = (image * channels + first + c) * height
                  let pixel = pixels[(plane + row) * width + column]
                  let weight = weights[((f * seen + c) * window.rows + i) * window.columns + j]
                  sum += (pixel - zero) * (weight - own)
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return (result, shape)
  }

  /// Σ(a − z)(b − z_n), the last two indices being those of matrices.
  private func multiplied(
    _ node: ONNXFile.Node, _ a: ONNXArray, _ zero: Int, _ b: ONNXArray, _ zeros: [Int]
  ) throws(ExchangeError) -> (values: [Int], shape: [Int]) {
    guard a.shape.count >= 2, b.shape.count >= 2, a.shape.last == b.shape[b.shape.count - 2],
      b.shape.count == 2 || b.shape.dropLast(2) == a.shape.dropLast(2)
    else { throw Self.refused(node, "\(a.shape) and \(b.shape) do not fit") }
    let (rows, depth) = (a.shape[a.shape.count - 2], a.shape[a.shape.count - 1])
    let columns = b.shape[b.shape.count - 1]
    let shape = try checked(node, a.shape.dropLast() + [columns])
    let (x, w) = (a.integers!, b.integers!)
    let matrices = a.shape.dropLast(2).reduce(1, *)
    var result: [Int] = []
    result.reserveCapacity(shape.reduce(1, *))
    for matrix in 0..<matrices {
      let (left, right) = (
        matrix * rows * depth, b.shape.count == 2 ? 0 : matrix * depth * columns
      )
      for row in 0..<rows {
        for column in 0..<columns {
          let own = zeros.count == 1 ? zeros[0] : zeros[column]
          var sum = 0
          for k in 0..<depth {
            sum += (x[left + row * depth + k] - zero) * (w[right + k * columns + column] - own)
          }
          result.append(sum)
        }
      }
    }
    return (result, shape)
  }
}
