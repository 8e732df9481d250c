import ConvNet
import Datasets

/// Test-time augmentation: the test images are looked at K times, once as they are and then distorted
/// at random, and the probabilities that the network gives are averaged, p̄ = Σₖ softmax(zₖ)/K, as
/// Krizhevsky, Sutskever and Hinton (2012) do over crops.
public struct TestTimeAugmentation: Hashable, Sendable {
  /// K, the views of each image, the image itself the first.
  public var count: Int
  /// What the others are distorted by; nil, the default, for what the training images are. Mixings of
  /// two images are left out.
  public var ops: [AugmentationOp]?

  public init(count: Int = 8, ops: [AugmentationOp]? = nil) {
    self.count = count
    self.ops = ops
  }

  /// The ops of an experiment that it uses; empty where there is nothing to distort by.
  public func ops(of spec: ExperimentSpec) -> [AugmentationOp] {
    (ops ?? spec.augmentation).filter { !$0.isMixing }
  }
}

/// What the mean over views comes to.
public struct AveragedViews: Hashable, Sendable {
  public let views: Int
  /// The share of the images whose class has the largest p̄.
  public let accuracy: Double
  /// The mean of −ln p̄ of the images' classes, p̄ the mean of the views' softmax: not the
  /// experiment's own loss, which may smooth or weigh labels or be none of probabilities.
  public let crossEntropy: Double

  /// - Parameter views: the images each time they are looked at, in one order.
  init(_ inference: Inference, _ views: [any SampleSource]) {
    let count = views[0].count
    let classes = inference.plan.description.classes
    var sums = [Double](repeating: 0, count: count * classes)
    var scores = [Float](repeating: 0, count: count * classes)
    for view in views {
      scores.withUnsafeMutableBufferPointer {
        inference.scores(of: view, range: 0..<count, into: $0)
      }
      for first in stride(from: 0, to: count * classes, by: classes) {
        Self.addSoftmax(of: scores[first..<first + classes], to: &sums)
      }
    }
    var (correct, entropy) = (0, 0.0)
    for i in 0..<count {
      let mean = sums[i * classes..<(i + 1) * classes]
      let label = views[0].label(of: i)
      // The first of equals, as a network's own prediction is.
      var best = mean.startIndex
      for place in mean.indices where mean[place] > mean[best] { best = place }
      if best - mean.startIndex == label { correct += 1 }
      entropy -= Elementary.log(mean[mean.startIndex + label] / Double(views.count))
    }
    self.views = views.count
    accuracy = Double(correct) / Double(count)
    crossEntropy = entropy / Double(count)
  }

  private static func addSoftmax(of scores: ArraySlice<Float>, to sums: inout [Double]) {
    let largest = Double(scores.max()!)
    var total = 0.0
    for score in scores { total += Elementary.exp(Double(score) - largest) }
    for place in scores.indices {
      sums[place] += Elementary.exp(Double(scores[place]) - largest) / total
    }
  }

  var json: JSONValue {
    [
      "views": JSONValue(views), "test_accuracy": JSONValue(accuracy),
      "test_cross_entropy": JSONValue(crossEntropy),
    ]
  }
}

extension AugmentationOp {
  var isMixing: Bool { if case .mix = self { true } else { false } }
}
