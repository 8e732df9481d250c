import Datasets

extension ExperimentSpec {
  /// What to say of a spec before anything is trained, though nothing is wrong with it.
  /// - Parameter trainingImages: how many there are; nil for as many as the spec tells.
  public func notes(trainingImages: Int? = nil) -> [String] {
    [movingStatisticsNote(trainingImages: trainingImages), weighingNote].compactMap { $0 }
  }

  /// Images drawn so that all classes come equally often, and weights of the classes besides.
  private var weighingNote: String? {
    let balance = dataset.selection.balance
    guard balance != .none, loss.balancesClasses || loss.classWeights != nil else { return nil }
    let both = "dataset.balance \"\(balance.rawValue)\" and loss.class_weights are both asked for: "
    return both
      + (loss.balancesClasses
        ? "as all classes then come equally often, \"balanced\" weighs each of them 1"
        : "the classes come equally often, and are weighed besides, so that the rare may count twice")
  }
}
