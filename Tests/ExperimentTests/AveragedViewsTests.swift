import ConvNet
import Foundation
import TestSupport
import Testing

@testable import Experiment

@Suite struct AveragedViewsTests {
  private struct Figures: Decodable {
    struct Case: Decodable {
      let views, images, classes: Int
      /// (K, N, C)
      let scores: [Float]
      let labels: [Int]
      let accuracy, crossEntropy: Double
    }
    let cases: [Case]
  }

  /// Samples that are given.
  private final class View: SampleSource {
    let sampleShape: Shape
    private let values: ArraySlice<Float>
    let labels: Labels

    init(_ values: ArraySlice<Float>, labels: [Int]) {
      sampleShape = .vector(values.count / labels.count)
      self.values = values
      self.labels = Labels(labels)
    }

    var count: Int { labels.count }

    func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int) {
      let size = sampleShape.count
      for i in 0..<size { destination[i] = values[values.startIndex + sample * size + i] }
    }
  }

  /// A network whose scores are its inputs.
  private func identity(_ classes: Int, threads: Int) throws -> Trainer {
    BLAS.useOneThread()
    let network = try Trainer(
      NetworkDescription(
        input: .vector(classes), model: [.layer(.dense(DenseDescription(units: classes)))],
        classes: classes),
      optimizer: OptimizerDescription(
        rule: .sgd(SGDDescription(momentum: 0, nesterov: false, convention: .keras)),
        learningRate: 0),
      batchSize: 8, seed: 1, team: try Team(threads: threads))
    network.parameters.update(repeating: 0)
    let kernel = network.tensors.first { $0.role == .kernel }!.range
    for i in 0..<classes { network.parameters[kernel.lowerBound + i * (classes + 1)] = 1 }
    network.weightsChanged()
    return network
  }

  /// The mean of SciPy's softmax, and scikit-learn's accuracy and log loss of it
  /// (Fixtures/make_averaged_views.py).
  @Test(arguments: [1, 2]) func agreeWithScikitLearn(threads: Int) throws {
    let figures = try Fixture.load("averaged_views", as: Figures.self)
    #expect(figures.cases.count == 3)
    for c in figures.cases {
      let size = c.images * c.classes
      let views = (0..<c.views).map {
        View(c.scores[$0 * size..<($0 + 1) * size], labels: c.labels)
      }
      let averaged = AveragedViews(try identity(c.classes, threads: threads).inference, views)
      #expect(averaged.views == c.views)
      #expect(averaged.accuracy == c.accuracy)
      #expect(abs(averaged.crossEntropy - c.crossEntropy) <= 1e-9 * c.crossEntropy)
    }
  }
}
