import ConvNet
import ONNX

// Where the windows of a layer lie: the sides of its padding in numbers, whatever they were asked as.

extension Sides {
  static let none = Sides(top: 0, bottom: 0, left: 0, right: 0)
}

extension Padding {
  static func explicit(_ sides: Sides) -> Padding {
    .explicit(top: sides.top, bottom: sides.bottom, left: sides.left, right: sides.right)
  }

  /// The zeros that a window slides over from `input` to `output`. With `same` an odd one is at the bottom
  /// or right; zeros that no window reaches are none.
  func sides(
    _ input: Extent, _ output: Extent, window: Extent, stride: Extent,
    dilation: Extent = Extent(1, 1)
  ) -> Sides {
    func read(_ output: Int, _ window: Int, _ stride: Int, _ dilation: Int) -> Int {
      (output - 1) * stride + (window - 1) * dilation + 1
    }
    let height = read(output.height, window.height, stride.height, dilation.height)
    let width = read(output.width, window.width, stride.width, dilation.width)
    let (top, left) =
      switch self {
      case .valid: (0, 0)
      case .same: (max(0, height - input.height) / 2, max(0, width - input.width) / 2)
      case .explicit(let top, _, let left, _): (top, left)
      }
    return Sides(
      top: top, bottom: max(0, height - input.height - top), left: left,
      right: max(0, width - input.width - left))
  }
}

extension NetworkPlan.Layer {
  /// Those of a convolution or a pooling.
  var sides: Sides {
    let (from, to) = (input.extent, output.extent)
    return switch description {
    case .conv2D(let conv):
      conv.padding.sides(
        from, to, window: conv.kernel, stride: conv.stride, dilation: conv.dilation)
    case .depthwiseConv2D(let conv):
      conv.padding.sides(
        from, to, window: conv.kernel, stride: conv.stride, dilation: conv.dilation)
    case .maxPool(let pool): pool.padding.sides(from, to, window: pool.size, stride: pool.stride)
    case .averagePool(let pool):
      pool.padding.sides(from, to, window: pool.size, stride: pool.stride)
    default: preconditionFailure("it has no window")
    }
  }
}

extension Graph.Node {
  /// The sides of what a node's window slides over.
  var sides: Sides {
    func explicit(_ padding: Padding) -> Sides {
      guard case .explicit(let top, let bottom, let left, let right) = padding else {
        preconditionFailure("a graph's windows have explicit sides")
      }
      return Sides(top: top, bottom: bottom, left: left, right: right)
    }
    switch layer {
    case .conv2D(let conv): return explicit(conv.padding)
    case .maxPool(let pool): return explicit(pool.padding)
    case .averagePool(let pool): return explicit(pool.padding)
    default: preconditionFailure("it has no window")
    }
  }
}

extension Graph.Node {
  /// Whether the sides of a window are those of `same`.
  func hasSidesOfSame(
    from input: Extent, window: Extent, stride: Extent, dilation: Extent
  ) -> Bool {
    let output = self.output.extent
    return output.height == (input.height + stride.height - 1) / stride.height
      && output.width == (input.width + stride.width - 1) / stride.width
      && sides
        == Padding.same.sides(input, output, window: window, stride: stride, dilation: dilation)
  }

  /// What makes means over whole windows, zeros around the image included, those of the image's own
  /// numbers, (1, H', W', 1).
  func factorsWithoutPadding(_ pool: AveragePoolDescription, of input: Shape) -> Tensor {
    func counts(_ count: Int, _ output: Int, _ size: Int, _ stride: Int, _ before: Int) -> [Int] {
      (0..<output).map { r in
        (0..<size).count { (0..<count).contains(r * stride + $0 - before) }
      }
    }
    let (from, to) = (input.extent, output.extent)
    let rows = counts(from.height, to.height, pool.size.height, pool.stride.height, sides.top)
    let columns = counts(from.width, to.width, pool.size.width, pool.stride.width, sides.left)
    let all = Float(pool.size.height * pool.size.width)
    return Tensor(
      rows.flatMap { row in columns.map { all / Float(row * $0) } },
      shape: [1, to.height, to.width, 1])
  }
}

extension Conv2DTransposeDescription {
  /// What is cut off the sides of (H − 1)·S + K, and what has to be put below and to the right of that
  /// to come to H'.
  func sides(from input: Extent, to output: Extent) -> (cut: Sides, more: Extent) {
    // Those of the convolution that goes the other way.
    let cut = padding.sides(output, input, window: kernel, stride: stride)
    let height = (input.height - 1) * stride.height + kernel.height - cut.top - cut.bottom
    let width = (input.width - 1) * stride.width + kernel.width - cut.left - cut.right
    return (cut, Extent(output.height - height, output.width - width))
  }
}
