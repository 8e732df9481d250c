import ConvNet

extension QuantizedModel {
  /// Numbers that a sum of 32 bits holds the products of, each of at most 255·128.
  static let mostSummed = 1 << 16
  /// Numbers of a softmax, of which each adds at most 2¹⁹ to a sum of 31 bits.
  public static let mostInSoftmax = 1 << 12 - 1

  /// Whether it is one that can be computed: what comes from a file is as it may be.
  func check() throws(NetworkError) {
    guard !values.isEmpty, !operations.isEmpty else { throw NetworkError("it computes nothing") }
    for value in values {
      guard value.scale.isFinite, value.scale >= .leastNormalMagnitude,
        (-128...127).contains(value.zeroPoint)
      else { throw NetworkError("\(value.name): a scale or zero point that cannot be") }
      let sizes: [Int] =
        switch value.shape {
        case .image(let height, let width, let channels): [height, width, channels]
        case .vector(let count): [count]
        }
      _ = try NetworkPlan.product(sizes, what: value.name)
    }
    guard case .image = input.shape else { throw NetworkError("its input is no image") }
    var isGiven = values.map { _ in false }
    isGiven[0] = true
    for operation in operations {
      do throws(NetworkError) {
        guard operation.inputs.count == operation.kind.inputCount,
          operation.inputs.allSatisfy({ isGiven.indices.contains($0) && isGiven[$0] })
        else { throw NetworkError("reads what is not there") }
        guard isGiven.indices.contains(operation.output), !isGiven[operation.output] else {
          throw NetworkError("gives what is there already")
        }
        isGiven[operation.output] = true
        try operation.kind.check(
          operation.inputs.map { values[$0] }, gives: values[operation.output])
      } catch { throw NetworkError("\(operation.name): \(error.message)") }
    }
    guard case .vector(let classes) = output.shape, (2...Labels.mostClasses).contains(classes)
    else { throw NetworkError("it ends in no scores of classes") }
  }
}

extension QuantizedOperation {
  var inputCount: Int { if case .add = self { 2 } else { 1 } }

  fileprivate func check(
    _ inputs: [QuantizedModel.Value], gives output: QuantizedModel.Value
  ) throws(NetworkError) {
    let input = inputs[0]
    if let sides {
      // With what is put around it, it is an image as any other.
      let extent = input.shape.extent
      _ = try NetworkPlan.product(
        [
          extent.height + sides.top + sides.bottom, extent.width + sides.left + sides.right,
          input.shape.channels,
        ], what: "its padded image")
    }
    func expect(_ shape: Shape) throws(NetworkError) {
      guard output.shape == shape else {
        throw NetworkError("gives \(shape), not \(output.shape)")
      }
    }
    func expectSameScale() throws(NetworkError) {
      guard input.scale == output.scale, input.zeroPoint == output.zeroPoint else {
        throw NetworkError("changes no scale")
      }
    }
    switch self {
    case .conv2D(let window, let kernel, _):
      let geometry = try window.geometry(input.shape)
      guard kernel.shape.count == 4 else { throw NetworkError("its kernel has no four sizes") }
      let filters = kernel.shape[0]
      try expect(Shape(geometry.output, filters))
      try kernel.check(
        [filters, window.size.height, window.size.width, input.shape.channels], filters,
        from: input, to: output)
    case .depthwiseConv2D(let window, let kernel, _):
      let geometry = try window.geometry(input.shape)
      let channels = input.shape.channels
      try expect(Shape(geometry.output, channels))
      try kernel.check(
        [window.size.height, window.size.width, channels], channels, from: input, to: output)
    case .dense(let kernel, _):
      guard case .vector(let units) = output.shape, case .vector(let count) = input.shape else {
        throw NetworkError("is of vectors")
      }
      try kernel.check([units, count], units, from: input, to: output)
    case .maxPool(let window), .averagePool(let window):
      let geometry = try window.geometry(input.shape)
      guard window.dilation == Extent(1, 1), geometry.windowsMeetTheImage else {
        throw NetworkError("has windows beside the image")
      }
      try expect(Shape(geometry.output, input.shape.channels))
      try expectSameScale()
    case .mean:
      guard case .image = input.shape else { throw NetworkError("is of an image") }
      guard input.shape.extent.height * input.shape.extent.width <= QuantizedModel.mostSummed
      else { throw NetworkError("is of too large an image") }
      guard output.shape.count == input.shape.channels else {
        throw NetworkError("gives a number for each channel")
      }
    case .add:
      guard inputs[1].shape == input.shape else { throw NetworkError("is of equal shapes") }
      try expect(input.shape)
      // Half of the wider input's range times 2²⁰ is what its sum is scaled from.
      guard Double(output.scale) * 0x1p20 > 2 * Double(max(input.scale, inputs[1].scale)) else {
        throw NetworkError("has scales too far apart")
      }
    case .clamp:
      try expect(input.shape)
      try expectSameScale()
    case .pad(let sides):
      try expectSameScale()
      let padding = Padding.explicit(
        top: sides.top, bottom: sides.bottom, left: sides.left, right: sides.right)
      guard case .image = input.shape else { throw NetworkError("is of an image") }
      let geometry = try WindowGeometry(
        input: input.shape.extent, window: Extent(1, 1), stride: Extent(1, 1), padding: padding)
      try expect(Shape(geometry.output, input.shape.channels))
    case .reshape:
      guard output.shape.count == input.shape.count else { throw NetworkError("loses numbers") }
      try expectSameScale()
    case .softmax:
      guard case .vector(let count) = input.shape else { throw NetworkError("is of a vector") }
      try expect(input.shape)
      guard count <= QuantizedModel.mostInSoftmax else {
        throw NetworkError(
          "is of \(count) classes, more than the \(QuantizedModel.mostInSoftmax) whose sum fits 32 bits"
        )
      }
      guard output.scale == 1 / 256, output.zeroPoint == -128 else {
        throw NetworkError("gives 1/256, with the zero point -128")
      }
    }
  }
}

extension WindowGeometry {
  /// Whether every window holds some of the image.
  fileprivate var windowsMeetTheImage: Bool {
    top < window.height && left < window.width
      && (output.height - 1) * stride.height - top < input.height
      && (output.width - 1) * stride.width - left < input.width
  }
}

extension QuantizedKernel {
  fileprivate func check(
    _ shape: [Int], _ filters: Int, from input: QuantizedModel.Value,
    to output: QuantizedModel.Value
  ) throws(NetworkError) {
    guard self.shape == shape, scales.count == filters, bias.count == filters,
      try weights.count == NetworkPlan.product(shape, what: "its kernel")
    else { throw NetworkError("has a kernel of other sizes") }
    guard weights.count / filters <= QuantizedModel.mostSummed else {
      throw NetworkError(
        "sums \(weights.count / filters) products, more than the \(QuantizedModel.mostSummed) that fit 32 bits"
      )
    }
    for scale in scales {
      let factor = Double(input.scale) * Double(scale) / Double(output.scale)
      guard scale.isFinite, scale > 0, factor < 0x1p16 else {
        throw NetworkError("has a scale that cannot be")
      }
    }
    guard (2...8).contains(bits) else { throw NetworkError("has weights of \(bits) bits") }
    let most = 1 << (bits - 1) - 1
    guard weights.allSatisfy({ abs(Int($0)) <= most }) else {
      throw NetworkError("has a weight beyond ±\(most)")
    }
  }
}
