import TestSupport
import Testing

@testable import ConvNet

/// Batches whose samples are mixed two by two.
@Suite struct MixingTests {
  struct Quantiles: Decodable {
    let a, b: Double
    let levels, quantiles: [Double]
  }

  /// Kolmogorov's and Smirnov's distance from SciPy's distribution, at its quantiles; 0.0138 is
  /// exceeded once in a thousand times.
  @Test func betaIsSciPys() throws {
    for (place, c) in try Fixture.cases("beta", as: Quantiles.self).enumerated() {
      var random = RandomStream(seed: 21, purpose: .probe, sample: UInt32(place))
      let count = 20_000
      let numbers = (0..<count).map { _ in random.beta(c.a, c.b) }.sorted()
      #expect(numbers.allSatisfy { $0 >= 0 && $0 <= 1 })
      // Nearer to 1 than a number can be written, a quantile tells nothing.
      for (level, quantile) in zip(c.levels, c.quantiles) where quantile < 1 - 1e-9 {
        let below = Double(numbers.count { $0 <= quantile }) / Double(count)
        #expect(abs(below - level) < 0.0138, "Beta(\(c.a), \(c.b)) at \(level): \(below)")
      }
    }
  }

  struct MixedLabels: Decodable {
    let name: String
    let share, labelSmoothing: Float
    let scores: Fixture.Tensor
    let first, second: [Int]
    let losses: [Double]
    let gradient: Fixture.Tensor
  }

  @Test func lossesAreTorchs() throws {
    for c in try Fixture.cases("mixed_labels", as: MixedLabels.self) {
      let classes = c.scores.shape[1]
      let function = LossFunction(
        LossDescription(.softmaxCrossEntropy(labelSmoothing: c.labelSmoothing)), classes: classes)
      var gradients: [Float] = []
      let (first, second) = (Labels(c.first), Labels(c.second))
      for (i, expected) in c.losses.enumerated() {
        let (z, gradient, scratch) = (Buffer(classes), Buffer(classes), Buffer(classes))
        for k in 0..<classes { z.base[k] = c.scores.floats[i * classes + k] }
        let scale = 1 / Float(c.losses.count)
        var loss = function.loss(z.base, of: i, in: first, scratch: gradient.base).loss
        function.gradient(z.base, of: i, in: first, scratch: gradient.base, scale: scale)
        function.mix(
          &loss, gradient.base, z.base, with: i, in: second, share: c.share, scale: scale,
          scratch: scratch.base)
        #expect(abs(Double(loss) - expected) <= 2e-6 * expected, "\(c.name), \(i)")
        gradients += Array(gradient.all)
      }
      expectClose(gradients, c.gradient.values, within: 1e-5, c.name)
    }
  }

  struct Mixtures: Decodable {
    struct Tile: Decodable {
      struct Mixed: Decodable {
        let name: String
        let share: Float
        let rows, columns: [Int]
        let result: Fixture.Tensor
      }
      let images: Fixture.Tensor
      let mixed: [Mixed]
    }

    struct Box: Decodable {
      let height, width: Int
      let share: Double
      let centre, rows, columns: [Int]
      let kept: Double
    }

    let tiles: [Tile]
    let boxes: [Box]
  }

  /// A tile's images, each mixed with the one before it: of n, the partner n − 1 places on.
  @Test func imagesAreTorchvisions() throws {
    for tile in try Fixture.load("mixing", as: Mixtures.self).tiles {
      let count = tile.images.shape[0]
      for c in tile.mixed {
        let mix = BatchMix(
          share: c.share, rows: c.name == "cutmix" ? c.rows[0]..<c.rows[1] : nil,
          columns: c.columns[0]..<c.columns[1], turn: UInt32(count - 2))
        for i in 0..<count {
          #expect(mix.partner(of: i, batch: count) == (i + count - 1) % count)
        }
        var (values, scratch) = (tile.images.floats, tile.images.floats)
        values.withUnsafeMutableBufferPointer { values in
          scratch.withUnsafeMutableBufferPointer {
            mix.apply(
              to: values.baseAddress!, count: count, sample: tile.images.sample,
              scratch: $0.baseAddress!)
          }
        }
        expectClose(
          values, c.result.values, within: c.name == "cutmix" ? 0 : 2e-7,
          "\(c.name) of \(count), share \(c.share)")
      }
    }
  }

