import Foundation
import TestSupport
import Testing

@testable import ConvNet

/// Gradients of whole networks with pooled convolutions, each way that there is to compute these, against
/// central differences of the plain twin's loss in double precision: steps so small that none of them
/// changes who wins a window.
///
/// The network's own loss does not serve. Through four convolutions of 32 and a pooling its differences
/// are, by im2col alone, up to 3.4e-2, 1.7e-2, 0.9e-2 and 3.3e-2 of the gradient's size away with steps of
/// 4e-3, 1e-3, 2.5e-4 and 6e-5: the long ones change winners, the short ones drown in the loss's rounding.
@Suite struct PooledDifferenceTests {
  struct Case: CustomTestStringConvertible {
    let input: Shape
    let filters: [Int]
    let convolution: ConvolutionLowering
    let numerics: Numerics
    var samples = 3

    var testDescription: String {
      "\(input), \(filters) filters, \(convolution), numerics \(numerics.rawValue)"
    }

    /// Convolutions of 3x3 that keep the size, the last of them pooled.
    var layers: [LayerDescription] {
      filters.map { GradientTests.conv($0, Extent(3, 3), .same) } + [
        GradientTests.pool(Extent(2, 2)), .flatten, GradientTests.dense(3),
      ]
    }
  }

  /// By four rows and columns of results, and by two.
  static let cases = [
    (Shape.image(height: 8, width: 8, channels: 12), [12, 13]),
    (Shape.image(height: 6, width: 6, channels: 5), [28, 27]),
  ].flatMap { input, filters in
    ConvolutionLowering.allCases.flatMap { convolution in
      Numerics.allCases.map {
        Case(input: input, filters: filters, convolution: convolution, numerics: $0)
      }
    }
  }

  @Test(arguments: cases) func agreesWithTheTwinsDifferences(_ c: Case) throws {
    let source = GivenSource.random(c.input, count: c.samples, classes: 3, seed: 21)
    let network = try Trainer(
      NetworkDescription(
        input: c.input, layers: c.layers, classes: 3, numerics: c.numerics,
        convolution: c.convolution),
      optimizer: sgd(), batchSize: c.samples, seed: 4, team: team())
    #expect(
      network.layers[1].layer is WinogradConv2D == (c.convolution == .winograd))
    for tensor in network.tensors where tensor.role == .bias {
      network.set(tensor.name, to: randomFloats(tensor.range.count, seed: 9, scale: 0.4))
    }
    network.weightsChanged()
    let step = network.trainStep(source, samples: Array(0..<c.samples), step: 1, learningRate: 0)
    let gradients = Array(network.updater.gradients.all)

    let twin = try PlainNetwork(network, source)
    var parameters = doubles(Array(network.parameters))
    #expect(abs(twin.loss(parameters) - step.lossSum / Double(c.samples)) <= 1e-6)
    let epsilon = 1e-6
    for parameter in network.updater.parameters {
      var (error, size) = (0.0, 0.0)
      for i in Swift.stride(from: 0, to: parameter.count, by: (parameter.count + 7) / 8) {
        let at = parameter.offset + i
        let before = parameters[at]
        parameters[at] = before + epsilon
        let above = twin.loss(parameters)
        parameters[at] = before - epsilon
        let below = twin.loss(parameters)
        parameters[at] = before
        let difference = (above - below) / (2 * epsilon)
        error = max(error, abs(difference - Double(gradients[parameter.slot + i])))
        size = max(size, abs(difference))
      }
      #expect(error <= 1e-5 * size, "\(parameter.name): off by \(error) of \(size)")
    }
  }
}

/// The mean loss of such a network, in `Double`.
struct PlainNetwork {
  private let convolutions: [(plain: PlainConvolution, kernel: Range<Int>, bias: Range<Int>)]
  private let pooling: PlainPooling
  private let dense: (kernel: Range<Int>, bias: Range<Int>)
  private let images: [[Double]]
  private let labels: [Int]

  init(_ network: Trainer, _ source: GivenSource) throws {
    var convolutions: [(PlainConvolution, Range<Int>, Range<Int>)] = []
    var extent = source.sampleShape.extent
    var channels = source.sampleShape.channels
    for (place, layer) in network.plan.layers.enumerated() {
      guard case .conv2D(let conv) = layer.description else { continue }
      let plain = PlainConvolution(
        geometry: try WindowGeometry(
          input: extent, window: conv.kernel, stride: conv.stride, padding: conv.padding),
        channels: channels, filters: conv.filters)
      convolutions.append(
        (
          plain, network.info("conv2d_\(place)/kernel").range,
          network.info("conv2d_\(place)/bias").range
        ))
      (extent, channels) = (plain.geometry.output, conv.filters)
    }
    self.convolutions = convolutions
    pooling = PlainPooling(
      geometry: try WindowGeometry(
        input: extent, window: Extent(2, 2), stride: Extent(2, 2), padding: .valid),
      channels: channels)
    let last = network.plan.layers.count - 1
    dense = (network.info("dense_\(last)/kernel").range, network.info("dense_\(last)/bias").range)
    images = (0..<source.count).map { sample in
      var image = [Float](repeating: 0, count: source.sampleShape.count)
      image.withUnsafeMutableBufferPointer {
        source.fill($0.baseAddress!, sample: sample, epoch: 0, worker: 0)
      }
      return doubles(image)
    }
    labels = (0..<source.count).map { source.labels[$0] }
  }

  func loss(_ parameters: [Double]) -> Double {
    var sum = 0.0
    for (image, label) in zip(images, labels) {
      var x = image
      for (plain, kernel, bias) in convolutions {
        x = plain.forward(
          x, kernel: Array(parameters[kernel]), bias: Array(parameters[bias])
        ).map { Foundation.tanh($0) }
      }
      x = pooling.forward(x).values
      let scores = zip(
        plainProduct(
          x, Array(parameters[dense.kernel]), rows: 1, sum: x.count, columns: dense.bias.count),
        parameters[dense.bias]
      ).map { $0 + $1 }
      sum += Foundation.log(scores.reduce(0) { $0 + Foundation.exp($1) }) - scores[label]
    }
    return sum / Double(images.count)
  }
}
