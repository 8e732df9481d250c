/// A kind of metric, and all that is known of it.
///
/// Whatever names a metric finds here what it needs: a spec's `metrics`, what early stopping, a schedule or
/// a sweep watches, what is expected of a run, the columns of metrics.csv, what commands compare, rank and
/// draw, the schema and the catalogue. One more element of `all` is one more metric in all of these.
///
/// Those of a class c take it against the rest: TP are the samples of c that were taken for it, FP those
/// of others that were, FN those of c that were not, TN all else.
public struct MetricKind: Sendable {
  /// Which way is better.
  public enum Direction: String, Hashable, Sendable { case higher, lower }

  /// How people are told it.
  public enum Unit: Hashable, Sendable {
    /// A part of 1 in hundredths: 98.52 %.
    case percent
    case number
  }

  /// What there is of a kind, and how that is worked out of some samples, of which there is at least one.
  public enum Scope: Sendable {
    /// One figure that every evaluation and every training step gives, so that it needn't be asked for:
    /// `loss`.
    case always
    /// One figure: `ece`.
    case whole(@Sendable (Classification) -> Double)
    /// One for each class against the rest, and their mean, which has no value where one of them has
    /// none: `f1_7`, `f1_macro`. Whether that of a class has one depends on nothing but whether there are
    /// samples of it, and of others.
    case byClass(@Sendable (Classification) -> (Int) -> Double?)
    /// One for each number of classes, which stands for the k of the name: `top_3_accuracy`.
    case byCount(@Sendable (Classification, Int) -> Double)
  }

  /// `f1`; what its figures are called is told by `MetricName`.
  public let name: String
  /// Names that people bring from elsewhere.
  public let aliases: [String]
  public let better: Direction
  public let unit: Unit
  public let range: ClosedRange<Double>
  /// Whether it needs the probabilities of all classes, not only those of each sample's two.
  public let needsProbabilities: Bool
  /// What it is, and where it has no value; without a full stop.
  public let formula: String
  /// Who defined it, and whose figures these are.
  public let reference: String
  public let scope: Scope

  init(
    _ name: String, aliases: [String] = [], better: Direction, unit: Unit = .number,
    range: ClosedRange<Double> = 0...1, needsProbabilities: Bool = false, formula: String,
    reference: String, _ scope: Scope
  ) {
    self.name = name
    self.aliases = aliases
    self.better = better
    self.unit = unit
    self.range = range
    self.needsProbabilities = needsProbabilities
    self.formula = formula
    self.reference = reference
    self.scope = scope
  }

  /// Whether it is measured in every run, and of the images that are trained on too.
  public var isAlways: Bool { if case .always = scope { true } else { false } }
}

extension MetricKind: Hashable {
  public static func == (a: MetricKind, b: MetricKind) -> Bool { a.name == b.name }
  public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}

extension MetricKind {
  /// All that there are.
  public static let all = [
    loss, accuracy,
    MetricKind(
      "top_k_accuracy",
      aliases: [
        "top_k", "top_k_acc", "top_k_categorical_accuracy", "sparse_top_k_categorical_accuracy",
        "top_k_accuracy_score",
      ], better: .higher, unit: .percent,
      formula:
        "The part of the images whose class is among the k with the highest scores; of equal "
        + "scores the first class has the highest",
      reference: "scikit-learn's top_k_accuracy_score", .byCount { $0.topAccuracy($1) }),
    MetricKind(
      "precision", aliases: ["precision_score", "ppv"], better: .higher,
      formula: "TP/(TP + FP); 0 where nothing was taken for the class",
      reference: "scikit-learn's precision_score with zero_division 0",
      .byClass { $0.figures(\.precision) }),
    MetricKind(
      "recall", aliases: ["recall_score", "sensitivity", "tpr"], better: .higher,
      formula: "TP/(TP + FN); 0 where nothing is of the class",
      reference: "scikit-learn's recall_score with zero_division 0",
      .byClass { $0.figures(\.recall) }),
    MetricKind(
      "f1", aliases: ["f1_score", "f_score", "f_measure"], better: .higher,
      formula: "The harmonic mean of precision and recall, 2·TP/(2·TP + FP + FN); 0 where all of "
        + "these are",
      reference: "scikit-learn's f1_score with zero_division 0",
      .byClass { $0.figures(\.f1) }),
    MetricKind(
      "roc_auc", aliases: ["auc", "auroc", "roc_auc_score", "roc"], better: .higher,
      needsProbabilities: true,
      formula:
        "The area under the curve of TP/(TP + FN) over FP/(FP + TN) for all thresholds of the "
        + "class's probability: the chance that an image of the class has a higher one than an image "
        + "of another, equal ones half counted. No value where no image is of the class or all are",
      reference: "Hanley and McNeil 1982; scikit-learn's roc_auc_score with ovr",
      .byClass { $0.rocAUC }),
    MetricKind(
      "ece", aliases: ["calibration_error", "expected_calibration_error", "calibration"],
      better: .lower,
      formula: "The expected calibration error, Σ nᵦ/N·|accᵦ − confᵦ| over fifteen bins "
        + "((b − 1)/15, b/15] of the highest probability: nᵦ images, of which the part accᵦ was "
        + "recognised, whose highest probabilities have the mean confᵦ",
      reference: "Guo et al. 2017; torchmetrics' calibration_error",
      .whole { $0.calibrationError() }),
  ]

  static let loss = MetricKind(
    "loss", better: .lower, range: 0...(.infinity),
    formula: "The mean over the images of what the spec's \"loss\" says of each",
    reference: "the reduction \"mean\" of PyTorch's losses", .always)

  static let accuracy = MetricKind(
    "accuracy",
    aliases: [
      "acc", "categorical_accuracy", "sparse_categorical_accuracy", "binary_accuracy",
      "accuracy_score",
    ], better: .higher, unit: .percent,
    formula: "The part of the images that were taken for what they are",
    reference: "scikit-learn's accuracy_score", .always)
}

/// A metric of samples whose classes have their numbers.
public struct ClassificationMetric: Hashable, Sendable {
  public let kind: MetricKind
  /// The class that it is of, or the k; nil where it is of the whole, or the mean over all classes.
  public let number: Int?

  /// Whether it has a value where there are samples of these classes and no others, whatever is thought of
  /// them.
  public func isDefined(on labels: Set<Int>, classes: Int) -> Bool {
    guard !labels.isEmpty, case .byClass(let values) = kind.scope else { return !labels.isEmpty }
    // A class is taken against the rest, so that two samples stand for all.
    func hasValue(_ label: Int) -> Bool {
      var present = Labels()
      if labels.contains(where: { $0 != label }) { present.append(0) }
      if labels.contains(label) { present.append(1) }
      let scores = [Float](repeating: 0, count: 2 * present.count)
      return values(Classification(scores: scores, labels: present, classes: 2))(1) != nil
    }
    return number.map(hasValue) ?? (0..<classes).allSatisfy(hasValue)
  }
}
