import ConvNet

/// What a training begins with instead of fresh weights: the tensors of a model, by their names; and
/// which layers keep them.
public struct InitialSpec: Hashable, Sendable {
  /// Where the model is: a model.safetensors, or the folder of a run or of a sweep.
  public var model: String
  /// SHA-256 of its weights; nil for those of whatever model is there.
  public var weightsDigest: String?
  /// The layers whose tensors are taken, by name or pattern; nil for all that fit.
  public var layers: [String]?
  /// Whether nothing is taken of a layer that is another there, or else each tensor that fits.
  public var wholeLayers: Bool
  public var normalization: Normalizing
  public var frozen: Frozen
  /// The epoch, from 1, with which frozen layers begin to learn; nil for never.
  public var unfreezeAt: Int?
  /// Which of them do, by name or pattern; nil for all.
  public var unfreeze: [String]?
  /// A layer whose outputs are kept, one for each image.
  public var features: String?

  /// By whose figures images are normalised.
  public enum Normalizing: String, Hashable, Sendable, CaseIterable {
    /// By those with which the model was trained, or not, as it was.
    case model
    /// As `dataset.normalize` says.
    case dataset
  }

  public enum Frozen: Hashable, Sendable {
    /// By name or pattern; empty for none.
    case layers([String])
    /// All that have tensors but the last of them.
    case allButLast

    static let allButLastName = "all_but_last"
  }

  public init(
    model: String, weightsDigest: String? = nil, layers: [String]? = nil,
    wholeLayers: Bool = true, normalization: Normalizing = .model, frozen: Frozen = .layers([]),
    unfreezeAt: Int? = nil, unfreeze: [String]? = nil, features: String? = nil
  ) {
    self.model = model
    self.weightsDigest = weightsDigest
    self.layers = layers
    self.wholeLayers = wholeLayers
    self.normalization = normalization
    self.frozen = frozen
    self.unfreezeAt = unfreezeAt
    self.unfreeze = unfreeze
    self.features = features
  }
}

/// Names of layers, in which `*` stands for any characters; `..` and a name for all up to that one.
enum LayerPattern {
  /// The labels, which are in the layers' order, that one of the patterns means.
  static func matches(_ patterns: [String], among labels: [String]) -> Set<String> {
    var matches: Set<String> = []
    for pattern in patterns {
      if let last = end(of: pattern) {
        if let place = labels.firstIndex(of: last) { matches.formUnion(labels[...place]) }
      } else {
        matches.formUnion(labels.filter { self.matches(pattern, $0) })
      }
    }
    return matches
  }

  /// The name behind `..`.
  static func end(of pattern: String) -> String? {
    pattern.hasPrefix("..") ? String(pattern.dropFirst(2)) : nil
  }

  static func matches(_ pattern: String, _ label: String) -> Bool {
    let (pattern, label) = (Array(pattern.utf8), Array(label.utf8))
    // Of the last star, where it is, and how much of the label it stands for.
    var star: (place: Int, end: Int)?
    var (i, j) = (0, 0)
    while j < label.count {
      if i < pattern.count, pattern[i] == UInt8(ascii: "*") {
        star = (i, j)
        i += 1
      } else if i < pattern.count, pattern[i] == label[j] {
        i += 1
        j += 1
      } else if let last = star {
        star = (last.place, last.end + 1)
        (i, j) = (last.place + 1, last.end + 1)
      } else {
        return false
      }
    }
    return pattern[i...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

extension NetworkPlan {
  /// What those of its layers are called that have tensors, in their order.
  var layersWithTensors: [String] {
    zip(layers, Model.tensorsByLayer(of: self)).filter { !$1.isEmpty && !$0.isRounding }
      .map(\.0.label)
  }
}

extension NetworkPlan.Layer {
  /// Whether it rounds values, in training with quantisation.
  var isRounding: Bool { if case .fakeQuantize = description { true } else { false } }
}

extension InitialSpec {
  /// The layers of a plan that are frozen at first.
  public func frozenLayers(of plan: NetworkPlan) -> Set<String> {
    let labels = plan.layersWithTensors
    switch frozen {
    case .layers(let patterns): return LayerPattern.matches(patterns, among: labels)
    case .allButLast: return Set(labels.dropLast())
    }
  }

  /// Those that are no longer, in the end.
  func unfrozenLayers(of plan: NetworkPlan) -> Set<String> {
    guard unfreezeAt != nil else { return [] }
    let frozen = frozenLayers(of: plan)
    return unfreeze.map { LayerPattern.matches($0, among: plan.layersWithTensors) }?
      .intersection(frozen) ?? frozen
  }
}

extension ExperimentSpec {
  /// What doesn't learn in an epoch, from 1.
  /// - Parameter stepsPerEpoch: of which an optimizer that begins anew counts none of those before.
  func freezing(epoch: Int, stepsPerEpoch: Int, of plan: NetworkPlan) -> Freezing {
    guard let initial else { return Freezing() }
    let frozen = initial.frozenLayers(of: plan)
    guard let first = initial.unfreezeAt, epoch >= first else {
      return Freezing(layers: frozen, features: initial.features)
    }
    let late = initial.unfrozenLayers(of: plan)
    return Freezing(
      layers: frozen.subtracting(late), late: late, lateAfter: (first - 1) * stepsPerEpoch)
  }

  /// What doesn't learn, one time after another: at first, and where some of it learns later, then.
  func freezings(of plan: NetworkPlan) -> [Freezing] {
    let epochs = [1] + (initial?.unfreezeAt.map { [$0] } ?? [])
    return epochs.map { freezing(epoch: $0, stepsPerEpoch: 1, of: plan) }
  }
}
