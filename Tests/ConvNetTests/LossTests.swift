import TestSupport
import Testing

@testable import ConvNet

/// The losses of `losses.json`, sample by sample, and their gradients, against PyTorch's and Keras's
/// own numbers; and what makes a loss one of a network's.
@Suite struct LossTests {
  struct Case: Decodable {
    let name, loss: String
    let labelSmoothing, gamma, alpha, delta: Float?
    let classWeights: [Float]?
    let scores, gradient: Fixture.Tensor
    let labels: [Int]
    let losses: [Double]
    let correct: Int

    var description: LossDescription {
      Fixture.LossKeys(
        name: loss, labelSmoothing: labelSmoothing, gamma: gamma, alpha: alpha, delta: delta,
        classWeights: classWeights
      ).description
    }
  }

  struct Balanced: Decodable {
    let counts, present: [Int]
    let weights: [Double]
  }

  /// Fixtures/make_class_weights.py; of a class without any image scikit-learn says nothing.
  @Test func balancedWeightsAreThoseOfScikitLearn() throws {
    let cases = try Fixture.cases("class_weights", as: Balanced.self)
    #expect(cases.count == 5)
    for c in cases {
      let weights = LossDescription.balancingWeights(c.counts)
      #expect(weights.count == c.counts.count)
      for (label, weight) in zip(c.present, c.weights) { #expect(weights[label] == Float(weight)) }
      for label in c.counts.indices where c.counts[label] == 0 { #expect(weights[label] == 1) }
    }
  }

  /// A network whose only layer is the identity.
  private func identity(_ classes: Int, _ loss: LossDescription, batch: Int) throws -> Trainer {
    let network = try Trainer(
      NetworkDescription(
        input: .vector(classes), layers: [.dense(DenseDescription(units: classes))],
        classes: classes), loss: loss, optimizer: sgd(), batchSize: batch, seed: 1, team: team())
    network.set(
      "dense_0/kernel", to: (0..<classes * classes).map { $0 % (classes + 1) == 0 ? 1 : 0 })
    network.weightsChanged()
    return network
  }

  /// Each loss as near as it is large, each gradient as near as its sample's is large.
  ///
  /// A softmax is the exception: the sum that its loss is the logarithm of, and the probability of its
  /// label, from which 1 is taken, are float32 numbers near 1 where the sample is surely right, and
  /// what is left of them is no nearer than a unit in the last place of 1.
  @Test func againstPyTorchAndKeras() throws {
    let cases = try Fixture.cases("losses", as: Case.self)
    #expect(Set(cases.map(\.loss)).count == 5)
    for c in cases {
      let (samples, classes) = (c.scores.shape[0], c.scores.shape[1])
      let network = try identity(classes, c.description, batch: samples)
      let source = GivenSource(.vector(classes), c.scores.floats, labels: c.labels)
      let result = network.trainStep(
        source, samples: Array(0..<samples), step: 1, learningRate: 0)
      let gradient = network.logits.batchGradients
      for (i, (loss, label)) in zip(c.losses, c.labels).enumerated() {
        let weight = Double(c.classWeights?[label] ?? 1)
        let ulp = c.loss == "softmax_cross_entropy" ? weight * Double(Float(1).ulp) : 1e-30
        let found = Double(network.losses.base[i])
        #expect(
          abs(found - loss) <= max(2e-6 * abs(loss), ulp), "\(c.name), \(i): \(found), not \(loss)")
        let places = i * classes..<(i + 1) * classes
        let scale = c.gradient.values[places].map(abs).max()!
        for place in places {
          let (found, expected) = (Double(gradient[place]), c.gradient.values[place])
          let limit = place == places.lowerBound + label ? ulp / Double(samples) : 1e-30
          #expect(
            abs(found - expected) <= max(2e-6 * scale, limit),
            "\(c.name), gradient \(place): \(found), not \(expected)")
        }
      }
      #expect(result.correct == c.correct, "\(c.name)")
      let evaluation = network.evaluate(source, range: 0..<samples)
      #expect(evaluation.lossSum == result.lossSum)
      #expect(evaluation.correct == result.correct)
    }
  }

  static let kinds: [LossDescription.Kind] = [
    .softmaxCrossEntropy(), .softmaxCrossEntropy(labelSmoothing: 0.2), .focal(FocalDescription()),
    .focal(FocalDescription(gamma: 0.5, alpha: 1)), .meanSquaredError, .huber(delta: 0.5),
    .binaryCrossEntropy(), .binaryCrossEntropy(labelSmoothing: 0.1),
  ]

