/// Some trials that compete: all are trained for the epochs of the first rung, the best of them on
/// to the second, and so on.
public struct Bracket: Hashable, Sendable {
  /// The numbers of its trials.
  public let trials: Range<Int>
  /// How many epochs a trial has been trained at the end of each rung, ascending.
  public let rungs: [Int]
  /// One of so many goes on from rung to rung.
  public let eta: Int

  /// How many trials train on each rung when none fails: n, ⌊n/η⌋, ⌊n/η²⌋, …, at least one.
  public var sizes: [Int] {
    var sizes = [trials.count]
    for _ in rungs.dropFirst() { sizes.append(max(sizes.last! / eta, min(1, trials.count))) }
    return sizes
  }

  /// Which trials go on from rung `rung`, in the order of their numbers: the best ⌊n/η⌋ of the n
  /// that reached it, at least one. None that failed, and none from the last rung.
  ///
  /// - Parameter results: the trials that this rung was for and their losses at its end, in any
  ///   order; nil or not a number for one that failed. Of equal losses the earlier trial is the
  ///   better.
  public func promoted(of results: [(trial: Int, loss: Double?)], rung: Int) -> [Int] {
    precondition(rungs.indices.contains(rung))
    guard rung + 1 < rungs.count else { return [] }
    return ranked(results).prefix(max(results.count / eta, 1)).sorted()
  }
}

/// The trials without a failure, the best first; of equal losses the one with the lower number.
func ranked(_ results: [(trial: Int, loss: Double?)]) -> [Int] {
  results.compactMap { result in
    result.loss.flatMap { $0.isNaN ? nil : (trial: result.trial, loss: $0) }
  }
  .sorted { ($0.loss, $0.trial) < ($1.loss, $1.trial) }
  .map(\.trial)
}

/// How trials are put into brackets.
public protocol BracketRule: Sendable {
  /// The bracket of a trial of a sweep of `total`; the last bracket may be cut short.
  func bracket(of trial: Int, total: Int) -> Bracket
}
