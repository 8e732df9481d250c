import ConvNet

/// How a model is quantised after its training.
public struct QuantizationDescription: Hashable, Sendable {
  public enum Rounding: String, Hashable, Sendable, CaseIterable {
    /// Each weight to the nearest.
    case nearest
    /// As `AdaptiveRounding` does.
    case adaptive
  }

  public var method: CalibrationMethod
  public var equalization = Equalization.none
  /// Whether biases make up for what rounding the weights changes in the mean (Nagel et al. 2019):
  /// b − Σ(ŵ − w)·E[x].
  public var correctsBias = false
  public var rounding = Rounding.nearest
  /// Steps of adaptive rounding.
  public var iterations = 1000
  /// Of a weight: 2 to 8, of which 4 and less are stored two in a byte.
  public var weightBits = 8

  public init(_ method: CalibrationMethod = .minimumMaximum) { self.method = method }
}

extension Model {
  /// The same network in integers: batch norms are folded, weights rounded to 127 steps of each filter's largest,
  /// and values to 255 steps of the range that they have for some images.
  ///
  /// It is a function of the model and the images alone: the number of threads changes no bit of it.
  /// - Parameter note: is told what was left out of what was asked for.
  /// - Throws: `NetworkError` naming all layers that have no form in integers; `OutOfMemory`.
  public func quantized(
    _ description: QuantizationDescription = QuantizationDescription(),
    calibratedOn source: any ImageSamples, team: Team, note: (String) -> Void = { _ in }
  ) throws -> QuantizedModel {
    var network = try FoldedNetwork(self)
    let calibration = Calibration(
      model: self, source: source, method: description.method, team: team)
    try network.equalize(description.equalization) { try calibration.largest(of: $0.label!) }
    let folded = network
    return try folded.quantized(
      description, normalization: normalization, team: team, note: note,
      images: ValueScale(try calibration.rangeOfImages()),
      scale: { place in
        ValueScale(
          try calibration.range(
            of: folded.nodes[place].label!, factors: folded.factors[place + 1]))
      },
      moments: { place, input, second in
        let node = folded.nodes[place]
        return try calibration.moments(
          of: node, reads: folded.label(of: node.inputs[0]), input, second: second
        ).scaled(by: folded.factors[node.inputs[0]], isDepthwise: node.isDepthwise)
      })
  }

  /// Batch norms that become a part of the layer before them when it is quantised.
  /// - Throws: `NetworkError` naming all layers that have no form in integers.
  public func batchNormsFoldedInIntegers() throws(NetworkError) -> Int {
    try FoldedNetwork(self).foldedBatchNorms
  }
}

extension FoldedNetwork {
  /// The network in integers.
  /// - Parameters:
  ///   - images: the scale of the images.
  ///   - scale: that of what a node gives, of one that has its own, by its place.
  ///   - moments: of what a node with a kernel reads, of this shape; with second ones where they are asked
  ///     for.
  /// - Throws: what these do; `NetworkError` for numbers that no integers stand for.
  func quantized(
    _ description: QuantizationDescription, normalization: Normalization?, team: Team,
    note: (String) -> Void, images: ValueScale, scale: (Int) throws -> ValueScale,
    moments: (_ place: Int, _ input: Shape, _ second: Bool) throws -> LayerMoments
  ) throws -> QuantizedModel {
    var values = [QuantizedModel.Value("images", input, images)]
    var operations: [QuantizedModel.Operation] = []
    for (place, node) in nodes.enumerated() {
      let inputs = node.inputs.map { values[$0] }
      var value = QuantizedModel.Value(
        node.name, node.output, scale: inputs[0].scale, zeroPoint: inputs[0].zeroPoint)
      if node.kind.hasRange {
        value = QuantizedModel.Value(node.name, node.output, try scale(place))
      } else if case .softmax = node.kind {
        (value.scale, value.zeroPoint) = (1 / 256, -128)
      }
      var kernel: QuantizedKernel?
      if !node.kernel.isEmpty {
        kernel = try node.kernel(from: inputs[0], description, team: team, note: note) {
          try moments(place, inputs[0].shape, $0)
        }
      }
      operations.append(
        QuantizedModel.Operation(
          node.name, node.quantized(kernel), inputs: node.inputs, output: values.count))
      values.append(value)
    }
    return try QuantizedModel(
      values: values, operations: operations, normalization: normalization)
  }
}

