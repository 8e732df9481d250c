import ConvNet

/// How much of their beginning, 0 and 1, a run leaves in the moving statistics of its batch norms:
/// momentumⁿ after n batches. Evaluation goes by them, training does not, so that a network which has
/// learned well looks as if it had not.
public struct MovingStatistics: Hashable, Sendable {
  /// The greatest of the batch norms that don't correct for it.
  public let momentum: Float
  /// How many batch norms have that one.
  public let layers: Int
  /// Of the whole run.
  public let batches: Int

  /// More of the beginning is worth a word.
  static let bound = 0.05

  /// Nil where no batch norm keeps such statistics uncorrected.
  public init?(_ spec: ExperimentSpec, trainingImages: Int) {
    // What a model has learned is no beginning to be rid of.
    guard spec.initial == nil, let momentum = spec.slowestMomentum,
      let plan = try? NetworkPlan(spec.network)
    else {
      return nil
    }
    self.momentum = momentum
    layers = plan.uncorrectedMomenta.count { $0 == momentum }
    let batchSize = spec.training.batchSize
    batches = spec.training.epochs * ((trainingImages + batchSize - 1) / batchSize)
  }

  /// momentumⁿ.
  public var remainder: Double { Self.power(momentum, batches) }

  /// What to say of it; nil where too little is left to matter.
  public var note: String? {
    // A momentum is a Float: 0.05 is a little more than that.
    guard remainder > Self.bound * (1 + 1e-6) else { return nil }
    let ends = batches == 1 ? "the one batch" : "the \(grouped(batches)) batches"
    let which = layers == 1 ? "one layer" : "\(layers) layers"
    return
      "batch_norm's moving averages, by which it is tested, still hold \(percent(remainder)) of "
      + "what they began with after \(ends) of the whole run (momentum \(momentum), \(which)): set "
      + "\"debias\": true there, or a momentum of \(fixed(fitting, 3)) at most"
  }

  /// The greatest momentum in thousandths that leaves no more than the bound.
  var fitting: Double {
    let exact = Elementary.exp(Elementary.log(Self.bound) / Double(batches))
    return (exact * 1000).rounded(.down) / 1000
  }

  /// That of two specs of one dataset whose run leaves more of the beginning.
  public static func lesserMoved(
    _ first: ExperimentSpec?, _ second: ExperimentSpec
  ) -> ExperimentSpec? {
    // The logarithm of what is left, by image.
    func decay(_ spec: ExperimentSpec) -> Double? {
      spec.slowestMomentum.map {
        Elementary.log(max(Double($0), 1e-300)) * Double(spec.training.epochs)
          / Double(spec.training.batchSize)
      }
    }
    guard let decaySecond = decay(second) else { return first }
    guard let first, let decayFirst = decay(first), decayFirst >= decaySecond else { return second }
    return first
  }

  private static func power(_ momentum: Float, _ batches: Int) -> Double {
    momentum == 0 ? 0 : Elementary.exp(Elementary.log(Double(momentum)) * Double(batches))
  }
}

extension ExperimentSpec {
  /// The greatest momentum of a batch norm that doesn't correct its moving statistics.
  public var slowestMomentum: Float? {
    (try? NetworkPlan(network))?.uncorrectedMomenta.max()
  }

  /// What to say of its moving statistics; nil where there is nothing to say, or where only the files
  /// will tell how many images there are.
  public func movingStatisticsNote(trainingImages: Int? = nil) -> String? {
    (trainingImages ?? dataset.split?.training).flatMap {
      MovingStatistics(self, trainingImages: $0)?.note
    }
  }
}