  /// CutMix's rectangle around a centre, and the part of the image that is left.
  @Test func rectanglesAreTorchvisions() throws {
    for c in try Fixture.load("mixing", as: Mixtures.self).boxes {
      let mix = BatchMix(
        cutting: c.share, row: c.centre[0], column: c.centre[1], of: Extent(c.height, c.width),
        turn: 0)
      let what = "\(c.height)x\(c.width), share \(c.share), centre \(c.centre)"
      #expect(mix.rows == c.rows[0]..<c.rows[1], "\(what)")
      #expect(mix.columns == c.columns[0]..<c.columns[1], "\(what)")
      #expect(abs(Double(mix.share) - c.kept) <= 1e-7, "\(what)")
    }
  }

  static let mixings: [[BatchMixing]] = [
    [.mixup(.init(alpha: 0.4, p: 1))], [.cutmix(.init(alpha: 1, p: 1))],
    [.mixup(.init(alpha: 2, p: 0.7)), .cutmix(.init(alpha: 0.5, p: 0.7))],
  ]

  static let image = Shape.image(height: 8, width: 9, channels: 2)

  private func network(
    _ mixing: [BatchMixing], batch: Int, threads: Int, accumulation: Int = 1
  ) throws -> Trainer {
    var optimizer = sgd(0.05)
    optimizer.accumulation = accumulation
    return try Trainer(
      NetworkDescription(
        input: Self.image,
        layers: [
          .conv2D(Conv2DDescription(filters: 5, kernel: Extent(3, 3), activation: .tanh)),
          .flatten, .dense(DenseDescription(units: 10)),
        ], classes: 10), optimizer: optimizer, mixing: mixing, batchSize: batch, seed: 5,
      team: team(threads))
  }

  /// The step is that of the mixed images with their own classes, times λ, plus that with their
  /// partners' classes, times 1 − λ.
  @Test(arguments: mixings.dropLast()) func aStepIsTheWeightedSumOfTwo(
    _ mixing: [BatchMixing]
  ) throws {
    let source = GivenSource.random(Self.image, count: 21, classes: 10)
    let size = Self.image.count
    let mixed = try network(mixing, batch: 21, threads: 2)
    var steps = 0
    for step in 1...4 {
      guard let mix = BatchMix(mixing, input: Self.image, seed: 5, pass: step) else { continue }
      steps += 1
      var values = [Float](repeating: 0, count: 21 * size)
      var scratch = values
      values.withUnsafeMutableBufferPointer { values in
        for i in 0..<21 {
          source.fill(values.baseAddress! + i * size, sample: i, epoch: 0, worker: 0)
        }
        scratch.withUnsafeMutableBufferPointer {
          for first in [0, 8, 16] {
            mix.apply(
              to: values.baseAddress! + first * size, count: min(8, 21 - first),
              sample: Self.image, scratch: $0.baseAddress!)
          }
        }
      }
      let own = (0..<21).map { source.labels[$0] }
      let others = (0..<21).map { source.labels[mix.partner(of: $0, batch: 21)] }
      #expect((0..<21).allSatisfy { mix.partner(of: $0, batch: 21) != $0 })
      let parts = try [own, others].map { labels in
        let plain = try network([], batch: 21, threads: 1)
        for i in plain.parameters.indices { plain.parameters[i] = mixed.parameters[i] }
        plain.weightsChanged()
        let given = GivenSource(Self.image, values, labels: labels)
        let result = plain.trainStep(given, samples: Array(0..<21), step: step, learningRate: 0)
        return (network: plain, loss: result.lossSum)
      }
      let result = mixed.trainStep(source, samples: Array(0..<21), step: step, learningRate: 0.05)
      let (a, b) = (Double(mix.share), 1 - Double(mix.share))
      #expect(abs(result.lossSum - (a * parts[0].loss + b * parts[1].loss)) < 1e-4)
      for tensor in mixed.tensors {
        let sums = zip(
          parts[0].network.gradient(tensor.name), parts[1].network.gradient(tensor.name)
        ).map { a * Double($0) + b * Double($1) }
        expectClose(mixed.gradient(tensor.name), sums, within: 1e-5, tensor.name)
      }
      let counted = mix.share >= 0.5 ? own : others
      #expect(result.correct == (0..<21).count { Int(mixed.predictions[$0]) == counted[$0] })
    }
    #expect(steps > 1)
  }

