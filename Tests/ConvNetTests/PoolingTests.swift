import TestSupport
import Testing

@testable import ConvNet

/// Max pooling, alone and within a convolution, against its plain twin.
@Suite struct PoolingTests {
  struct Case: CustomTestStringConvertible {
    let input: Extent
    let channels: Int
    let size: Extent
    let stride: Extent
    let padding: Padding

    var testDescription: String {
      "\(input.height)x\(input.width)x\(channels), window \(size.height)x\(size.width), "
        + "stride \(stride.height)x\(stride.width), \(padding)"
    }
  }

  @Test(arguments: [
    Case(
      input: Extent(7, 5), channels: 3, size: Extent(2, 2), stride: Extent(2, 2), padding: .valid),
    Case(
      input: Extent(9, 8), channels: 17, size: Extent(3, 2), stride: Extent(1, 2), padding: .same),
    Case(
      input: Extent(6, 7), channels: 1, size: Extent(3, 3), stride: Extent(2, 2),
      padding: .explicit(top: 2, bottom: 1, left: 0, right: 2)),
    Case(
      input: Extent(5, 5), channels: 4, size: Extent(2, 2), stride: Extent(3, 3), padding: .valid),
    Case(
      input: Extent(2, 3), channels: 2, size: Extent(5, 5), stride: Extent(1, 1), padding: .same),
    Case(
      input: Extent(17, 16), channels: 2, size: Extent(15, 16), stride: Extent(1, 1),
      padding: .valid),
  ])
  func alone(_ c: Case) throws {
    let shape = Shape.image(height: c.input.height, width: c.input.width, channels: c.channels)
    let plain = PlainPooling(
      geometry: try WindowGeometry(
        input: c.input, window: c.size, stride: c.stride, padding: c.padding),
      channels: c.channels)
    let probe = try LayerProbe(
      [.maxPool(MaxPoolDescription(size: c.size, stride: c.stride, padding: c.padding))],
      input: shape, samples: 9)
    let x = distinctFloats(9 * shape.count)
    let y = probe.forward(x)
    let gradient = randomFloats(y.count, seed: 2)
    let dx = probe.backward(gradient)
    let size = y.count / 9
    var expected = (y: [Double](), dx: [Double]())
    for n in 0..<9 {
      let image = doubles(Array(x[n * shape.count..<(n + 1) * shape.count]))
      expected.y += plain.forward(image).values
      expected.dx += plain.backward(
        image, gradient: doubles(Array(gradient[n * size..<(n + 1) * size])))
    }
    expectClose(y, expected.y, within: 0)
    expectClose(dx, expected.dx, within: 1e-6)
  }

  static let activations: [Activation] = [
    .linear, .relu, .leakyReLU(slope: 0.1), .elu(alpha: 0.7), .sigmoid, .tanh,
  ]

  /// Two compositions of the same thing: a convolution that pools, and one whose pooling is kept
  /// apart by a linear activation.
  @Test(arguments: activations, [Extent(2, 2), Extent(3, 2), Extent(1, 3)])
  func withinAConvolution(_ activation: Activation, _ window: Extent) throws {
    let shape = Shape.image(height: 11, width: 9, channels: 3)
    let conv = LayerDescription.conv2D(
      Conv2DDescription(filters: 18, kernel: Extent(3, 3), activation: activation))
    let pool = LayerDescription.maxPool(MaxPoolDescription(size: window))
    let fused = try LayerProbe([conv, pool], input: shape, samples: 11)
    let apart = try LayerProbe([conv, .activation(.linear), pool], input: shape, samples: 11)
    #expect(fused.builtNames == ["conv2d_1+max_pool_0"])
    #expect(apart.builtNames == ["conv2d_1", "activation_1", "max_pool_0"])
    let bias = randomFloats(18, seed: 4, scale: 0.3)
    for probe in [fused, apart] { probe.set(.bias, to: bias) }
    #expect(fused.get(.kernel) == apart.get(.kernel))
    let x = randomFloats(11 * shape.count, seed: 5)
    let y = fused.forward(x)
    #expect(bits(y) == bits(apart.forward(x)))
    #expect(bits(fused.infer(x)) == bits(y))
    let gradient = randomFloats(y.count, seed: 6)
    let dx = fused.backward(gradient)
    expectClose(dx, doubles(apart.backward(gradient)), within: 2e-6)
    for role in [TensorInfo.Role.kernel, .bias] {
      expectClose(fused.gradient(role), doubles(apart.gradient(role)), within: 1e-5)
    }
  }

  /// Rows of a window never fall into two blocks.
  @Test func stripesHoldWholeWindows() throws {
    let shape = Shape.image(height: 46, width: 52, channels: 6)
    let conv = LayerDescription.conv2D(
      Conv2DDescription(filters: 2, kernel: Extent(5, 5), activation: .relu))
    let pool = LayerDescription.maxPool(MaxPoolDescription(size: Extent(3, 2)))
    let fused = try LayerProbe([conv, pool], input: shape, samples: 2)
    let apart = try LayerProbe([conv, .activation(.linear), pool], input: shape, samples: 2)
    let x = randomFloats(2 * shape.count, seed: 5)
    let y = fused.forward(x)
    expectClose(y, doubles(apart.forward(x)), within: 1e-6)
    let gradient = randomFloats(y.count, seed: 6)
    expectClose(fused.backward(gradient), doubles(apart.backward(gradient)), within: 2e-6)
    expectClose(fused.gradient(.kernel), doubles(apart.gradient(.kernel)), within: 2e-5)
  }

  /// Of equal numbers the first wins, along rows.
  @Test func firstOfEqualsWins() throws {
    let shape = Shape.image(height: 4, width: 4, channels: 1)
    let x: [Float] = [1, 1, 0, 2, 1, 1, 2, 2, -3, -3, 5, 4, -3, -3, 5, 5]
    let expected: [Float] = [1, 0, 0, 2, 0, 0, 0, 0, 3, 0, 4, 0, 0, 0, 0, 0]
    let pool = LayerDescription.maxPool(MaxPoolDescription(size: Extent(2, 2)))
    let identity = LayerDescription.conv2D(
      Conv2DDescription(filters: 1, kernel: Extent(1, 1), bias: false))
    for layers in [[pool], [identity, pool]] {
      let probe = try LayerProbe(layers, input: shape, samples: 1)
      if layers.count == 2 { probe.set(.kernel, to: [1]) }
      #expect(probe.forward(x) == [1, 2, -3, 5])
      #expect(probe.backward([1, 2, 3, 4]) == expected)
    }
  }

  /// ReLU after pooling lets no gradient through where it stops the value.
  @Test func reluStopsThePooledGradient() throws {
    let shape = Shape.image(height: 2, width: 4, channels: 1)
    let layers: [LayerDescription] = [
      .conv2D(Conv2DDescription(filters: 1, kernel: Extent(1, 1), activation: .relu)),
      .maxPool(MaxPoolDescription(size: Extent(2, 2))),
    ]
    let probe = try LayerProbe(layers, input: shape, samples: 1)
    probe.set(.kernel, to: [1])
    #expect(probe.forward([-1, -2, 1, 3, -3, -4, 2, 0]) == [0, 3])
    #expect(probe.backward([7, 9]) == [0, 0, 0, 9, 0, 0, 0, 0])
    #expect(probe.gradient(.bias) == [9])
  }
}
