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
  /// Tests the weights of a run on images spoiled in every way there is, one after another, each with the severity given or else the published one.
  public func testCorrupted(
    _ weights: Summary.Weights, spec: ExperimentSpec, images: TestImages, severity: Int?,
    seed: UInt64,
    threads: Int
  ) throws -> [CorruptionResult] {
    let (inference, _) = try inference(weights, spec: spec, threads: threads)
    let source = images.source
    let loss = try loss(of: spec)
    return Corruption.allCases.map { corruption in
      let spoiled = corruption.apply(
        to: source.images, severity: severity, seed: seed, threads: threads)
      let result = inference.evaluate(
        source.with(spoiled), range: 0..<source.count, loss: loss)
      return CorruptionResult(
        corruption: corruption, severity: corruption.severity(severity),
        accuracy: result.accuracy, loss: result.loss)
    }
  }
}
