import ConvNet
import Glibc

// The operators of networks, as plain loops over (N, C, H, W): nothing of this program's layers is used,
// so that they can be checked with it.
extension ONNXEvaluator {
  func evaluateLayer(
    _ node: ONNXFile.Node, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    func floats(_ place: Int) throws(ExchangeError) -> ONNXArray {
      guard inputs.indices.contains(place), let array = inputs[place], array.content.isFloat else {
        throw Self.refused(node, "its input \(place) is missing, or not of floats")
      }
      return array
    }
    /// One number for each of some channels.
    func row(_ place: Int, _ count: Int) throws(ExchangeError) -> [Float]? {
      guard inputs.indices.contains(place), let array = inputs[place] else { return nil }
      guard let numbers = array.numbers, numbers.count == count else {
        throw Self.refused(node, "its input \(place) is not of \(count) floats")
      }
      return numbers
    }
    guard !inputs.isEmpty else { throw Self.refused(node, "no layer of the catalogue is like it") }
    if let result = try evaluateIntegers(node, inputs) { return result }
    let x = try floats(0)
    let shape = x.shape
    switch node.op {
    case "Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool":
      guard shape.count == 4, !shape.contains(0) else {
        throw Self.refused(node, "it reads no images")
      }
      let map = ONNXMap(x)
      switch node.op {
      case "Conv": return try convolved(node, map, floats(1), row(2, floats(1).shape[0]))
      case "ConvTranspose":
        return try transposed(node, map, floats(1), row(2, floats(1).shape.dropFirst().first ?? 0))
      case "GlobalAveragePool", "GlobalMaxPool":
        return try pooled(
          node, map, ONNXWindow(rows: map.height, columns: map.width),
          isMax: node.op == "GlobalMaxPool")
      default: return try pooled(node, map, window(node, map, nil), isMax: node.op == "MaxPool")
      }
    case "Gemm", "MatMul":
      let matrix = try floats(1)
      guard matrix.shape.count == 2, let depth = shape.last else {
        throw Self.refused(node, "it multiplies by no matrix")
      }
      let isTurned = node.op == "Gemm" && node.int("transB") ?? 0 != 0
      let columns = matrix.shape[isTurned ? 0 : 1]
      guard matrix.shape[isTurned ? 1 : 0] == depth, depth > 0 else {
        throw Self.refused(node, "\(shape) and \(matrix.shape) do not fit")
      }
      let (alpha, beta) = (
        node.op == "Gemm" ? node.float("alpha") ?? 1 : 1, node.float("beta") ?? 1
      )
      let product = x.withFloats { x in
        matrix.withFloats {
          Self.product(x, $0, x.count / depth, depth, columns, isTurned: isTurned, alpha: alpha)
        }
      }
      var result = ONNXArray(.floats(product), shape: shape.dropLast() + [columns])
      if node.op == "Gemm", inputs.count > 2, let bias = inputs[2] {
        let all = try spread(bias, to: result.shape).numbers ?? []
        let sums = zip(result.numbers!, all).map { $0 + beta * $1 }
        result = ONNXArray(.floats(sums), shape: result.shape)
      }
      return result
    case "BatchNormalization":
      let channels = shape.count > 1 ? shape[1] : 1
      guard let scale = try row(1, channels), let offset = try row(2, channels),
        let mean = try row(3, channels), let variance = try row(4, channels)
      else { throw Self.refused(node, "it lacks an input") }
      let epsilon = node.float("epsilon") ?? 1e-5
      let run = shape.dropFirst(2).reduce(1, *)
      return mapped(x) { place, value in
        let c = place / run % channels
        return (value - mean[c]) / (variance[c] + epsilon).squareRoot() * scale[c] + offset[c]
      }
    case "InstanceNormalization", "GroupNormalization", "LayerNormalization":
      return try normalized(node, x, inputs)
    case "Softmax", "LogSoftmax":
      let given = node.int("axis") ?? (opset < 13 ? 1 : -1)
      let axis = given < 0 ? given + shape.count : given
      guard shape.indices.contains(axis) else { throw Self.refused(node, "its axis is none") }
      // Before opset 13 it was of all indices from its axis on.
      let size = opset < 13 ? shape[axis...].reduce(1, *) : shape[axis]
      let run = opset < 13 ? 1 : shape[(axis + 1)...].reduce(1, *)
      return softmax(x, size: size, run: run, isLogarithm: node.op == "LogSoftmax")
    case "Clip":
      func bound(_ name: String, _ place: Int, _ missing: Float) -> Float {
        node.float(name)
          ?? (inputs.count > place ? inputs[place]?.numbers?.first : nil) ?? missing
      }
      let (low, high) = (bound("min", 1, -.infinity), bound("max", 2, .infinity))
      return mapped(x) { min(max($1, low), high) }
    case "Pad":
      let pads =
        node.ints("pads") ?? node.ints("paddings")
        ?? (inputs.count > 1 ? inputs[1]?.integers : nil) ?? []
      var axes = Array(shape.indices)
      if inputs.count > 3, let given = inputs[3]?.integers {
        axes = given.map { clamp($0, shape.count) }
      }
      guard pads.count == 2 * axes.count, node.string("mode") ?? "constant" == "constant" else {
        throw Self.refused(node, "its pads do not fit")
      }
      var (before, after) = (shape.map { _ in 0 }, shape.map { _ in 0 })
      for (i, axis) in axes.enumerated() {
        (before[axis], after[axis]) = (pads[i], pads[axes.count + i])
      }
      return try framed(node, x, before, after)
    case "Resize", "Upsample": return try resized(node, x, inputs)
    default: throw Self.refused(node, "no layer of the catalogue is like this operator")
    }
  }

