import TestSupport
import Testing

@testable import ConvNet

/// Schedules and a whole network over time, against PyTorch's and Keras's own numbers.
@Suite struct FixtureTrainingTests {
  struct Schedules: Decodable {
    let perEpoch: [EpochCase]
    let perStep: [StepCase]
    let reduceOnPlateau: [PlateauCase]
  }

  struct EpochCase: Decodable {
    let name, source: String
    let learningRate: Float
    let every: Int?
    let factor, decay, epochs, final: Double?
    let rates: [Double]
  }

  struct StepCase: Decodable {
    let name, source: String
    let learningRate: Float
    let stepsPerEpoch: Int
    let staircase: Bool?
    let decay, epochs, final, warmupEpochs, warmupFrom: Double?
    let rates: [Double]
  }

  struct PlateauCase: Decodable {
    let name, mode: String
    let learningRate: Float
    let factor, minDelta, minLr: Double
    let patience, cooldown: Int
    let monitored: [Double?]
    let rates: [Double]
  }

  private func schedule(
    _ name: String, every: Int? = nil, factor: Double? = nil, decay: Double? = nil,
    staircase: Bool? = nil, epochs: Double? = nil, final: Double? = nil
  ) -> Schedule {
    switch name {
    case "constant": .constant
    case "step": .step(StepDescription(every: every!, factor: factor!))
    case "exponential":
      .exponential(ExponentialDescription(decay: decay!, staircase: staircase ?? false))
    case "cosine": .cosine(CosineDescription(epochs: epochs!, final: final!))
    default: preconditionFailure("an unknown schedule, \(name)")
    }
  }

