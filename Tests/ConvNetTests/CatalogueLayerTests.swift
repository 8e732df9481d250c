import TestSupport
import Testing

@testable import ConvNet

/// The catalogue's layers against PyTorch's and Keras's own numbers; `Fixtures/make_catalogue.py`
/// made them.
@Suite struct CatalogueLayerTests {
  struct Case: Decodable {
    let name: String
    let layer: Fixture.LayerKeys
    let input: Fixture.Tensor
    /// By role, or by kind of layer and role where a case has several layers.
    let parameters: [String: Fixture.Tensor]
    let output, gradientOutput, gradientInput: Fixture.Tensor
    let gradients: [String: Fixture.Tensor]
  }

  @Test func agreeWithTheirModels() throws {
    let cases = try Fixture.cases("catalogue_layers", as: Case.self)
    #expect(cases.count >= 50)
    for c in cases {
      if case .layer(let layer) = c.layer.content { #expect(layer.kind == c.layer.kind) }
      let probe = try LayerProbe(
        model: [ModelItem(c.layer.content)], input: c.input.sample, samples: c.input.shape[0])
      for (key, tensor) in c.parameters { probe.set(key, to: tensor.floats) }
      expectClose(probe.forward(c.input.floats), c.output.values, within: 3e-6, c.name)
      expectClose(
        probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 5e-6, c.name)
      for (key, tensor) in c.gradients {
        expectClose(
          probe.gradient(key), tensor.values, within: 3e-6, "\(c.name), \(key)")
      }
      expectClose(
        probe.infer(c.input.floats), c.output.values, within: 3e-6, "\(c.name), evaluated")
    }
  }

  /// A pointwise convolution takes the image for its columns; the same window over an image with one
  /// more row, which is dead, does not. Neither changes a bit.
  @Test(arguments: [1, 3]) func pointwiseIsLowering(groups: Int) throws {
    // With other kernels a product's rows change its bits.
    guard BLAS.prefersSmallProducts else { return }
    let conv = Conv2DDescription(filters: 6, kernel: Extent(1, 1), groups: groups)
    let samples = 3
    let (height, width, channels) = (5, 4, 9)
    let plain = try LayerProbe(
      [.conv2D(conv)], input: .image(height: height, width: width, channels: channels),
      samples: samples)
    var framed = conv
    framed.padding = .explicit(top: 1, bottom: 0, left: 0, right: 0)
    let lowered = try LayerProbe(
      [
        .frame(FrameDescription(.crop, Sides(top: 1, bottom: 0, left: 0, right: 0))),
        .conv2D(framed),
      ], input: .image(height: height, width: width, channels: channels), samples: samples)
    let row = width * channels
    let image = randomFloats(samples * height * row, seed: 8)
    let kernel = randomFloats(channels / groups * 6, seed: 9)
    for probe in [plain, lowered] { probe.set(.kernel, to: kernel) }
    let outputs = plain.forward(image)
    let others = lowered.forward(image)
    let size = height * width * 6
    for sample in 0..<samples {
      // The first row is cut away and comes back as zeros.
      let rows = sample * size + width * 6..<(sample + 1) * size
      #expect(bits(Array(outputs[rows])) == bits(Array(others[rows])))
      #expect(others[sample * size..<sample * size + width * 6].allSatisfy { $0 == 0 })
    }
    let gradient = randomFloats(outputs.count, seed: 10)
    let (dx, other) = (plain.backward(gradient), lowered.backward(gradient))
    for sample in 0..<samples {
      let rows = sample * height * row + row..<(sample + 1) * height * row
      #expect(bits(Array(dx[rows])) == bits(Array(other[rows])))
    }
  }

  struct ChannelCase: CustomTestStringConvertible {
    let channels, groups, filters: Int
    var kernel = Extent(3, 3)
    var stride = Extent(1, 1)
    var padding = Padding.valid
    var dilation = Extent(1, 1)
    var image = Extent(11, 10)
    var samples = 2
    /// Whether groups of one channel are a `conv2d`'s.
    var isConv = false
    var testDescription: String {
      "\(image), \(channels) channels in \(groups), \(kernel), \(stride), \(padding), \(dilation)"
    }
  }

  /// Sizes around those of a vector and of a block, and every way past the edge.
  static let channelCases: [ChannelCase] =
    [1, 4, 7, 8, 11, 16, 19, 33, 64].map {
      ChannelCase(channels: $0, groups: $0, filters: $0, padding: .same)
    } + [
      ChannelCase(channels: 24, groups: 24, filters: 24, kernel: Extent(5, 5)),
      ChannelCase(
        channels: 20, groups: 20, filters: 20, kernel: Extent(4, 7), stride: Extent(3, 2),
        padding: .explicit(top: 5, bottom: 2, left: 0, right: 7)),
      ChannelCase(channels: 6, groups: 6, filters: 18, stride: Extent(2, 2), padding: .same),
      ChannelCase(
        channels: 9, groups: 9, filters: 9, kernel: Extent(1, 1), stride: Extent(2, 3)),
      ChannelCase(
        channels: 17, groups: 17, filters: 17, padding: .same, dilation: Extent(3, 2)),
      ChannelCase(channels: 12, groups: 3, filters: 6, padding: .same),
      ChannelCase(
        channels: 32, groups: 2, filters: 34, stride: Extent(2, 1), dilation: Extent(1, 3)),
      ChannelCase(channels: 3, groups: 1, filters: 4, padding: .same, dilation: Extent(2, 2)),
      // Groups that fill a vector evenly.
      ChannelCase(channels: 32, groups: 4, filters: 32, padding: .same),
      ChannelCase(channels: 32, groups: 16, filters: 32, padding: .same),
      ChannelCase(channels: 20, groups: 5, filters: 10),
      ChannelCase(channels: 4, groups: 2, filters: 32, kernel: Extent(2, 5), padding: .same),
      ChannelCase(channels: 12, groups: 6, filters: 24, kernel: Extent(8, 6)),
      ChannelCase(channels: 16, groups: 2, filters: 2, kernel: Extent(1, 1)),
      ChannelCase(
        channels: 24, groups: 3, filters: 12, kernel: Extent(4, 5), stride: Extent(3, 2),
        padding: .explicit(top: 5, bottom: 2, left: 0, right: 6)),
      ChannelCase(
        channels: 8, groups: 2, filters: 8, stride: Extent(1, 2), padding: .same,
        dilation: Extent(3, 2)),
      // More samples than lie in a block of planes, and every number of filters taken at once.
      ChannelCase(channels: 12, groups: 2, filters: 20, padding: .same, samples: 10),
      ChannelCase(channels: 8, groups: 4, filters: 24, kernel: Extent(1, 2), samples: 3),
      ChannelCase(
        channels: 8, groups: 2, filters: 12, kernel: Extent(5, 5), stride: Extent(4, 4),
        padding: .explicit(top: 6, bottom: 0, left: 1, right: 7)),
      ChannelCase(
        channels: 6, groups: 3, filters: 6, kernel: Extent(1, 1), stride: Extent(2, 3)),
      ChannelCase(
        channels: 4, groups: 2, filters: 4, padding: .same, image: Extent(40, 33), samples: 1),
      ChannelCase(channels: 15, groups: 5, filters: 25, padding: .same),
      ChannelCase(channels: 24, groups: 6, filters: 6, stride: Extent(2, 2), padding: .same),
      ChannelCase(channels: 8, groups: 8, filters: 8, padding: .same, isConv: true),
      ChannelCase(channels: 5, groups: 5, filters: 15, stride: Extent(2, 1), isConv: true),
      ChannelCase(channels: 21, groups: 21, filters: 21, padding: .same, image: Extent(1, 2)),
      ChannelCase(channels: 3, groups: 3, filters: 3, padding: .same, image: Extent(4, 1)),
    ]

  /// Depthwise, grouped and dilated convolutions against the textbook's, with a kernel that is zero
  /// outside of the groups.
  @Test(arguments: channelCases) func agreesWithTheTextbook(_ c: ChannelCase) throws {
    let (channels, filters, samples) = (c.channels, c.filters, c.samples)
    let input = Shape.image(
      height: c.image.height, width: c.image.width, channels: channels)
    let isDepthwise = c.groups == channels && channels > 1 && !c.isConv
    let layer: LayerDescription =
      isDepthwise
      ? .depthwiseConv2D(
        DepthwiseConv2DDescription(
          kernel: c.kernel, stride: c.stride, padding: c.padding, dilation: c.dilation,
          depthMultiplier: filters / channels))
      : .conv2D(
        Conv2DDescription(
          filters: filters, kernel: c.kernel, stride: c.stride, padding: c.padding,
          groups: c.groups, dilation: c.dilation))
    let probe = try LayerProbe([layer], input: input, samples: samples)
    let window = c.kernel.height * c.kernel.width
    let (seen, own) = (channels / c.groups, filters / c.groups)
    let kernel = randomFloats(window * seen * filters, seed: 5)
    let bias = randomFloats(filters, seed: 6)
    probe.set(.kernel, to: kernel)
    probe.set(.bias, to: bias)
    // (K·K, C / groups, F) in (K·K, C, F).
    func place(_ position: Int, _ channel: Int, _ filter: Int) -> (whole: Int, group: Int)? {
      guard channel / seen == filter / own else { return nil }
      return (
        (position * channels + channel) * filters + filter,
        (position * seen + channel % seen) * filters + filter
      )
    }
    var whole = [Double](repeating: 0, count: window * channels * filters)
    for p in 0..<window {
      for channel in 0..<channels {
        for filter in 0..<filters {
          if let at = place(p, channel, filter) { whole[at.whole] = Double(kernel[at.group]) }
        }
      }
    }
    let geometry = try WindowGeometry(
      input: input.extent, window: c.kernel, stride: c.stride, padding: c.padding,
      dilation: c.dilation)
    let plain = PlainConvolution(geometry: geometry, channels: channels, filters: filters)
    let images = randomFloats(samples * input.count, seed: 7)
    let size = geometry.output.height * geometry.output.width * filters
    let gradients = randomFloats(samples * size, seed: 8)
    let actual = probe.forward(images)
    let raised = probe.backward(gradients)
    var (dw, db) = (
      [Double](repeating: 0, count: whole.count), [Double](repeating: 0, count: filters)
    )
    for sample in 0..<samples {
      let image = doubles(Array(images[sample * input.count..<(sample + 1) * input.count]))
      let dy = doubles(Array(gradients[sample * size..<(sample + 1) * size]))
      expectClose(
        Array(actual[sample * size..<(sample + 1) * size]),
        plain.forward(image, kernel: whole, bias: doubles(bias)), within: 2e-6)
      let back = plain.backward(image, kernel: whole, gradient: dy)
      expectClose(
        Array(raised[sample * input.count..<(sample + 1) * input.count]), back.input,
        within: 2e-6)
      for i in dw.indices { dw[i] += back.kernel[i] }
      for i in db.indices { db[i] += back.bias[i] }
    }
    var expected = [Double](repeating: 0, count: kernel.count)
    for p in 0..<window {
      for channel in 0..<channels {
        for filter in 0..<filters {
          if let at = place(p, channel, filter) { expected[at.group] = dw[at.whole] }
        }
      }
    }
    expectClose(probe.gradient(.kernel), expected, within: 2e-6)
    expectClose(probe.gradient(.bias), db, within: 2e-6)
  }
}
