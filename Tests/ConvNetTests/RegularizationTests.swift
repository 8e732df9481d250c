import TestSupport
import Testing

@testable import ConvNet

/// Penalties on kernels and bounds of them, over fifty steps, against the same steps in Keras.
@Suite struct RegularizationTests {
  struct Fixtures: Decodable {
    let images: Fixture.Tensor
    let labels: [Int]
    let initial: [String: Fixture.Tensor]
    let penalties: [Penalty]
    let cases: [Case]
  }

  struct Penalty: Decodable {
    let weight: Float
    let kernel, gradient: Fixture.Tensor
  }

  struct Case: Decodable {
    let name: String
    let learningRate, momentum, l1, l2, orthogonal: Float
    let maxNorm: Float?
    let losses: [Double]
    let final: [String: Fixture.Tensor]
  }

  private func run(
    _ c: Case, _ fixture: Fixtures, threads: Int, sharpness: Float? = nil
  ) throws -> (network: Trainer, losses: [Double]) {
    let regularization = KernelRegularization(
      l1: c.l1, orthogonal: c.orthogonal, maxNorm: c.maxNorm)
    var optimizer = OptimizerDescription(
      rule: .sgd(SGDDescription(momentum: c.momentum, nesterov: false, convention: .keras)),
      learningRate: c.learningRate)
    optimizer.sharpness = sharpness
    let network = try Trainer(
      NetworkDescription(
        input: fixture.images.sample,
        layers: [
          .conv2D(
            Conv2DDescription(
              filters: 4, kernel: Extent(3, 3), activation: .tanh, l2: c.l2,
              regularization: regularization)),
          .flatten,
          .dense(
            DenseDescription(
              units: 5, activation: .tanh, l2: c.l2, regularization: regularization)),
          .dense(DenseDescription(units: 3, l2: c.l2, regularization: regularization)),
        ], classes: 3), optimizer: optimizer, batchSize: 4, seed: 1, team: team(threads))
    for (name, tensor) in fixture.initial { network.set(name, to: tensor.floats) }
    network.weightsChanged()
    let source = GivenSource(
      fixture.images.sample, fixture.images.floats, labels: fixture.labels)
    var losses: [Double] = []
    for step in 0..<50 {
      let result = network.trainStep(
        source, samples: (0..<4).map { (5 * step + $0) % 12 }, step: step + 1,
        learningRate: c.learningRate)
      losses.append(result.lossSum / 4)
    }
    return (network, losses)
  }

  @Test func fiftySteps() throws {
    let fixture = try Fixture.load("regularization", as: Fixtures.self)
    for c in fixture.cases {
      let (network, losses) = try run(c, fixture, threads: 2)
      expectLosses(losses, c.losses, c.name)
      for (name, tensor) in c.final {
        expectClose(
          Array(network.tensor(name)), tensor.values, within: 1e-5, "\(c.name), \(name)")
      }
      guard let largest = c.maxNorm else { continue }
      // The norms of some columns are at their bound, and none is beyond it.
      var norms: [Float] = []
      for tensor in network.tensors where tensor.role == .kernel {
        let (values, columns) = (network.tensor(tensor.name), tensor.shape.last!)
        norms += (0..<columns).map { column in
          stride(from: column, to: values.count, by: columns).reduce(0) {
            $0 + values[$1] * values[$1]
          }.squareRoot()
        }
      }
      #expect(norms.allSatisfy { $0 <= largest * (1 + 1e-6) })
      #expect(norms.contains { $0 > largest * (1 - 1e-6) })
    }
  }

  @Test(arguments: [nil, Float(0.05)]) func threadsChangeNothing(_ sharpness: Float?) throws {
    let fixture = try Fixture.load("regularization", as: Fixtures.self)
    for c in fixture.cases {
      let traces = try [1, 2, 4].map { threads in
        let network = try run(c, fixture, threads: threads, sharpness: sharpness).network
        return withExtendedLifetime(network) { bits($0.parameters) }
      }
      #expect(traces[1] == traces[0] && traces[2] == traces[0], "\(c.name)")
    }
  }

  /// The slope of λ‖WᵀW − I‖², for tall and for wide kernels, against PyTorch's derivative.
  @Test func orthogonalGradient() throws {
    BLAS.useOneThread()
    for c in try Fixture.load("regularization", as: Fixtures.self).penalties {
      let (rows, columns) = (c.kernel.shape[0], c.kernel.shape[1])
      let weights = Buffer(rows * columns)
      _ = weights.all.update(fromContentsOf: c.kernel.floats)
      let parameter = Parameter(
        name: "w", layer: 0, role: .kernel, shape: [rows, columns], offset: 0, slot: 0,
        isFrozen: false, after: 0, rows: rows,
        columns: columns,
        l2: 0, regularization: KernelRegularization(), source: .settled)
      let penalty = OrthogonalPenalty(
        parameter, weight: c.weight, in: weights, arena: try Arena(bytes: 1 << 20))
      penalty.update()
      expectClose(
        Array(penalty.gradient.all), c.gradient.values, within: 1e-6, "\(rows)x\(columns)")
    }
  }
}
