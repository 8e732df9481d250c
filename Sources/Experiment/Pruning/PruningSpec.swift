import ConvNet
import Pruning
import Storage

/// How a model is to be pruned and trained further: what `runner prune` reads.
public struct PruningSpec: Hashable, Sendable {
  public var criterion = PruningCriterion.taylor
  public var comparison = PruningComparison.none
  /// Of the channels, the part that goes.
  public var share: Double?
  /// What is left, below 1 as a part of what there was.
  public var flops: Double?
  public var bytes: Double?
  public var microseconds: Double?
  /// Of the weights, the part that becomes 0, where no channels are to go.
  public var sparsity: Double?
  public var weights = PrunedWeights()
  /// The epochs after which the weights are taken that are left of a run; nil for those that it came to.
  public var rewind: Double?
  /// By which other weights are drawn instead of those that the run began with.
  public var seed: UInt64?
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
    /// The part of the weights that becomes 0.
    case zeros(Double)
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
    if let sparsity { goals.append(("sparsity", .zeros(sparsity))) }
    return goals
  }

  public var goal: Goal { goals[0].goal }

  /// Whether it asks for the images, or the record, of a run.
  public var needsRun: Bool {
    epochs > 0 || rewind != nil || sparsity == nil && criterion == .taylor
  }

  /// The share of zeros after a step, from 1: what is not 0 becomes less by the same factor in each.
  public func sparsity(step: Int) -> Double {
    let (sparsity, part) = (sparsity!, Double(step) / Double(steps))
    return step == steps ? sparsity : 1 - Elementary.exp(part * Elementary.log(1 - sparsity))
  }

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
            ? "how much? One of share, flops, bytes, microseconds and sparsity says it, as flops=0.25"
            : "\(given.joined(separator: " and ")): one of them says how much, not "
              + "\(given.count)")
      ])
    }
    func refuse(_ key: String, _ message: String) {
      guard let member = root[key] else { return }
      reading.report(
        SpecChecker.Problem(origin: member.value.origin, path: Path() + key, message: message))
    }
    if spec.sparsity == nil {
      for key in Self.weightKeys { refuse(key, "goes with sparsity") }
      if spec.criterion != .taylor { refuse("images", "goes with criterion taylor") }
    } else {
      for key in Self.channelKeys { refuse(key, "is of channels, and sparsity of weights") }
      if spec.rewind != 0 {
        refuse("seed", "goes with rewind=0")
      } else if spec.steps > 1 {
        refuse(
          "seed",
          "goes with steps=1, for other weights would choose other masks in each step; prune in steps "
            + "first, and then its last run by the same sparsity with rewind=0 and seed")
      }
    }
    if spec.rewind != nil {
      if spec.epochs > 0 { refuse("epochs", "with rewind, all of the run's are trained, or 0") }
      refuse("learning_rate", "with rewind, the run's own is taken")
    }
    if spec.epochs == 0 { refuse("learning_rate", "goes with epochs of 1 or more") }
    if spec.epochs == 0, spec.steps > 1 {
      refuse(
        "steps", "goes with epochs of 1 or more: without a training, all can be pruned at once")
    }
    guard reading.isFine else { throw reading.errors }
    self = spec
  }

  /// What is of channels alone, and of weights, besides what says how much.
  private static let channelKeys = ["criterion", "normalization", "multiple", "images"]
  private static let weightKeys = ["scope", "layers", "rewind", "seed"]

  /// Every default written out, of what has a say in it.
  public var json: JSONValue {
    var json = SpecDescription.pruning.encode(self).object!
    var idle = sparsity == nil ? Self.weightKeys + ["sparsity"] : Self.channelKeys
    if rewind != nil { idle += ["learning_rate"] + (epochs > 0 ? ["epochs"] : []) }
    for key in idle { json[key] = nil }
    return .object(json)
  }

  /// Its keys.
  public static var keys: [String] { SpecDescription.pruning.type.fields.map(\.name) }

  /// What `runner explain` tells of it.
  public static func catalogue() -> [CatalogueEntry] {
    SpecDescription.pruning.type.catalogue(
      kind: "a spec", name: "pruning",
      doc:
        "How runner prune removes channels of a model, or makes weights 0, and trains what is left: the "
        + "whole of a file, or key=value. One of share, flops, bytes and microseconds says how much of "
        + "the channels, or sparsity how many of the weights.")
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
      "share", \.share, .number(.above(0, below: 1)), aliases: ["ratio", "amount"],
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
      "sparsity", \.sparsity, .number(.above(0, below: 1)), aliases: ["final_sparsity", "zeros"],
      "Of the weights of kernels, the part that becomes 0, those of least magnitude: no channel goes, the model's "
        + "file stores zeros in a bit each, and the training keeps them. It saves bytes, not time.")
    within(prunedWeights)
    Key(
      "rewind", \.rewind, .number(.from(0, to: 1_000_000)),
      aliases: ["rewind_epoch", "late_reset"],
      "With sparsity, the epochs after which the run's weights are taken for what is left, 0 for those that "
        + "it began with, parts of epochs being rounded to steps: a lottery ticket (Frankle and Carbin 2019; "
        + "Frankle et al. 2020), which is then trained as the run was, all of its epochs by its schedule from the "
        + "beginning (Frankle et al. train those that were left). The run is trained again to there, to the same "
        + "bits. Null for the weights that it came to.")
    Key(
      "seed", \.seed, .seed, aliases: ["reinit", "random_seed"],
      "With rewind=0, draws other weights than those that the run began with: what a ticket is compared with; "
        + "of a ticket's own run, by the sparsity that it has, under the same mask. Null for the run's own."
    )
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
      "In how many steps the goal is reached, what is left becoming less by the same factor in each, with a "
        + "training after each.")
    Key(
      "epochs", \.epochs, .integer(0...1_000_000),
      aliases: ["fine_tuning_epochs", "finetune_epochs"],
      "Of the training after each step; 0 for none, when the spec that is written has those of the run."
    )
    Key(
      "learning_rate", \.learningRate, .number(.above(0, to: 100)), aliases: ["lr"],
      "Of these trainings, as a factor of that of the run; it falls to 0 by half a cosine.")
  }

  private static func within(_ keys: [Key<PrunedWeights>]) -> [Key<PruningSpec>] {
    keys.map { $0.within(get: { $0.weights }, set: { $1.weights = $0 }) }
  }
}
