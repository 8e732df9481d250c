import TestSupport
import Testing

@testable import ConvNet

/// Networks that learn from what others make of their images.
@Suite struct DistillationTests {
  struct Fixtures: Decodable {
    struct Teacher: Decodable {
      let tensors: [String: Fixture.Tensor]
      let mean, factor: [Float]?
    }
    struct Case: Decodable {
      let teachers: Int
      let temperature, weight, labelSmoothing: Float
      let losses: [Double]
      let final: [String: Fixture.Tensor]
    }
    let images: Fixture.Tensor
    let labels: [Int]
    let batches: [[Int]]
    let learner: [String: Fixture.Tensor]
    let teachers: [Teacher]
    let cases: [Case]
  }

  private static let network = NetworkDescription(
    input: .image(height: 7, width: 6, channels: 2),
    model: [
      .layer(
        .conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), activation: .relu)),
        name: "first"),
      .layer(.flatten),
      .layer(.dense(DenseDescription(units: 3)), name: "scores"),
    ], classes: 3)

  private static func model(_ teacher: Fixtures.Teacher) throws -> Model {
    var model = Model(try NetworkPlan(network))
    for tensor in model.tensors { model[tensor] = teacher.tensors[tensor.name]!.floats[...] }
    if let mean = teacher.mean, let factor = teacher.factor {
      model.normalization = Normalization(mean: mean, factor: factor, whitening: [])
    }
    return model
  }

  @Test func agreesWithPyTorch() throws {
    let fixture = try Fixture.load("distillation", as: Fixtures.self)
    let source = GivenSource(fixture.images.sample, fixture.images.floats, labels: fixture.labels)
    for c in fixture.cases {
      let name = "\(c.teachers) teachers, T = \(c.temperature), α = \(c.weight)"
      let trainer = try Trainer(
        Self.network, loss: LossDescription(.softmaxCrossEntropy(labelSmoothing: c.labelSmoothing)),
        optimizer: sgd(0.3), batchSize: 9, seed: 1, team: team(2))
      for (name, tensor) in fixture.learner { trainer.set(name, to: tensor.floats) }
      trainer.weightsChanged()
      try trainer.learn(
        from: fixture.teachers.prefix(c.teachers).map(Self.model),
        by: DistillationDescription(temperature: c.temperature, weight: c.weight))
      var losses: [Double] = []
      for (step, batch) in fixture.batches.enumerated() {
        let result = trainer.trainStep(source, samples: batch, step: step + 1, learningRate: 0.3)
        losses.append(result.lossSum / Double(batch.count))
      }
      expectLosses(losses, c.losses, name)
      for (tensor, expected) in c.final {
        expectClose(
          Array(trainer.tensor(tensor)), expected.values, within: 2e-5, "\(name): \(tensor)")
      }
    }
  }

  /// A trainer with as many teachers, other weights in each.
  private func taught(
    by teachers: Int, mixing: [BatchMixing] = [], threads: Int = 1, batch: Int = 21
  ) throws -> Trainer {
    let trainer = try Trainer(
      Self.network, optimizer: DeterminismTests.Case.adam, mixing: mixing, batchSize: batch,
      seed: 5,
      team: team(threads))
    let models = try (0..<teachers).map { try Model(trainer.plan, seed: UInt64($0) + 10) }
    try trainer.learn(from: models, by: DistillationDescription())
    return trainer
  }

  @Test(arguments: [[], [BatchMixing.mixup(.init(alpha: 1))], [.cutmix(.init(alpha: 1))]])
  func threadsChangeNoBit(mixing: [BatchMixing]) throws {
    let source = GivenSource.random(Self.network.input, count: 40, classes: 3)
    let results = try [1, 2, 3].map { threads in
      let trainer = try taught(by: 2, mixing: mixing, threads: threads)
      var losses: [Double] = []
      for step in 1...4 {
        let samples = (0..<21).map { ($0 * 7 + step) % 40 }
        losses.append(
          trainer.trainStep(source, samples: samples, step: step, learningRate: 0.02).lossSum)
      }
      return (losses, bits(trainer.parameters))
    }
    for other in results.dropFirst() {
      #expect(other.0 == results[0].0)
      #expect(other.1 == results[0].1)
    }
  }

  /// A network whose teacher it is itself has nothing to learn from it: the loss and its gradient are 0.
  @Test func itsOwnPupil() throws {
    for mixing in [[], [BatchMixing.mixup(.init(alpha: 1))], [.cutmix(.init(alpha: 1))]] {
      let trainer = try Trainer(
        Self.network, optimizer: sgd(), mixing: mixing, batchSize: 16, seed: 5, team: team(2))
      trainer.normalization = Normalization(
        mean: [0.5, 0.25], factor: [2, 0.5], whitening: [])
      try trainer.learn(
        from: [trainer.model], by: DistillationDescription(temperature: 3, weight: 1))
      let before = trainer.model.weights
      let source = GivenSource.random(Self.network.input, count: 16, classes: 3)
      let result = trainer.trainStep(
        source, samples: Array(0..<16), step: 1, learningRate: 1)
      #expect(abs(result.lossSum) < 1e-5, "\(mixing)")
      for (now, then) in zip(trainer.parameters, before) { #expect(abs(now - then) < 1e-6) }
    }
  }

  /// What is told before any memory is taken is what is taken.
  @Test func memoryIsKnownBefore() throws {
    for threads in [1, 3] {
      let plain = try Trainer(
        Self.network, optimizer: DeterminismTests.Case.adam, batchSize: 21, seed: 5,
        team: team(threads))
      let trainer = try taught(by: 2, threads: threads)
      let told = NetworkFootprint.bytes(
        ofTeachers: [plain.plan, plain.plan], batchSize: 21, workers: threads)
      #expect(trainer.memory - plain.memory == told)
    }
  }
}
