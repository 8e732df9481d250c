import Testing

@testable import ConvNet

/// A run is a function of its spec: not of the threads, nor of how an evaluation is cut.
@Suite struct DeterminismTests {
  struct Case: CustomTestStringConvertible {
    let name: String
    let input: Shape
    let model: [ModelItem]
    var optimizer: OptimizerDescription
    let convolution: ConvolutionLowering
    var testDescription: String { name }

    static let adam = OptimizerDescription(
      rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
      learningRate: 1e-2, weightDecay: 0.01)

    init(
      name: String, input: Shape, model: [ModelItem], optimizer: OptimizerDescription = adam,
      convolution: ConvolutionLowering = .im2col
    ) {
      self.name = name
      self.input = input
      self.model = model
      self.optimizer = optimizer
      self.convolution = convolution
    }

    init(
      name: String, input: Shape, layers: [LayerDescription],
      optimizer: OptimizerDescription = adam, convolution: ConvolutionLowering = .im2col
    ) {
      self.init(
        name: name, input: input, model: layers.map { .layer($0) }, optimizer: optimizer,
        convolution: convolution)
    }

    func network(batch: Int, threads: Int, seed: UInt64 = 7) throws -> Trainer {
      let network = try Trainer(
        NetworkDescription(input: input, model: model, classes: 10, convolution: convolution),
        optimizer: optimizer, batchSize: batch, seed: seed, team: team(threads))
      // Wide kernels begin as zeros, and here as numbers that were drawn once.
      for tensor in network.tensors where tensor.range.count > 100_000 {
        network.set(tensor.name, to: Array(DeterminismTests.numbers.prefix(tensor.range.count)))
      }
      network.weightsChanged()
      return network
    }
  }

  static let numbers = randomFloats(280_000, scale: 0.05)

  static let image = Shape.image(height: 12, width: 11, channels: 2)

  static let cases = [
    Case(
      name: "conv2d with its pooling, dropout", input: image,
      layers: [
        .conv2D(Conv2DDescription(filters: 5, kernel: Extent(3, 3), activation: .relu, l2: 1e-3)),
        .maxPool(MaxPoolDescription(size: Extent(2, 2))), .dropout(rate: 0.25), .flatten,
        .dense(DenseDescription(units: 17, activation: .relu)), .dropout(rate: 0.5),
        .dense(DenseDescription(units: 10)),
      ]),
    Case(
      name: "gradients over winners", input: .image(height: 13, width: 11, channels: 3),
      layers: [
        .conv2D(Conv2DDescription(filters: 17, kernel: Extent(3, 3), activation: .relu)),
        .conv2D(Conv2DDescription(filters: 20, kernel: Extent(3, 3), activation: .relu)),
        .maxPool(MaxPoolDescription(size: Extent(2, 2))),
        .conv2D(
          Conv2DDescription(filters: 16, kernel: Extent(3, 3), padding: .same, activation: .tanh)),
        .maxPool(MaxPoolDescription(size: Extent(2, 2))), .dropout(rate: 0.25), .flatten,
        .dense(DenseDescription(units: 10)),
      ]),
    Case(
      name: "minimal filtering", input: .image(height: 17, width: 16, channels: 3),
      layers: [
        .conv2D(Conv2DDescription(filters: 17, kernel: Extent(3, 3), activation: .relu)),
        .conv2D(
          Conv2DDescription(filters: 32, kernel: Extent(3, 3), padding: .same, activation: .tanh)),
        .conv2D(Conv2DDescription(filters: 33, kernel: Extent(3, 3), activation: .relu)),
        .maxPool(MaxPoolDescription(size: Extent(2, 2))),
        .conv2D(Conv2DDescription(filters: 32, kernel: Extent(3, 3))),
        .dropout(rate: 0.25), .flatten, .dense(DenseDescription(units: 10)),
      ], convolution: .winograd),
    Case(
      name: "batch_norm, overlapping pooling, softmax and gelu", input: image,
      layers: [
        .conv2D(Conv2DDescription(filters: 6, kernel: Extent(3, 3), padding: .same)),
        .batchNorm(BatchNormDescription()), .activation(.gelu(approximate: false)),
        .maxPool(MaxPoolDescription(size: Extent(3, 3), stride: Extent(2, 2))), .flatten,
        .dense(DenseDescription(units: 9, activation: .softmax)),
        .batchNorm(BatchNormDescription()), .dense(DenseDescription(units: 10)),
      ],
      optimizer: OptimizerDescription(
        rule: .sgd(SGDDescription(momentum: 0.9, nesterov: true, convention: .pytorch)),
        learningRate: 1e-2)),
    Case(
      name: "wide dense", input: .vector(2200),
      layers: [
        .dense(DenseDescription(units: 120, activation: .tanh, initializer: .zeros)),
        .dropout(rate: 0.5),
        .dense(DenseDescription(units: 10)),
      ],
      optimizer: OptimizerDescription(
        rule: .adadelta(AdadeltaDescription(rho: 0.95, epsilon: 1e-7)), learningRate: 1)),
    Case(
      name: "wide dense after conv2d and batch_norm", input: image,
      layers: [
        .conv2D(Conv2DDescription(filters: 16, kernel: Extent(3, 2), activation: .elu(alpha: 1))),
        .batchNorm(BatchNormDescription()), .flatten,
        .dense(DenseDescription(units: 170, activation: .sigmoid, initializer: .zeros)),
        .dense(DenseDescription(units: 10)),
      ]),
  ]

