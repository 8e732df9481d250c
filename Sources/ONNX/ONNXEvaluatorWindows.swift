import ConvNet

/// Images as an operator reads them: (N, C, H, W).
struct ONNXMap {
  let (count, channels, height, width): (Int, Int, Int, Int)
  let values: [Float]

  init(_ array: ONNXArray) {
    let shape = array.shape
    (count, channels, height, width) = (shape[0], shape[1], shape[2], shape[3])
    values = array.numbers!
  }
}

/// A window and how it goes over a map.
struct ONNXWindow {
  var (rows, columns): (Int, Int)
  var stride = [1, 1]
  var dilation = [1, 1]
  /// Above, to the left, below, to the right.
  var pads = [0, 0, 0, 0]
  /// How many places it takes.
  var output = [1, 1]

  init(rows: Int, columns: Int) { (self.rows, self.columns) = (rows, columns) }

  func reach(_ axis: Int) -> Int { ((axis == 0 ? rows : columns) - 1) * dilation[axis] + 1 }
}

// Windows: convolutions and poolings.
extension ONNXEvaluator {
  /// - Parameter kernel: its shape where the operator has one; else it is an attribute.
  func window(
    _ node: ONNXFile.Node, _ map: ONNXMap, _ kernel: [Int]?
  ) throws(ExchangeError) -> ONNXWindow {
    func pair(_ name: String) throws(ExchangeError) -> [Int] {
      guard let values = node.ints(name) else { return [1, 1] }
      guard values.count == 2, values.allSatisfy({ (1...65_536).contains($0) }) else {
        throw Self.refused(node, "its \(name) are not two sizes")
      }
      return values
    }
    let size: [Int]
    if let kernel { size = kernel } else { size = try pair("kernel_shape") }
    var window = ONNXWindow(rows: size[0], columns: size[1])
    (window.stride, window.dilation) = (try pair("strides"), try pair("dilations"))
    let mode = node.string("auto_pad") ?? "NOTSET"
    if let pads = node.ints("pads"), mode == "NOTSET" {
      guard pads.count == 4, pads.allSatisfy({ (0...65_536).contains($0) }) else {
        throw Self.refused(node, "its pads are not four sizes")
      }
      window.pads = pads
    }
    for (axis, extent) in [map.height, map.width].enumerated() {
      let stride = window.stride[axis]
      if mode.hasPrefix("SAME") {
        let count = (extent + stride - 1) / stride
        let spare = max(0, (count - 1) * stride + window.reach(axis) - extent)
        let first = mode == "SAME_UPPER" ? spare / 2 : spare - spare / 2
        (window.pads[axis], window.pads[axis + 2]) = (first, spare - first)
      }
      let spare = extent + window.pads[axis] + window.pads[axis + 2] - window.reach(axis)
      guard spare >= 0 else { throw Self.refused(node, "its window is larger than its input") }
      var count = spare / stride + 1
      if node.int("ceil_mode") ?? 0 == 1, spare % stride != 0,
        count * stride < extent + window.pads[axis]
      {
        count += 1
      }
      window.output[axis] = count
    }
    return window
  }

  func pooled(
    _ node: ONNXFile.Node, _ map: ONNXMap, _ window: ONNXWindow, isMax: Bool
  ) throws(ExchangeError) -> ONNXArray {
    let countsPadding = node.int("count_include_pad") ?? 0 == 1
    let shape = try checked(node, [map.count, map.channels] + window.output)
    var result: [Float] = []
    result.reserveCapacity(shape.reduce(1, *))
    map.values.withUnsafeBufferPointer { values in
      for plane in 0..<map.count * map.channels {
        let base = plane * map.height * map.width
        for r in 0..<window.output[0] {
          for q in 0..<window.output[1] {
            var (most, sum, seen): (Float, Double, Int) = (-.infinity, 0, 0)
            for i in 0..<window.rows {
              let row = r * window.stride[0] + i * window.dilation[0] - window.pads[0]
              for j in 0..<window.columns {
                let column = q * window.stride[1] + j * window.dilation[1] - window.pads[1]
                let isInside =
                  row >= 0 && row < map.height && column >= 0 && column < map.width
                if isInside {
                  let value = values[base + row * map.width + column]
                  most = max(most, value)
                  sum += Double(value)
                }
                // What lies beyond the padding, where sizes are rounded up, never counts.
                if isInside
                  || countsPadding && row < map.height + window.pads[2]
                    && column < map.width + window.pads[3]
                {
                  seen += 1
                }
              }
            }
            result.append(isMax ? most : Float(sum / Double(max(1, seen))))
          }
        }
      }
    }
    return result.array(shape)
  }

