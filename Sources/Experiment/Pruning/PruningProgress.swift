import ConvNet
import Pruning
import Storage

/// How far a pruning has come, step after step, to where it is to get.
public struct PruningProgress {
  private let spec: PruningSpec
  /// The channels that can go, before the first step.
  private let channels: Int
  /// How many steps are behind it.
  private var steps = 0
  /// What there was of what is bounded, and what is to be left of it.
  private let budget: (before: Double, limit: Double)?

  /// - Parameters:
  ///   - ranking: of the whole model.
  ///   - cost: what a model costs.
  /// - Throws: `NetworkError` where nothing can go.
  public init(
    _ spec: PruningSpec, of model: Model, _ ranking: Ranking,
    cost: (PruningSpec.Cost, Model) throws -> Double
  ) throws {
    self.spec = spec
    channels = ranking.count
    guard ranking.most > 0 else {
      let reasons = ranking.whole.map { "\($0.layer): \($0.reason)" }
      throw NetworkError(
        ranking.unscored.isEmpty
          ? "none of its channels can be removed"
            + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))")
          : "criterion \(spec.criterion.rawValue) says nothing of any of its layers: they have no "
            + "batch_norm with a scale behind them")
    }
    let least = try ranking.model(model, withoutFirst: ranking.most)
    guard least.plan.parameters < model.plan.parameters else {
      throw NetworkError(
        "no layer has more than \(spec.multiple) channels, of which multiples are to be left; multiple=1 "
          + "lets more go")
    }
    switch spec.goal {
    case .share: budget = nil
    case .zeros: preconditionFailure("weights are no channels")
    case .budget(let kind, let left):
      let before = try cost(kind, model)
      let limit = left < 1 ? left * before : left
      guard limit < before else {
        throw NetworkError(
          "\(kind.rawValue): it has \(kind.text(before)), no more than the \(kind.text(limit)) that "
            + "are asked for")
      }
      budget = (before, limit)
    }
  }

  /// What is left of a model after the next step.
  /// - Throws: `NetworkError` where less can't be left than is asked for.
  public mutating func narrowed(
    _ model: Model, by ranking: Ranking, cost: (PruningSpec.Cost, Model) throws -> Double
  ) throws -> Model {
    steps += 1
    let part = Double(steps) / Double(spec.steps)
    let count: Int
    switch spec.goal {
    case .zeros: preconditionFailure("weights are no channels")
    case .share(let share):
      let left = Int((Double(channels) * power(1 - share, part)).rounded())
      count = max(0, ranking.count - left)
      guard count <= ranking.most else {
        throw NetworkError(
          "share: of its \(grouped(ranking.count)) channels \(grouped(ranking.most)) can go at most, for "
            + "each layer keeps one, and not \(grouped(count))")
      }
    case .budget(let kind, _):
      let (before, last) = budget!
      let limit = before * power(last / before, part)
      let (found, least) = try ranking.fewest(of: model, within: limit) { try cost(kind, $0) }
      guard let found else {
        throw NetworkError(
          "\(kind.rawValue): with as few channels of each layer as may be left there are still "
            + "\(kind.text(least)), more than \(kind.text(limit))"
            + (spec.multiple > 1 ? "; multiple=1 lets more go" : ""))
      }
      count = found
    }
    return try ranking.model(model, withoutFirst: count)
  }

  private func power(_ base: Double, _ exponent: Double) -> Double {
    exponent == 1 ? base : Elementary.exp(exponent * Elementary.log(base))
  }
}
