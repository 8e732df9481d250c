import TestSupport
import Testing

@testable import ConvNet

/// Single layers against PyTorch's and Keras's own numbers.
@Suite struct FixtureLayerTests {
  struct ConvolutionCase: Decodable {
    let name: String
    let stride: [Int]
    let padding: Fixture.Border
    let input, kernel, bias, output: Fixture.Tensor
    let gradientOutput, gradientInput, gradientKernel, gradientBias: Fixture.Tensor
  }

  @Test func convolutions() throws {
    for c in try Fixture.cases("conv2d", as: ConvolutionCase.self) {
      let conv = Conv2DDescription(
        filters: c.kernel.shape[3], kernel: Extent(c.kernel.shape[0], c.kernel.shape[1]),
        stride: Extent(c.stride[0], c.stride[1]), padding: c.padding.padding)
      let probe = try LayerProbe(
        [.conv2D(conv)], input: c.input.sample, samples: c.input.shape[0])
      probe.set(.kernel, to: c.kernel.floats)
      probe.set(.bias, to: c.bias.floats)
      expectClose(probe.forward(c.input.floats), c.output.values, within: 2e-6, c.name)
      expectClose(
        probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 2e-6, c.name)
      expectClose(probe.gradient(.kernel), c.gradientKernel.values, within: 2e-6, c.name)
      expectClose(probe.gradient(.bias), c.gradientBias.values, within: 2e-6, c.name)
    }
  }

  struct PoolingCase: Decodable {
    let name: String
    let size, stride: [Int]
    let padding: Fixture.Border
    let input, output, gradientOutput, gradientInput: Fixture.Tensor
  }

  @Test func poolings() throws {
    for c in try Fixture.cases("max_pool", as: PoolingCase.self) {
      let pool = MaxPoolDescription(
        size: Extent(c.size[0], c.size[1]), stride: Extent(c.stride[0], c.stride[1]),
        padding: c.padding.padding)
      let probe = try LayerProbe(
        [.maxPool(pool)], input: c.input.sample, samples: c.input.shape[0])
      expectClose(probe.forward(c.input.floats), c.output.values, within: 0, c.name)
      expectClose(
        probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 1e-7, c.name)
    }
  }

  /// The same pooling as part of an identity convolution.
  @Test func fusedPoolings() throws {
    for c in try Fixture.cases("max_pool", as: PoolingCase.self) where c.size == c.stride {
      guard case .valid = c.padding.padding else { continue }
      let channels = c.input.shape[3]
      let probe = try LayerProbe(
        [
          .conv2D(Conv2DDescription(filters: channels, kernel: Extent(1, 1))),
          .maxPool(MaxPoolDescription(size: Extent(c.size[0], c.size[1]))),
        ], input: c.input.sample, samples: c.input.shape[0])
      #expect(probe.builtNames == ["conv2d_1+max_pool_0"])
      probe.set(
        .kernel, to: (0..<channels * channels).map { $0 % (channels + 1) == 0 ? 1 : 0 })
      expectClose(probe.forward(c.input.floats), c.output.values, within: 0, c.name)
      expectClose(
        probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 1e-7, c.name)
    }
  }

  struct NormCase: Decodable {
    struct Step: Decodable {
      let input, output, gradientOutput, gradientInput: Fixture.Tensor
      let gradientGamma, gradientBeta: Fixture.Tensor?
      let movingMean, movingVariance: Fixture.Tensor
    }
    struct Inference: Decodable { let input, output: Fixture.Tensor }
    let name: String
    let momentum, epsilon: Float
    let scale, center: Bool
    let gamma, beta: Fixture.Tensor?
    let steps: [Step]
    let inference: Inference
  }

  @Test func batchNormalisations() throws {
    for c in try Fixture.cases("batch_norm", as: NormCase.self) {
      let first = c.steps[0].input
      let norm = BatchNormDescription(
        momentum: c.momentum, epsilon: c.epsilon, scale: c.scale, center: c.center)
      let probe = try LayerProbe(
        [.batchNorm(norm)], input: first.sample, samples: first.shape[0])
      // A case without scale or center still names what Keras would not use.
      if c.scale { probe.set(.scale, to: c.gamma!.floats) }
      if c.center { probe.set(.offset, to: c.beta!.floats) }
      for step in c.steps {
        expectClose(probe.forward(step.input.floats), step.output.values, within: 3e-6, c.name)
        expectClose(
          probe.backward(step.gradientOutput.floats), step.gradientInput.values, within: 5e-6,
          c.name)
        if c.scale {
          expectClose(probe.gradient(.scale), step.gradientGamma!.values, within: 3e-6, c.name)
        }
        if c.center {
          expectClose(probe.gradient(.offset), step.gradientBeta!.values, within: 3e-6, c.name)
        }
        expectClose(probe.get(.movingMean), step.movingMean.values, within: 3e-6, c.name)
        expectClose(probe.get(.movingVariance), step.movingVariance.values, within: 3e-6, c.name)
      }
      expectClose(
        probe.infer(c.inference.input.floats), c.inference.output.values, within: 5e-6, c.name)
    }
  }

