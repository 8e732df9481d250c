import TestSupport
import Testing

@testable import ConvNet

/// Gradients over the winners of max pooling against the plain twin in double precision, and beside the
/// products.
@Suite struct WinnerGradientTests {
  struct Case: CustomTestStringConvertible {
    let input: Extent
    let channels: Int
    let filters: Int
    let conv: Conv2DDescription
    let pool: Extent
    var samples = 3

    init(
      _ input: Extent, _ channels: Int, _ filters: Int, window: Extent, pool: Extent = Extent(2, 2),
      stride: Extent = Extent(1, 1), padding: Padding = .valid, activation: Activation = .relu,
      samples: Int = 3
    ) {
      self.input = input
      self.channels = channels
      self.filters = filters
      self.pool = pool
      self.samples = samples
      conv = Conv2DDescription(
        filters: filters, kernel: window, stride: stride, padding: padding, activation: activation)
    }

    var testDescription: String {
      "\(input.height)x\(input.width)x\(channels), \(filters) of \(conv.kernel.height)x"
        + "\(conv.kernel.width), stride \(conv.stride.height)x\(conv.stride.width), \(conv.padding), "
        + "\(conv.activation), pool \(pool.height)x\(pool.width)"
    }

    var shape: Shape { .image(height: input.height, width: input.width, channels: channels) }

    func probe(_ numerics: Numerics) throws -> LayerProbe {
      let probe = try LayerProbe(
        [.conv2D(conv), .maxPool(MaxPoolDescription(size: pool))], input: shape, samples: samples,
        numerics: numerics)
      #expect(probe.builtNames == ["conv2d_1+max_pool_0"])
      return probe
    }
  }

  static let cases = [
    // What t0 and t4 have.
    Case(Extent(12, 12), 32, 64, window: Extent(3, 3), samples: 11),
    Case(Extent(26, 26), 32, 64, window: Extent(3, 3)),
    // Runs of 57, 39, 21 and 16 floats; dead rows and columns.
    Case(Extent(10, 9), 19, 5, window: Extent(4, 3)),
    Case(Extent(13, 12), 13, 33, window: Extent(3, 3)),
    Case(Extent(11, 14), 7, 6, window: Extent(2, 3), pool: Extent(3, 2)),
    Case(Extent(7, 9), 16, 8, window: Extent(1, 1), pool: Extent(2, 3)),
    // Padding, strides, and windows that see padding alone.
    Case(Extent(9, 8), 6, 7, window: Extent(3, 3), padding: .same),
    Case(Extent(8, 11), 20, 9, window: Extent(5, 5), padding: .same),
    Case(Extent(15, 14), 8, 12, window: Extent(3, 3), stride: Extent(2, 1), padding: .same),
    Case(Extent(17, 20), 6, 5, window: Extent(3, 4), pool: Extent(2, 2), stride: Extent(2, 3)),
    Case(
      Extent(6, 7), 9, 4, window: Extent(2, 2),
      padding: .explicit(top: 3, bottom: 1, left: 0, right: 4)),
    Case(
      Extent(2, 2), 16, 4, window: Extent(2, 2), pool: Extent(2, 2),
      padding: .explicit(top: 5, bottom: 5, left: 5, right: 5)),
    Case(Extent(70, 90), 24, 3, window: Extent(3, 3), pool: Extent(4, 4), samples: 1),
  ]

  static let activations: [Activation] = [
    .linear, .leakyReLU(slope: 0.1), .elu(alpha: 0.7), .sigmoid, .tanh, .relu6, .hardSigmoid,
    .softplus,
  ]

  static let allCases =
    cases
    + activations.map {
      Case(Extent(9, 10), 6, 20, window: Extent(3, 3), padding: .same, activation: $0)
    }

  @Test(arguments: allCases) func gradients(_ c: Case) throws {
    try check(
      c, x: randomFloats(c.samples * c.shape.count, seed: 5),
      bias: randomFloats(c.filters, seed: 4),
      kernel: nil)
  }

  /// Small whole numbers: windows with several maxima, of which the first wins, an image of zeros, and, by
  /// the bias, filters that pass nothing and filters that pass everything.
  @Test(arguments: allCases) func tiesAndDeadFilters(_ c: Case) throws {
    var x = randomFloats(c.samples * c.shape.count, seed: 5, scale: 2).map { $0.rounded() }
    for i in 0..<(c.samples > 1 ? c.shape.count : 0) { x[i] = 0 }
    let bias = (0..<c.filters).map { [Float(-4096), 0, 4096][$0 % 3] }
    let kernel = randomFloats(
      c.conv.kernel.height * c.conv.kernel.width * c.channels * c.filters, seed: 7, scale: 2
    ).map { $0.rounded() }
    try check(c, x: x, bias: bias, kernel: kernel)
  }

