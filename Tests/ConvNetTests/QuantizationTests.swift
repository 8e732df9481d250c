import Testing

@testable import ConvNet
@testable import Quantization

/// Networks in integers: every path gives the bits of the plain twin, in whatever company.
@Suite struct QuantizationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let input: Shape
    let layers: [ModelItem]

    var testDescription: String { name }

    func model(seed: UInt64 = 5) throws -> Model {
      let plan = try NetworkPlan(NetworkDescription(input: input, model: layers, classes: 5))
      var model = try Model(plan, seed: seed)
      // Biases and moving statistics as a training would leave them.
      var stream = RandomStream(seed: seed, purpose: .probe)
      for tensor in model.tensors where tensor.role != .kernel {
        let isVariance = tensor.role == .movingVariance || tensor.role == .scale
        model[tensor] = ArraySlice(
          tensor.range.map { _ in isVariance ? stream.uniform(0.5, 1.5) : stream.uniform(-0.3, 0.3)
          })
      }
      return model
    }
  }

  private static func conv(
    _ filters: Int, _ kernel: Int = 3, stride: Int = 1, padding: Padding = .valid,
    dilation: Extent = Extent(1, 1), _ activation: Activation = .relu
  ) -> ModelItem {
    .layer(
      .conv2D(
        Conv2DDescription(
          filters: filters, kernel: Extent(kernel, kernel), stride: Extent(stride, stride),
          padding: padding, dilation: dilation, activation: activation)))
  }

  private static let norm = ModelItem.layer(.batchNorm(BatchNormDescription()))
  private static let end: [ModelItem] = [
    .layer(.flatten), .layer(.dense(DenseDescription(units: 5))),
  ]

  static let cases: [Case] = [
    Case(
      name: "a chain", input: .image(height: 15, width: 17, channels: 1),
      layers: [
        conv(20), .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))), conv(35),
        .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))), .layer(.dropout(rate: 0.5)),
        .layer(.flatten), .layer(.dense(DenseDescription(units: 33, activation: .relu))),
        .layer(.dense(DenseDescription(units: 5))),
      ]),
    Case(
      name: "windows", input: .image(height: 11, width: 9, channels: 3),
      layers: [
        conv(18, 3, padding: .same, .linear), norm, .layer(.activation(.relu6)),
        conv(7, 2, stride: 2, padding: .explicit(top: 0, bottom: 1, left: 2, right: 1)),
        .layer(
          .maxPool(MaxPoolDescription(size: Extent(3, 3), stride: Extent(1, 1), padding: .same))),
        conv(9, 3, padding: .same, dilation: Extent(2, 1), .linear),
        conv(9, 2, dilation: Extent(1, 2), .linear),
        .layer(
          .averagePool(
            AveragePoolDescription(size: Extent(2, 2), stride: Extent(1, 1), padding: .same))),
        .layer(.activation(.relu)),
        .layer(.frame(FrameDescription(.zeroPad, Sides(top: 1, bottom: 0, left: 2, right: 1)))),
        conv(70, 1),
      ] + end),
    Case(
      name: "residuals", input: .image(height: 8, width: 8, channels: 1),
      layers: [
        conv(16, padding: .same),
        .residual(
          [conv(16, padding: .same, .linear), norm], activation: .relu),
        .residual(
          [conv(24, 3, stride: 2, padding: .same, .linear), norm],
          shortcut: [conv(24, 1, stride: 2, .linear), norm]),
        .layer(.globalPool(GlobalPoolDescription(.average))),
        .layer(.dense(DenseDescription(units: 5))),
      ]),
    Case(
      name: "depthwise", input: .image(height: 9, width: 9, channels: 3),
      layers: [
        norm, conv(37, 1, .linear), norm, .layer(.activation(.relu6)),
        .layer(
          .depthwiseConv2D(
            DepthwiseConv2DDescription(
              kernel: Extent(3, 3), stride: Extent(2, 2), padding: .same, bias: false))),
        norm, .layer(.activation(.relu6)), conv(12, 1, .linear),
        .layer(.globalPool(GlobalPoolDescription(.max))),
        .layer(.dense(DenseDescription(units: 5))), .layer(.activation(.softmax)),
      ]),
  ]

  private func quantized(
    _ example: Case, _ method: CalibrationMethod = .minimumMaximum
  ) throws -> (Model, QuantizedModel, GivenSource) {
    let model = try example.model()
    let images = GivenSource(
      example.input, randomFloats(40 * example.input.count, seed: 3).map(abs))
    let quantized = try model.quantized(
      QuantizationDescription(method), calibratedOn: images, team: team())
    return (model, quantized, images)
  }

  private func scores(
    _ network: some ScoringNetwork, _ source: GivenSource, _ range: Range<Int>
  ) -> [Float] {
    var scores = [Float](repeating: 0, count: range.count * network.classes)
    scores.withUnsafeMutableBufferPointer { network.scores(of: source, range: range, into: $0) }
    return scores
  }

  @Test(arguments: cases) func everyPathIsThePlainTwin(_ example: Case) throws {
    let (_, model, images) = try quantized(example)
    let twin = PlainIntegers(model: model)
    let size = example.input.count
    var sample = [Float](repeating: 0, count: size)
    let endsInSoftmax = if case .softmax = model.operations.last!.kind { true } else { false }
    for path in IntegerPath.allCases where path.runs {
      let network = try QuantizedInference(model, team: team(), path: path)
      for image in 0..<12 {
        sample.withUnsafeMutableBufferPointer {
          images.fill($0.baseAddress!, sample: image, epoch: 0, worker: 0)
        }
        let expected = twin.values(of: sample)[model.operations.last!.output]
        let found = network.quantizedScores(of: images, sample: image).map(Int.init)
        if endsInSoftmax {
          #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1 }, "\(path)")
        } else {
          #expect(found == expected, "\(path)")
        }
      }
    }
  }

  /// The same bits by any path, with any number of threads, alone and in any range.
  @Test(arguments: cases) func companyChangesNothing(_ example: Case) throws {
    let (_, model, images) = try quantized(example)
    let expected = bits(
      scores(try QuantizedInference(model, team: team(), path: .plain), images, 0..<40))
    for path in IntegerPath.allCases where path.runs {
      for threads in 1...4 {
        let network = try QuantizedInference(model, team: team(threads), path: path)
        #expect(bits(scores(network, images, 0..<40)) == expected, "\(path), \(threads) threads")
        #expect(bits(scores(network, images, 13..<14)) == Array(expected[65..<70]))
        #expect(bits(scores(network, images, 9..<30)) == Array(expected[45..<150]))
      }
    }
  }

  /// What is quantised answers nearly as before, whatever ranges are taken by.
  @Test(arguments: cases) func isNearTheFloats(_ example: Case) throws {
    for method in [CalibrationMethod.minimumMaximum, .percentile(0.01), .leastSquares] {
      let (model, integers, images) = try quantized(example, method)
      let floats = scores(try Inference(model, team: team()), images, 0..<40)
      let found = scores(try QuantizedInference(integers, team: team()), images, 0..<40)
      let largest = floats.map(abs).max()!
      let worst = zip(floats, found).map { abs($0 - $1) }.max()!
      #expect(worst <= 0.12 * largest, "\(method): \(worst) of \(largest)")
    }
  }

  /// The ranges are those of the images, not of the threads that looked at them.
  @Test func threadsChangeNoRange() throws {
    let example = Self.cases[1]
    let images = GivenSource(
      example.input, randomFloats(40 * example.input.count, seed: 3).map(abs))
    for method in [CalibrationMethod.percentile(1), .leastSquares] {
      let models = try [1, 3].map {
        try example.model().quantized(
          QuantizationDescription(method), calibratedOn: images, team: team($0))
      }
      #expect(models[0] == models[1])
    }
  }

  @Test func normalisedImages() throws {
    let example = Self.cases[0]
    var model = try example.model()
    model.normalization = Normalization(mean: [0.13], factor: [3.2], whitening: [])
    let images = GivenSource(
      example.input, randomFloats(20 * example.input.count, seed: 3).map(abs))
    let integers = try model.quantized(calibratedOn: images, team: team())
    #expect(abs(integers.input.scale - 3.2 / 255) < 1e-6 && integers.input.zeroPoint == -95)
    let floats = scores(try Inference(model, team: team()), images, 0..<20)
    let found = scores(try QuantizedInference(integers, team: team()), images, 0..<20)
    #expect(
      zip(floats, found).allSatisfy { abs($0 - $1) <= 0.12 * floats.map(abs).max()! })
  }

  @Test func aSoftmaxAtTheEnd() throws {
    let (_, model, images) = try quantized(Self.cases[0])
    let network = try QuantizedInference(model.withSoftmax, team: team())
    let found = scores(network, images, 0..<40)
    let expected = try QuantizedInference(model, team: team()).probabilities(of: images)
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1.01 / 256 })
    #expect(model.withSoftmax.withSoftmax == model.withSoftmax)
  }

  /// Of many equal scores each is 256/n units of probability, rounded; beyond what sums hold, it is refused.
  @Test(arguments: [2, 3, 511, 512, 1000, 4095, 4096])
  func aSoftmaxOfManyEqual(_ classes: Int) throws {
    let input = Shape.image(height: 2, width: 2, channels: 1)
    let plan = try NetworkPlan(
      NetworkDescription(
        input: input,
        model: [.layer(.flatten), .layer(.dense(DenseDescription(units: classes)))],
        classes: classes))
    var model = try Model(plan, seed: 1)
    for tensor in model.tensors {
      model[tensor] = ArraySlice(repeating: 0.5, count: model[tensor].count)
    }
    let images = GivenSource(input, randomFloats(3 * input.count, seed: 3).map(abs))
    let quantized = try model.quantized(calibratedOn: images, team: team()).withSoftmax
    guard classes < 4096 else {
      #expect(throws: NetworkError.self) { try quantized.check() }
      return
    }
    try quantized.check()
    for path in IntegerPath.allCases where path.runs {
      let network = try QuantizedInference(quantized, team: team(), path: path)
      let found = network.quantizedScores(of: images, sample: 1).map { Int($0) + 128 }
      #expect(Set(found) == [Int((256 / (Double(classes) + 0.001)).rounded())])
    }
  }

  @Test(arguments: [
    (LayerDescription.activation(.gelu()), "activation_0: of activations"),
    (.activation(.softmax), "activation_0: a softmax is computed in integers at the end alone"),
    (.layerNorm(LayerNormDescription()), "layer_norm_0: has no form in integers"),
    (
      .upsample(UpsampleDescription(size: Extent(2, 2))),
      "upsample_0: has no form in integers"
    ),
    (
      .conv2D(Conv2DDescription(filters: 4, kernel: Extent(1, 1), groups: 2)),
      "conv2d_0: a convolution of 2 groups"
    ),
    (
      .depthwiseConv2D(DepthwiseConv2DDescription(kernel: Extent(1, 1), depthMultiplier: 2)),
      "depthwise_conv2d_0: several filters for each channel"
    ),
  ])
  func isRefusedByName(_ layer: LayerDescription, _ message: String) throws {
    let example = Case(
      name: "refused", input: .image(height: 4, width: 4, channels: 2),
      layers: [.layer(layer)] + Self.end)
    let error = #expect(throws: NetworkError.self) { try quantized(example) }
    #expect(error?.message.hasPrefix(message) == true, "\(String(describing: error))")
  }

  /// All of them at once, whatever is behind them.
  @Test func allAreRefused() throws {
    let example = Case(
      name: "refused", input: .image(height: 4, width: 4, channels: 2),
      layers: [
        .layer(.conv2D(Conv2DDescription(filters: 4, kernel: Extent(1, 1), activation: .tanh))),
        .layer(.batchNorm(BatchNormDescription())), .layer(.activation(.relu)),
        .residual([.layer(.layerNorm(LayerNormDescription()))]),
        .layer(.upsample(UpsampleDescription(size: Extent(2, 2)))),
      ] + Self.end)
    let error = #expect(throws: NetworkError.self) { try quantized(example) }
    #expect(
      error?.message
        == "conv2d_0: of activations, linear, relu and relu6 are computed in integers; "
        + "layer_norm_0: has no form in integers; upsample_0: has no form in integers")
    #expect(error?.layer?.description == "model[0]")
  }

  @Test func whatIsNotFinite() throws {
    var model = try Self.cases[0].model()
    model.weights[3] = .infinity
    let images = GivenSource(
      Self.cases[0].input, randomFloats(4 * Self.cases[0].input.count, seed: 3))
    #expect(throws: NetworkError.self) { try model.quantized(calibratedOn: images, team: team()) }
  }

  /// A filter of nothing but its bias keeps that, and one whose bias is far above its weights has room for it.
  @Test func biasesBesideSmallWeights() throws {
    let example = Case(
      name: "small", input: .image(height: 2, width: 2, channels: 1),
      layers: [.layer(.flatten), .layer(.dense(DenseDescription(units: 5)))])
    var model = try example.model()
    for tensor in model.tensors {
      model[tensor] = ArraySlice(
        tensor.range.enumerated().map { place, _ in
          tensor.role == .bias
            ? [0.5, -0.25, 3, 0, 1][place] : [0, 1e-20, 0.01, 0, -0.02][place % 5]
        })
    }
    let images = GivenSource(example.input, [Float](repeating: 0.5, count: 8))
    let integers = try model.quantized(calibratedOn: images, team: team())
    let found = scores(try QuantizedInference(integers, team: team()), images, 0..<1)
    let expected = scores(try Inference(model, team: team()), images, 0..<1)
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 0.01 })
  }

  @Test func multipliers() {
    for (real, multiplier, shift) in [
      (0, 0, 0), (0.5, 1 << 30, 0), (1, 1 << 30, 1), (0.75, 3 << 29, 0), (3, 3 << 29, 2),
      (0x1p-40, 0, 0), (0x1p-31, 1 << 30, -30), (1 - 0x1p-40, 1 << 30, 1),
    ] as [(Double, Int32, Int)] {
      let found = FixedPointMultiplier(real)
      #expect(found.multiplier == multiplier && found.shift == shift, "\(real): \(found)")
    }
  }

  @Test func rangesOfHistograms() {
    var histogram = CalibrationHistogram(-1...3)
    var values = (0..<10_000).map { Float($0) / 10_000 }
    values.append(3)
    values.append(-1)
    values.withUnsafeBufferPointer { histogram.add($0) }
    #expect(histogram.range(by: .minimumMaximum) == -1...3)
    let cut = histogram.range(by: .percentile(0.05))
    #expect(cut.lowerBound == 0 && abs(cut.upperBound - 1) < 0.01)
    // One number at 1 far outside, n = 10⁶ others: (1 − r)² + n·(r/255)²/12 is least at r = 0.438, of which
    // 28/64 is the nearest that is tried.
    var wide = CalibrationHistogram(0...1)
    let many = [Float](repeating: 0, count: 50_000).indices.map { Float($0) / 500_000 } + [1]
    for turn in 0..<20 {
      many.withUnsafeBufferPointer {
        wide.add(UnsafeBufferPointer(rebasing: $0[..<(turn == 0 ? 50_001 : 50_000)]))
      }
    }
    let least = wide.range(by: .leastSquares)
    #expect(least == 0...28 / 64)
  }

  /// Plans from outside are checked before anything is computed of them.
  @Test func plansThatCannotBe() throws {
    let (_, model, _) = try quantized(Self.cases[0])
    func refused(
      _ message: String,
      _ change: (inout [QuantizedModel.Value], inout [QuantizedModel.Operation]) -> Void
    ) {
      var (values, operations) = (model.values, model.operations)
      change(&values, &operations)
      let error = #expect(throws: NetworkError.self) {
        try QuantizedModel(values: values, operations: operations, normalization: nil)
      }
      #expect(error?.message.contains(message) == true, "\(String(describing: error))")
    }
    refused("computes nothing") { _, operations in operations = [] }
    refused("cannot be") { values, _ in values[1].scale = .nan }
    refused("cannot be") { values, _ in values[1].zeroPoint = 200 }
    refused("reads what is not there") { _, operations in operations[0].inputs = [99] }
    refused("reads what is not there") { _, operations in operations[0].inputs = [3] }
    refused("gives what is there already") { _, operations in operations[0].output = 0 }
    refused("gives") { values, _ in values[1].shape = .image(height: 2, width: 2, channels: 20) }
    refused("changes no scale") { values, _ in values[2].scale *= 2 }
    refused("other sizes") { _, operations in
      guard case .conv2D(let window, var kernel, let activation) = operations[0].kind else {
        return
      }
      kernel.weights.removeLast()
      operations[0].kind = .conv2D(window, kernel, activation)
    }
    // Without the dense layers and what made a row of an image.
    refused("no scores") { _, operations in operations.removeLast(3) }
  }
}
