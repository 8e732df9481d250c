import ConvNet
import Datasets

// What a finished run is held against.

extension Run {
  /// What the spec expects, and what came of it.
  /// - Parameter file: the model that the run leaves.
  func checks(of summary: Summary, _ file: ModelFile) throws -> [Summary.Check] {
    try spec.expect.map { expectation in
      let value: Double?
      switch expectation.figure {
      case .metric(let metric): value = summary[metric]
      case .integerAccuracy: value = summary.integers?.testAccuracy
      case .bytes: value = Double(summary.integers?.bytes ?? file.encoded.count)
      case .microseconds: value = try microseconds(of: file)
      }
      return Summary.Check(expectation: expectation, value: value)
    }
  }

  /// What an image takes alone on one core: by the integers of a training with quantisation.
  private func microseconds(of file: ModelFile) throws -> Double {
    let model: AnsweringModel =
      file.isTrainedForIntegers
      ? .integers(try QuantizedModelFile(reading: folder.integerModel)) : .floats(file)
    var times = AnswerTimes(of: try model.network(threads: 1), on: data.plain)
    for _ in 0..<AnswerTimes.usualRounds { times.answer() }
    return times.microseconds
  }
}
