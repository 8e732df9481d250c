import ConvNet

/// How a model is quantised after its training.
public struct QuantizationDescription: Hashable, Sendable {
  public var method: CalibrationMethod

  public init(_ method: CalibrationMethod = .minimumMaximum) { self.method = method }
}

extension Model {
  /// The same network in integers: batch norms are folded, weights rounded to 127 steps of each filter's largest,
  /// and values to 255 steps of the range that they have for some images.
  ///
  /// It is a function of the model and the images alone: the number of threads changes no bit of it.
  /// - Throws: `NetworkError` naming a layer that has no form in integers; `OutOfMemory`.
  public func quantized(
    _ description: QuantizationDescription = QuantizationDescription(),
    calibratedOn source: any ImageSamples, team: Team
  ) throws -> QuantizedModel {
    let network = try FoldedNetwork(self)
    let calibration = Calibration(
      model: self, source: source, method: description.method, team: team)
    let images = QuantizedModel.Value(
      "images", plan.description.input, range: try calibration.rangeOfImages())
    var values = [images]
    var operations: [QuantizedModel.Operation] = []
    for node in network.nodes {
      let inputs = node.inputs.map { values[$0] }
      var value = QuantizedModel.Value(
        node.name, node.output, scale: inputs[0].scale, zeroPoint: inputs[0].zeroPoint)
      switch node.kind {
      case .conv2D, .depthwiseConv2D, .dense, .mean, .add:
        value = QuantizedModel.Value(
          node.name, node.output, range: try calibration.range(of: node.label!))
      case .softmax: (value.scale, value.zeroPoint) = (1 / 256, -128)
      case .maxPool, .averagePool, .clamp, .pad, .reshape: break
      }
      operations.append(
        QuantizedModel.Operation(
          node.name, node.quantized(from: inputs[0]), inputs: node.inputs, output: values.count))
      values.append(value)
    }
    return try QuantizedModel(
      values: values, operations: operations, normalization: normalization)
  }

  /// Batch norms that become a part of the layer before them when it is quantised.
  /// - Throws: `NetworkError` naming a layer that has no form in integers.
  public func batchNormsFoldedInIntegers() throws(NetworkError) -> Int {
    try FoldedNetwork(self).foldedBatchNorms
  }
}

extension QuantizedModel.Value {
  /// One whose −128...127 are a range, 0 one of them.
  init(_ name: String, _ shape: Shape, range: ClosedRange<Float>) {
    let (low, high) = (Double(min(range.lowerBound, 0)), Double(max(range.upperBound, 0)))
    // What is always 0 has any scale.
    let scale = high > low ? max(Float((high - low) / 255), 1e-30) : 1 / 255
    let zero = (-128 - low / Double(scale)).rounded()
    self.init(name, shape, scale: scale, zeroPoint: Int(min(max(zero, -128), 127)))
  }
}

extension FoldedNetwork.Node {
  fileprivate func quantized(from input: QuantizedModel.Value) -> QuantizedOperation {
    switch kind {
    case .conv2D(let window): .conv2D(window, kernel(from: input), activation)
    case .depthwiseConv2D(let window):
      .depthwiseConv2D(window, kernel(from: input, isDepthwise: true), activation)
    case .dense: .dense(kernel(from: input), activation)
    case .maxPool(let window): .maxPool(window)
    case .averagePool(let window): .averagePool(window)
    case .mean: .mean
    case .add: .add(activation)
    case .clamp: .clamp(activation)
    case .pad(let sides): .pad(sides)
    case .reshape: .reshape
    case .softmax: .softmax
    }
  }

  /// q = round(w/s), s the filter's largest magnitude over 127; its bias in units of s times the input's scale,
  /// and s so large that this is at most 2³⁰.
  private func kernel(
    from input: QuantizedModel.Value, isDepthwise: Bool = false
  ) -> QuantizedKernel {
    let filters = bias.count
    let perFilter = kernel.count / filters
    func filter(_ place: Int) -> Int { isDepthwise ? place % filters : place / perFilter }
    var largest = [Float](repeating: 0, count: filters)
    for (place, weight) in kernel.enumerated() {
      largest[filter(place)] = max(largest[filter(place)], abs(weight))
    }
    let scales = largest.indices.map { f in
      let least = abs(bias[f]) / (input.scale * 0x1p30)
      return max(largest[f] > 0 ? largest[f] / 127 : 1 / 127, least, 1e-30)
    }
    return QuantizedKernel(
      weights: kernel.enumerated().map { place, weight in
        Int8(min(max((weight / scales[filter(place)]).rounded(), -127), 127))
      },
      shape: kernelShape, scales: scales,
      bias: bias.indices.map { f in
        let units = Double(bias[f]) / (Double(input.scale) * Double(scales[f]))
        return Int32(min(max(units.rounded(), -0x1p31), 0x1p31 - 1))
      })
  }
}
