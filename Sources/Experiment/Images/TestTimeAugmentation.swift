import ConvNet
import Datasets
import Storage

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
    let labels = views[0].labels
    let together = max(1, Self.scoresTogether / classes)
    var (correct, entropy) = (0, 0.0)
    for start in stride(from: 0, to: count, by: together) {
      let range = start..<min(count, start + together)
      var sums = [Double](repeating: 0, count: range.count * classes)
      var scores = [Float](repeating: 0, count: range.count * classes)
      for view in views {
        scores.withUnsafeMutableBufferPointer {
          inference.scores(of: view, range: range, into: $0)
        }
        for first in stride(from: 0, to: scores.count, by: classes) {
          Self.addSoftmax(of: scores[first..<first + classes], to: &sums)
        }
      }
      for i in range {
        let mean = sums[(i - start) * classes..<(i - start + 1) * classes]
        // The first of equals, as a network's own prediction is.
        var best = mean.startIndex
        for place in mean.indices where mean[place] > mean[best] { best = place }
        if best - mean.startIndex == labels[i] { correct += 1 }
        entropy -= Elementary.log(mean[mean.startIndex + labels[i]] / Double(views.count))
      }
    }
    self.views = views.count
    accuracy = Double(correct) / Double(count)
    crossEntropy = entropy / Double(count)
  }

  /// Scores that are looked at together, so that those of many classes fit into memory.
  private static let scoresTogether = 1 << 22

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
