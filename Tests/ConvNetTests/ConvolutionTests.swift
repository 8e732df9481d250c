import TestSupport
import Testing

@testable import ConvNet

/// Lowering and convolution against their plain twins, on sizes that fit no vector and no tile.
@Suite struct ConvolutionTests {
  struct Case: CustomTestStringConvertible {
    let input: Extent
    let channels: Int
    let filters: Int
    let window: Extent
    let stride: Extent
    let padding: Padding

    var testDescription: String {
      "\(input.height)x\(input.width)x\(channels), \(filters) of "
        + "\(window.height)x\(window.width), stride \(stride.height)x\(stride.width), \(padding)"
    }

    var shape: Shape { .image(height: input.height, width: input.width, channels: channels) }

    func plain() throws -> PlainConvolution {
      PlainConvolution(
        geometry: try WindowGeometry(
          input: input, window: window, stride: stride, padding: padding), channels: channels,
        filters: filters)
    }
  }

  static let cases = [
    Case(
      input: Extent(7, 9), channels: 1, filters: 5, window: Extent(3, 3), stride: Extent(1, 1),
      padding: .valid),
    Case(
      input: Extent(6, 5), channels: 2, filters: 3, window: Extent(3, 2), stride: Extent(2, 1),
      padding: .same),
    Case(
      input: Extent(8, 7), channels: 3, filters: 17, window: Extent(5, 5), stride: Extent(2, 3),
      padding: .same),
    Case(
      input: Extent(5, 6), channels: 7, filters: 16, window: Extent(2, 3), stride: Extent(1, 1),
      padding: .explicit(top: 0, bottom: 2, left: 3, right: 1)),
    Case(
      input: Extent(4, 4), channels: 19, filters: 2, window: Extent(4, 4), stride: Extent(1, 1),
      padding: .valid),
    Case(
      input: Extent(3, 3), channels: 5, filters: 4, window: Extent(5, 7), stride: Extent(1, 2),
      padding: .same),
    Case(
      input: Extent(9, 8), channels: 6, filters: 33, window: Extent(1, 1), stride: Extent(3, 2),
      padding: .valid),
    Case(
      input: Extent(1, 11), channels: 4, filters: 1, window: Extent(1, 4), stride: Extent(1, 3),
      padding: .explicit(top: 0, bottom: 0, left: 5, right: 6)),
  ]

  @Test(arguments: cases) func lowering(_ c: Case) throws {
    let plain = try c.plain()
    let geometry = plain.geometry
    let lowering = Lowering(
      geometry: geometry, channels: c.channels, stored: c.input, columns: geometry.output.width)
    let image = randomFloats(c.shape.count)
    let source = Buffer(image.count)
    for i in image.indices { source.base[i] = image[i] }
    let expected = plain.lower(image)
    let columns = Buffer(expected.count)
    lowering.im2col(source.base, rows: 0..<geometry.output.height, to: columns.base)
    #expect(Array(columns.all) == expected)

    // Some rows alone are those rows of the whole.
    let rowFloats = geometry.output.width * lowering.patch
    let middle = geometry.output.height / 2..<geometry.output.height
    let part = Buffer(middle.count * rowFloats)
    lowering.im2col(source.base, rows: middle, to: part.base)
    #expect(Array(part.all) == Array(expected[(middle.lowerBound * rowFloats)...]))

    // col2im adds, whether all at once or row by row.
    let gradient = randomFloats(expected.count, seed: 2)
    for i in gradient.indices { columns.base[i] = gradient[i] }
    let raised = plain.raise(doubles(gradient))
    let whole = Buffer(image.count)
    let byRow = Buffer(image.count)
    for i in image.indices { (whole.base[i], byRow.base[i]) = (1, 1) }
    lowering.col2im(columns.base, rows: 0..<geometry.output.height, addTo: whole.base)
    for row in 0..<geometry.output.height {
      lowering.col2im(columns.base + row * rowFloats, rows: row..<row + 1, addTo: byRow.base)
    }
    expectClose(Array(whole.all), raised.map { $0 + 1 }, within: 1e-6)
    #expect(Array(whole.all) == Array(byRow.all))
  }