  @Test func schedulesOfEpochs() throws {
    for c in try Fixture.load("schedules", as: Schedules.self).perEpoch {
      let rate = LearningRate(
        base: c.learningRate,
        schedule: schedule(
          c.name, every: c.every, factor: c.factor, decay: c.decay, epochs: c.epochs,
          final: c.final), warmup: nil, stepsPerEpoch: 3)
      for (epoch, expected) in c.rates.enumerated() {
        let actual = Double(rate.rate(step: 3 * epoch))
        // Where a rate falls to 0, PyTorch's is what its 64 bits leave.
        #expect(
          abs(actual - expected) <= max(1e-6 * expected, 1e-17), "\(c.source), epoch \(epoch)")
      }
    }
  }

  @Test func schedulesOfSteps() throws {
    for c in try Fixture.load("schedules", as: Schedules.self).perStep {
      let warmup = c.warmupEpochs.map { Warmup(epochs: $0, from: c.warmupFrom ?? 0) }
      let rate = LearningRate(
        base: c.learningRate,
        schedule: schedule(
          c.name, decay: c.decay, staircase: c.staircase, epochs: c.epochs, final: c.final),
        warmup: warmup, stepsPerEpoch: c.stepsPerEpoch)
      for (step, expected) in c.rates.enumerated() {
        let actual = Double(rate.rate(step: step))
        // Keras computes in 32 bits, where what is left of 1 + cos near its end is as rough as 1.
        let limit = c.source.hasPrefix("keras") ? Double(c.learningRate.ulp) : 0
        #expect(
          abs(actual - expected) <= max(1e-5 * expected, limit),
          "\(c.source), step \(step): \(actual), not \(expected)")
      }
    }
  }

  /// A step schedule falls within an epoch only where an epoch begins.
  @Test func stepScheduleInsideAnEpoch() {
    let rate = LearningRate(
      base: 1, schedule: .step(StepDescription(every: 2, factor: 0.5)), warmup: nil,
      stepsPerEpoch: 3)
    #expect(
      (0..<13).map { rate.rate(step: $0) } == [
        1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25,
      ])
  }

  @Test func plateaus() throws {
    for c in try Fixture.load("schedules", as: Schedules.self).reduceOnPlateau {
      let plateau = PlateauDescription(
        monitor: c.mode == "max" ? .valAccuracy : .valLoss, factor: c.factor,
        patience: c.patience, minDelta: c.minDelta, cooldown: c.cooldown, minimum: c.minLr)
      var rate = LearningRate(
        base: c.learningRate, schedule: .reduceOnPlateau(plateau), warmup: nil, stepsPerEpoch: 2)
      var rates = [Double(rate.rate(step: 0))]
      for value in c.monitored {
        rate.finishEpoch(monitored: value ?? .nan)
        rates.append(Double(rate.rate(step: 2 * rates.count)))
      }
      #expect(rates.count == c.rates.count)
      for (epoch, expected) in c.rates.enumerated() {
        #expect(abs(rates[epoch] - expected) <= 1e-6 * expected, "\(c.name), epoch \(epoch)")
      }
    }
  }

  struct NetworkCase: Decodable {
    struct Result: Decodable {
      let crossEntropy, objective: [Double]
      let final: [String: Fixture.Tensor]
    }
    let name, source, optimizer: String
    let nesterov, batchNorm: Bool
    let momentum, beta1, beta2, epsilon: Float?
    let learningRate, l2: Float
    let padding: Fixture.Border
    let images: Fixture.Tensor
    let labels: [Int]
    let batches: [[Int]]
    let initial: [String: Fixture.Tensor]
    let float64: Result

    var rule: OptimizerRule {
      let convention: OptimizerConvention = source == "torch" ? .pytorch : .keras
      if optimizer == "sgd" {
        return .sgd(SGDDescription(momentum: momentum!, nesterov: nesterov, convention: convention))
      }
      return .adam(
        AdamDescription(beta1: beta1!, beta2: beta2!, epsilon: epsilon!, convention: convention))
    }

    var description: NetworkDescription {
      let conv = Conv2DDescription(
        filters: 4, kernel: Extent(3, 3), padding: padding.padding,
        activation: batchNorm ? .linear : .relu, bias: !batchNorm, l2: l2)
      let norm: [LayerDescription] =
        batchNorm ? [.batchNorm(BatchNormDescription()), .activation(.relu)] : []
      return NetworkDescription(
        input: images.sample,
        layers: [.conv2D(conv)] + norm + [
          .maxPool(MaxPoolDescription(size: Extent(2, 2))), .flatten,
          .dense(DenseDescription(units: 6, activation: .relu, l2: l2)),
          .dense(DenseDescription(units: 3)),
        ], classes: 3)
    }

    /// The network's name of a tensor of the fixture.
    func name(of tensor: String) -> String {
      let parts = tensor.split(separator: "/")
      let first = batchNorm ? 5 : 3
      let layers: [Substring: String] = [
        "conv2d": "conv2d_0", "batch_norm": "batch_norm_1", "dense_0": "dense_\(first)",
        "dense_1": "dense_\(first + 1)",
      ]
      let roles: [Substring: String] = ["gamma": "scale", "beta": "offset"]
      return layers[parts[0]]! + "/" + (roles[parts[1]] ?? String(parts[1]))
    }
  }

  @Test func wholeNetworks() throws {
    for c in try Fixture.cases("training", as: NetworkCase.self) {
      let network = try Trainer(
        c.description, optimizer: OptimizerDescription(rule: c.rule, learningRate: c.learningRate),
        batchSize: 4, seed: 1, team: team(2))
      for (name, tensor) in c.initial { network.set(c.name(of: name), to: tensor.floats) }
      network.weightsChanged()
      let source = GivenSource(c.images.sample, c.images.floats, labels: c.labels)
      for (i, batch) in c.batches.enumerated() {
        let penalty = Double(c.l2) * network.sumOfPenalizedSquares
        let result = network.trainStep(
          source, samples: batch, step: i + 1, learningRate: c.learningRate)
        let loss = result.lossSum / Double(batch.count)
        for (value, expected) in [
          (loss, c.float64.crossEntropy[i]), (loss + penalty, c.float64.objective[i]),
        ] {
          #expect(
            abs(value - expected) <= 1e-5 * expected,
            "\(c.name), step \(i + 1): \(value), not \(expected)")
        }
      }
      for (name, tensor) in c.float64.final {
        expectClose(
          Array(network.tensor(c.name(of: name))), tensor.values, within: 1e-5,
          "\(c.name), \(name)")
      }
    }
  }
}

extension Trainer {
  /// Σw² over the kernels that have a penalty: all but the last.
  fileprivate var sumOfPenalizedSquares: Double {
    var sum = 0.0
    for tensor in tensors.filter({ $0.role == .kernel }).dropLast() {
      for w in parameters[tensor.range] { sum += Double(w) * Double(w) }
    }
    return sum
  }
}
