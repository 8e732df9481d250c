import ConvNet
import Pruning
import Storage

/// How far a pruning has come, step after step, to where it is to get.
public struct PruningProgress {
  private let spec: PruningSpec
  /// The channels that can go, before the first step.
  private let channels: Int
  /// What there was of what is bounded, and what is to be left of it.
  private let budget: (cost: PruningSpec.Cost, before: Double, limit: Double)?

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
    switch spec.goal {
    case .share: budget = nil
    case .budget(let kind, let left):
      let before = try cost(kind, model)
      let limit = left < 1 ? left * before : left
      guard limit < before else {
        throw NetworkError(
          "\(kind.rawValue): it has \(kind.text(before)), no more than the \(kind.text(limit)) that "
            + "are asked for")
      }
      budget = (kind, before, limit)
    }
  }

  /// How many of a ranking go in a step, from 1.
  /// - Throws: `NetworkError` where that is more than can go.
  public func count(
    step: Int, of model: Model, _ ranking: Ranking,
    cost: (PruningSpec.Cost, Model) throws -> Double
  ) throws -> Int {
    let part = Double(step) / Double(spec.steps)
    guard let budget else {
      guard case .share(let share) = spec.goal else { preconditionFailure("a share or a budget") }
      let left = Int((Double(channels) * power(1 - share, part)).rounded())
      guard ranking.count - left <= ranking.most else {
        throw NetworkError(
          "share: of its \(grouped(ranking.count)) channels \(grouped(ranking.most)) can go at most, for "
            + "each layer keeps one, and not \(grouped(ranking.count - left))")
      }
      return max(0, ranking.count - left)
    }
    let limit = budget.before * power(budget.limit / budget.before, part)
    let found = try ranking.fewest(of: model, within: limit) { try cost(budget.cost, $0) }
    guard let found else {
      let least = try cost(budget.cost, ranking.model(model, withoutFirst: ranking.most))
      throw NetworkError(
        "\(budget.cost.rawValue): with one channel of each layer there are still "
          + "\(budget.cost.text(least)), more than \(budget.cost.text(limit))")
    }
    return found
  }

  private func power(_ base: Double, _ exponent: Double) -> Double {
    exponent == 1 ? base : Elementary.exp(exponent * Elementary.log(base))
  }
}
