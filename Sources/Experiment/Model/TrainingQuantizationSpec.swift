import ConvNet
import Quantization
import Storage

/// How a training makes a model that is to answer in integers.
public struct TrainingQuantizationSpec: Hashable, Sendable {
  /// The bits of a weight; and by what the ranges of values begin: how, and on how many images.
  public var integers = QuantizationSpec()
  /// How they follow the training.
  public var ranges = FakeQuantization.Ranges.learned

  public init() {}

  /// What it adds to a network.
  func added(to network: NetworkDescription) -> FakeQuantization {
    // A network that has no form in integers is told of where it is checked, and makes no plan.
    let values = try? NetworkPlan(network).valuesInIntegers()
    return FakeQuantization(
      weightBits: integers.weightBits, ranges: ranges, values: values ?? [])
  }

  /// "4-bit weights, learned ranges"
  var sentence: String { "\(integers.weightBits)-bit weights, \(ranges.word) ranges" }
}

extension FakeQuantization.Ranges {
  var word: String { SpecDescription.rangeKinds.name(of: self) }
}

// What a model's file says of how it was trained.
extension FakeQuantization {
  var json: JSONValue {
    [
      "weight_bits": JSONValue(weightBits), "ranges": SpecDescription.rangeKinds.encode(ranges),
    ]
  }
}

extension TrainingQuantizationSpec {
  /// What a model's file says.
  /// - Throws: `SpecErrors` with all that is wrong.
  init(_ json: JSONValue, name: String) throws(SpecErrors) {
    let root = JSONNode(json, origin: .file(offset: 0))
    var checker = SpecChecker(root: root)
    let checked = checker.check(
      root, .object(SpecDescription.trainingQuantization.type), Path())
    guard checker.problems.isEmpty, let checked,
      let spec = SpecDescription.trainingQuantization.decode(checked)
    else { throw SpecErrors(checker.problems, of: name) }
    self = spec
  }
}

extension SpecDescription {
  static let trainingQuantization = Declaration(TrainingQuantizationSpec()) {
    within([weightBits])
    Key(
      "ranges", \.ranges,
      .nameOrKind(of: rangeKinds) { $0 == .learned }, aliases: ["observer", "activation_ranges"],
      "How the ranges of values follow the training, from those that calibration begins with.")
    within(calibrationKeys)
  }

  static let rangeKinds = Kinds<FakeQuantization.Ranges>(
    key: "name", doc: "How ranges follow the training.", noun: "a course of ranges"
  ) {
    Kind(
      "learned", .learned, aliases: ["lsq", "lsq+", "tqt"],
      "Their scales and zero points are trained with the weights (Esser et al. 2020; Jain et al. 2020), "
        + "scales by their logarithms; a range that begins at 0 goes on beginning there.")
    Kind(
      "running", .running(momentum: 0.99),
      as: { (momentum: Float) in FakeQuantization.Ranges.running(momentum: momentum) },
      held: { if case .running(let momentum) = $0 { momentum } else { nil } },
      aliases: ["moving_average", "ema", "moving_average_minmax"],
      "Moving averages of the least and the greatest number of each batch (Jacob et al. 2018)."
    ) {
      Key(
        "momentum", \.self, .float(.from(0, below: 1)), aliases: ["decay"],
        "How much of them each step keeps.")
    }
  }

  private static func within(
    _ keys: [Key<QuantizationSpec>]
  ) -> [Key<TrainingQuantizationSpec>] {
    keys.map { $0.within(get: { $0.integers }, set: { $1.integers = $0 }) }
  }
}
