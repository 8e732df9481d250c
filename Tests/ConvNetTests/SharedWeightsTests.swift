import TestSupport
import Testing

@testable import ConvNet

/// Several networks that answer with weights which are in memory once.
@Suite struct SharedWeightsTests {
  @Test func giveTheSameBits() throws {
    let input = Shape.image(height: 12, width: 12, channels: 2)
    let images = GivenSource.random(input, count: 21, classes: 10)
    let plan = try NetworkPlan(
      NetworkDescription(
        input: input,
        model: GraphTests.chain(
          GraphTests.conv(5, .relu), GraphTests.pool(2), .flatten, GraphTests.dense(10)),
        classes: 10))
    let model = try Model(plan, seed: 3)
    let other: Inference
    let expected: [Float]
    do {
      let first = try Inference(model, team: team(1))
      expected = first.probabilities(of: images)
      // The second keeps the weights when the first is gone.
      other = try Inference(sharing: first, team: team(2))
    }
    #expect(bits(other.probabilities(of: images)) == bits(expected))
    var scores = [Float](repeating: 0, count: 21 * 10)
    scores.withUnsafeMutableBufferPointer {
      other.scores(of: images, range: 0..<21, into: $0)
      other.makeProbabilities(of: $0)
    }
    #expect(bits(scores) == bits(expected))
    #expect(other.model.weights == model.weights)
  }
}