  /// Central differences of the loss by the scores, each loss with weights of the classes.
  @Test(arguments: kinds) func gradientsAgreeWithDifferences(_ kind: LossDescription.Kind) throws {
    let (samples, classes) = (6, 4)
    let loss = LossDescription(kind, classWeights: [1, 0.5, 2, 0.25])
    let network = try identity(classes, loss, batch: samples)
    var scores = randomFloats(samples * classes, seed: 3, scale: 2)
    func sum() -> Double {
      let source = GivenSource(
        .vector(classes), scores, labels: (0..<samples).map { $0 % classes })
      return network.trainStep(
        source, samples: Array(0..<samples), step: 1, learningRate: 0
      ).lossSum
    }
    _ = sum()
    let gradient = Array(
      UnsafeBufferPointer(start: network.logits.batchGradients, count: samples * classes))
    var (error, size) = (0.0, 0.0)
    for i in scores.indices {
      let before = scores[i]
      scores[i] = before + 1e-2
      let above = sum()
      scores[i] = before - 1e-2
      let below = sum()
      scores[i] = before
      let difference = (above - below) / 2e-2 / Double(samples)
      error += (difference - Double(gradient[i])) * (difference - Double(gradient[i]))
      size += difference * difference
    }
    #expect(error.squareRoot() <= 3e-3 * size.squareRoot(), "\(error) of \(size)")
  }

  /// Smoothing by nothing, focusing by nothing and weights of one change no bit, or next to nothing.
  @Test func trivialConstants() throws {
    let classes = 4
    let source = GivenSource.random(.vector(classes), count: 9, classes: classes, seed: 5)
    func result(_ loss: LossDescription) throws -> (Double, [Float]) {
      let network = try identity(classes, loss, batch: 9)
      let step = network.trainStep(source, samples: Array(0..<9), step: 1, learningRate: 0)
      return (
        step.lossSum,
        Array(UnsafeBufferPointer(start: network.logits.batchGradients, count: 9 * classes))
      )
    }
    let plain = try result(.softmaxCrossEntropy)
    let weighted = try result(
      LossDescription(.softmaxCrossEntropy(), classWeights: [1, 1, 1, 1]))
    #expect(weighted.0 == plain.0)
    #expect(bits(weighted.1) == bits(plain.1))
    let focal = try result(LossDescription(.focal(FocalDescription(gamma: 0, alpha: 1))))
    #expect(abs(focal.0 - plain.0) <= 1e-6 * plain.0)
    expectClose(focal.1, doubles(plain.1), within: 1e-6)
  }

  /// A score that is not a number is seen, whatever the loss.
  @Test(arguments: kinds) func notANumber(_ kind: LossDescription.Kind) throws {
    let network = try identity(4, LossDescription(kind), batch: 2)
    let source = GivenSource(
      .vector(4), [1, .nan, 0, 2, 1, 2, 3, 4], labels: [0, 1])
    let result = network.trainStep(source, samples: [0, 1], step: 1, learningRate: 0.1)
    #expect(!result.isFinite)
  }

  /// Threads change no bit of a training with any loss.
  @Test(arguments: kinds) func threadsChangeNothing(_ kind: LossDescription.Kind) throws {
    let weights: [Float] = [1, 0.5, 2, 0.25, 3]
    let source = GivenSource.random(.vector(6), count: 40, classes: 5)
    func run(threads: Int) throws -> [UInt32] {
      let network = try Trainer(
        NetworkDescription(
          input: .vector(6),
          layers: [
            .dense(DenseDescription(units: 7, activation: .tanh)),
            .dense(DenseDescription(units: 5)),
          ], classes: 5), loss: LossDescription(kind, classWeights: weights),
        optimizer: OptimizerDescription(
          rule: .adam(AdamDescription(beta1: 0.9, beta2: 0.999, epsilon: 1e-7, convention: .keras)),
          learningRate: 0.01), batchSize: 27, seed: 2, team: team(threads))
      for step in 1...4 {
        let samples = (0..<27).map { ($0 * 3 + step * 5) % 40 }
        network.trainStep(source, samples: samples, step: step, learningRate: 0.01)
      }
      return bits(network.parameters)
    }
    let one = try run(threads: 1)
    #expect(try run(threads: 2) == one)
    #expect(try run(threads: 4) == one)
  }
}