  static let allCases =
    cases + catalogue + GraphTests.determinismCases + OptimizerRuleTests.determinismCases
    + SecondOrderTests.determinismCases

  private struct Trace: Equatable {
    var losses: [UInt64] = []
    var correct: [Int] = []
    var parameters: [UInt32] = []
    var moments: [[UInt32]] = []
    var evaluation: UInt64 = 0
  }

  /// Three steps; the last batch is short.
  private func trace(_ c: Case, batch: Int, threads: Int) throws -> Trace {
    let network = try c.network(batch: batch, threads: threads)
    let source = GivenSource.random(c.input, count: 80, classes: 10)
    var trace = Trace()
    for (i, count) in [batch, batch, max(1, batch - 3)].enumerated() {
      let samples = (0..<count).map { ($0 * 7 + i * 11) % 80 }
      let result = network.trainStep(
        source, samples: samples, epoch: i, step: i + 1, learningRate: c.optimizer.learningRate)
      trace.losses.append(result.lossSum.bitPattern)
      trace.correct.append(result.correct)
    }
    trace.parameters = bits(network.parameters)
    trace.moments = network.updater.state.map { bits($0.values) }
    trace.evaluation = network.evaluate(source, range: 0..<80).lossSum.bitPattern
    return trace
  }

  @Test(arguments: allCases, [5, 13, 64])
  func threadsChangeNothing(_ c: Case, batch: Int) throws {
    let one = try trace(c, batch: batch, threads: 1)
    #expect(one.parameters.contains { !Float(bitPattern: $0).isFinite } == false)
    for threads in [2, 3, 4] {
      #expect(try trace(c, batch: batch, threads: threads) == one, "\(threads) threads")
    }
  }

  /// Every sample's scores, loss and prediction, however the set is cut: by the trainer, and by its model
  /// alone.
  @Test(arguments: allCases) func evaluationIsTheSameHoweverCut(_ c: Case) throws {
    let source = GivenSource.random(c.input, count: 75, classes: 10)
    func scores(threads: Int, _ ranges: [Range<Int>]) throws -> [UInt32] {
      let network = try c.network(batch: 8, threads: threads)
      network.trainStep(source, samples: Array(0..<8), step: 1, learningRate: 1e-2)
      let alone = try Inference(network.model, team: team(threads))
      let loss = LossFunction(.softmaxCrossEntropy, classes: 10)
      return ranges.flatMap { range in
        var scores = [Float](repeating: 77, count: 10 * range.count)
        let result = scores.withUnsafeMutableBufferPointer {
          network.evaluate(source, range: range, scores: $0)
        }
        #expect(result.count == range.count)
        #expect(result.correct == zip(range, result.predictions).count { $0 % 10 == $1 })
        var (sum, scratch) = (0.0, [Float](repeating: 0, count: 10))
        for (place, sample) in range.enumerated() {
          let own = Array(scores[10 * place..<10 * place + 10])
          sum += Double(loss.loss(own, of: sample, in: source.labels, scratch: &scratch).loss)
        }
        #expect(result.lossSum == sum)
        var again = [Float](repeating: 77, count: 10 * range.count)
        again.withUnsafeMutableBufferPointer { alone.scores(of: source, range: range, into: $0) }
        #expect(bits(again) == bits(scores))
        return bits(scores)
      }
    }
    let whole = try scores(threads: 1, [0..<75])
    for threads in [2, 3] {
      #expect(try scores(threads: threads, [0..<75]) == whole)
      #expect(try scores(threads: threads, [0..<32, 32..<64, 64..<75]) == whole)
    }
    #expect(try scores(threads: 1, (0..<75).map { $0..<$0 + 1 }) == whole)
    #expect(try scores(threads: 2, [0..<1, 1..<9, 9..<9, 9..<50, 50..<75]) == whole)
  }

