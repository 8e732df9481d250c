import Foundation
import Testing

@testable import ConvNet
@testable import Quantization

/// What makes quantised networks better: bias correction and equalisation against NumPy's own numbers
/// (Fixtures/make_quantization.py), adaptive rounding against all roundings that there are.
@Suite struct QuantizationQualityTests {
  private static func numbers() throws -> [String: [Float]] {
    let url = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/quantization.json")
    let object =
      try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
    return object.compactMapValues { ($0 as? [Double])?.map { Float($0) } }
  }

  private static let input = Shape.image(height: 5, width: 5, channels: 2)

  /// The network of the fixture.
  private static func model(_ numbers: [String: [Float]]) throws -> Model {
    let plan = try NetworkPlan(
      NetworkDescription(
        input: input,
        model: [
          .layer(
            .conv2D(
              Conv2DDescription(filters: 4, kernel: Extent(3, 3), activation: .relu))),
          .layer(
            .depthwiseConv2D(
              DepthwiseConv2DDescription(kernel: Extent(2, 2), activation: .relu))),
          .layer(.flatten), .layer(.dense(DenseDescription(units: 3))),
        ], classes: 3))
    var model = try Model(plan, seed: 1)
    let names = ["conv", "conv_bias", "depthwise", "depthwise_bias", "dense", "dense_bias"]
    for (tensor, name) in zip(model.tensors, names) {
      model[tensor] = ArraySlice(try #require(numbers[name]))
    }
    return model
  }

  private static func images(_ numbers: [String: [Float]]) -> GivenSource {
    GivenSource(input, numbers["images"]!)
  }

  @Test func biasesMakeUpForRounding() throws {
    let numbers = try Self.numbers()
    let (model, images) = (try Self.model(numbers), Self.images(numbers))
    var description = QuantizationDescription()
    (description.weightBits, description.correctsBias) = (4, true)
    let corrected = try model.quantized(description, calibratedOn: images, team: team(3))
    description.correctsBias = false
    let plain = try model.quantized(description, calibratedOn: images, team: team())
    let names = ["conv", "depthwise", "dense"]
    var seen = 0
    for (operation, old) in zip(corrected.operations, plain.operations) {
      guard let kernel = operation.kind.kernel, let before = old.kind.kernel else { continue }
      #expect(kernel.weights == before.weights && kernel.scales == before.scales)
      let expected = try #require(numbers["corrected_\(names[seen])"])
      for f in kernel.bias.indices {
        // One unit is s times the input's scale.
        let unit = corrected.values[operation.inputs[0]].scale * kernel.scales[f]
        #expect(abs(Float(kernel.bias[f]) * unit - expected[f]) <= unit + 1e-5, "\(names[seen])")
      }
      // Without it they are as they were.
      let own = try #require(numbers["\(names[seen])_bias"])
      #expect(zip(own, expected).contains { abs($0 - $1) > 0.005 })
      seen += 1
    }
    #expect(seen == 3)
  }

  @Test func equalisedAsNumPyHasIt() throws {
    let numbers = try Self.numbers()
    var network = try FoldedNetwork(Self.model(numbers))
    #expect(network.pairs.map { [$0.first, $0.second] } == [[0, 1], [1, 3]])
    try network.equalize(.weights) { _ in [] }
    for (place, name) in [(0, "conv"), (1, "depthwise"), (3, "dense")] {
      let expected = try #require(numbers["equalized_\(name)"])
      for (x, y) in zip(network.nodes[place].kernel, expected) {
        #expect(abs(x - y) <= 1e-4 * max(1, abs(y)), "\(name)")
      }
      guard let bias = numbers["equalized_\(name)_bias"] else { continue }
      #expect(zip(network.nodes[place].bias, bias).allSatisfy { abs($0 - $1) <= 1e-4 }, "\(name)")
    }
  }

  /// A network's own tensors are those that it has after equalisation, without batch norms.
  private func written(_ network: FoldedNetwork, into model: Model) throws -> Model {
    var model = model
    for node in network.nodes where !node.kernel.isEmpty {
      let place = try #require(model.plan.layers.firstIndex { $0.label == node.name })
      let filters = node.bias.count
      let size = node.kernel.count / filters
      for tensor in model.tensors where tensor.layer == place {
        switch tensor.role {
        case .bias: model[tensor] = ArraySlice(node.bias)
        default:
          model[tensor] = ArraySlice(
            (0..<node.kernel.count).map {
              node.isDepthwise ? node.kernel[$0] : node.kernel[$0 % filters * size + $0 / filters]
            })
        }
      }
    }
    return model
  }

  private static func conv(_ filters: Int, _ kernel: Int, _ activation: Activation) -> ModelItem {
    .layer(
      .conv2D(
        Conv2DDescription(
          filters: filters, kernel: Extent(kernel, kernel), padding: .same, activation: activation))
    )
  }

  /// In floats, it computes what it did: where a relu6 is on the way, of the images that were looked at.
  @Test(arguments: [Activation.linear, .relu, .relu6], [Equalization.weights, .activations])
  func nothingChangesInFloats(_ activation: Activation, _ way: Equalization) throws {
    let input = Shape.image(height: 8, width: 8, channels: 2)
    let plan = try NetworkPlan(
      NetworkDescription(
        input: input,
        model: [
          Self.conv(6, 3, activation),
          .layer(
            .depthwiseConv2D(
              DepthwiseConv2DDescription(
                kernel: Extent(3, 3), padding: .same, activation: activation))),
          .layer(.maxPool(MaxPoolDescription(size: Extent(2, 2)))),
          Self.conv(5, 1, activation),
          .residual([Self.conv(5, 3, activation), Self.conv(5, 1, .linear)]),
          Self.conv(7, 1, activation),
          .layer(.globalPool(GlobalPoolDescription(.average))),
          .layer(.dense(DenseDescription(units: 3))),
        ], classes: 3))
    var model = try Model(plan, seed: 5)
    for tensor in model.tensors {
      // Channels of very different sizes, some of which reach 6.
      let channels = tensor.shape.last!
      model[tensor] = ArraySlice(
        model[tensor].enumerated().map { $1 * Float(1 + 3 * ($0 % channels)) * 0.8 })
    }
    let images = GivenSource(input, randomFloats(30 * input.count, seed: 3).map(abs))
    var network = try FoldedNetwork(model)
    let calibration = try Calibration(
      model: model, source: images, method: .minimumMaximum, team: team())
    try network.equalize(way) { try calibration.largest(of: $0.label!) }
    #expect(network.factors.contains { $0?.contains { abs($0 - 1) > 0.1 } == true })
    let equal = try written(network, into: model)
    var (old, new) = ([Float](repeating: 0, count: 90), [Float](repeating: 0, count: 90))
    for (model, place) in [(model, 0), (equal, 1)] {
      let inference = try Inference(model, team: team())
      var scores = [Float](repeating: 0, count: 90)
      scores.withUnsafeMutableBufferPointer {
        inference.scores(of: images, range: 0..<30, into: $0)
      }
      if place == 0 { old = scores } else { new = scores }
    }
    let largest = old.map(abs).max()!
    #expect(zip(old, new).allSatisfy { abs($0 - $1) <= 1e-5 * largest })
    // Values are what the factors say.
    for (place, factors) in network.factors.enumerated() {
      guard let factors, place > 0, let label = network.nodes[place - 1].label,
        label == network.nodes[place - 1].name
      else { continue }
      let (a, b) = (
        try calibration.largest(of: label),
        try Calibration(model: equal, source: images, method: .minimumMaximum, team: team())
          .largest(of: label)
      )
      for c in a.indices {
        let expected = a[c] * factors[c % factors.count]
        #expect(abs(expected - b[c]) <= 1e-4 * max(1, abs(expected)), "\(label)")
      }
    }
  }

  /// Of ten weights there are 1,024 roundings up or down: what is found is among the best, and never worse
  /// than the nearest.
  @Test func adaptiveRoundingAmongAll() throws {
    let (size, filters) = (10, 19)
    // What is read is correlated, or rounding each by itself would be the best.
    let base = randomFloats(40 * size, seed: 11)
    var second = [Float](repeating: 0, count: size * size)
    for row in 0..<40 {
      let common = base[row * size]
      let x = (0..<size).map { base[row * size + $0] * 0.4 + common + 0.3 }
      for i in 0..<size { for j in 0..<size { second[i * size + j] += x[i] * x[j] / 40 } }
    }
    let moments = LayerMoments(
      mean: [Float](repeating: 0, count: size), second: second, size: size)
    let ratios = randomFloats(size * filters, seed: 12).map { $0 * 6.4 }
    func loss(_ q: [Float], _ f: Int) -> Double {
      var sum = 0.0
      for i in 0..<size {
        for j in 0..<size {
          sum +=
            Double(q[i] - ratios[f * size + i]) * Double(second[i * size + j])
            * Double(q[j] - ratios[f * size + j])
        }
      }
      return sum
    }
    func found(_ threads: Int) throws -> [Int8] {
      try AdaptiveRounding(
        ratios, filters: filters, bits: 4, moments, isDepthwise: false, iterations: 1000
      ).carriedOut(team(threads))
    }
    let rounded = try found(1)
    #expect(try found(3) == rounded)
    var (adapted, nearest, best) = (0.0, 0.0, 0.0)
    for f in 0..<filters {
      let own = (0..<size).map { Float(rounded[f * size + $0]) }
      let plain = (0..<size).map { ratios[f * size + $0].rounded() }
      let all = (0..<1 << size).map { choice in
        loss(
          (0..<size).map {
            ratios[f * size + $0].rounded(.down) + Float(choice >> $0 & 1)
          }, f)
      }
      #expect(loss(own, f) <= loss(plain, f) * (1 + 1e-5))
      #expect(zip(own, ratios[f * size..<(f + 1) * size]).allSatisfy { abs($0 - $1) < 1 })
      adapted += loss(own, f)
      nearest += loss(plain, f)
      best += all.min()!
    }
    #expect(adapted <= 0.5 * nearest, "\(adapted) of \(nearest), at best \(best)")
    #expect(adapted <= 2 * best, "\(adapted), at best \(best)")
  }

  /// Moments are those of all patches, whatever the number of threads.
  @Test func moments() throws {
    let numbers = try Self.numbers()
    let (model, images) = (try Self.model(numbers), Self.images(numbers))
    let network = try FoldedNetwork(model)
    for threads in [1, 3] {
      let calibration = try Calibration(
        model: model, source: images, method: .minimumMaximum, team: team(threads))
      let moments = try calibration.moments(
        of: network.nodes[0], reads: nil, Self.input, second: true)
      var mean = [Double](repeating: 0, count: 18)
      var second = [Double](repeating: 0, count: 18 * 18)
      let pixels = numbers["images"]!
      for image in 0..<12 {
        for r in 0..<3 {
          for q in 0..<3 {
            let x = (0..<18).map { k in
              Double(
                pixels[((image * 5 + r + k / 6) * 5 + q + k / 2 % 3) * 2 + k % 2])
            }
            for i in 0..<18 {
              mean[i] += x[i] / 108
              for j in 0..<18 { second[i * 18 + j] += x[i] * x[j] / 108 }
            }
          }
        }
      }
      #expect(zip(moments.mean, mean).allSatisfy { abs(Double($0) - $1) < 1e-5 })
      #expect(zip(moments.second, second).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }
  }

  /// Every way gives a network of integers that is near the floats, of the plain twin's bits.
  @Test(arguments: QuantizationTests.cases)
  func everyWay(_ example: QuantizationTests.Case) throws {
    let model = try example.model()
    let images = GivenSource(
      example.input, randomFloats(40 * example.input.count, seed: 3).map(abs))
    func scores(_ network: some ScoringNetwork) -> [Float] {
      var scores = [Float](repeating: 0, count: 40 * 5)
      scores.withUnsafeMutableBufferPointer {
        network.scores(of: images, range: 0..<40, into: $0)
      }
      return scores
    }
    let floats = scores(try Inference(model, team: team()))
    let largest = floats.map(abs).max()!
    func error(_ integers: QuantizedModel) throws -> Float {
      let found = scores(try QuantizedInference(integers, team: team()))
      return (zip(floats, found).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 200)
        .squareRoot()
    }
    var description = QuantizationDescription()
    var errors: [Int: [Float]] = [:]
    for bits in [8, 4] {
      description = QuantizationDescription()
      description.weightBits = bits
      for way in 0..<5 {
        description.equalization = way == 1 ? .weights : way == 2 ? .activations : .none
        description.correctsBias = way >= 3
        description.rounding = way == 4 ? .adaptive : .nearest
        // Of 8 bits it gains little; that threads change nothing, adaptiveRoundingAmongAll tells of it.
        description.iterations = bits == 8 ? 20 : 200
        let models = try (way == 4 ? [3] : [1, 3]).map {
          try model.quantized(description, calibratedOn: images, team: team($0))
        }
        #expect(models[0] == models.last, "\(description)")
        let error = try error(models[0])
        #expect(error <= (bits == 8 ? 0.06 : 0.3) * largest, "\(description): \(error)")
        errors[bits, default: []].append(error)
        let twin = PlainIntegers(model: models[0])
        var sample = [Float](repeating: 0, count: example.input.count)
        sample.withUnsafeMutableBufferPointer {
          images.fill($0.baseAddress!, sample: 3, epoch: 0, worker: 0)
        }
        let network = try QuantizedInference(models[0], team: team())
        let expected = twin.values(of: sample)[models[0].operations.last!.output]
        let found = network.quantizedScores(of: images, sample: 3).map { Int($0) }
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) <= 1 })
      }
    }
    // With few bits, adaptive rounding is worth more than anything else.
    #expect(errors[4]![4] < errors[4]![0], "\(errors)")
  }

  @Test func fourBitsInHalfTheBytes() throws {
    for count in [1, 2, 7, 8] {
      let weights = (0..<count).map { Int8($0 % 15 - 7) }
      let kernel = QuantizedKernel(
        weights: weights, shape: [count], scales: [1], bias: [0], bits: 4)
      #expect(kernel.packedWeights.count == (count + 1) / 2)
      #expect(QuantizedKernel.unpacked(kernel.packedWeights, count: count) == weights)
      #expect(QuantizedKernel.unpacked(kernel.packedWeights, count: count + 2) == nil)
    }
  }
}
