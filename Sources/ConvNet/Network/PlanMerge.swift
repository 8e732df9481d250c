extension Merge {
  /// The shape of several tensors in one.
  ///
  /// - Throws: `NetworkError` where their shapes do not fit.
  func output(of inputs: [Shape]) throws(NetworkError) -> Shape {
    let first = inputs[0]
    if self == .multiply { return try Self.product(of: inputs) }
    guard self == .concat else {
      if let other = inputs.first(where: { $0 != first }) {
        throw NetworkError("shapes must be equal, not \(first) and \(other)")
      }
      return first
    }
    var channels = 0
    for shape in inputs {
      guard shape.extent == first.extent, shape.isImage == first.isImage else {
        throw NetworkError(
          "shapes must be equal but for their channels, not \(first) and \(shape)")
      }
      channels += shape.channels
    }
    guard case .image(let height, let width, _) = first else { return .vector(channels) }
    return .image(height: height, width: width, channels: channels)
  }

  /// The largest of each size, where all others are that or 1; a vector is as an image of 1x1.
  private static func product(of inputs: [Shape]) throws(NetworkError) -> Shape {
    var (extent, channels) = (inputs[0].extent, inputs[0].channels)
    for shape in inputs {
      func joint(_ a: Int, _ b: Int) throws(NetworkError) -> Int {
        guard a == b || a == 1 || b == 1 else {
          throw NetworkError(
            "shapes must be equal, or 1 where they are not, not \(inputs[0]) and \(shape)")
        }
        return max(a, b)
      }
      extent.height = try joint(extent.height, shape.extent.height)
      extent.width = try joint(extent.width, shape.extent.width)
      channels = try joint(channels, shape.channels)
    }
    return inputs.contains(where: \.isImage) ? Shape(extent, channels) : .vector(channels)
  }
}

extension NetworkPlan {
  /// What is wrong with a residual block whose layers and shortcut give these shapes.
  static func residualMessage(_ shapes: [Shape]) -> String {
    let (body, shortcut) = (shapes[0], shapes[1])
    let message = "its layers give \(body), but what is added to that is \(shortcut)"
    guard case .image(let h, let w, let c) = body,
      case .image(let height, let width, _) = shortcut, h <= height, w <= width
    else { return message }
    let stride = Extent((height + h - 1) / h, (width + w - 1) / w)
    guard (height - 1) / stride.height + 1 == h, (width - 1) / stride.width + 1 == w else {
      return message + "; with \"padding\": \"same\" a convolution keeps the size"
    }
    var way = "a conv2d of \(c) filters with kernel 1"
    if stride.height != stride.width {
      way += " and stride [\(stride.height), \(stride.width)]"
    } else if stride.height > 1 {
      way += " and stride \(stride.height)"
    }
    return message + "; give it a \"shortcut\" to that shape, such as \(way)"
  }
}
