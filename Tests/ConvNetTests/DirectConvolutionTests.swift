import TestSupport
import Testing

@testable import ConvNet

/// Convolutions of few taps give the bits of im2col and its products, which are taken where an input gradient is
/// wanted.
@Suite(.enabled(if: BLASCore.elementsAreChains)) struct DirectConvolutionTests {
  struct Case: CustomTestStringConvertible {
    let input: Shape
    let conv: Conv2DDescription
    let pool: Extent?
    let samples: Int

    init(
      _ height: Int, _ width: Int, _ channels: Int, _ filters: Int, window: Extent,
      pool: Extent? = nil, stride: Extent = Extent(1, 1), padding: Padding = .valid,
      dilation: Extent = Extent(1, 1), activation: Activation = .relu, bias: Bool = true,
      samples: Int = 3
    ) {
      input = .image(height: height, width: width, channels: channels)
      conv = Conv2DDescription(
        filters: filters, kernel: window, stride: stride, padding: padding, dilation: dilation,
        activation: activation, bias: bias)
      self.pool = pool
      self.samples = samples
    }

    var testDescription: String {
      "\(input), \(conv.filters) of \(conv.kernel), stride \(conv.stride), \(conv.padding), "
        + "\(conv.activation), pool \(pool.map { "\($0)" } ?? "none")"
    }

    func probe(_ numerics: Numerics, wantsInputGradient: Bool) throws -> LayerProbe {
      try LayerProbe(
        [.conv2D(conv)] + (pool.map { [.maxPool(MaxPoolDescription(size: $0))] } ?? []),
        input: input, samples: samples, numerics: numerics, wantsInputGradient: wantsInputGradient)
    }
  }

  private static let (three, two) = (Extent(3, 3), Extent(2, 2))

  static let cases = [
    // What t0 and t4 begin with: more positions of eight images than `gemm` takes at a time.
    Case(28, 28, 1, 32, window: three, pool: two, samples: 11),
    Case(28, 28, 1, 32, window: three, samples: 9),
    // Dead rows and columns, rows of two and of five positions, one tap and thirty-two.
    Case(10, 9, 1, 80, window: Extent(5, 5), pool: two, padding: .same),
    Case(12, 4, 1, 16, window: three),
    Case(6, 9, 2, 16, window: Extent(4, 4)),
    Case(9, 7, 1, 48, window: Extent(1, 2), pool: Extent(3, 2)),
    Case(5, 1, 1, 16, window: Extent(2, 1), activation: .linear),
    // Padding, strides, what follows.
    Case(9, 8, 3, 16, window: three, pool: Extent(3, 2), padding: .same, activation: .tanh),
    Case(13, 12, 2, 48, window: three, stride: Extent(2, 1), padding: .same, activation: .linear),
    Case(13, 12, 2, 32, window: three, pool: two, padding: .same, activation: .linear),
    Case(14, 11, 1, 32, window: three, pool: two, bias: false),
    Case(
      6, 7, 3, 16, window: two, pool: two,
      padding: .explicit(top: 3, bottom: 1, left: 0, right: 4)),
    // Several blocks of an image.
    Case(70, 90, 3, 16, window: three, pool: two, samples: 2),
    Case(33, 31, 3, 32, window: three, stride: two, padding: .same, activation: .relu6, samples: 9),
  ]

  @Test(arguments: cases, Numerics.allCases) func hasTheBitsOfProducts(
    _ c: Case, numerics: Numerics
  )
    throws
  {
    let direct = try c.probe(numerics, wantsInputGradient: false)
    let products = try c.probe(numerics, wantsInputGradient: true)
    #expect(direct.builtLayers[0] is DirectConv2D && products.builtLayers[0] is Conv2D)
    let kernel = products.get(.kernel)
    direct.set(.kernel, to: kernel)
    if c.conv.bias {
      let bias = randomFloats(c.conv.filters, seed: 4)
      for probe in [direct, products] { probe.set(.bias, to: bias) }
    }
    let x = randomFloats(c.samples * c.input.count, seed: 5)
    let y = products.forward(x)
    #expect(bits(direct.forward(x)) == bits(y))
    let gradient = randomFloats(y.count, seed: 6)
    _ = products.backward(gradient)
    _ = direct.backward(gradient)
    #expect(bits(direct.gradient(.kernel)) == bits(products.gradient(.kernel)))
    if c.conv.bias { #expect(bits(direct.gradient(.bias)) == bits(products.gradient(.bias))) }
    #expect(bits(direct.infer(x)) == bits(y), "where nothing goes back")
  }

  /// Where products are faster, or sum otherwise.
  @Test(arguments: [
    Case(9, 9, 4, 16, window: three), Case(9, 9, 1, 20, window: three),
    Case(9, 9, 3, 16, window: Extent(1, 1)),
    Case(9, 9, 1, 16, window: three, dilation: two),
  ])
  func isNotTaken(_ c: Case) throws {
    #expect(try c.probe(.newest, wantsInputGradient: false).builtLayers[0] is Conv2D)
  }
}
