import Testing

@testable import ConvNet
@testable import Quantization

/// Networks that learn to answer in integers: what they answer with rounded floats is what the integers
/// answer.
@Suite struct TrainedQuantizationTests {
  typealias Case = QuantizationTests.Case

  static let ranges: [FakeQuantization.Ranges] = [.running(momentum: 0.9), .learned]

  private func images(_ example: Case, count: Int = 40) -> GivenSource {
    GivenSource(
      example.input, randomFloats(count * example.input.count, seed: 3).map(abs),
      labels: (0..<count).map { $0 % 5 })
  }

  private func trainer(
    _ example: Case, _ ranges: FakeQuantization.Ranges, bits: Int = 8,
    optimizer: OptimizerDescription = sgd(), convolution: ConvolutionLowering = .im2col,
    threads: Int = 2
  ) throws -> Trainer {
    let float = try example.model()
    var description = float.plan.description
    description.convolution = convolution
    description.quantization = FakeQuantization(
      weightBits: bits, ranges: ranges, values: try float.plan.valuesInIntegers())
    let trainer = try Trainer(
      description, optimizer: optimizer, batchSize: 13, seed: 1, team: team(threads))
    var model = trainer.model
    for tensor in float.tensors {
      model[model.tensors.first { $0.name == tensor.name }!] = float[tensor]
    }
    try model.beginRanges(by: .minimumMaximum, on: images(example), team: trainer.team)
    trainer.model = model
    return trainer
  }

  private func train(_ trainer: Trainer, _ source: GivenSource, steps: Range<Int>) -> [Double] {
    steps.map { step in
      trainer.trainStep(
        source, samples: (0..<13).map { (7 * step + $0) % source.count }, step: step,
        learningRate: 0.02
      ).lossSum
    }
  }

  private func scores(_ network: some ScoringNetwork, _ source: GivenSource) -> [Float] {
    var scores = [Float](repeating: 0, count: source.count * network.classes)
    scores.withUnsafeMutableBufferPointer {
      network.scores(of: source, range: 0..<source.count, into: $0)
    }
    return scores
  }

  @Test(arguments: QuantizationTests.cases, ranges)
  func theIntegersAnswerAsTheRoundedFloats(
    _ example: Case, _ ranges: FakeQuantization.Ranges
  ) throws {
    let (trainer, images) = (try trainer(example, ranges), images(example))
    _ = train(trainer, images, steps: 1..<6)
    let model = trainer.model
    let integers = try model.quantizedAsTrained(team: trainer.team)
    let simulated = scores(try Inference(model, team: team()), images)
    let found = scores(try QuantizedInference(integers, team: team()), images)
    let units = zip(simulated, found).map { abs($0 - $1) / integers.output.scale }
    // A number that lies between two steps may be rounded otherwise, and move what follows by some: TensorFlow
    // Lite's means round twice.
    let equal = units.count { $0 < 0.5 }
    #expect(2 * equal >= units.count, "\(equal) of \(units.count) are equal")
    #expect(units.max()! < 3.5, "\(units.max()!) units")
    #expect(simulated == scores(trainer.inference, images))
  }

