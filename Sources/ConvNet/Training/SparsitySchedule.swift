/// How many of the weights are 0 in the course of a training (Zhu and Gupta 2017): after t steps, from t₀ to t₁,
///
///     s(t) = s₁ + (s₀ − s₁)·(1 − (t − t₀)/(t₁ − t₀))³
///
/// which takes many away while there are many, and few in the end. It is looked at every so many steps, and at t₁.
public struct SparsitySchedule: Hashable, Sendable {
  /// s₀ and s₁, from 0 to below 1.
  public var initial: Double
  public var final: Double
  /// t₀ and t₁.
  public var begin: Int
  public var end: Int
  public var every: Int

  public init(initial: Double = 0, final: Double, begin: Int, end: Int, every: Int) {
    precondition(0 <= initial && initial <= final && final < 1)
    precondition(0 <= begin && begin <= end && every > 0)
    self.initial = initial
    self.final = final
    self.begin = begin
    self.end = end
    self.every = every
  }

  /// What is to be reached when so many steps are done, 0 being before the first; nil where nothing changes.
  public func sparsity(after step: Int) -> Double? {
    guard (begin...end).contains(step) else { return nil }
    if step == end { return final }
    guard (step - begin) % every == 0 else { return nil }
    let left = 1 - Double(step - begin) / Double(end - begin)
    return final + (initial - final) * (left * left * left)
  }
}
