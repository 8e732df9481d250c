import Datasets
import NIOCore

/// The images of a request as the network takes them.
enum Inputs: Sendable {
  /// Bytes of 0 to 255, (N, H, W, C).
  case pixels([UInt8], count: Int)
  /// Numbers of 0 to 255, not rounded.
  case numbers([Float], count: Int)

  var count: Int {
    switch self {
    case .pixels(_, let count), .numbers(_, let count): count
    }
  }
}

/// What a model says of a request's images.
struct Outputs: Sendable {
  let inputs: Inputs
  let classes: Int
  /// (N, classes)
  let scores: [Float]
  let probabilities: [Float]
  /// What the last layer reads, (N, featureCount); empty where nobody wants to know.
  let features: [Float]

  var count: Int { inputs.count }
  var featureCount: Int { features.count / max(1, count) }

  /// The likeliest class; of equals the first.
  func prediction(_ image: Int) -> Int {
    var best = 0
    for label in 0..<classes
    where probabilities[image * classes + label] > probabilities[image * classes + best] {
      best = label
    }
    return best
  }

  /// The likeliest classes, the likeliest first; of equals the first.
  func likeliest(_ count: Int, of image: Int) -> [Int] {
    if count == 1 { return [prediction(image)] }
    let row = probabilities[image * classes..<(image + 1) * classes]
    let first = row.startIndex
    return Array(
      (0..<classes).sorted {
        let (a, b) = (row[first + $0], row[first + $1])
        return a != b ? a > b : $0 < $1
      }.prefix(count))
  }
}

/// A request that waits for a model.
final class Job: Sendable {
  let model: ServedModel
  /// Images to be expected, by which the queue is measured.
  let size: Int
  let deadline: NIODeadline
  /// Makes the images, on the thread that answers.
  let prepare: @Sendable (ServedModel) throws(Refusal) -> Inputs
  /// Takes the answer, there.
  let finish: @Sendable (Result<Outputs, Refusal>) -> Void

  init(
    _ model: ServedModel, size: Int, deadline: NIODeadline,
    prepare: @escaping @Sendable (ServedModel) throws(Refusal) -> Inputs,
    finish: @escaping @Sendable (Result<Outputs, Refusal>) -> Void
  ) {
    self.model = model
    self.size = size
    self.deadline = deadline
    self.prepare = prepare
    self.finish = finish
  }
}
