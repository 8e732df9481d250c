import ConvNet

// A model that has learned to answer in integers, from its first ranges to the integers.

extension FoldedNetwork {
  /// What is rounded of what layers of the model give: all that has a range of its own, and means of
  /// windows, which have that of what they are of.
  var roundedValues: [FakeQuantization.Value] {
    var ranges = [ModelItem.imagesName]
    var rounded: [FakeQuantization.Value] = []
    for node in nodes {
      ranges.append(node.kind.hasRange ? node.label! : ranges[node.inputs[0]])
      let isMean = if case .averagePool = node.kind { true } else { false }
      if node.kind.hasRange || isMean {
        rounded.append(FakeQuantization.Value(node.label!, range: ranges.last!))
      }
    }
    return rounded
  }
}

extension NetworkPlan {
  /// What is rounded of what its layers give when it answers in integers.
  /// - Throws: `NetworkError` naming all layers that have no form in integers.
  public func valuesInIntegers() throws(NetworkError) -> [FakeQuantization.Value] {
    try FoldedNetwork(Model(self)).roundedValues
  }
}

extension Model {
  /// Begins the ranges of a model that is to be trained with quantisation by what the images and its layers'
  /// values are for some images, nothing being rounded yet.
  /// - Parameter isBegun: of a layer's label, or of `ModelItem.imagesName`, whether that range stays.
  /// - Throws: `OutOfMemory`; `NetworkError` where something is not finite.
  public mutating func beginRanges(
    by method: CalibrationMethod, on source: any ImageSamples, team: Team,
    unless isBegun: (String) -> Bool = { _ in false }
  ) throws {
    let calibration = Calibration(model: plain, source: source, method: method, team: team)
    var ranges: [String: ClosedRange<Float>] = [:]
    for layer in valueScales.keys.sorted() where !isBegun(layer) {
      ranges[layer] =
        try layer == ModelItem.imagesName
        ? calibration.rangeOfImages() : calibration.range(of: layer)
    }
    begin(ranges: ranges)
  }

  /// The same network in integers, with the ranges and the bits that it was trained with: its kernels are
  /// those that it computes with, to the last integer.
  /// - Precondition: it was trained with quantisation.
  /// - Throws: `NetworkError` for numbers that no integers stand for.
  public func quantizedAsTrained(team: Team) throws -> QuantizedModel {
    let network = try FoldedNetwork(withRoundedKernels)
    let scales = valueScales
    var description = QuantizationDescription()
    description.weightBits = plan.description.quantization!.weightBits
    return try network.quantized(
      description, normalization: normalization, team: team, note: { _ in },
      images: scales[ModelItem.imagesName]!, scale: { scales[network.nodes[$0].label!]! },
      moments: { _, _, _ in preconditionFailure("weights are rounded to the nearest") })
  }
}
