// How a training goes on where layers that were frozen begin to learn: by another trainer, which takes
// over what this one has learned and remembers.

/// What a training has learned, and what it remembers of the parameters that it moves.
public struct TakenTraining: Sendable {
  fileprivate let model: Model
  /// By parameter, what there is of it in each of the moments.
  fileprivate let moments: [String: [[Float]]]
  /// By name, all else that the updater remembers.
  fileprivate let others: [String: [Float]]
  fileprivate let averages: Int
  fileprivate let batchesKept: Int
}

extension Trainer {
  /// All that decides how it goes on, as a value.
  public var taken: TakenTraining {
    TakenTraining(
      model: model, moments: updater.momentsByParameter,
      others: Dictionary(uniqueKeysWithValues: updater.others.map { ($0.name, Array($0.values)) }),
      averages: updater.averaging?.count ?? 0, batchesKept: batchesKept)
  }

  /// Goes on from where another of the same model and optimizer stopped. Of parameters that didn't learn
  /// there nothing is remembered: their moments are as at the beginning of a training.
  public func goOn(from taken: TakenTraining) {
    model = taken.model
    updater.takeMoments(taken.moments)
    for (name, values) in updater.others {
      guard let before = taken.others[name], before.count == values.count else { continue }
      _ = values.update(fromContentsOf: before)
    }
    updater.averaging?.count = taken.averages
    batchesKept = taken.batchesKept
  }
}