  private func mapped(_ x: ONNXArray, _ body: (Int, Float) -> Float) -> ONNXArray {
    x.withFloats { x in x.indices.map { body($0, x[$0]) } }.array(x.shape)
  }

  private static func product(
    _ x: UnsafeBufferPointer<Float>, _ w: UnsafeBufferPointer<Float>, _ rows: Int, _ depth: Int,
    _ columns: Int, isTurned: Bool, alpha: Float
  ) -> [Float] {
    var result = [Float](repeating: 0, count: rows * columns)
    result.withUnsafeMutableBufferPointer { result in
      for row in 0..<rows {
        for column in 0..<columns where isTurned {
          var sum = SIMD16<Float>()
          var k = 0
          while k + 16 <= depth {
            for lane in 0..<16 {
              sum[lane] += x[row * depth + k + lane] * w[column * depth + k + lane]
            }
            k += 16
          }
          var total = sum.sum()
          while k < depth {
            total += x[row * depth + k] * w[column * depth + k]
            k += 1
          }
          result[row * columns + column] = total
        }
        for k in 0..<depth where !isTurned {
          let factor = x[row * depth + k]
          for column in 0..<columns {
            result[row * columns + column] += factor * w[k * columns + column]
          }
        }
        if alpha != 1 { for i in 0..<columns { result[row * columns + i] *= alpha } }
      }
    }
    return result
  }

  private func softmax(_ x: ONNXArray, size: Int, run: Int, isLogarithm: Bool) -> ONNXArray {
    var values = x.numbers!
    let places = (0..<values.count / max(1, size)).map { $0 / run * run * size + $0 % run }
    for first in places {
      let row = (0..<size).map { Double(values[first + $0 * run]) }
      let most = row.max()!
      let sum = row.reduce(0) { $0 + exp($1 - most) }
      for (i, value) in row.enumerated() {
        values[first + i * run] = Float(
          isLogarithm
            ? value - most - log(sum) : exp(value - most) / sum)
      }
    }
    return values.array(x.shape)
  }

  private func normalized(
    _ node: ONNXFile.Node, _ x: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let shape = x.shape
    let epsilon = Double(node.float("epsilon") ?? 1e-5)
    let size: Int
    switch node.op {
    case "LayerNormalization":
      size = shape[clamp(node.int("axis") ?? -1, shape.count)...].reduce(1, *)
    case "InstanceNormalization": size = shape.dropFirst(2).reduce(1, *)
    default: size = shape.dropFirst().reduce(1, *) / max(1, node.int("num_groups") ?? 1)
    }
    guard shape.count > 1, size > 0, x.count % size == 0, inputs.count > 1,
      let scale = inputs[1]?.numbers, !scale.isEmpty
    else { throw Self.refused(node, "it has no scale, or nothing to normalise") }
    let offset = inputs.count > 2 ? inputs[2]?.numbers ?? [0] : [0]
    var values = x.numbers!
    let run = node.op == "LayerNormalization" ? 1 : shape.dropFirst(2).reduce(1, *)
    for first in stride(from: 0, to: values.count, by: size) {
      let row = values[first..<first + size].map { Double($0) }
      let mean = row.reduce(0, +) / Double(size)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      for (i, value) in row.enumerated() {
        let place = first + i
        // Of each place of a row, of each channel, or of each group.
        func of(_ numbers: [Float]) -> Double {
          let channel = place / run % (node.op == "LayerNormalization" ? size : shape[1])
          let share = node.op == "LayerNormalization" ? 1 : max(1, shape[1] / numbers.count)
          return Double(numbers[channel / share % numbers.count])
        }
        values[place] = Float(
          (value - mean) / (variance + epsilon).squareRoot() * of(scale) + of(offset))
      }
    }
    return values.array(shape)
  }

