import TestSupport
import Testing

@testable import ConvNet

/// Convolutions by minimal filtering where the rule takes them, with their ends, against the plain twin in
/// double precision.
@Suite struct WinogradLayerTests {
  struct Case: CustomTestStringConvertible {
    let input: Extent
    let channels: Int
    let filters: Int
    var padding = Padding.valid
    var activation = Activation.relu
    var pool: Extent?
    var bias = true
    var numerics = Numerics.newest
    var samples = 11

    var testDescription: String {
      "\(input.height)x\(input.width)x\(channels), \(filters) filters, \(padding), \(activation), "
        + (pool.map { "pool \($0.height)x\($0.width), " } ?? "") + "numerics \(numerics.rawValue)"
    }

    var conv: Conv2DDescription {
      Conv2DDescription(
        filters: filters, kernel: Extent(3, 3), padding: padding, activation: activation,
        bias: bias)
    }

    var shape: Shape {
      .image(height: input.height, width: input.width, channels: channels)
    }

    func probe() throws -> LayerProbe {
      let probe = try LayerProbe(
        [.conv2D(conv)] + (pool.map { [.maxPool(MaxPoolDescription(size: $0))] } ?? []),
        input: shape, samples: samples, numerics: numerics, convolution: .winograd)
      #expect(probe.builtLayers.first is WinogradConv2D)
      return probe
    }

    /// What the plain twin gives of a batch, and by how much a winner is below its window's maximum.
    struct Expected {
      var y: [Double] = []
      var dx: [Double] = []
      var dw: [Double]
      var db: [Double]
      var lost = 0.0
    }

    /// - Parameter winners: the places in their windows of the pooled values that have the gradient,
    ///   negative for none; the first of the maxima, unless they are given.
    func expected(
      _ x: [Float], _ weights: [Double], _ bias: [Float], _ gradient: [Float],
      winners given: [Int]? = nil
    ) throws -> Expected {
      let plain = PlainConvolution(
        geometry: try WindowGeometry(
          input: input, window: Extent(3, 3), stride: Extent(1, 1), padding: padding),
        channels: channels, filters: filters)
      let pooling = try pool.map {
        PlainPooling(
          geometry: try WindowGeometry(
            input: plain.geometry.output, window: $0, stride: $0, padding: .valid),
          channels: filters)
      }
      var expected = Expected(
        dw: [Double](repeating: 0, count: weights.count),
        db: [Double](repeating: 0, count: filters))
      let size = gradient.count / samples
      for n in 0..<samples {
        let image = doubles(Array(x[n * shape.count..<(n + 1) * shape.count]))
        let before = plain.forward(image, kernel: weights, bias: doubles(bias))
        let maxima = pooling?.forward(before).winners ?? Array(before.indices)
        expected.y += maxima.map { activation.plain(before[$0]).value }
        var dy = [Double](repeating: 0, count: before.count)
        for (i, maximum) in maxima.enumerated() {
          var winner = maximum
          var slope = activation.plain(before[winner]).slope
          if let place = given?[n * size + i], let geometry = pooling?.geometry {
            if place >= 0 {
              let (row, column) = (i / filters).quotientAndRemainder(
                dividingBy: geometry.output.width)
              let (down, right) = place.quotientAndRemainder(dividingBy: geometry.window.width)
              let position =
                (row * geometry.window.height + down) * geometry.input.width
                + column * geometry.window.width + right
              winner = position * filters + i % filters
            }
            // What is zero but for rounding may pass ReLU, or not.
            if activation == .relu {
              expected.lost = max(expected.lost, place < 0 ? before[winner] : -before[winner])
              slope = place < 0 ? 0 : 1
            } else {
              slope = activation.plain(before[winner]).slope
            }
            expected.lost = max(expected.lost, before[maximum] - before[winner])
          }
          dy[winner] = slope * Double(gradient[n * size + i])
        }
        let back = plain.backward(image, kernel: weights, gradient: dy)
        expected.dx += back.input
        for i in back.kernel.indices { expected.dw[i] += back.kernel[i] }
        for i in back.bias.indices { expected.db[i] += back.bias[i] }
      }
      return expected
    }
  }

