import Testing

@testable import ConvNet

@Suite struct ScoresInPlaceTests {
  /// Few samples without a copy of the weights come to what all come to.
  @Test func areThoseOfInference() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 12, width: 12, channels: 2),
        layers: [
          .conv2D(Conv2DDescription(filters: 5, kernel: Extent(3, 3), activation: .relu)),
          .batchNorm(BatchNormDescription()), .flatten,
          // So large that inference takes more samples together.
          .dense(DenseDescription(units: 600, activation: .tanh)),
          .dense(DenseDescription(units: 3)),
        ], classes: 3))
    var model = try Model(plan, seed: 3)
    model.normalization = Normalization(
      mean: [0.1, 0.2], factor: [2, 3], whitening: [])
    let before = model.weights
    let images = Noise(count: 2)
    let found = try model.scoresInPlace(of: images)
    #expect(model.weights == before)
    let inference = try Inference(model, team: Team(threads: 1))
    var expected = [Float](repeating: 0, count: 6)
    expected.withUnsafeMutableBufferPointer {
      inference.scores(of: images, range: 0..<2, into: $0)
    }
    let largest = expected.map(abs).max()!
    #expect(largest > 0)
    #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
  }

  /// Tensors are given one by one, and what lies between them is 0.
  @Test func aModelIsFilledInOrder() throws {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: .image(height: 4, width: 4, channels: 1),
        layers: [.flatten, .dense(DenseDescription(units: 3))], classes: 3))
    let own = try Model(plan, seed: 2)
    var names: [String] = []
    let filled = Model(plan) { tensor, buffer in
      names.append(tensor.name)
      _ = buffer.initialize(fromContentsOf: own[tensor])
    }
    #expect(names == own.tensors.map(\.name))
    #expect(filled.weights == own.weights)
  }
}

private final class Noise: ImageSamples {
  let count: Int
  let sampleShape = Shape.image(height: 12, width: 12, channels: 2)

  init(count: Int) { self.count = count }

  func fill(
    _ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int
  ) {
    var stream = RandomStream(seed: 5, purpose: .probe, sample: UInt32(sample))
    for i in 0..<sampleShape.count { destination[i] = stream.uniform() }
  }
}
