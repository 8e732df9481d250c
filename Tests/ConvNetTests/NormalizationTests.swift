import TestSupport
import Testing

@testable import ConvNet

/// Images normalised by what is fitted on them, against the numbers of Keras, scikit-learn and SciPy.
@Suite struct NormalizationTests {
  struct Case: Decodable {
    let name: String
    let epsilon: Float?
    let images, result: Fixture.Tensor

    var description: NormalizationDescription {
      switch name {
      case "per_channel": .perChannel()
      case "per_pixel": .perPixel()
      default: .zca(epsilon: epsilon!)
      }
    }
  }

  private func normalized(_ c: Case) throws -> [Float] {
    BLAS.useOneThread()
    let source = GivenSource(c.images.sample, c.images.floats)
    let normalization = try Normalization(c.description, fitting: source)
    let normalizer = Normalizer(normalization, input: c.images.sample, workers: 1)
    var values = c.images.floats
    values.withUnsafeMutableBufferPointer {
      normalizer.apply($0.baseAddress!, count: source.count, worker: 0)
    }
    return values
  }

  @Test func agreesWithKerasAndSciPy() throws {
    for c in try Fixture.cases("normalization", as: Case.self) {
      expectClose(try normalized(c), c.result.values, within: 1e-5, c.name)
    }
  }

  /// Whitened, the numbers of an image have the covariance that ε leaves of 1.
  @Test func whiteningWhitens() throws {
    let c = try #require(
      Fixture.cases("normalization", as: Case.self).first { $0.name == "zca, as Keras has it" })
    let values = try normalized(c)
    let (count, size) = (c.images.shape[0], c.images.sample.count)
    for i in 0..<size {
      for j in 0..<size {
        let product = (0..<count).reduce(0) { $0 + values[$1 * size + i] * values[$1 * size + j] }
        #expect(abs(product / Float(count) - (i == j ? 1 : 0)) < 1e-4)
      }
    }
  }

  static let kinds: [NormalizationDescription] = [
    .perChannel(), .perPixel(epsilon: 0.1), .zca(epsilon: 0.1),
  ]

  /// Neither the threads nor how an evaluation is cut change a bit, and a network that is given the
  /// normalisation of another does as that.
  @Test(arguments: kinds) func threadsChangeNothing(_ kind: NormalizationDescription) throws {
    let shape = Shape.image(height: 6, width: 5, channels: 2)
    let source = GivenSource.random(shape, count: 50, classes: 10)
    func trace(threads: Int) throws -> [UInt32] {
      let network = try Trainer(
        NetworkDescription(
          input: shape, layers: [.flatten, .dense(DenseDescription(units: 10))], classes: 10),
        optimizer: sgd(0.1), batchSize: 13, seed: 2, team: team(threads))
      network.normalization = try Normalization(kind, fitting: source)
      for step in 1...3 {
        network.trainStep(source, samples: Array(0..<13), step: step, learningRate: 0.1)
      }
      let loss = network.evaluate(source, range: 0..<50).lossSum
      #expect(loss == network.evaluate(source, range: 0..<50).lossSum)
      return bits(network.parameters) + [UInt32(truncatingIfNeeded: loss.bitPattern)]
    }
    let one = try trace(threads: 1)
    #expect(try trace(threads: 2) == one)
    #expect(try trace(threads: 4) == one)
  }
}