  /// What a dropout behind the pooling took goes nowhere, also where it is not a number's multiple.
  @Test func zerosAreLeftOut() throws {
    let c = Self.cases[3]
    try check(
      c, x: randomFloats(c.samples * c.shape.count, seed: 5),
      bias: randomFloats(c.filters, seed: 4),
      kernel: nil, dropping: true)
  }

  /// The largest error of each gradient, by the products and over the winners, beside the plain twin: the
  /// latter no more than twice the former, or than half of the last place of the largest value.
  @Test(arguments: allCases) func errors(_ c: Case) throws {
    let x = randomFloats(c.samples * c.shape.count, seed: 5)
    let bias = randomFloats(c.filters, seed: 4)
    func errors(_ numerics: Numerics) throws -> (dx: Double, dw: Double, bits: [UInt32]) {
      let (probe, dx, expected) = try run(c, numerics, x: x, bias: bias, kernel: nil)
      let dw = probe.gradient(.kernel)
      func largest(_ values: [Float], _ exact: [Double]) -> Double {
        zip(values, exact).map { abs(Double($0) - $1) }.max()! / exact.map { abs($0) }.max()!
      }
      return (largest(dx, expected.dx), largest(dw, expected.dw), bits(dx + dw))
    }
    let (products, winners) = (try errors(.first), try errors(.second))
    #expect(winners.dx <= max(2 * products.dx, 0x1p-24))
    #expect(winners.dw <= max(2 * products.dw, 0x1p-24))
    #expect(products.bits != winners.bits, "the two take the same sums")
  }

  private typealias Expected = (dx: [Double], dw: [Double], db: [Double])

  private func check(
    _ c: Case, x: [Float], bias: [Float], kernel: [Float]?, dropping: Bool = false
  ) throws {
    let (probe, dx, expected) = try run(
      c, .second, x: x, bias: bias, kernel: kernel, dropping: dropping)
    expectClose(dx, expected.dx, within: 3e-6, "input gradient")
    expectClose(probe.gradient(.kernel), expected.dw, within: 2e-5, "kernel gradient")
    expectClose(probe.gradient(.bias), expected.db, within: 2e-5, "bias gradient")
  }

  private func run(
    _ c: Case, _ numerics: Numerics, x: [Float], bias: [Float], kernel: [Float]?,
    dropping: Bool = false
  ) throws -> (LayerProbe, dx: [Float], Expected) {
    let probe = try c.probe(numerics)
    if let kernel { probe.set(.kernel, to: kernel) }
    probe.set(.bias, to: bias)
    let weights = doubles(probe.get(.kernel))
    let y = probe.forward(x)
    var gradient = randomFloats(y.count, seed: 6)
    if dropping { for i in gradient.indices where i % 3 == 0 { gradient[i] = 0 } }
    let dx = probe.backward(gradient)
    let plain = PlainConvolution(
      geometry: try WindowGeometry(
        input: c.input, window: c.conv.kernel, stride: c.conv.stride, padding: c.conv.padding),
      channels: c.channels, filters: c.filters)
    let pooling = PlainPooling(
      geometry: try WindowGeometry(
        input: plain.geometry.output, window: c.pool, stride: c.pool, padding: .valid),
      channels: c.filters)
    var expected: Expected = (
      [], [Double](repeating: 0, count: weights.count), [Double](repeating: 0, count: c.filters)
    )
    let size = y.count / c.samples
    for n in 0..<c.samples {
      let image = doubles(Array(x[n * c.shape.count..<(n + 1) * c.shape.count]))
      let before = plain.forward(image, kernel: weights, bias: doubles(bias))
      let winners = pooling.forward(before).winners
      var dy = [Double](repeating: 0, count: before.count)
      for (i, winner) in winners.enumerated() {
        dy[winner] =
          c.conv.activation.plain(before[winner]).slope * Double(gradient[n * size + i])
      }
      let back = plain.backward(image, kernel: weights, gradient: dy)
      expected.dx += back.input
      for i in back.kernel.indices { expected.dw[i] += back.kernel[i] }
      for i in back.bias.indices { expected.db[i] += back.bias[i] }
    }
    return (probe, dx, expected)
  }
}
