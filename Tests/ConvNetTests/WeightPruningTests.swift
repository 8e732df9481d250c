import TestSupport
import Testing

@testable import ConvNet

/// Weights that become 0 while a network learns, and stay so; `Fixtures/make_weight_pruning.py` asked PyTorch.
@Suite struct WeightPruningTests {
  struct Fixtures: Decodable {
    struct Schedule: Decodable {
      let initial, final: Double
      let begin, end, every: Int
      let after: [Double?]
    }
    struct Masks: Decodable {
      struct Case: Decodable {
        let scope: String
        let shares: [Double]
        let masks: [[Int]]
      }
      let weights: [Fixture.Tensor]
      let cases: [Case]
    }
    struct Training: Decodable {
      struct Case: Decodable {
        let name, scope: String
        let learningRate: Float
        let clipNorm, weightDecay: Float?
        let losses: [Double]
        let final: [String: Fixture.Tensor]
      }
      let images: Fixture.Tensor
      let labels: [Int]
      let batches: [[Int]]
      let growth: [Double?]
      let initial: [String: Fixture.Tensor]
      let cases: [Case]
    }
    let schedules: [Schedule]
    let masks: Masks
    let training: Training
  }

  private static let layers: [ModelItem] = [
    .layer(
      .conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), activation: .tanh)),
      name: "conv"),
    .layer(.flatten),
    .layer(.dense(DenseDescription(units: 6, activation: .tanh)), name: "hidden"),
    .layer(.dense(DenseDescription(units: 3)), name: "scores"),
  ]
  private static let kernels: Set<String> = ["conv/kernel", "hidden/kernel", "scores/kernel"]

  private func trainer(
    _ optimizer: OptimizerDescription, masked: Set<String> = kernels,
    freezing: Freezing = Freezing(),
    quantization: FakeQuantization? = nil, batch: Int = 9, threads: Int = 2
  ) throws -> Trainer {
    var network = NetworkDescription(
      input: .image(height: 6, width: 5, channels: 2), model: Self.layers, classes: 3)
    network.quantization = quantization
    return try Trainer(
      NetworkPlan(network), optimizer: optimizer, freezing: freezing, masked: masked,
      batchSize: batch, seed: 3, team: team(threads))
  }

  private static func sgdWithMomentum(clipping: Float? = nil) -> OptimizerDescription {
    var optimizer = OptimizerDescription(
      rule: .sgd(SGDDescription(momentum: 0.9, nesterov: false, convention: .pytorch)),
      learningRate: 0.05)
    optimizer.clipping.norm = clipping
    return optimizer
  }

  private static func adam(decay: Float = 0) -> OptimizerDescription {
    OptimizerDescription(
      rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, convention: .pytorch)),
      learningRate: 0.01, weightDecay: decay)
  }

  // MARK: - Against others

  @Test func scheduleIsThatOfTensorFlow() throws {
    for c in try Fixture.load("weight_pruning", as: Fixtures.self).schedules {
      let schedule = SparsitySchedule(
        initial: c.initial, final: c.final, begin: c.begin, end: c.end, every: c.every)
      for (step, expected) in c.after.enumerated() {
        let found = schedule.sparsity(after: step)
        #expect((found == nil) == (expected == nil), "\(c), after \(step)")
        if let found, let expected { #expect(abs(found - expected) < 1e-14, "\(c), after \(step)") }
      }
    }
  }

  /// Where the steps between two looks don't come out even, the end is looked at too; and at once is once.
  @Test func scheduleReachesItsEnd() {
    let uneven = SparsitySchedule(final: 0.8, begin: 2, end: 12, every: 4)
    #expect((0...20).filter { uneven.sparsity(after: $0) != nil } == [2, 6, 10, 12])
    #expect(uneven.sparsity(after: 12) == 0.8 && uneven.sparsity(after: 2) == 0)
    let atOnce = SparsitySchedule(initial: 0.5, final: 0.8, begin: 3, end: 3, every: 1)
    #expect(
      (0...9).map { atOnce.sparsity(after: $0) } == [nil, nil, nil, 0.8]
        + Array(repeating: nil, count: 6))
  }

  @Test func masksAreThoseOfPyTorch() throws {
    let fixture = try Fixture.load("weight_pruning", as: Fixtures.self).masks
    let weights = fixture.weights.flatMap(\.floats)
    let first = fixture.weights[0].values.count
    let kernels = [0..<first, first..<weights.count]
    for c in fixture.cases {
      var masks = [Float](repeating: 1, count: weights.count)
      for share in c.shares {
        masks.withUnsafeMutableBufferPointer {
          PruningScope(rawValue: c.scope)!.mask(
            $0.baseAddress!, of: weights, kernels, to: share)
        }
      }
      #expect(masks.map { Int($0) } == c.masks.flatMap { $0 }, "\(c.scope), \(c.shares)")
    }
  }

  @Test func trainsAsPyTorchDoes() throws {
    let fixture = try Fixture.load("weight_pruning", as: Fixtures.self).training
    let source = GivenSource(fixture.images.sample, fixture.images.floats, labels: fixture.labels)
    for c in fixture.cases {
      let what = "\(c.name), \(c.scope), clipped \(c.clipNorm ?? 0), decay \(c.weightDecay ?? 0)"
      let trainer = try trainer(
        c.name == "sgd"
          ? Self.sgdWithMomentum(clipping: c.clipNorm) : Self.adam(decay: c.weightDecay ?? 0))
      for (name, tensor) in fixture.initial { trainer.set(name, to: tensor.floats) }
      trainer.weightsChanged()
      var losses: [Double] = []
      for (step, batch) in fixture.batches.enumerated() {
        if let share = fixture.growth[step] {
          trainer.prune(to: share, by: PruningScope(rawValue: c.scope)!)
        }
        let result = trainer.trainStep(
          source, samples: batch, step: step + 1, learningRate: c.learningRate)
        losses.append(result.lossSum / Double(batch.count))
      }
      expectLosses(losses, c.losses, what)
      for (name, tensor) in c.final {
        let own = Array(trainer.tensor(name))
        expectClose(own, tensor.values, within: 2e-5, "\(what): \(name)")
        if Self.kernels.contains(name) {
          #expect(own.map { $0 == 0 } == tensor.values.map { $0 == 0 }, "\(what): \(name)")
        }
      }
    }
  }

  // MARK: - Which go

  /// Ties go by their places, what is 0 is counted first, NaN goes last, one weight stays.
  @Test func theLeastGo() throws {
    func masked(
      _ weights: [Float], _ scope: PruningScope, _ kernels: [Range<Int>], to share: Double,
      from masks: [Float]? = nil
    ) -> [Int] {
      var masks = masks ?? weights.map { _ in 1 }
      masks.withUnsafeMutableBufferPointer {
        scope.mask($0.baseAddress!, of: weights, kernels, to: share)
      }
      return masks.map { Int($0) }
    }
    #expect(masked([1, -1, 1, 1], .layer, [0..<4], to: 0.5) == [0, 0, 1, 1])
    #expect(masked([.nan, 5, .infinity, -6], .layer, [0..<4], to: 0.5) == [1, 0, 1, 0])
    #expect(masked([3, 1, 2], .layer, [0..<3], to: 0.99) == [1, 0, 0], "one stays")
    #expect(masked([3, 0, 0, 4], .layer, [0..<4], to: 0.5, from: [1, 1, 0, 1]) == [1, 0, 0, 1])
    // What has gone stays so, though less is asked for.
    #expect(masked([9, 8, 1, 4], .layer, [0..<4], to: 0.25, from: [0, 0, 1, 1]) == [0, 0, 1, 1])
    #expect(masked([1, 2, 30, 40], .layer, [0..<2, 2..<4], to: 0.5) == [0, 1, 0, 1])
    #expect(masked([1, 2, 30, 40], .global, [0..<2, 2..<4], to: 0.5) == [0, 0, 1, 1])
    // Magnitudes that differ in the lower half of their bits alone; what lies between is no kernel's.
    let near = (0..<64).map { Float(bitPattern: 0x3F80_0000 + UInt32(63 - $0)) }
    #expect(
      masked([0.1] + near + [0.1], .layer, [1..<65], to: 0.25)
        == [1] + Array(repeating: 1, count: 48) + Array(repeating: 0, count: 16) + [1])
  }

  @Test func ofAModel() throws {
    var model = try trainer(sgd()).model
    let kernels = model.tensors.filter(\.role.isKernel)
    model.weights[kernels[1].range.lowerBound] = -0.0
    let pruned = model.pruned(kernels, to: 0.9, by: .layer)
    for kernel in kernels {
      let count = kernel.range.count
      #expect(
        pruned.zeros(in: [kernel]) == Int((0.9 * Double(count)).rounded(.toNearestOrEven)))
      let largest = pruned[kernel].filter { $0 != 0 }.map(abs).min()!
      #expect(zip(model[kernel], pruned[kernel]).allSatisfy { $1 == $0 || abs($0) <= largest })
    }
    #expect(bits(pruned.weights).allSatisfy { $0 != 0x8000_0000 }, "what is made 0 is +0")
    for tensor in model.tensors where !tensor.role.isKernel {
      #expect(model[tensor] == pruned[tensor])
    }
    let other = try Trainer(
      model.plan, optimizer: sgd(), batchSize: 1, seed: 99, team: team()
    ).model
    let ticket = other.masked(as: pruned, in: kernels)
    #expect(ticket.zeros(in: kernels) == pruned.zeros(in: kernels))
    #expect(zip(ticket.weights, other.weights).allSatisfy { $0 == $1 || $0 == 0 })
    #expect(abs(pruned.shareOfZeros - 0.9) < 0.01)
  }

  // MARK: - Whatever trains

  /// What is 0 is so after every step, whatever moves the weights; and in their average.
  @Test(arguments: [
    sgdWithMomentum(), adam(decay: 0.1),
    OptimizerDescription(rule: .lion(LionDescription(beta1: 0.9, beta2: 0.99)), learningRate: 0.01),
    OptimizerDescription(
      rule: .muon(MuonDescription()), learningRate: 0.02),
  ])
  func staysZero(_ optimizer: OptimizerDescription) throws {
    let source = GivenSource.random(
      .image(height: 6, width: 5, channels: 2), count: 30, classes: 3)
    for sharpness in [nil, 0.05] as [Float?] {
      var optimizer = optimizer
      optimizer.sharpness = sharpness
      optimizer.averaging = .exponential(decay: 0.9)
      let trainer = try trainer(optimizer)
      let kernels = trainer.tensors.filter { Self.kernels.contains($0.name) }
      for step in 1...12 {
        trainer.trainStep(
          source, samples: (0..<9).map { ($0 * 7 + step) % 30 }, step: step, learningRate: 0.01)
        if step % 4 == 0 { trainer.prune(to: 0.3 * Double(step / 4), by: .global) }
        trainer.average()
        let wanted = Int((0.3 * Double(step / 4) * 378).rounded(.toNearestOrEven))
        #expect(trainer.model.zeros(in: kernels) == wanted, "step \(step)")
        trainer.withAverage { #expect(trainer.model.zeros(in: kernels) == wanted) }
      }
      #expect(trainer.parameters.allSatisfy { $0.isFinite })
    }
  }

  /// With kernels that are rounded, the rounded ones are 0 too.
  @Test func roundedKernels() throws {
    let values = ["conv", "hidden", "scores"].map { FakeQuantization.Value($0, range: $0) }
    let trainer = try trainer(
      Self.adam(), quantization: FakeQuantization(weightBits: 4, ranges: .learned, values: values))
    let source = GivenSource.random(
      .image(height: 6, width: 5, channels: 2), count: 30, classes: 3)
    trainer.prune(to: 0.5, by: .layer)
    for step in 1...3 {
      trainer.trainStep(
        source, samples: Array(0..<9), step: step, learningRate: 0.01)
    }
    for parameter in trainer.updater.parameters where parameter.role == .kernel {
      let rounded = parameter.rounded!.values.base
      for i in 0..<parameter.count where trainer.parameters[parameter.offset + i] == 0 {
        #expect(rounded[i] == 0)
      }
      #expect((0..<parameter.count).contains { trainer.parameters[parameter.offset + $0] == 0 })
    }
  }

  /// Frozen layers, and those that aren't named, stay as they are; zeros that are to be kept are.
  @Test func whatStays() throws {
    let trainer = try trainer(
      Self.adam(), masked: ["conv/kernel", "hidden/kernel"], freezing: Freezing(layers: ["conv"]))
    let before = trainer.model
    let hidden = trainer.info("hidden/kernel")
    for i in hidden.range.prefix(10) { trainer.parameters[i] = 0 }
    trainer.keepZeros(of: ["hidden/kernel", "scores/kernel"])
    trainer.prune(to: 0.5, by: .global)
    #expect(trainer.model.zeros(in: [hidden]) == 144)
    #expect(hidden.range.prefix(10).allSatisfy { trainer.parameters[$0] == 0 })
    for name in ["conv/kernel", "scores/kernel"] {
      let tensor = trainer.info(name)
      #expect(trainer.model[tensor] == before[tensor])
    }
  }

  /// A network none of whose weights are masked trains to the same bits as one that could have some.
  @Test func masksOfOnesChangeNoBit() throws {
    let source = GivenSource.random(
      .image(height: 6, width: 5, channels: 2), count: 30, classes: 3)
    let weights = try [[], Self.kernels].map { masked in
      let trainer = try trainer(Self.adam(decay: 0.1), masked: masked)
      for step in 1...5 {
        trainer.trainStep(
          source, samples: (0..<9).map { ($0 * 7 + step) % 30 }, step: step, learningRate: 0.01)
      }
      return bits(trainer.parameters)
    }
    #expect(weights[0] == weights[1])
  }

  @Test func threadsChangeNoBit() throws {
    let source = GivenSource.random(
      .image(height: 6, width: 5, channels: 2), count: 40, classes: 3)
    let weights = try [1, 2, 3].map { threads in
      let trainer = try trainer(Self.adam(decay: 0.1), batch: 21, threads: threads)
      for step in 1...6 {
        trainer.trainStep(
          source, samples: (0..<21).map { ($0 * 7 + step) % 40 }, step: step, learningRate: 0.01)
        trainer.prune(to: 0.15 * Double(step), by: .global)
      }
      return bits(trainer.parameters)
    }
    #expect(weights[0] == weights[1] && weights[0] == weights[2])
  }

  /// What is told before any memory is taken is what is taken.
  @Test func memoryIsKnownBefore() throws {
    let trainer = try trainer(Self.adam())
    let told = NetworkFootprint(
      trainer.plan, optimizer: Self.adam(), masked: Self.kernels, batchSize: 9, workers: 2)
    #expect(trainer.memory == told.bytes)
  }
}