  static let cases = [
    // What t0, t2 and t4 have, dead rows and columns among them.
    Case(input: Extent(13, 13), channels: 32, filters: 64, pool: Extent(2, 2)),
    Case(
      input: Extent(13, 13), channels: 32, filters: 64, pool: Extent(2, 2), numerics: .first),
    Case(input: Extent(5, 5), channels: 64, filters: 64),
    Case(input: Extent(26, 26), channels: 32, filters: 64, pool: Extent(2, 2), samples: 2),
    Case(input: Extent(12, 13), channels: 17, filters: 33, padding: .same),
    Case(input: Extent(15, 11), channels: 33, filters: 17, padding: .same, bias: false),
    Case(
      input: Extent(12, 15), channels: 24, filters: 20,
      padding: .explicit(top: 2, bottom: 0, left: 1, right: 3)),
    // Windows of three rows in tiles of four.
    Case(
      input: Extent(27, 15), channels: 32, filters: 32, pool: Extent(3, 2), numerics: .first,
      samples: 2),
    Case(
      input: Extent(14, 14), channels: 32, filters: 48, activation: .linear, pool: Extent(2, 2),
      numerics: .first, samples: 3),
    Case(
      input: Extent(6, 6), channels: 150, filters: 190, pool: Extent(2, 2), numerics: .first,
      samples: 2),
  ]

  static let activations: [Activation] = [
    .linear, .leakyReLU(slope: 0.1), .elu(alpha: 0.7), .sigmoid, .tanh, .relu6, .hardSigmoid,
    .softplus,
  ]

  static let allCases =
    cases
    + activations.flatMap {
      [
        Case(input: Extent(10, 9), channels: 32, filters: 32, activation: $0, samples: 3),
        Case(
          input: Extent(10, 10), channels: 32, filters: 32, activation: $0,
          pool: Extent(2, 2), numerics: .first, samples: 3),
      ]
    }

  @Test(arguments: allCases) func layer(_ c: Case) throws {
    let x = randomFloats(c.samples * c.shape.count, seed: 5)
    let bias = c.bias ? randomFloats(c.filters, seed: 4) : [Float](repeating: 0, count: c.filters)
    let probe = try c.probe()
    if c.bias { probe.set(.bias, to: bias) }
    let weights = doubles(probe.get(.kernel))
    let y = probe.forward(x)
    let gradient = randomFloats(y.count, seed: 6)
    let dx = probe.backward(gradient)
    let expected = try c.expected(x, weights, bias, gradient)
    // A tenth of what four rows and columns of results are allowed.
    let tolerance = 1e-5
    expectClose(y, expected.y, within: tolerance, "output")
    expectClose(probe.infer(x), expected.y, within: tolerance, "inference")
    expectClose(dx, expected.dx, within: tolerance, "input gradient")
    expectClose(probe.gradient(.kernel), expected.dw, within: tolerance, "kernel gradient")
    if c.bias {
      expectClose(probe.gradient(.bias), expected.db, within: tolerance, "bias gradient")
    }
  }

  static let pooledCases = allCases.flatMap { c -> [Case] in
    guard c.pool != nil else { return [] }
    return Numerics.allCases.map { numerics in
      var c = c
      c.numerics = numerics
      return c
    }
  }

  /// Few different numbers, of which windows have several maxima, an image of zeros and one half of zeros,
  /// and, by the bias, filters that pass nothing and filters that pass everything. F(4x4, 3x3) rounds
  /// them, so that any of equals may win; the gradient is that of the one that did.
  @Test(arguments: pooledCases) func tiesAndZeros(_ c: Case) throws {
    var x = randomFloats(c.samples * c.shape.count, seed: 5, scale: 2).map { $0.rounded() }
    for i in 0..<c.shape.count * 3 / 2 { x[i] = 0 }
    // Sums are multiples of 1/32, away from the functions' kinks; only ReLU's is met.
    let least: Float = c.activation == .relu ? 0 : 1 / 128
    let bias = (0..<c.filters).map { [-16, least, 16][$0 % 3] }
    let kernel = randomFloats(9 * c.channels * c.filters, seed: 7, scale: 2).map {
      $0.rounded() / 32
    }
    let probe = try c.probe()
    probe.set(.kernel, to: kernel)
    probe.set(.bias, to: bias)
    let y = probe.forward(x)
    let winners = probe.winners
    let gradient = randomFloats(y.count, seed: 6)
    let dx = probe.backward(gradient)
    let expected = try c.expected(x, doubles(kernel), bias, gradient, winners: winners)
    expectClose(y, expected.y, within: 1e-5, "output")
    // What won is a maximum, but for rounding; of an image of zeros the first, or none.
    #expect(expected.lost <= 1e-5 * 16)
    let zeros = winners.prefix(y.count / c.samples)
    #expect(zeros.allSatisfy { $0 <= 0 } && zeros.contains(0))
    expectClose(dx, expected.dx, within: 1e-5, "input gradient")
    expectClose(probe.gradient(.kernel), expected.dw, within: 1e-5, "kernel gradient")
    expectClose(probe.gradient(.bias), expected.db, within: 1e-5, "bias gradient")
  }
}
