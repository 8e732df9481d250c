import ConvNet
import Datasets

extension ExperimentSpec {
  /// What to say of a spec before anything is trained, though nothing is wrong with it.
  /// - Parameter trainingImages: how many there are; nil for as many as the spec tells.
  public func notes(trainingImages: Int? = nil) -> [String] {
    [movingStatisticsNote(trainingImages: trainingImages), weighingNote, convolutionNote]
      .compactMap { $0 }
  }

  /// Minimal filtering asked for where none or not all of it can be.
  private var convolutionNote: String? {
    guard compute.convolution == .winograd, let plan = try? NetworkPlan(network) else { return nil }
    if plan.minimallyFiltered.isEmpty {
      return "compute.convolution is \"winograd\", but no convolution of this network gains by "
        + "it: all are computed as with \"im2col\""
    }
    guard case .kfac = optimizer.rule else { return nil }
    return "compute.convolution is \"winograd\", but kfac asks for the patches that windows see: "
      + "what it moves is trained as with \"im2col\", and only evaluated by winograd"
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
