import TestSupport
import Testing

@testable import ConvNet

/// The ONNX project's own node tests, of each operator that has a counterpart here.
/// `Fixtures/make_onnx_fixtures.py` converted them, and listed those without one in
/// `Fixtures/onnx-unmatched.md`.
@Suite struct OnnxTests {
  struct Cases: Decodable {
    let layers: [LayerCase]
    let merges: [MergeCase]
    let losses: [LossCase]
    let optimizers: [OptimizerCase]
  }

  let cases: Cases

  init() throws { cases = try Fixture.load("onnx", as: Cases.self) }

  struct LayerCase: Decodable {
    let name: String
    let layers: [Fixture.LayerKeys]
    let input, output: Fixture.Tensor
    let parameters: [String: Fixture.Tensor]
    /// Whether it is a training step's pass; what moves is then `after`.
    let training: Bool?
    /// Where the outputs have few digits.
    let tolerance: Double?
    let after: [String: Fixture.Tensor]?
  }

  @Test func layers() throws {
    #expect(cases.layers.count >= 90)
    for c in cases.layers {
      let probe = try LayerProbe(
        c.layers.map(\.description), input: c.input.sample, samples: c.input.shape[0])
      for (role, tensor) in c.parameters {
        probe.set(TensorInfo.Role(rawValue: role)!, to: tensor.floats)
      }
      if c.training == true {
        expectClose(probe.forward(c.input.floats), c.output.values, within: 3e-6, c.name)
        for (role, tensor) in c.after ?? [:] {
          expectClose(
            probe.get(TensorInfo.Role(rawValue: role)!), tensor.values, within: 3e-6,
            "\(c.name), \(role)")
        }
      } else {
        expectClose(
          probe.infer(c.input.floats), c.output.values, within: c.tolerance ?? 3e-6, c.name)
      }
    }
  }

  struct MergeCase: Decodable {
    let name, kind: String
    let inputs: [Fixture.Tensor]
    let output: Fixture.Tensor
  }

  /// Each tensor is cut out of a sample by a dense layer, and then they are merged.
  @Test func merges() throws {
    #expect(cases.merges.count >= 8)
    for c in cases.merges {
      let widths = c.inputs.map { $0.shape[1] }
      let (samples, all) = (c.output.shape[0], widths.reduce(0, +))
      let names = widths.indices.map { "part \($0)" }
      let model =
        zip(names, widths).map { name, width in
          ModelItem.layer(
            .dense(DenseDescription(units: width, bias: false)), name: name, inputs: ["input"])
        } + [
          .layer(.merge(MergeDescription(Merge(rawValue: c.kind)!)), inputs: names)
        ]
      let network = try Trainer(
        NetworkDescription(
          input: .vector(all), model: model, classes: c.output.shape[1]), optimizer: sgd(),
        batchSize: samples, seed: 1, team: team())
      for (i, width) in widths.enumerated() {
        let first = widths[..<i].reduce(0, +)
        network.set(
          "dense_\(i)/kernel",
          to: (0..<all * width).map { $0 / width == first + $0 % width ? 1 : 0 })
      }
      network.weightsChanged()
      let values = (0..<samples).flatMap { sample in
        zip(c.inputs, widths).flatMap { tensor, width in
          tensor.floats[sample * width..<(sample + 1) * width]
        }
      }
      var scores = [Float](repeating: 0, count: c.output.values.count)
      scores.withUnsafeMutableBufferPointer {
        _ = network.evaluate(
          GivenSource(.vector(all), values, labels: Array(repeating: 0, count: samples)),
          range: 0..<samples, scores: $0)
      }
      expectClose(scores, c.output.values, within: 1e-7, c.name)
    }
  }

  struct LossCase: Decodable {
    let name, reduction: String
    let scores: Fixture.Tensor
    let labels: [Int]
    let classWeights: [Float]?
    let loss: Fixture.Tensor
  }

  /// ONNX's weighted mean divides by the weights' sum, ours by the samples; the losses are the same.
  @Test func losses() throws {
    #expect(cases.losses.count >= 10)
    for c in cases.losses {
      let (samples, classes) = (c.scores.shape[0], c.scores.shape[1])
      let loss = LossFunction(
        LossDescription(.softmaxCrossEntropy(), classWeights: c.classWeights), classes: classes)
      let (scores, scratch) = (c.scores.floats, Buffer(classes))
      let labels = Labels(c.labels)
      let losses = (0..<samples).map { sample in
        scores.withUnsafeBufferPointer {
          loss.loss(
            $0.baseAddress! + sample * classes, of: sample, in: labels, scratch: scratch.base
          ).loss
        }
      }
      let sum = losses.reduce(0) { $0 + Double($1) }
      let weight = c.labels.reduce(0) { $0 + Double(c.classWeights?[$1] ?? 1) }
      let actual =
        switch c.reduction {
        case "none": losses
        case "sum": [Float(sum)]
        default: [Float(sum / weight)]
        }
      expectClose(actual, c.loss.values, within: 1e-6, c.name)
    }
  }

  struct OptimizerCase: Decodable {
    let name, rule: String
    let epsilon, beta1, beta2, momentum: Float?
    let nesterov: Bool?
    let learningRate: Float
    let step: Int
    let parameters, gradient, updated: Fixture.Tensor
    let moments, updatedMoments: [Fixture.Tensor]

    var optimizer: OptimizerRule {
      switch rule {
      case "adagrad":
        .adagrad(AdagradDescription(initial: 0, epsilon: epsilon!, convention: .pytorch))
      case "adam":
        .adam(AdamDescription(beta1: beta1!, beta2: beta2!, epsilon: epsilon!, convention: .keras))
      default: .sgd(SGDDescription(momentum: momentum!, nesterov: nesterov!, convention: .pytorch))
      }
    }
  }

  @Test func optimizers() throws {
    #expect(Set(cases.optimizers.map(\.rule)) == ["adagrad", "adam", "momentum"])
    for c in cases.optimizers {
      func buffer(_ tensor: Fixture.Tensor) -> Buffer {
        let buffer = Buffer(tensor.values.count)
        _ = buffer.all.update(fromContentsOf: tensor.floats)
        return buffer
      }
      let (w, g, moments) = (buffer(c.parameters), buffer(c.gradient), c.moments.map(buffer))
      OptimizerStep(
        OptimizerDescription(rule: c.optimizer, learningRate: c.learningRate),
        learningRate: c.learningRate, step: c.step
      ).update(
        w.base, gradient: g.base, MomentRun(moments, at: 0, gradient: g.base), count: w.count,
        decays: false)
      expectClose(Array(w.all), c.updated.values, within: 1e-6, c.name)
      for (moment, expected) in zip(moments, c.updatedMoments) {
        expectClose(Array(moment.all), expected.values, within: 1e-6, "\(c.name), moments")
      }
    }
  }
}