  /// λ is the part of the pixels that a cut image keeps.
  @Test func sharesArePartsOfTheImage() {
    var whole = 0
    for pass in 1...200 {
      guard
        let mix = BatchMix(
          [.cutmix(.init(alpha: 1, p: 1))], input: Self.image, seed: 9, pass: pass)
      else {
        whole += 1
        continue
      }
      let size = Self.image.count
      var values = (0..<3).flatMap { [Float](repeating: Float($0), count: size) }
      var scratch = values
      values.withUnsafeMutableBufferPointer { values in
        scratch.withUnsafeMutableBufferPointer {
          mix.apply(
            to: values.baseAddress!, count: 3, sample: Self.image, scratch: $0.baseAddress!)
        }
      }
      for i in 0..<3 {
        let image = values[i * size..<(i + 1) * size]
        let own = image.count { $0 == Float(i) }
        let other = image.count { $0 == Float(mix.partner(of: i, batch: 3)) }
        #expect(own + other == size && abs(Float(own) / Float(size) - mix.share) < 1e-6)
      }
    }
    #expect(whole < 60)
  }

  private func trace(
    _ mixing: [BatchMixing], batch: Int, threads: Int, accumulation: Int = 1
  ) throws -> [UInt32] {
    let source = GivenSource.random(Self.image, count: 60, classes: 10)
    let network = try network(
      mixing, batch: batch, threads: threads, accumulation: accumulation)
    var losses: [UInt64] = []
    for step in 1...6 {
      let count = max(1, batch * accumulation - (step == 3 ? 2 : 0))
      let result = network.trainStep(
        source, samples: (0..<count).map { (7 * $0 + step) % 60 }, step: step, learningRate: 0.05)
      losses.append(result.lossSum.bitPattern)
    }
    return bits(network.parameters) + losses.map { UInt32(truncatingIfNeeded: $0) }
  }

  @Test(arguments: mixings, [1, 5, 19]) func threadsChangeNothing(
    _ mixing: [BatchMixing], batch: Int
  ) throws {
    let accumulation = batch == 5 ? 3 : 1
    let one = try trace(mixing, batch: batch, threads: 1, accumulation: accumulation)
    for threads in [2, 4] {
      #expect(
        try trace(mixing, batch: batch, threads: threads, accumulation: accumulation) == one)
    }
  }

  /// What is never drawn changes no bit, and an evaluation mixes nothing.
  @Test func offIsOff() throws {
    let plain = try trace([], batch: 19, threads: 2)
    #expect(try trace([.mixup(.init(alpha: 1, p: 0))], batch: 19, threads: 2) == plain)
    #expect(try trace([.mixup(.init(alpha: 1, p: 1))], batch: 19, threads: 2) != plain)
    let source = GivenSource.random(Self.image, count: 30, classes: 10)
    let losses = try [[], Self.mixings[0]].map {
      try network($0, batch: 8, threads: 1).evaluate(source, range: 0..<30).lossSum
    }
    #expect(losses[0] == losses[1])
  }
}
