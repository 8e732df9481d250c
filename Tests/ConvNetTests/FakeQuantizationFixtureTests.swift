import Foundation
import TestSupport
import Testing

@testable import ConvNet

/// Fake quantisation gives what PyTorch's gives, and its gradients; `Fixtures/make_fake_quantization.py`
/// made the numbers.
@Suite struct FakeQuantizationFixtureTests {
  struct Numbers: Decodable {
    struct Kernel: Decodable {
      let bits: Int
      let kernel, rounded: Fixture.Tensor
    }
    struct Values: Decodable {
      let scale, scaleGradient, zeroGradient: Double
      let zero: Int
      let inputs, outputs, gradient, inputGradient: Fixture.Tensor
    }
    struct Training: Decodable {
      struct Case: Decodable {
        let bits: Int
        let learned: Bool
        let losses: [Double]
        let final: [String: Fixture.Tensor]
      }
      let inputs: Fixture.Tensor
      let labels: [Int]
      let rate, momentum: Float
      let batch: Int
      let initial: [String: Fixture.Tensor]
      let ranges: [String: [Float]]
      let cases: [Case]
    }
    let kernels: [Kernel]
    let values: [Values]
    let training: Training
  }

  private let numbers: Numbers

  init() throws { numbers = try Fixture.load("fake_quantization", as: Numbers.self) }

  @Test func kernelsAreRounded() {
    for example in numbers.kernels {
      let columns = example.kernel.shape.last!
      var values = example.kernel.floats
      let (rows, scales) = (values.count / columns, Buffer(columns))
      values.withUnsafeMutableBufferPointer {
        let base = $0.baseAddress!
        WeightRounding(bits: example.bits).round(
          base, to: base, rows: rows, columns: columns, 0..<columns, scales.base)
      }
      #expect(near(values, example.rounded.floats, 1e-6), "\(example.bits) bits")
      // So it is column by column, too.
      var parts = example.kernel.floats
      parts.withUnsafeMutableBufferPointer {
        let base = $0.baseAddress!
        for part in [2..<columns, 0..<2] {
          WeightRounding(bits: example.bits).round(
            base, to: base, rows: rows, columns: columns, part, scales.base)
        }
      }
      #expect(bits(parts) == bits(values), "\(example.bits) bits")
    }
  }

  @Test func valuesAreRoundedAndHaveTheseGradients() throws {
    for example in numbers.values {
      let probe = try LayerProbe(
        [.fakeQuantize(FakeQuantizeDescription(rangeOf: "values", .learned))],
        input: example.inputs.sample, samples: example.inputs.shape[0])
      probe.set(.logScale, to: [Float(log2(example.scale))])
      probe.set(.zeroPoint, to: [Float(example.zero)])
      let outputs = probe.forward(example.inputs.floats)
      #expect(near(outputs, example.outputs.floats, 1e-6))
      #expect(near(probe.infer(example.inputs.floats), example.outputs.floats, 1e-6))
      _ = probe.forward(example.inputs.floats)
      #expect(probe.backward(example.gradient.floats) == example.inputGradient.floats)
      let factor = 1 / Double(255 * example.inputs.sample.count).squareRoot()
      let slope = example.scaleGradient * example.scale * log(2) * factor
      #expect(abs(Double(probe.gradient(.logScale)[0]) - slope) <= 1e-5 * max(abs(slope), 1e-3))
      // A zero point at an end stays there.
      let shift = abs(example.zero) < 127 ? example.zeroGradient * factor : 0
      #expect(abs(Double(probe.gradient(.zeroPoint)[0]) - shift) <= 1e-5 * max(abs(shift), 1e-3))
    }
  }

  @Test func networksAreTrainedAlike() throws {
    let given = numbers.training
    let images = GivenSource(
      given.inputs.sample, given.inputs.floats, labels: given.labels)
    for example in given.cases {
      let values = ["conv2d_0", "dense_0"].map { FakeQuantization.Value($0, range: $0) }
      let network = try Trainer(
        NetworkDescription(
          input: given.inputs.sample,
          layers: [
            .conv2D(Conv2DDescription(filters: 4, kernel: Extent(3, 3), activation: .relu)),
            .maxPool(MaxPoolDescription()), .flatten, .dense(DenseDescription(units: 3)),
          ], classes: 3,
          quantization: FakeQuantization(
            weightBits: example.bits,
            ranges: example.learned ? .learned : .running(momentum: given.momentum),
            values: values)),
        optimizer: sgd(given.rate), batchSize: given.batch, seed: 1, team: team(2))
      // The convolution pools as it is computed.
      #expect(network.layers.map(\.name).contains("conv2d_0+max_pool_0"))
      for (name, tensor) in given.initial { network.set(name, to: tensor.floats) }
      var model = network.model
      model.begin(ranges: given.ranges.mapValues { $0[0]...$0[1] })
      network.model = model
      let losses = (0..<example.losses.count).map { step in
        network.trainStep(
          images, samples: (0..<given.batch).map { (5 * step + $0) % 12 }, step: step + 1,
          learningRate: given.rate
        ).lossSum / Double(given.batch)
      }
      let what = "\(example.bits) bits, \(example.learned ? "learned" : "running")"
      expectLosses(losses, example.losses, what)
      for (name, tensor) in example.final {
        #expect(near(Array(network.tensor(name)), tensor.floats, 2e-5), "\(what): \(name)")
      }
    }
  }

  private func near(_ found: [Float], _ expected: [Float], _ tolerance: Float) -> Bool {
    found.count == expected.count
      && zip(found, expected).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
  }
}