  /// A ReLU or ReLU6 that ends a batch norm gives the bits that it gives as a layer of its own.
  @Test(arguments: [Activation.relu, .relu6]) func endsOfBatchNormalisation(
    _ activation: Activation
  ) throws {
    let input = Shape.image(height: 5, width: 3, channels: 29)
    let norm = LayerDescription.batchNorm(BatchNormDescription())
    let apart = LayerDescription.frame(
      FrameDescription(.zeroPad, Sides(top: 0, bottom: 0, left: 0, right: 0)))
    let images = randomFloats(11 * input.count, seed: 4, scale: 9)
    let gradient = randomFloats(11 * input.count, seed: 5)
    let results = try [[norm, .activation(activation)], [norm, apart, .activation(activation)]]
      .map { layers in
        let probe = try LayerProbe(layers, input: input, samples: 11)
        probe.set(.scale, to: randomFloats(29, seed: 6, scale: 3))
        probe.set(.offset, to: randomFloats(29, seed: 7, scale: 3))
        let names = probe.builtNames
        return (
          names: names, forward: bits(probe.forward(images)),
          backward: bits(probe.backward(gradient)), scale: bits(probe.gradient(.scale)),
          offset: bits(probe.gradient(.offset)), inferred: bits(probe.infer(images))
        )
      }
    #expect(results[0].names == ["batch_norm_0+activation_1"] && results[1].names.count == 3)
    #expect(results[0].forward == results[1].forward)
    #expect(results[0].backward == results[1].backward)
    #expect(results[0].scale == results[1].scale && results[0].offset == results[1].offset)
    #expect(results[0].inferred == results[1].inferred)
  }

  struct ActivationCase: Decodable {
    let name: String
    let slope, alpha: Float?
    let approximate: Bool?
    let input, output, gradientOutput, gradientInput: Fixture.Tensor

    var activation: Activation {
      Activation(fixture: name, slope: slope, alpha: alpha, approximate: approximate)
    }
  }

  /// As a layer of its own, as the end of a dense layer, and as the end of a convolution.
  @Test func activations() throws {
    let files = ["activations", "catalogue_activations"]
    for c in try files.flatMap({ try Fixture.cases($0, as: ActivationCase.self) }) {
      let rows = c.input.shape.count == 2 ? c.input.shape[0] : 1
      let width = c.input.values.count / rows
      let identity = (0..<width * width).map { $0 % (width + 1) == 0 ? 1 as Float : 0 }
      let vector = Shape.vector(width)
      let image = Shape.image(height: 1, width: 1, channels: width)
      let alone = try LayerProbe([.activation(c.activation)], input: vector, samples: rows)
      let dense = try LayerProbe(
        [.dense(DenseDescription(units: width, activation: c.activation))], input: vector,
        samples: rows)
      dense.set(.kernel, to: identity)
      let conv = try LayerProbe(
        [
          .conv2D(
            Conv2DDescription(filters: width, kernel: Extent(1, 1), activation: c.activation))
        ], input: image, samples: rows)
      conv.set(.kernel, to: identity)
      for (probe, place) in [(alone, "alone"), (dense, "dense"), (conv, "conv2d")] {
        let name = "\(c.name) \(place)"
        expectClose(probe.forward(c.input.floats), c.output.values, within: 3e-7, name)
        expectClose(
          probe.backward(c.gradientOutput.floats), c.gradientInput.values, within: 1e-6, name)
      }
    }
  }

  struct PenaltyCase: Decodable {
    let name: String
    let l2: Float
    let kernel, gradient: Fixture.Tensor
  }

  /// A gradient of zeros leaves the penalty's alone.
  @Test func l2Penalties() throws {
    for c in try Fixture.cases("l2", as: PenaltyCase.self) {
      let shape = c.kernel.shape
      let conv = Conv2DDescription(filters: shape[3], kernel: Extent(shape[0], shape[1]), l2: c.l2)
      let input = Shape.image(height: 3, width: 3, channels: shape[2])
      let probe = try LayerProbe([.conv2D(conv)], input: input, samples: 1)
      probe.set(.kernel, to: c.kernel.floats)
      _ = probe.forward(randomFloats(input.count))
      _ = probe.backward(Array(repeating: 0, count: shape[3]))
      expectClose(probe.gradient(.kernel), c.gradient.values, within: 2e-7, c.name)
    }
  }
}
