/// Operators on arrays of two shapes, the smaller of which repeats over the larger (NumPy's rules, ONNX's
/// `Broadcasting.md`).
extension ONNXEvaluator {
  package func broadcast(_ node: ONNXFile.Node, _ a: [Int], _ b: [Int]) throws(ExchangeError)
    -> [Int]
  {
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
  package func spread(_ array: ONNXArray, to shape: [Int]) throws(ExchangeError) -> ONNXArray {
    if array.shape == shape { return array }
    let own = Array(repeating: 1, count: shape.count - array.shape.count) + array.shape
    var strides = [Int](repeating: 1, count: shape.count)
    for i in own.indices.dropLast().reversed() { strides[i] = strides[i + 1] * own[i + 1] }
    var places: [Int] = []
    places.reserveCapacity(shape.reduce(1, *))
    walk(shape, zip(own, strides).map { $0 == 1 ? 0 : $1 }) { places.append($0) }
    return taken(array, places, shape)
  }

  func combine(
    _ node: ONNXFile.Node, _ a: ONNXArray, _ b: ONNXArray, _ function: ONNXFunction.Binary
  ) throws(ExchangeError) -> ONNXArray {
    let shape = try broadcast(node, a.shape, b.shape)
    if a.content.isFloat, b.content.isFloat, !ONNXFunction.isTruth(node.op) {
      return try combineFloats(a, b, to: shape, function)
    }
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
    return x.withFloats { x in
      y.withFloats { y in
        ONNXArray(
          .ints(x.indices.map { Int(function(Double(x[$0]), Double(y[$0]))) }), shape: shape)
      }
    }
  }

  /// As of arrays that are spread, which those that repeat in a plain way need not be: a batch norm is
  /// four operators on all of an image and a number for each channel.
  private func combineFloats(
    _ a: ONNXArray, _ b: ONNXArray, to shape: [Int], _ function: ONNXFunction.Binary
  ) throws(ExchangeError) -> ONNXArray {
    let (x, y) = (try Repeated(a, in: shape, self), try Repeated(b, in: shape, self))
    let count = shape.reduce(1, *)
    return x.array.withFloats { xs in
      y.array.withFloats { ys in
        let values = [Float](unsafeUninitializedCapacity: count) { values, filled in
          var (i, j) = (Place(x), Place(y))
          for place in 0..<count {
            (values.baseAddress! + place).initialize(
              to: Float(function(Double(xs[i.index]), Double(ys[j.index]))))
            i.advance()
            j.advance()
          }
          filled = count
        }
        return ONNXArray(.floats(values), shape: shape)
      }
    }
  }

  /// An array in a larger shape, that has each of its numbers so many times in a row, and all of them again
  /// and again.
  private struct Repeated {
    let array: ONNXArray
    /// How often each number comes in a row.
    let times: Int

    /// An array that repeats in another way, as along its middle, is spread.
    init(_ array: ONNXArray, in shape: [Int], _ evaluator: ONNXEvaluator) throws(ExchangeError) {
      let own = Array(repeating: 1, count: shape.count - array.shape.count) + array.shape
      let last = own.indices.last { own[$0] != 1 } ?? -1
      let first = own.firstIndex { $0 != 1 } ?? 0
      if last < first || own[first...last].elementsEqual(shape[first...last]) {
        self.array = array
        times = shape[(last + 1)...].reduce(1, *)
      } else {
        self.array = try evaluator.spread(array, to: shape)
        times = 1
      }
    }
  }

  /// Where a walk through the larger shape is in an array that repeats.
  private struct Place {
    private(set) var index = 0
    private var left: Int
    private let times: Int
    private let count: Int

    init(_ repeated: Repeated) {
      (times, count) = (repeated.times, repeated.array.count)
      left = times
    }

    mutating func advance() {
      left -= 1
      guard left == 0 else { return }
      left = times
      index += 1
      if index == count { index = 0 }
    }
  }
}
