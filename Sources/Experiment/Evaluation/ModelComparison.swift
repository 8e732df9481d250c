import ConvNet
import Datasets
import Statistics

/// Whether one model is really better than another, judged by the same images: McNemar's test, and the
/// difference of their accuracies.
public struct ModelComparison: Hashable, Sendable {
  public enum Verdict: String, Hashable, Sendable {
    case better
    case notShown = "not shown"
    case worse
  }

  public let test: McNemar
  public let count: Int
  public let first: Proportion
  public let second: Proportion
  /// The second's accuracy less the first's.
  public let difference: Double
  /// Its interval of confidence 1 − α, by the normal distribution of (c − b)/n, whose variance is
  /// (b + c − (b − c)²/n)/n² (Wald's for paired proportions).
  public let interval: Interval
  public let verdict: Verdict

  /// - Parameters:
  ///   - first: what the model that is used takes each image for.
  ///   - second: what the one that may be takes it for.
  public init(first: [Int], second: [Int], labels: [Int], alpha: Double = 0.05) {
    precondition(!labels.isEmpty)
    test = McNemar(first: first, second: second, labels: labels)
    count = labels.count
    self.first = Proportion(test.bothRight + test.firstOnly, of: count)
    self.second = Proportion(test.bothRight + test.secondOnly, of: count)
    let n = Double(count)
    let (b, c) = (Double(test.firstOnly), Double(test.secondOnly))
    difference = (c - b) / n
    let reach =
      -StandardNormal.quantile(alpha / 2) * (b + c - (b - c) * (b - c) / n).squareRoot() / n
    interval = Interval(difference - reach, difference + reach)
    verdict =
      test.midP >= alpha ? .notShown : test.secondOnly > test.firstOnly ? .better : .worse
  }

  /// "2 is better than 1: 97.10 % of 2,000 images, 95.20 % before (+1.900 points, 95 % confidence interval
  /// 1.1 to 2.7 points, McNemar's test, mid-p = 0.0002)"
  public func sentence(_ firstName: String, _ secondName: String) -> String {
    let what =
      switch verdict {
      case .better: "\(secondName) is better than \(firstName)"
      case .worse: "\(secondName) is worse than \(firstName)"
      case .notShown: "no difference between \(firstName) and \(secondName) is shown"
      }
    func points(_ value: Double) -> String { fixed(100 * value, 3) }
    let p = test.midP < 0.001 ? "< 0.001" : "= \(fixed(test.midP, 3))"
    return "\(what): \(percent(second.value)) of \(grouped(count)) images, and "
      + "\(percent(first.value)) (\(difference > 0 ? "+" : "")\(points(difference)) points, 95 % confidence interval "
      + "\(points(interval.low)) to \(points(interval.high)) points, McNemar's test, mid-p \(p))"
  }
}

extension ModelFile {
  /// The dataset section of labelled images that a model is to be asked about, brought to its shape as its
  /// training images were.
  /// - Parameter other: a dataset's name, or the path of one's own files.
  public func dataset(of other: String) -> DatasetSpec {
    var section = DatasetSpec(name: DatasetName(rawValue: other) ?? .files)
    section.preparation = preparation
    if section.name == .files {
      var files = OwnFiles(path: other, testPath: other, classes: .names(classNames))
      files.prepare = prepare
      section.files = files
    }
    return section
  }

  /// The likeliest class of each image, the first of equals.
  public func predictions(of images: any ImageSamples, threads: Int) throws -> [Int] {
    let inference = try Inference(model, team: Team(threads: threads))
    let classes = classNames.count
    let probabilities = inference.probabilities(of: images)
    return (0..<images.count).map { image in
      var best = 0
      for label in 1..<classes
      where probabilities[image * classes + label] > probabilities[image * classes + best] {
        best = label
      }
      return best
    }
  }
}
