import TestSupport
import Testing

@testable import ConvNet

/// The classical methods against scikit-learn; `Fixtures/make_classical_fixtures.py` made its numbers.
@Suite struct ClassicalTests {
  struct Figures: Decodable {
    struct Model: Decodable {
      let name: String
      let penalty: Double?
      let weights, biases: [Double]
    }
    let features: Int
    let training, queries: [Float]
    let labels: [Int]
    let models: [Model]
    let components, variances, projected: [Double]
    let nearest: [Int32]
    let votes: [String: [Int]]

    var train: GivenSource { GivenSource(.vector(features), training, labels: labels) }
    var seen: GivenSource { GivenSource(.vector(features), queries) }
  }

  static let classes = 3
  let figures: Figures

  init() throws { figures = try Fixture.load("classical", as: Figures.self) }

  private func fit(_ model: Figures.Model, _ team: Team) throws -> LinearClassifier {
    if let penalty = model.penalty, model.name == "logistic" {
      return LinearClassifier(
        logistic: figures.train, classes: Self.classes, penalty: penalty, iterations: 2000,
        tolerance: 1e-10, team: team)
    }
    let moments = ClassMoments(figures.train, classes: Self.classes, team: team)
    return try model.penalty.map { try LinearClassifier(ridge: $0, moments) }
      ?? LinearClassifier(leastSquares: PrincipalComponents(moments), moments)
  }

  private func expectEqual(
    _ actual: some Sequence<Double>, _ expected: [Double], within tolerance: Double, _ what: String
  ) {
    let scale = expected.map(abs).max()!
    for (i, (a, b)) in zip(actual, expected).enumerated() {
      #expect(abs(a - b) <= tolerance * scale, "\(what), [\(i)]: \(a), not \(b)")
    }
  }

  @Test func linearModels() throws {
    #expect(Set(figures.models.map(\.name)) == ["least_squares", "ridge", "logistic"])
    for model in figures.models {
      let classifier = try fit(model, try team())
      #expect(classifier.weights.count == model.weights.count)
      let tolerance = model.name == "logistic" ? 1e-6 : 1e-9
      expectEqual(classifier.weights, model.weights, within: tolerance, model.name)
      expectEqual(classifier.biases, model.biases, within: tolerance, model.name)
    }
  }

  @Test func principalComponents() throws {
    let basis = try PrincipalComponents(
      ClassMoments(figures.train, classes: Self.classes, team: try team()))
    expectEqual(
      basis.variances.prefix(figures.variances.count), figures.variances, within: 1e-9, "variances")
    #expect(basis.variances.last! < 1e-9 * basis.variances[0])
    expectEqual(
      basis.directions.prefix(figures.components.count), figures.components, within: 1e-8,
      "components")
    let projected = ProjectedSource(figures.seen, to: 3, of: basis, team: try team(2))
    expectClose(rows(of: projected), figures.projected, within: 1e-6)
  }

  private func rows(of source: any SampleSource) -> [Float] {
    let size = source.sampleShape.count
    return (0..<source.count).flatMap { sample in
      [Float](unsafeUninitializedCapacity: size) { buffer, count in
        source.fill(buffer.baseAddress!, sample: sample, epoch: 0, worker: 0)
        count = size
      }
    }
  }

  @Test func neighbours() throws {
    let model = NearestNeighbours(figures.train, classes: Self.classes, team: try team())
    let kept = figures.nearest.count / figures.seen.count
    let nearest = model.nearest(kept, to: figures.seen, team: try team())
    #expect(nearest == figures.nearest)
    for (k, votes) in figures.votes {
      #expect(model.predictions(of: nearest, kept: kept, voting: Int(k)!) == Labels(votes), "\(k)")
    }
    #expect(model.nearest(1, to: figures.train, team: try team()) == (0..<150).map { $0 })
  }

  /// More training samples than are compared at once, some of them equal: the first is the nearer.
  @Test func neighboursOfManyAreOrdered() throws {
    let (count, features, k) = (2500, 3, 7)
    let values = (0..<count * features).map { Float(($0 &* 7919) % 13) }
    let source = GivenSource(.vector(features), values)
    let queries = GivenSource(.vector(features), Array(values.suffix(30 * features)))
    let model = NearestNeighbours(source, classes: 2, team: try team())
    let nearest = model.nearest(k, to: queries, team: try team())
    for query in 0..<queries.count {
      let x = values[(count - 30 + query) * features..<(count - 29 + query) * features]
      let distances = (0..<count).map { t in
        zip(x, values[t * features..<(t + 1) * features]).reduce(Float(0)) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
      }
      let expected = (0..<count).sorted { (distances[$0], $0) < (distances[$1], $1) }.prefix(k)
      #expect(Array(nearest[query * k..<(query + 1) * k]) == expected.map(Int32.init))
    }
  }