  /// A convolution, as sums of rows of the padded map: at stride 1 the places of all outputs lie side by
  /// side, and others are taken of those.
  func convolved(
    _ node: ONNXFile.Node, _ map: ONNXMap, _ kernel: ONNXArray, _ bias: [Float]?
  ) throws(ExchangeError) -> ONNXArray {
    let groups = node.int("group") ?? 1
    guard kernel.shape.count == 4, !kernel.shape.contains(0), groups > 0,
      kernel.shape[1] <= map.channels, kernel.shape[1] * groups == map.channels,
      kernel.shape[0] % groups == 0
    else { throw Self.refused(node, "its kernel does not fit its input") }
    var window = try window(node, map, Array(kernel.shape.suffix(2)))
    var map = map
    if window.rows == 1, window.columns == 1, window.pads == [0, 0, 0, 0] {
      // Only what is read.
      map = map.thinned(window.stride, to: window.output)
      window.stride = [1, 1]
    }
    let (height, width) = (
      map.height + window.pads[0] + window.pads[2], map.width + window.pads[1] + window.pads[3]
    )
    let plane = height * width
    let (filters, seen) = (kernel.shape[0], kernel.shape[1])
    // From the first output at stride 1 to the last, in rows of the padded width.
    let rows = (window.output[0] - 1) * window.stride[0] + 1
    let columns = (window.output[1] - 1) * window.stride[1] + 1
    let run = (rows - 1) * width + columns
    let shape = try checked(node, [map.count, filters] + window.output)
    _ = try checked(node, [map.channels, height, width])
    var shifts: [Int] = []
    for i in 0..<window.rows {
      for j in 0..<window.columns {
        shifts.append(i * window.dilation[0] * width + j * window.dilation[1])
      }
    }
    var result = [Float](repeating: 0, count: shape.reduce(1, *))
    let outputs = window.output[0] * window.output[1]
    for image in 0..<map.count {
      let padded = map.padded(image, window.pads, height, width)
      let parts = (filters + 3) / 4
      result.withUnsafeMutableBufferPointer { result in
        padded.withUnsafeBufferPointer { padded in
          kernel.withFloats { kernel in
            let work = ONNXConvolution(
              padded: padded, kernel: kernel,
              result: UnsafeMutableBufferPointer(
                rebasing: result[image * filters * outputs..<(image + 1) * filters * outputs]),
              plane: plane, width: width, run: run, shifts: shifts, seen: seen, filters: filters,
              groups: groups, window: window, bias: bias)
            if let team {
              team.run(ONNXConvolutionParts(work), phase: 0, tiles: parts)
            } else {
              for part in 0..<parts { work.compute(part: part) }
            }
          }
        }
      }
    }
    return result.array(shape)
  }

  /// Each place of the map adds the kernel to the places that it reaches.
  func transposed(
    _ node: ONNXFile.Node, _ map: ONNXMap, _ kernel: ONNXArray, _ bias: [Float]?
  ) throws(ExchangeError) -> ONNXArray {
    guard kernel.shape.count == 4, !kernel.shape.contains(0), kernel.shape[0] == map.channels,
      node.int("group") ?? 1 == 1
    else { throw Self.refused(node, "its kernel does not fit its input, or it has groups") }
    let (filters, rows, columns) = (kernel.shape[1], kernel.shape[2], kernel.shape[3])
    let (stride, more) = (node.ints("strides") ?? [1, 1], node.ints("output_padding") ?? [0, 0])
    let mode = node.string("auto_pad") ?? "NOTSET"
    guard stride.count == 2, more.count == 2, node.ints("dilations") ?? [1, 1] == [1, 1],
      (stride + more).allSatisfy({ (0...65_536).contains($0) })
    else { throw Self.refused(node, "its strides, dilations or output_padding are not read") }
    let own = [map.height, map.width]
    let full = [(own[0] - 1) * stride[0] + rows, (own[1] - 1) * stride[1] + columns]
    var pads = node.ints("pads") ?? [0, 0, 0, 0]
    var wanted = node.ints("output_shape").map { Array($0.suffix(2)) }
    if mode.hasPrefix("SAME"), wanted == nil { wanted = [own[0] * stride[0], own[1] * stride[1]] }
    guard pads.count == 4, pads.allSatisfy({ (0...65_536).contains($0) }), wanted?.count ?? 2 == 2
    else {
      throw Self.refused(node, "its pads are not four sizes")
    }
    var sizes = [
      full[0] + more[0] - pads[0] - pads[2], full[1] + more[1] - pads[1] - pads[3],
    ]
    if let wanted {
      for axis in 0..<2 {
        let spare = max(0, full[axis] + more[axis] - wanted[axis])
        pads[axis] = mode == "SAME_UPPER" ? spare / 2 : spare - spare / 2
      }
      sizes = wanted
    }
    let shape = try checked(node, [map.count, filters] + sizes)
    var result = [Float](repeating: 0, count: shape.reduce(1, *))
    kernel.withFloats { kernel in
      for image in 0..<map.count {
        for c in 0..<map.channels {
          for f in 0..<filters {
            for r in 0..<map.height {
              for q in 0..<map.width {
                let value = map.values[
                  ((image * map.channels + c) * map.height + r) * map.width + q]
                for i in 0..<rows {
                  let row = r * stride[0] + i - pads[0]
                  guard row >= 0, row < sizes[0] else { continue }
                  for j in 0..<columns {
                    let column = q * stride[1] + j - pads[1]
                    guard column >= 0, column < sizes[1] else { continue }
                    let place = ((image * filters + f) * sizes[0] + row) * sizes[1] + column
                    let weight = kernel[((c * filters + f) * rows + i) * columns + j]
                    result[place] += value * weight
                  }
                }
              }
            }
          }
        }
      }
    }
    if let bias {
      let run = sizes[0] * sizes[1]
      for i in result.indices { result[i] += bias[(i / run) % filters] }
    }
    return result.array(shape)
  }
}
