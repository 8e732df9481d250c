import ConvNet
import Pruning
import Storage

/// How a model is to be pruned and fine-tuned: what `runner prune` reads.
public struct PruningSpec: Hashable, Sendable {
  public var criterion = PruningCriterion.taylor
  public var comparison = PruningComparison.none
  /// Of the channels, the part that goes.
  public var share: Double?
  /// What is left, below 1 as a part of what there was.
  public var flops: Double?
  public var bytes: Double?
  public var microseconds: Double?
  public var multiple = 8
  /// How many images gradients are taken of.
  public var images = 1000
  /// In how many parts it is pruned, with a training after each.
  public var steps = 1
  /// Of each training; 0 for none.
  public var epochs = 5
  /// As a part of that of the run.
  public var learningRate = 1.0

  public init() {}

  /// What it is pruned down to.
  public enum Goal: Hashable, Sendable {
    /// The part of the channels that goes.
    case share(Double)
    /// What is left, below 1 as a part of what there was.
    case budget(Cost, Double)
  }

  /// What a model costs.
  public enum Cost: String, Hashable, Sendable, CaseIterable {
    case flops, bytes, microseconds

    /// "12,345 operations"
    public func text(_ value: Double) -> String {
      switch self {
      case .flops: "\(grouped(Int(value.rounded()))) operations"
      case .bytes: "\(grouped(Int(value.rounded()))) bytes"
      case .microseconds: "\(fixed(value, 1)) microseconds an image"
      }
    }
  }

  private var goals: [(key: String, goal: Goal)] {
    var goals: [(String, Goal)] = []
    if let share { goals.append(("share", .share(share))) }
    for (cost, left) in [(Cost.flops, flops), (.bytes, bytes), (.microseconds, microseconds)] {
      if let left { goals.append((cost.rawValue, .budget(cost, left))) }
    }
    return goals
  }

  public var goal: Goal { goals[0].goal }

  /// Reads a file, if there is one, and applies `key=value` arguments.
  /// - Throws: `SpecErrors` with all that is wrong, by position.
  public init(reading path: String?, overrides: [String]) throws(SpecErrors) {
    var reading = SpecReading()
    let name = path ?? "command line"
    var bytes = Array("{}".utf8)
    if let path {
      do { bytes = try specBytes(path) } catch { throw SpecErrors([error]) }
    }
    guard var root = reading.parse(bytes, name: name) else { throw reading.errors }
    for override in reading.overrides(overrides) { reading.apply(override, to: &root) }
    var checker = SpecChecker(root: root)
    let checked = checker.check(root, .object(SpecDescription.pruning.type), Path())
    reading.report(checker.problems)
    guard reading.isFine, let checked, let spec = SpecDescription.pruning.decode(checked)
    else { throw reading.errors }
    let given = spec.goals.map(\.key)
    if given.count != 1 {
      throw SpecErrors([
        Diagnostic(
          source: name, path: "",
          message: given.isEmpty
            ? "how much? One of share, flops, bytes and microseconds says it, as flops=0.25"
            : "\(given.joined(separator: " and ")): one of them says how much, not "
              + "\(given.count)")
      ])
    }
    func refuse(_ key: String, _ message: String) {
      guard let member = root[key] else { return }
      reading.report(
        SpecChecker.Problem(origin: member.value.origin, path: Path() + key, message: message))
    }
    if spec.criterion != .taylor { refuse("images", "goes with criterion taylor") }
    if spec.epochs == 0 { refuse("learning_rate", "goes with epochs of 1 or more") }
    if spec.epochs == 0, spec.steps > 1 {
      refuse(
        "steps", "goes with epochs of 1 or more: without a training, all can be pruned at once")
    }
    guard reading.isFine else { throw reading.errors }
    self = spec
  }

  /// Every default written out.
  public var json: JSONValue { SpecDescription.pruning.encode(self) }

  /// Its keys.
  public static var keys: [String] { SpecDescription.pruning.type.fields.map(\.name) }

  /// What `runner explain` tells of it.
  public static func catalogue() -> [CatalogueEntry] {
    SpecDescription.pruning.type.catalogue(
      kind: "a spec", name: "pruning",
      doc:
        "How runner prune removes channels of a model and fine-tunes what is left: the whole of a "
        + "file, or key=value. One of share, flops, bytes and microseconds says how much.")
  }
}

extension SpecDescription {
  static let pruning = Declaration(PruningSpec()) {
    Key(
      "criterion", \.criterion,
      .choice(
        "a criterion",
        aliases: ["magnitude": "l1", "l1_norm": "l1", "bn": "batch_norm", "slimming": "batch_norm"]),
      aliases: ["score", "importance", "method"],
      "How much a channel would be missed: l1: Σ|w| of its filter or unit (Li et al. 2017); batch_norm: "
        + "|γ| of the batch norms behind it (Liu et al. 2017), layers without one staying whole; taylor: "
        + "(Σ g·w)², what the loss would change by to first order, in the mean of some batches of training "
        + "images (Molchanov et al. 2019). What is summed by residual blocks and the like goes together, "
        + "and its scores are added up.")
    Key(
      "normalization", \.comparison,
      .choice(
        "a normalisation", aliases: ["layer": "uniform", "local": "uniform", "global": "none"]),
      aliases: ["normalisation", "comparison"],
      "How scores of different layers are compared: none: as they are, which suits taylor, whose unit is the "
        + "loss in all layers; l2: each divided by √Σs² of its layer (Molchanov et al. 2017); uniform: not "
        + "at all, of each layer the same share goes, as Li et al. do.")
    Key(
      "share", \.share, .number(.above(0, below: 1)), aliases: ["ratio", "amount", "sparsity"],
      "Of the channels that can go, the part that does.")
    Key(
      "flops", \.flops, .number(.above(0, to: 1e15)), aliases: ["operations", "macs"],
      "The operations that are left, a multiply-add counting two, as runner validate counts them; below "
        + "1 as a part of those of the model.")
    Key(
      "bytes", \.bytes, .number(.above(0, to: 1e15)), aliases: ["size"],
      "The bytes of the model's file that are left; below 1 as a part.")
    Key(
      "microseconds", \.microseconds, .number(.above(0, to: 1e12)), aliases: ["latency", "time"],
      "What an image takes on one core of this machine, as runner tradeoff measures it; below 1 as a "
        + "part. What goes then depends on the machine and the moment; what was written does not.")
    Key(
      "multiple", \.multiple, .integer(1...1024), aliases: ["round_to", "divisor"],
      "What the number of channels that stay of a layer is rounded up to a multiple of, as far as it has "
        + "as many. Vector code works on 8 or 16 at once: of t0 a quarter of the operations took 15 "
        + "microseconds with 8 and 25 with 1, and all of them 44.")
    Key(
      "images", \.images, .integer(1...10_000_000), aliases: ["samples"],
      "With criterion taylor, how many training images gradients are taken of, in batches of the run's "
        + "size.")
    Key(
      "steps", \.steps, .integer(1...1000), aliases: ["iterations", "rounds"],
      "In how many steps the goal is reached, each by the same factor, with a training after each.")
    Key(
      "epochs", \.epochs, .integer(0...1_000_000),
      aliases: ["fine_tuning_epochs", "finetune_epochs"],
      "Of the training after each step; 0 for none, when the spec that is written has those of the run."
    )
    Key(
      "learning_rate", \.learningRate, .number(.above(0, to: 100)), aliases: ["lr"],
      "Of these trainings, as a factor of that of the run; it falls to 0 by half a cosine.")
  }
}
