import Testing

@testable import ConvNet

/// The layers that draw random numbers, besides dropout.
@Suite struct NoiseTests {
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
