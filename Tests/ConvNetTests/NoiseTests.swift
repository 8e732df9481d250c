import TestSupport
import Testing

@testable import ConvNet

/// The layers that draw random numbers.
@Suite struct NoiseTests {
  struct Case: Decodable {
    let name: String
    let layer: Fixture.LayerKeys
    let seed: UInt64
    let place, step: Int
    let input, output, gradientOutput, gradientInput: Fixture.Tensor
  }

  /// Keras's layers with the random numbers that are ours at this seed, place and step;
  /// `Fixtures/make_noise_fixtures.py` drew them with TensorFlow's Philox.
  @Test func agreeWithKeras() throws {
    let cases = try Fixture.cases("noise", as: Case.self)
    #expect(Set(cases.map(\.layer.kind)).count == 3)
    for c in cases {
      let probe = try LayerProbe(
        [c.layer.description], input: c.input.sample, samples: c.input.shape[0], seed: c.seed)
      #expect(probe.builtNames == ["\(c.layer.kind)_0"] && probe.builtPlaces == [c.place])
      expectClose(
        probe.forward(c.input.floats, step: c.step), c.output.values, within: 1e-6, c.name)
      expectClose(
        probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 3e-7, c.name)
      #expect(probe.infer(c.input.floats) == c.input.floats, "\(c.name)")
    }
  }

  struct Quantiles: Decodable {
    struct Normal: Decodable { let levels, quantiles: [Double] }
    struct Binomial: Decodable {
      let trials: Int
      let rate: Float
      let counts: [Int]
      let shares: [Double]
    }
    let normal: Normal
    let binomial: [Binomial]
  }

  /// Kolmogorov's and Smirnov's distance from SciPy's distribution, at its quantiles; 0.0062 is
  /// exceeded once in a thousand times.
  @Test func normalIsSciPys() throws {
    let c = try Fixture.load("noise_quantiles", as: Quantiles.self).normal
    let count = 100_000
    let numbers = Buffer(count)
    NormalNoise(count: count, seed: 12).add(times: 1, to: numbers.base, 1, 2, 3)
    for (level, quantile) in zip(c.levels, c.quantiles) {
      let below = Double(numbers.all.count { Double($0) <= quantile }) / Double(count)
      #expect(abs(below - level) < 0.0062, "at \(level): \(below)")
    }
  }

  /// The same for how many of some elements a mask drops; here it is 0.0195.
  @Test func dropsAreSciPys() throws {
    for c in try Fixture.load("noise_quantiles", as: Quantiles.self).binomial {
      let draws = 10_000
      let mask = DropoutMask(
        rate: c.rate, count: c.trials, layer: 0, seed: 12, workers: 1,
        arena: try Arena(bytes: 1 << 20))
      let kept = Buffer(c.trials)
      let dropped = (0..<draws).map { draw in
        let tile = Tile(
          index: draw % 2, size: Tile.size, batch: 2 * Tile.size, worker: 0, step: draw / 16)
        mask.draw(to: kept.base, tile: tile, sample: draw / 2 % 8)
        return kept.all.count { $0 == 0 }
      }
      for (count, share) in zip(c.counts, c.shares) {
        let below = Double(dropped.count { $0 <= count }) / Double(draws)
        #expect(abs(below - share) < 0.0195, "\(count) at a rate of \(c.rate): \(below)")
      }
    }
  }

  static let image = Shape.image(height: 9, width: 7, channels: 101)

  @Test func spatialDropoutTakesWholeChannels() throws {
    let rate: Float = 0.25
    let probe = try LayerProbe(
      [.spatialDropout(SpatialDropoutDescription(rate: rate))], input: Self.image, samples: 11)
    let count = Self.image.count
    let x = distinctFloats(11 * count)
    let y = probe.forward(x)
    var dropped = 0
    for sample in 0..<11 {
      for c in 0..<101 {
        let places = stride(from: sample * count + c, to: (sample + 1) * count, by: 101)
        let isKept = y[sample * count + c] != 0
        if !isKept { dropped += 1 }
        #expect(
          places.allSatisfy { isKept ? abs(y[$0] * 0.75 - x[$0]) <= 1e-6 * abs(x[$0]) : y[$0] == 0 }
        )
      }
    }
    let deviation = (11 * 101 * 0.25 * 0.75).squareRoot()
    #expect(abs(Double(dropped) - 11 * 101 * 0.25) <= 5 * deviation)
    // The gradient takes the same way; another step drops others; evaluation drops none.
    #expect(probe.backward(x) == y)
    #expect(probe.forward(x, step: 2) != y)
    #expect(probe.forward(x, step: 1) == y)
    #expect(probe.infer(x) == x)
  }

  @Test func gaussianNoiseIsNormal() throws {
    let probe = try LayerProbe(
      [.gaussianNoise(GaussianNoiseDescription(deviation: 0.5))], input: Self.image, samples: 11)
    let x = randomFloats(11 * Self.image.count)
    let y = probe.forward(x)
    let noise = zip(x, y).map { Double($1 - $0) / 0.5 }
    let count = Double(noise.count)
    let moments = (1...4).map { power in
      noise.reduce(0.0) { sum, z in sum + (0..<power).reduce(1.0) { p, _ in p * z } } / count
    }
    // Of a standard normal number: 0, 1, 0, 3, with variances 1, 2, 15, 96.
    for (moment, (expected, variance)) in zip(moments, [(0.0, 1.0), (1, 2), (0, 15), (3, 96)]) {
      #expect(abs(moment - expected) <= 5 * (variance / count).squareRoot())
    }
    // Neighbours and samples are independent.
    for shift in [1, 2, 3, 4, Self.image.count / 4 + 1, Self.image.count] {
      let products = zip(noise, noise.dropFirst(shift)).map { $0 * $1 }
      let mean = products.reduce(0, +) / Double(products.count)
      #expect(abs(mean) <= 5 / Double(products.count).squareRoot(), "\(shift)")
    }
    #expect(probe.backward(x) == x)
    #expect(probe.forward(x, step: 2) != y)
    #expect(probe.forward(x, step: 1) == y)
    #expect(probe.infer(x) == x)
  }
}
