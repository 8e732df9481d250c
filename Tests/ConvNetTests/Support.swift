import Foundation
import Testing

@testable import ConvNet

/// Samples that are given: images one after another, and their classes.
final class GivenSource: SampleSource {
  let sampleShape: Shape
  private let values: [Float]
  let labels: Labels

  init(_ shape: Shape, _ values: [Float], labels: [Int]? = nil) {
    sampleShape = shape
    self.values = values
    self.labels =
      labels.map { Labels($0) } ?? Labels(repeating: 0, count: values.count / shape.count)
  }

  var count: Int { labels.count }

  func fill(_ destination: UnsafeMutablePointer<Float>, sample: Int, epoch: Int, worker: Int) {
    let size = sampleShape.count
    values.withUnsafeBufferPointer {
      destination.update(from: $0.baseAddress! + sample * size, count: size)
    }
  }

  /// Uniform pixels in [−1, 1) and classes in turn.
  static func random(_ shape: Shape, count: Int, classes: Int, seed: UInt64 = 1) -> GivenSource {
    GivenSource(
      shape, randomFloats(count * shape.count, seed: seed), labels: (0..<count).map { $0 % classes }
    )
  }
}

/// Uniform numbers in [−scale, scale).
func randomFloats(_ count: Int, seed: UInt64 = 1, scale: Float = 1) -> [Float] {
  var stream = RandomStream(seed: seed, purpose: .probe)
  return (0..<count).map { _ in stream.uniform(-scale, scale) }
}

/// `count` numbers 1/16 apart around 0, in random order: no two are equal, none is 0.
func distinctFloats(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var stream = RandomStream(seed: seed, purpose: .probe)
  var numbers = (0..<count).map { (Float($0 - count / 2) + 0.25) / 16 }
  stream.shuffle(&numbers)
  return numbers
}

/// Expects the losses of a training, each within a hundred-thousandth of itself.
func expectLosses(
  _ actual: [Double], _ expected: [Double], _ what: @autoclosure () -> String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(actual.count == expected.count, "\(what())", sourceLocation: sourceLocation)
  for (step, (actual, expected)) in zip(actual, expected).enumerated() {
    #expect(
      abs(actual - expected) <= 1e-5 * abs(expected),
      "\(what()), step \(step + 1): \(actual), not \(expected)", sourceLocation: sourceLocation)
  }
}

func doubles(_ values: [Float]) -> [Double] { values.map(Double.init) }

/// The bits of some floats: equal only when the floats are the same, NaN and −0 included.
func bits(_ values: [Float]) -> [UInt32] {
  values.withUnsafeBufferPointer { bits($0) }
}

func bits(_ values: UnsafeMutableBufferPointer<Float>) -> [UInt32] {
  bits(UnsafeBufferPointer(values))
}

private func bits(_ values: UnsafeBufferPointer<Float>) -> [UInt32] {
  values.withMemoryRebound(to: UInt32.self) { Array($0) }
}

/// A team for a test; one BLAS thread, as the program has it.
func team(_ threads: Int = 1) throws -> Team {
  BLAS.useOneThread()
  return try Team(threads: threads)
}

func sgd(_ learningRate: Float = 0) -> OptimizerDescription {
  OptimizerDescription(
    rule: .sgd(SGDDescription(momentum: 0, nesterov: false, convention: .keras)),
    learningRate: learningRate)
}

extension Trainer {
  /// A tensor by its name, or as the fixtures name it: by its layer's kind and place among all layers.
  func info(_ name: String) -> TensorInfo {
    tensors.first {
      "\(plan.layers[$0.layer].description.kind)_\($0.layer)/\($0.role.rawValue)" == name
    } ?? tensors.first { $0.name == name }!
  }

  func tensor(_ name: String) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: parameters[info(name).range])
  }

  func set(_ name: String, to values: [Float]) {
    let tensor = tensor(name)
    precondition(tensor.count == values.count)
    _ = tensor.update(fromContentsOf: values)
  }

  /// The gradient of a trainable tensor, as the last step left it.
  func gradient(_ name: String) -> [Float] {
    Array(updater.gradients.all[info(name).range])
  }

  @discardableResult
  func trainStep(
    _ source: any SampleSource, samples: [Int], epoch: Int = 0, step: Int, learningRate: Float
  ) -> StepResult {
    samples.map(Int32.init).withUnsafeBufferPointer {
      trainStep(source, samples: $0, epoch: epoch, step: step, learningRate: learningRate)
    }
  }
}
