import Datasets
import Images

/// A few of a model's validation images with the scores that it gave them, by which whoever is to let it
/// answer finds out whether it says there what it said in its run: on another machine, after a copy, built
/// anew.
public struct TestedImages: Hashable, Sendable {
  /// (count, H, W, C), as the network saw them before they were normalised.
  public let pixels: [UInt8]
  public let shape: ImageShape
  /// (count, classes), before softmax.
  public let scores: [Float]

  /// The most that are kept, and the most bytes of pixels.
  static let most = 16
  static let mostBytes = 1 << 20

  /// The most that scores may differ, as a part of the largest: another kernel sums in another order.
  static let tolerance: Float = 1e-5

  public var count: Int { pixels.count / shape.count }

  public init(pixels: [UInt8], shape: ImageShape, scores: [Float]) {
    precondition(pixels.count % shape.count == 0)
    self.pixels = pixels
    self.shape = shape
    self.scores = scores
  }

  /// What is wrong with the scores that a model gives these images now; nil where nothing is.
  public func complaint(about found: [Float]) -> String? {
    guard found.count == scores.count, found.allSatisfy(\.isFinite) else {
      return "its scores of its own test images are no numbers"
    }
    let classes = scores.count / count
    func answer(_ scores: [Float], _ image: Int) -> Int {
      let first = image * classes
      return (1..<classes).reduce(0) { scores[first + $1] > scores[first + $0] ? $1 : $0 }
    }
    let wrong = (0..<count).count { answer(scores, $0) != answer(found, $0) }
    if wrong > 0 {
      return "it answers \(wrong) of its \(count) own test images otherwise than in its run"
    }
    let largest = scores.reduce(0) { max($0, abs($1)) }
    let difference = zip(scores, found).reduce(0) { max($0, abs($1.0 - $1.1)) }
    guard difference > Self.tolerance * largest else { return nil }
    return "its scores of its own test images differ from those of its run by up to "
      + "\(difference), where the largest is \(largest)"
  }
}