  /// Zeros put around an array, or its edges cut.
  private func framed(
    _ node: ONNXFile.Node, _ x: ONNXArray, _ before: [Int], _ after: [Int]
  ) throws(ExchangeError) -> ONNXArray {
    let shape = x.shape
    var sizes: [Int] = []
    for i in shape.indices {
      guard before[i].magnitude < 1 << 30, after[i].magnitude < 1 << 30 else {
        throw Self.refused(node, "its pads are too large")
      }
      sizes.append(shape[i] + before[i] + after[i])
    }
    _ = try checked(node, sizes)
    let values = x.numbers!
    var result = [Float](repeating: 0, count: sizes.reduce(1, *))
    for place in result.indices {
      var (rest, source, stride, isInside) = (place, 0, 1, true)
      for i in sizes.indices.reversed() {
        let own = rest % sizes[i] - before[i]
        rest /= sizes[i]
        isInside = isInside && own >= 0 && own < shape[i]
        source += own * stride
        stride *= shape[i]
      }
      if isInside { result[place] = values[source] }
    }
    return result.array(sizes)
  }

  /// Each new place reads those of the old that lie around (i + ½)/s − ½, or the one that it lies in.
  private func resized(
    _ node: ONNXFile.Node, _ x: ONNXArray, _ inputs: [ONNXArray?]
  ) throws(ExchangeError) -> ONNXArray {
    let shape = x.shape
    var factors: [Float]?
    if case .floats(let values) = node.attributes["scales"] { factors = values }
    let place = node.op == "Upsample" || opset < 11 ? 1 : 2
    if factors == nil, inputs.count > place, let scales = inputs[place]?.numbers, !scales.isEmpty {
      factors = scales
    }
    if factors == nil, inputs.count > 3, let sizes = inputs[3]?.integers, sizes.count == shape.count
    {
      factors = zip(sizes, shape).map { Float($0) / Float($1) }
    }
    guard let factors, factors.count == shape.count, shape.count == 4,
      factors.allSatisfy({ $0 >= 1 && $0 < 65_536 && $0 == $0.rounded() })
    else { throw Self.refused(node, "its factors are not whole") }
    let whole = factors.map { Int($0) }
    let sizes = try checked(
      node, zip(shape, whole).map { $0.multipliedReportingOverflow(by: $1).partialValue })
    let isNearest = node.string("mode") ?? "nearest" == "nearest"
    /// The places on both sides, and the share of the second.
    func sources(_ axis: Int) -> [(Int, Int, Float)] {
      (0..<sizes[axis]).map { i in
        if isNearest { return (i / whole[axis], i / whole[axis], 0) }
        let place = (Float(i) + 0.5) / Float(whole[axis]) - 0.5
        let low = Int(place.rounded(.down))
        let last = shape[axis] - 1
        return (min(max(low, 0), last), min(max(low + 1, 0), last), place - Float(low))
      }
    }
    let values = x.numbers!
    var result: [Float] = []
    result.reserveCapacity(sizes.reduce(1, *))
    let all = (0..<4).map(sources)
    let strides = [shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1]
    for a in all[0] {
      for b in all[1] {
        for c in all[2] {
          for d in all[3] {
            var sum: Float = 0
            // Of each index one of two places.
            for corner in 0..<16 {
              var (weight, place): (Float, Int) = (1, 0)
              for (i, source) in [a, b, c, d].enumerated() {
                let isSecond = corner >> i & 1 == 1
                weight *= isSecond ? source.2 : 1 - source.2
                place += (isSecond ? source.1 : source.0) * strides[i]
              }
              if weight != 0 { sum += weight * values[place] }
            }
            result.append(sum)
          }
        }
      }
    }
    return result.array(sizes)
  }
}

extension [Float] {
  func array(_ shape: [Int]) -> ONNXArray { ONNXArray(.floats(self), shape: shape) }
}

extension ONNXFile.Node {
  /// An operator by itself.
  init(_ op: String) { self.init(op: op, name: "", inputs: [], outputs: []) }
}