  /// Rounding commutes with the factor of a batch norm: integers of the floats that the training moves are
  /// the integers that it computed with.
  @Test(arguments: QuantizationTests.cases, [8, 4, 2])
  func theIntegersOfWeightsAreThoseOfTheFloats(_ example: Case, _ bits: Int) throws {
    let (trainer, images) = (try trainer(example, .learned, bits: bits), images(example))
    _ = train(trainer, images, steps: 1..<4)
    let model = trainer.model
    var description = QuantizationDescription()
    description.weightBits = bits
    func kernels(_ model: QuantizedModel) -> [[Int8]] {
      model.operations.compactMap { $0.kind.kernel?.weights }
    }
    #expect(
      kernels(try model.quantizedAsTrained(team: trainer.team))
        == kernels(
          try model.plain.quantized(description, calibratedOn: images, team: trainer.team)))
  }

  /// The ranges that a model has learned are the integers'.
  @Test(arguments: ranges) func rangesAreKept(_ ranges: FakeQuantization.Ranges) throws {
    let example = QuantizationTests.cases[2]
    let trainer = try trainer(example, ranges)
    let before = trainer.model.valueScales
    _ = train(trainer, images(example), steps: 1..<9)
    let after = trainer.model.valueScales
    #expect(before["input"] == after["input"] && before["conv2d_0"] != after["conv2d_0"])
    let integers = try trainer.model.quantizedAsTrained(team: trainer.team)
    for value in integers.values.dropFirst() {
      guard let scale = after[value.name] else { continue }
      #expect(value.scale == scale.scale && value.zeroPoint == scale.zeroPoint, "\(value.name)")
    }
    #expect(integers.values.contains { after[$0.name] != nil })
  }

  @Test(arguments: QuantizationTests.cases, ranges)
  func threadsChangeNoBit(_ example: Case, _ ranges: FakeQuantization.Ranges) throws {
    let images = images(example)
    let trainers = try [1, 3].map { try trainer(example, ranges, bits: 4, threads: $0) }
    for trainer in trainers { _ = train(trainer, images, steps: 1..<5) }
    #expect(bits(trainers[0].parameters) == bits(trainers[1].parameters))
    #expect(
      bits(scores(trainers[0].inference, images)) == bits(scores(trainers[1].inference, images)))
  }

  /// Kernels are renewed with every step, whatever moves them: a trainer that is given the weights goes on
  /// with the same loss.
  @Test(arguments: [
    sgd(), OptimizerDescription(rule: .sgd(SGDDescription()), learningRate: 0, sharpness: 0.05),
    OptimizerDescription(
      rule: .adam(AdamDescription()), learningRate: 0, clipping: GradientClipping(norm: 0.5)),
  ])
  func kernelsAreRenewed(_ optimizer: OptimizerDescription) throws {
    let conv = Conv2DDescription(filters: 16, kernel: Extent(3, 3), padding: .same)
    var bounded = DenseDescription(units: 400, activation: .relu)
    bounded.regularization.maxNorm = 0.5
    let example = Case(
      name: "many columns", input: .image(height: 8, width: 8, channels: 16),
      layers: [
        .layer(.conv2D(conv)), .layer(.conv2D(conv)), .layer(.flatten), .layer(.dense(bounded)),
        .layer(.dense(DenseDescription(units: 5))),
      ])
    for convolution in [ConvolutionLowering.im2col, .winograd] {
      let images = images(example)
      func made() throws -> Trainer {
        try trainer(
          example, .running(momentum: 0.9), bits: 3, optimizer: optimizer,
          convolution: convolution)
      }
      let (first, second) = (try made(), try made())
      let losses = train(first, images, steps: 1..<4)
      #expect(losses[2] != losses[0])
      second.model = first.model
      #expect(train(first, images, steps: 4..<5) == train(second, images, steps: 4..<5))
    }
  }

  /// What has no range of its own has that of what it reads; pools come before the rounding.
  @Test func whereValuesAreRounded() throws {
    let plan = try trainer(QuantizationTests.cases[1], .learned).plan
    let labels = plan.layers.map(\.label)
    for (before, after) in [
      ("conv2d_0", "batch_norm_0"), ("activation_0", "activation_0/values"),
      ("max_pool_0", "conv2d_1/values"), ("average_pool_0", "average_pool_0/values"),
    ] {
      #expect(labels.firstIndex(of: before)! + 1 == labels.firstIndex(of: after)!)
    }
    let mean = plan.layers.first { $0.label == "average_pool_0/values" }!
    #expect(
      mean.description == .fakeQuantize(FakeQuantizeDescription(rangeOf: "conv2d_3", .ofAnother)))
    #expect(labels[0] == "input/values" && labels.last == "dense_0/values")
  }
}