  /// An image's scores have the same bits alone and among others, wherever it stands among them.
  @Test(arguments: allCases) func anImageAloneHasTheBitsOfOneAmongOthers(_ c: Case) throws {
    let source = GivenSource.random(c.input, count: 45, classes: 10)
    let network = try c.network(batch: 8, threads: 1)
    network.trainStep(source, samples: Array(0..<8), step: 1, learningRate: 1e-2)
    let inference = try Inference(network.model, team: team(2))
    func scores(_ source: GivenSource) -> [UInt32] {
      var scores = [Float](repeating: 77, count: 10 * source.count)
      scores.withUnsafeMutableBufferPointer {
        inference.scores(of: source, range: 0..<source.count, into: $0)
      }
      return bits(scores)
    }
    let among = scores(source)
    for sample in 0..<source.count {
      var image = [Float](repeating: 0, count: c.input.count)
      image.withUnsafeMutableBufferPointer {
        source.fill($0.baseAddress!, sample: sample, epoch: 0, worker: 0)
      }
      let own = Array(among[10 * sample..<10 * (sample + 1)])
      #expect(scores(GivenSource(c.input, image)) == own, "image \(sample)")
    }
  }

  /// An evaluation between two steps changes neither, and draws no random number.
  @Test func evaluationLeavesTrainingAlone() throws {
    let c = Self.cases[1]
    let source = GivenSource.random(c.input, count: 20, classes: 10)
    func run(evaluating: Bool) throws -> [UInt32] {
      let network = try c.network(batch: 8, threads: 2)
      for step in 1...3 {
        network.trainStep(source, samples: Array(0..<8), step: step, learningRate: 1e-2)
        if evaluating { _ = network.evaluate(source, range: 0..<20) }
      }
      return bits(network.parameters)
    }
    #expect(try run(evaluating: true) == run(evaluating: false))
  }

  /// A network that takes over another's parameters and moments continues as it would have.
  @Test(arguments: allCases) func stateIsComplete(_ c: Case) throws {
    let source = GivenSource.random(c.input, count: 40, classes: 10)
    func step(_ network: Trainer, _ step: Int) {
      network.trainStep(
        source, samples: (0..<13).map { ($0 * 5 + step) % 40 }, step: step, learningRate: 1e-2)
    }
    let first = try c.network(batch: 13, threads: 2)
    for i in 1...2 { step(first, i) }
    // Another seed would show through dropout, so the initial parameters are spoilt instead.
    let second = try c.network(batch: 13, threads: 1)
    step(second, 9)
    for i in second.parameters.indices { second.parameters[i] = first.parameters[i] }
    for (to, from) in zip(second.updater.state, first.updater.state) {
      #expect(to.name == from.name)
      for i in to.values.indices { to.values[i] = from.values[i] }
    }
    second.weightsChanged()
    for network in [first, second] { for i in 3...4 { step(network, i) } }
    #expect(bits(first.parameters) == bits(second.parameters))
  }

  /// Larger batches than were built for a step's list may follow in any order of sizes.
  @Test func batchesOfAnySizeUpToTheLargest() throws {
    let c = Self.cases[1]
    let source = GivenSource.random(c.input, count: 40, classes: 10)
    let wide = try c.network(batch: 40, threads: 2)
    let narrow = try c.network(batch: 13, threads: 2)
    for (i, count) in [13, 1, 9, 8].enumerated() {
      for network in [wide, narrow] {
        network.trainStep(source, samples: Array(0..<count), step: i + 1, learningRate: 1e-2)
      }
      #expect(bits(wide.parameters) == bits(narrow.parameters))
    }
  }
}