  @Test func threadsChangeNoBit() throws {
    for model in figures.models {
      let one = try fit(model, try team(1))
      for threads in [2, 4] {
        let other = try fit(model, try team(threads))
        #expect(one.weights == other.weights && one.biases == other.biases, "\(model.name)")
        #expect(
          one.predictions(of: figures.train, team: try team(1))
            == other.predictions(of: figures.train, team: try team(threads)))
      }
    }
  }

  /// Neighbours, components and random features.
  @Test func threadsChangeNoBitElsewhere() throws {
    let images = GivenSource.random(
      .image(height: 12, width: 11, channels: 2), count: 150, classes: 3, seed: 5)
    func nearest(_ team: Team) -> [Int32] {
      NearestNeighbours(figures.train, classes: Self.classes, team: team)
        .nearest(5, to: figures.train, team: team)
    }
    func components(_ team: Team) throws -> PrincipalComponents {
      try PrincipalComponents(ClassMoments(figures.train, classes: Self.classes, team: team))
    }
    func projected(_ team: Team) throws -> [UInt32] {
      bits(
        rows(of: ProjectedSource(figures.train, to: 3, of: try components(team), team: team)))
    }
    func convolved(_ team: Team) throws -> [UInt32] {
      let source = try RandomConvolutions(images, filters: 9, seed: 3, workers: team.count)
      let size = source.sampleShape.count
      let features = Buffer(source.count * size)
      team.forEach(source.count) { sample, worker in
        source.fill(features.base + sample * size, sample: sample, epoch: 0, worker: worker)
      }
      return bits(features.all)
    }
    let one = try team(1)
    let basis = try components(one)
    for threads in [2, 4] {
      let many = try team(threads)
      #expect(nearest(many) == nearest(one))
      let other = try components(many)
      #expect(other.directions == basis.directions && other.variances == basis.variances)
      #expect(try projected(many) == projected(one))
      #expect(try convolved(many) == convolved(one))
    }
  }

  @Test func classifiersTakeTheLargestScore() throws {
    let ridge = try fit(figures.models.first { $0.name == "ridge" }!, try team())
    let d = figures.features
    let expected = (0..<figures.labels.count).map { sample in
      let scores = (0..<Self.classes).map { c in
        (0..<d).reduce(ridge.biases[c]) {
          $0 + ridge.weights[c * d + $1] * Double(figures.training[sample * d + $1])
        }
      }
      return scores.firstIndex(of: scores.max()!)!
    }
    let predictions = ridge.predictions(of: figures.train, team: try team(2))
    #expect(predictions == Labels(expected))
    let correct = zip(predictions, figures.labels).count(where: { $0 == $1 })
    #expect(figures.train.accuracy(of: predictions) == Double(correct) / 150)
  }

  struct RandomFeatures: Decodable {
    let shape, window: [Int]
    let filters, cells: Int
    let images, kernel: [Float]
    let features: [Double]
  }

  /// With given filters; `Fixtures/make_random_convolutions.py` made the numbers.
  @Test func randomConvolutionsArePyTorchs() throws {
    let cases = try Fixture.cases("random_convolutions", as: RandomFeatures.self)
    #expect(cases.count == 3)
    for c in cases {
      let kernel = Buffer(c.kernel.count)
      _ = kernel.all.update(fromContentsOf: c.kernel)
      let source = try RandomConvolutions(
        GivenSource(
          .image(height: c.shape[0], width: c.shape[1], channels: c.shape[2]), c.images),
        kernel: kernel, window: Extent(c.window[0], c.window[1]), cells: c.cells, workers: 1)
      expectClose(rows(of: source), c.features, within: 1e-6, "\(c.shape)")
    }
  }

  /// Against the convolution's plain twin, ReLU and means over cells that do not divide the map.
  @Test func randomConvolutions() throws {
    let shape = Shape.image(height: 9, width: 8, channels: 2)
    let images = GivenSource.random(shape, count: 3, classes: 2, seed: 5)
    let (filters, cells) = (5, 3)
    let source = try RandomConvolutions(
      images, filters: filters, kernel: 3, cells: cells, seed: 7, workers: 1)
    #expect(source.sampleShape == .vector(cells * cells * filters))
    #expect(source.fixedParameters == 18 * filters)
    let kernel = source.kernelValues
    for f in 0..<filters {
      let sum = stride(from: f, to: kernel.count, by: filters).reduce(Float(0)) { $0 + kernel[$1] }
      #expect(abs(sum) < 1e-5)
    }
    let geometry = try WindowGeometry(
      input: shape.extent, window: Extent(3, 3), stride: Extent(1, 1), padding: .valid)
    let plain = PlainConvolution(geometry: geometry, channels: 2, filters: filters)
    let values = rows(of: images)
    var expected: [Double] = []
    let (height, width) = (7, 6)
    for sample in 0..<3 {
      let map = plain.forward(
        doubles(Array(values[sample * shape.count..<(sample + 1) * shape.count])),
        kernel: doubles(kernel), bias: [Double](repeating: 0, count: filters))
      for row in 0..<cells {
        for column in 0..<cells {
          for f in 0..<filters {
            let ys = row * height / cells..<(row + 1) * height / cells
            let xs = column * width / cells..<(column + 1) * width / cells
            var sum = 0.0
            for y in ys { for x in xs { sum += max(0, map[(y * width + x) * filters + f]) } }
            expected.append(sum / Double(ys.count * xs.count))
          }
        }
      }
    }
    expectClose(rows(of: source), expected, within: 1e-6)
    #expect(throws: NetworkError.self) {
      try RandomConvolutions(figures.train, seed: 1, workers: 1)
    }
  }
}