extension ValueScale {
  init(_ range: ClosedRange<Float>) { self.init(low: range.lowerBound, high: range.upperBound) }
}

extension QuantizedModel.Value {
  init(_ name: String, _ shape: Shape, _ scale: ValueScale) {
    self.init(name, shape, scale: scale.scale, zeroPoint: scale.zeroPoint)
  }
}

extension FoldedNetwork.Node {
  var isDepthwise: Bool { if case .depthwiseConv2D = kind { true } else { false } }

  /// - Parameter kernel: of an operation that has one.
  fileprivate func quantized(_ kernel: QuantizedKernel?) -> QuantizedOperation {
    switch kind {
    case .conv2D(let window): .conv2D(window, kernel!, activation)
    case .depthwiseConv2D(let window): .depthwiseConv2D(window, kernel!, activation)
    case .dense: .dense(kernel!, activation)
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

  /// The largest number of weights of a filter that second moments are worked out of.
  private static let mostAdapted = 4096

  /// q = round(w/s), s the filter's largest magnitude over 127 (of fewer bits over what these hold); its bias in
  /// units of s times the input's scale, and s so large that this is at most 2³⁰.
  /// - Parameter moments: of what it reads; with second ones where it is asked for these.
  fileprivate func kernel(
    from input: QuantizedModel.Value, _ description: QuantizationDescription, team: Team,
    note: (String) -> Void, moments: (Bool) throws -> LayerMoments
  ) throws -> QuantizedKernel {
    let filters = bias.count
    let size = kernel.count / filters
    let rounding = WeightRounding(bits: description.weightBits)
    var largest = [Float](repeating: 0, count: filters)
    for (place, weight) in kernel.enumerated() {
      largest[filter(place)] = max(largest[filter(place)], abs(weight))
    }
    let scales = largest.indices.map { f in
      let least = abs(bias[f]) / (input.scale * 0x1p30)
      return max(rounding.scale(largest: largest[f]), least)
    }
    /// Where weight k of a filter is.
    func place(_ f: Int, _ k: Int) -> Int { isDepthwise ? k * filters + f : f * size + k }
    var isAdaptive = description.rounding == .adaptive
    if isAdaptive, size > Self.mostAdapted {
      note(
        "\(name): its filters have \(size) weights, more than the \(Self.mostAdapted) that are rounded "
          + "adaptively; they are rounded to the nearest")
      isAdaptive = false
    }
    var weights = kernel.enumerated().map { place, weight in
      Int8(rounding.rounded(weight, scale: scales[filter(place)]))
    }
    let seen = isAdaptive || description.correctsBias ? try moments(isAdaptive) : nil
    if isAdaptive, let seen {
      let ratios = (0..<filters).flatMap { f in
        (0..<size).map { kernel[place(f, $0)] / scales[f] }
      }
      let rounded = AdaptiveRounding(
        ratios, filters: filters, bits: description.weightBits, seen, isDepthwise: isDepthwise,
        iterations: description.iterations
      ).carriedOut(team)
      for f in 0..<filters {
        for k in 0..<size { weights[place(f, k)] = rounded[f * size + k] }
      }
    }
    var corrected = bias.map { Double($0) }
    if description.correctsBias, let seen {
      for f in 0..<filters {
        for k in 0..<size {
          let own = place(f, k)
          let change = Double(scales[f]) * Double(weights[own]) - Double(kernel[own])
          corrected[f] -= change * Double(seen.mean[isDepthwise ? f * size + k : k])
        }
      }
    }
    return QuantizedKernel(
      weights: weights, shape: kernelShape, scales: scales,
      bias: corrected.indices.map { f in
        let units = corrected[f] / (Double(input.scale) * Double(scales[f]))
        return Int32(min(max(units.rounded(), -0x1p31), 0x1p31 - 1))
      }, bits: description.weightBits)
  }
}