  /// ⟨im2col(x), y⟩ = ⟨x, col2im(y)⟩
  @Test(arguments: cases) func loweringIsAdjoint(_ c: Case) throws {
    let plain = try c.plain()
    let x = randomFloats(c.shape.count)
    let lowered = plain.lower(x)
    let y = randomFloats(lowered.count, seed: 2)
    let left = zip(lowered, y).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let right = zip(x, plain.raise(doubles(y))).reduce(0.0) { $0 + Double($1.0) * $1.1 }
    #expect(abs(left - right) < 1e-9 * Double(y.count))
  }

  /// Eleven samples: a whole tile and a rest.
  @Test(arguments: cases) func convolution(_ c: Case) throws {
    try check(c, samples: 11, activation: .linear)
  }

  static let activations: [Activation] = [
    .relu, .leakyReLU(slope: 0.1), .elu(alpha: 0.7), .sigmoid, .tanh, .relu6, .hardSigmoid,
    .softplus,
  ]

  @Test(arguments: activations) func fusedActivation(_ activation: Activation) throws {
    try check(Self.cases[1], samples: 3, activation: activation)
    try check(Self.cases[2], samples: 3, activation: activation)
  }

  /// 40·50·(5·5·6) floats are more than a block holds: stripes. One row of 9,000·9 is, too.
  @Test func stripes() throws {
    let wide = Case(
      input: Extent(44, 54), channels: 6, filters: 3, window: Extent(5, 5), stride: Extent(1, 1),
      padding: .valid)
    try check(wide, samples: 2, activation: .tanh)
    let long = Case(
      input: Extent(5, 9_000), channels: 1, filters: 2, window: Extent(3, 3),
      stride: Extent(1, 1), padding: .same)
    try check(long, samples: 1, activation: .linear)
  }

  private func check(_ c: Case, samples: Int, activation: Activation) throws {
    let plain = try c.plain()
    let conv = Conv2DDescription(
      filters: c.filters, kernel: c.window, stride: c.stride, padding: c.padding,
      activation: activation)
    let probe = try LayerProbe([.conv2D(conv)], input: c.shape, samples: samples)
    let kernel = probe.get(.kernel)
    let bias = randomFloats(c.filters, seed: 4)
    probe.set(.bias, to: bias)
    let x = randomFloats(samples * c.shape.count, seed: 5)
    let y = probe.forward(x)
    let gradient = randomFloats(y.count, seed: 6)
    let dx = probe.backward(gradient)
    let size = y.count / samples
    var expected = (
      y: [Double](), dx: [Double](), dw: [Double](repeating: 0, count: kernel.count),
      db: [Double](repeating: 0, count: c.filters)
    )
    for n in 0..<samples {
      let image = doubles(Array(x[n * c.shape.count..<(n + 1) * c.shape.count]))
      let before = plain.forward(image, kernel: doubles(kernel), bias: doubles(bias))
      let dy = doubles(Array(gradient[n * size..<(n + 1) * size]))
      expected.y += before.map { activation.plain($0).value }
      let back = plain.backward(
        image, kernel: doubles(kernel),
        gradient: zip(before, dy).map { activation.plain($0).slope * $1 })
      expected.dx += back.input
      for i in back.kernel.indices { expected.dw[i] += back.kernel[i] }
      for i in back.bias.indices { expected.db[i] += back.bias[i] }
    }
    expectClose(y, expected.y, within: 3e-6, "output")
    expectClose(dx, expected.dx, within: 3e-6, "input gradient")
    expectClose(probe.gradient(.kernel), expected.dw, within: 2e-5, "kernel gradient")
    expectClose(probe.gradient(.bias), expected.db, within: 2e-5, "bias gradient")
  }
}
