import ConvNet
import Datasets

/// What a run's weights make of test images that are spoiled in one way.
public struct CorruptionResult: Sendable {
  public let corruption: Corruption
  /// Nil for a kind of one form only.
  public let severity: Int?
  public let accuracy: Double
  public let loss: Double
}

extension RunFolder {
  /// Tests the weights of a run on its test images, spoiled in every way there is, one after another,
  /// each with the severity given or else the published one.
  public func testCorrupted(
    _ weights: Summary.Weights, spec: ExperimentSpec, data: RunData, severity: Int?, seed: UInt64,
    threads: Int
  ) throws -> [CorruptionResult] {
    let (inference, _) = try inference(weights, spec: spec, threads: threads)
    guard let source = try data.requireTest() as? ImageSource else {
      preconditionFailure("test images come from an image set")
    }
    return Corruption.allCases.map { corruption in
      let spoiled = corruption.apply(
        to: source.images, severity: severity, seed: seed, threads: threads)
      let result = inference.evaluate(
        source.with(spoiled), range: 0..<source.count, loss: spec.loss)
      return CorruptionResult(
        corruption: corruption, severity: corruption.severity(severity),
        accuracy: result.accuracy, loss: result.loss)
    }
  }
}
